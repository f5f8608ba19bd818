"""Prices and contracts over HTTP: who declares, who reads, what is refused, what the public is told."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, enter, system
from app.kit.page import today
from app.licensing.prices.queries import price_for
from app.licensing.prices.table import to_csv, to_xlsx
from tests.conftest import client_in
from tests.licensing.conftest import operator
from tests.licensing.prices.conftest import DAY, PRICE, contract

OFFICER = Scope("user:5", ("other_department",))
AS_OF = {"as_of": "2026-06-01"}
Objects = dict[str, int]


def declare(client: TestClient, **change: Any) -> Any:
    return client.post("/api/prices", json=PRICE | change)


def test_a_price_is_declared_listed_and_ended(client: TestClient, objects: Objects) -> None:
    made = declare(client, period="quarter", amount_vnd=18e6, type_code="A2b", urban=True, valid_from="2026-01-01")
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["vnd_month"], body["area"], body["owner"]) == (6e6, "urban", "VNPT")
    listed = client.get("/api/prices", params=AS_OF).json()
    assert (listed["matched"], [p["id"] for p in listed["prices"]]) == (1, [body["id"]])
    assert client.get("/api/prices", params=AS_OF | {"offset": 5}).json()["matched"] == 1
    end = {"valid_to": "2026-03-01", "reason": "giá mới"}
    ended = client.put(f"/api/prices/{body['id']}/end", json=end)
    assert ended.json()["valid_to"] == "2026-03-01"
    assert client.get("/api/prices", params=AS_OF).json()["matched"] == 0
    again = client.put(f"/api/prices/{body['id']}/end", json=end)
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")
    assert declare(client, type_code="A2b", urban=True, valid_from="2026-03-01").status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"owner": "NOBODY"}, 422, "unknown_organisation"),
        ({"type_code": "C1"}, 422, "unknown_type_code"),
        ({"component": "pole", "type_code": "A2b", "per": "pole"}, 422, "unknown_type_code"),
        ({"per": "metre"}, 422, "out_of_range"),
        ({"component": "pole", "per": "pole", "kind": "mast"}, 422, "out_of_range"),
        ({"urban": True, "commune": "90001"}, 422, "out_of_range"),
        ({"commune": "Xã Không Có"}, 404, "unknown_commune"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, 422, "out_of_range"),
        ({"amount_vnd": -1}, 422, None),
        ({"amount_vnd": 1e13}, 422, None),
        ({"amount_vnd": "6e6"}, 422, None),
        ({"document": "   "}, 422, None),
        ({"document": "a\x00b"}, 422, None),
        ({"price": 3}, 422, None),
    ],
)
def test_prices_that_cannot_be(
    client: TestClient, objects: Objects, change: dict[str, Any], status: int, code: str | None
) -> None:
    refused = declare(client, **change)
    assert refused.status_code == status, refused.text
    assert code is None or refused.json()["code"] == code


def test_the_same_is_not_priced_twice_on_one_day(client: TestClient, objects: Objects) -> None:
    assert declare(client).status_code == 201
    twice = declare(client, amount_vnd=1.0, period="year")
    assert (twice.status_code, twice.json()["code"]) == (409, "overlapping_validity")
    for other in ({"owner": "VIETTEL"}, {"type_code": "A2b"}, {"urban": False}, {"commune": "90001"},
                  {"kind": "mast"}, {"component": "house"}):  # fmt: skip
        assert declare(client, **other).status_code == 201, other


def test_who_reads_and_writes_prices(session: Session, objects: Objects) -> None:
    viettel, vnpt = operator(session, "VIETTEL"), operator(session, "VNPT")
    with client_in(session, vnpt) as mine:
        own = declare(mine).json()
        assert mine.get("/api/prices").json()["matched"] == 1
    with client_in(session, viettel) as other:
        assert other.get("/api/prices").json()["matched"] == 0
        stolen = declare(other)
        assert (stolen.status_code, stolen.json()["code"]) == (403, "not_yours")
        end = {"valid_to": "2027-01-01", "reason": "x"}
        hidden = other.put(f"/api/prices/{own['id']}/end", json=end)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "unknown_price")
        session.execute(
            text("""UPDATE policy.parameter SET value = '{"declared_to": "organisations"}'
                                WHERE kind = 'prices' AND name = 'disclosure'""")
        )
        assert other.get("/api/prices").json()["matched"] == 1, "told to every organisation by the policy's row"
        seen = other.put(f"/api/prices/{own['id']}/end", json=end)
        assert (seen.status_code, seen.json()["code"]) == (403, "not_yours")
    with client_in(session, OFFICER) as authority:
        assert authority.get("/api/prices").json()["matched"] == 1
    with client_in(session, Scope("user:8", ("commune_officer",), (), (1,))) as commune:
        assert commune.get("/api/prices").json()["matched"] == 0


def test_what_ends_some_day_may_end_sooner_and_never_later(client: TestClient, objects: Objects) -> None:
    until = today() + dt.timedelta(days=400)
    made = declare(client, valid_from="2026-01-01", valid_to=str(until)).json()

    def end(day: dt.date) -> tuple[int, str]:
        answer = client.put(f"/api/prices/{made['id']}/end", json={"valid_to": str(day), "reason": "x"})
        return answer.status_code, answer.json().get("code") or answer.json()["valid_to"]

    assert end(until + dt.timedelta(days=1)) == (409, "already_ended")
    assert end(today()) == (200, str(today()))
    assert end(today() - dt.timedelta(days=1)) == (409, "already_ended")


def test_a_contract_its_items_and_who_names_it(client: TestClient, session: Session, objects: Objects) -> None:
    made = client.post("/api/contracts", json=contract())
    assert made.status_code == 201, made.text
    body = made.json()
    assert [(i["object"], i["code"]) for i in body["items"]] == [("structure", "TOWN-S"), ("duct", "D1")]
    assert len(body["items"][0]["occupancies"]) == 1, "the occupancy that names HD-1"
    for scope, sees in ((operator(session, "VIETTEL"), 1), (operator(session, "MOBIFONE"), 0), (OFFICER, 1)):
        with client_in(session, scope) as caller:
            assert caller.get("/api/contracts", params=AS_OF).json()["matched"] == sees
            assert caller.get(f"/api/contracts/{body['id']}").status_code == (200 if sees else 404)
    with client_in(session, operator(session, "VIETTEL")) as lessee:
        refused = lessee.put(f"/api/contracts/{body['id']}/end", json={"valid_to": "2027-01-01", "reason": "x"})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    ended = client.put(f"/api/contracts/{body['id']}/end", json={"valid_to": "2026-02-01", "reason": "hết hạn"})
    assert ended.json()["valid_to"] == "2026-02-01"
    assert client.get("/api/contracts", params=AS_OF).json()["matched"] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lessee": "VNPT"}, "one_party"),
        ({"lessee": "NOBODY"}, "unknown_organisation"),
        ({"lessor": "VIETTEL", "lessee": "VNPT"}, "unknown_object"),
        ({"items": [{"structure": "NONE", "component": "mast"}]}, "unknown_object"),
        ({"items": [{"component": "mast"}]}, "one_object"),
        ({"items": [{"structure": "TOWN-S", "duct": "D1", "component": "mast"}]}, "one_object"),
        ({"items": [{"structure": "TOWN-S", "component": "pole"}]}, "out_of_range"),
        ({"items": [{"street": "Lê Lợi", "component": "pole"}]}, "not_the_lessors"),
        ({"items": []}, None),
        ({"items": [{"structure": "TOWN-S", "component": "mast", "slots": 0}]}, None),
    ],
)
def test_contracts_that_cannot_be(
    client: TestClient, objects: Objects, change: dict[str, Any], code: str | None
) -> None:
    refused = client.post("/api/contracts", json=contract(**change))
    assert refused.status_code == 422, refused.text
    assert code is None or refused.json()["code"] == code


def test_poles_of_a_street(client: TestClient, objects: Objects) -> None:
    street = [{"street": "le loi", "component": "pole", "slots": 40, "price_vnd_month": 4e5}]
    made = client.post("/api/contracts", json=contract(lessor="EVN", lessee="VNPT", items=street))
    assert made.status_code == 201, made.text


def test_a_lessor_cannot_let_anothers_object(session: Session, objects: Objects) -> None:
    with client_in(session, operator(session, "VIETTEL")) as client:
        for lessor in ("VIETTEL", "VNPT"):
            refused = client.post("/api/contracts", json=contract(lessor=lessor, lessee="MOBIFONE"))
            assert refused.status_code in {403, 422}
            assert refused.json()["code"] in {"not_yours", "unknown_object"}


def test_restricted_objects_are_in_no_contract_others_see(
    client: TestClient, session: Session, objects: Objects
) -> None:
    hush = {"structure": "HUSH-S", "component": "mast", "slots": 1, "price_vnd_month": 9e6}
    open_item = contract()["items"][0]
    mixed = client.post("/api/contracts", json=contract(items=[hush, open_item])).json()
    closed = client.post("/api/contracts", json=contract(number="HD-2", items=[hush])).json()
    assert len(mixed["items"]) == 2
    for scope in (OFFICER, operator(session, "VNPT"), operator(session, "VIETTEL")):
        with client_in(session, scope) as caller:
            answer = caller.get("/api/contracts", params=AS_OF)
            assert [c["number"] for c in answer.json()["contracts"]] == ["HD-1"]
            assert [i["code"] for i in answer.json()["contracts"][0]["items"]] == ["TOWN-S"]
            assert caller.get(f"/api/contracts/{closed['id']}").status_code == 404
    with client_in(session, operator(session, "VNPT")) as owner:
        refused = owner.post("/api/contracts", json=contract(number="HD-3", items=[hush]))
        assert refused.json()["code"] == "unknown_object"
    with client_in(session, OFFICER) as authority:
        (group,) = authority.get("/api/prices/comparison", params=AS_OF).json()["groups"]
    assert group["paid"]["count"] == 1
    history = "SELECT count(*) FROM audit.change WHERE table_name LIKE 'registry.sharing\\_contract%'"
    with client_in(session, OFFICER) as _:
        enter(session, OFFICER)
        assert session.scalar(text(history)) == 2, "the mixed contract and its open item"
        enter(session, system())


def test_what_the_database_itself_refuses(session: Session, objects: Objects) -> None:
    who = "(SELECT id FROM registry.organisation WHERE code = '{}')".format
    session.execute(text(f"INSERT INTO registry.sharing_contract (number, lessor_id, lessee_id, signed_on)"
                         f" VALUES ('X', {who('VNPT')}, {who('VIETTEL')}, '2026-01-01')"))  # fmt: skip
    item = "INSERT INTO registry.sharing_contract_item (contract_id, component, {}) SELECT id, '{}', {} FROM" \
           " registry.sharing_contract WHERE number = 'X'"  # fmt: skip
    for statement in (
        item.format("pole_id", "pole", objects["P1"]),
        item.format("street", "pole", "'Đường Khác'"),
        item.format("structure_id", "pole", objects["TOWN-S"]),
        f"UPDATE registry.sharing_contract SET lessee_id = {who('MOBIFONE')} WHERE number = 'X'",
        f"INSERT INTO registry.sharing_contract (number, lessor_id, lessee_id, signed_on)"
        f" VALUES ('Y', {who('VNPT')}, {who('VNPT')}, '2026-01-01')",
    ):
        nested = session.begin_nested()
        with pytest.raises(Exception, match=r"not the lessor's|parties are kept|one party|component_of_object"):
            session.execute(text(statement))
        nested.rollback()


def fill(client: TestClient) -> None:
    for owner, amount in (("VNPT", 6e6), ("VIETTEL", 5e6), ("MOBIFONE", 7e6)):
        assert declare(client, owner=owner, amount_vnd=amount).status_code == 201
    assert declare(client, owner="VNPT", component="house", amount_vnd=123456).status_code == 201
    assert client.post("/api/contracts", json=contract()).status_code == 201


def test_the_comparison_and_what_the_public_is_told(client: TestClient, session: Session, objects: Objects) -> None:
    fill(client)
    full = client.get("/api/prices/comparison", params=AS_OF).json()
    mast = next(g for g in full["groups"] if g["component"] == "mast")
    assert (mast["declared"]["least"], mast["declared"]["median"], mast["declared"]["greatest"]) == (5e6, 6e6, 7e6)
    assert mast["against_list"] | {"median_ratio": None} == {
        "compared": 1, "median_ratio": None, "above": 0, "equal": 0, "below": 1}  # fmt: skip
    assert mast["against_list"]["median_ratio"] == pytest.approx(5 / 6)
    bore = next(g for g in full["groups"] if g["component"] == "duct_bore")
    assert (bore["per"], bore["unknown"]["no_list_price"]) == ("metre", 1)
    for scope in (PUBLIC, operator(session, "VIETTEL")):
        with client_in(session, scope) as caller:
            answer = caller.get("/api/prices/comparison", params=AS_OF)
            told = answer.json()
            assert not told["everything"]
            groups = {g["component"]: g for g in told["groups"]}
            assert groups["mast"]["declared"]["median"] == 6e6
            assert groups["house"]["withheld"]["vi"]
            assert groups["house"]["declared"] is None
            for secret in ("123456", "5000000", "7000000", "VNPT", "MOBIFONE"):
                assert secret not in answer.text
            file = caller.get("/api/prices/comparison.csv", params=AS_OF)
            assert "123456" not in file.text


def test_files(client: TestClient, objects: Objects) -> None:
    fill(client)
    file = client.get("/api/prices/comparison.csv", params=AS_OF)
    assert file.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert {r["component"] for r in rows} == {"mast", "house", "duct_bore"}
    sheet = client.get("/api/prices/comparison.xlsx", params=AS_OF)
    page = openpyxl.load_workbook(io.BytesIO(sheet.content)).active
    assert page is not None
    assert page.max_row == len(rows) + 1
    assert client.get("/api/prices/comparison.exe").status_code == 422


def test_text_is_never_a_formula() -> None:
    rows = [{"a": "=1+1", "b": -3}]
    assert "'=1+1,-3" in to_csv(rows, ("a", "b")).decode("utf-8-sig")
    page = openpyxl.load_workbook(io.BytesIO(to_xlsx(rows, ("a", "b"), "x"))).active
    assert page is not None
    assert (page["A2"].value, page["A2"].data_type, page["B2"].value) == ("=1+1", "s", -3)


def test_price_for_structures(client: TestClient, session: Session, objects: Objects) -> None:
    """The most particular price wins; what is known of one side or commune only is not taken for another."""
    declare(client, amount_vnd=1e6)
    declare(client, amount_vnd=2e6, urban=True)
    declare(client, amount_vnd=3e6, type_code="A2b", urban=False, period="quarter")
    declare(client, amount_vnd=4e6, commune="90002", component="power")
    client.post("/api/contracts", json=contract())
    found = price_for(session, [objects["TOWN-S"], objects["HILL-S"]], DAY)
    town = {p.component: p for p in found[objects["TOWN-S"]]}
    hill = {p.component: p for p in found[objects["HILL-S"]]}
    assert (town["mast"].declared_vnd_month, hill["mast"].declared_vnd_month) == (2e6, 1e6)
    assert (town["mast"].contracts, town["mast"].low_vnd_month, town["mast"].high_vnd_month) == (1, 5e6, 5e6)
    assert town.keys() == {"mast"}
    assert hill["power"].declared_vnd_month == 4e6
    assert hill["mast"].as_dict()["paid_vnd_month"] is None
    assert price_for(session, [], DAY) == {}
    assert price_for(session, [objects["HUSH-S"]], DAY)[objects["HUSH-S"]][0].contracts == 0
