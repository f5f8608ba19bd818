"""What was changed, by whom and why: for those who may know it, field by field."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.objects.kinds import KINDS, LAYERS
from tests.objects.conftest import As, patched, read
from tests.registry.two_networks import Networks

FAR = {"type": "Point", "coordinates": [107.53, 16.42211]}


@pytest.fixture
def pole(networks: Networks) -> str:
    return f"/api/objects/poles/{networks.rows['pole']['viettel']}"


def history(client: TestClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{path}/history", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["history"]
    return found


def account(session: Session, name: str, role: str, organisation: str | None = None, unit: int | None = None) -> str:
    """Add an account of one role and return it as the actor of a scope."""
    added = text("INSERT INTO accounts.account (name, display_name) VALUES (:name, :shown) RETURNING id")
    key = session.scalar(added, {"name": name, "shown": f"Ông {name}"})
    given = text(
        "INSERT INTO accounts.account_role (account_id, role, organisation_code, unit_id) VALUES (:a, :r, :o, :u)"
    )
    session.execute(given, {"a": key, "r": role, "o": organisation, "u": unit})
    return f"user:{key}"


def test_every_change_newest_first_with_what_changed(acting: As, pole: str) -> None:
    client = acting("viettel")
    patched(client, pole, height_m=9, street="Lê Lợi", reason="đo lại", batch="b-7")
    patched(client, pole, street=None)
    last, middle, first = history(client, pole)
    assert (first["operation"], middle["operation"], last["operation"]) == ("insert", "update", "update")
    assert middle["changes"] == [
        {"field": "height_m", "before": None, "after": 9, "moved_m": None},
        {"field": "street", "before": None, "after": "Lê Lợi", "moved_m": None},
    ]
    assert (middle["reason"], middle["batch"]) == ("đo lại", "b-7")
    assert last["changes"] == [{"field": "street", "before": "Lê Lợi", "after": None, "moved_m": None}]
    assert (last["reason"], last["batch"]) == (None, None)  # said of one change only
    assert {"code", "geometry"} <= {c["field"] for c in first["changes"]}


def test_a_move_in_metres(acting: As, pole: str) -> None:
    client = acting("viettel")
    before = read(client, pole)[1]["geometry"]
    patched(client, pole, geometry=FAR)
    (change,) = history(client, pole)[0]["changes"]
    assert (change["field"], change["before"], change["after"]) == ("geometry", before, FAR)
    assert change["moved_m"] == pytest.approx(950, abs=5)


def test_pages(acting: As, pole: str) -> None:
    client = acting("viettel")
    for height_m in (9, 10, 11):
        patched(client, pole, height_m=height_m)
    whole = [c["id"] for c in history(client, pole)]
    answer = client.get(f"{pole}/history", params={"limit": 3}).json()
    assert (answer["numberMatched"], answer["numberReturned"]) == (4, 3)
    following = client.get(next(link["href"] for link in answer["links"] if link["rel"] == "next")).json()
    assert [c["id"] for c in answer["history"] + following["history"]] == whole
    assert whole == sorted(whole, reverse=True)


def test_one_change_in_full(acting: As, networks: Networks, pole: str) -> None:
    client = acting("viettel")
    patched(client, pole, height_m=9)
    entry = history(client, pole)[0]
    found = client.get(f"{pole}/history/{entry['id']}").json()
    assert {k: found[k] for k in entry} == entry
    assert (found["before"]["properties"]["height_m"], found["after"]["properties"]["height_m"]) == (None, 9)
    assert found["before"]["geometry"] == found["after"]["geometry"] == read(client, pole)[1]["geometry"]
    # A change is asked for under its own object.
    other = f"/api/objects/poles/{networks.rows['pole']['rented']}"
    for wrong in (f"{other}/history/{entry['id']}", f"{pole}/history/{entry['id'] + 1}",
                  pole.replace("poles", "ducts") + f"/history/{entry['id']}"):  # fmt: skip
        assert client.get(wrong).json()["code"] == "unknown_change"


@pytest.mark.parametrize("layer", [k for k in LAYERS if KINDS[k].written])
def test_of_what_is_only_rented_there_is_no_history(
    acting: As, networks: Networks, session: Session, layer: str
) -> None:
    """An operator reads the history of its own objects and, of others', none it does not see."""
    kind, rows = KINDS[layer], networks.rows
    session.execute(text(f"UPDATE registry.{kind.table.name} SET valid_to = '2099-01-01'")
                    if "valid_to" in kind.columns else text("UPDATE registry.bore SET usable = true"))  # fmt: skip
    for name, key in rows.get(kind.table.name, {}).items():
        path = f"/api/objects/{layer}/{key}"
        seen = acting("viettel").get(path).status_code == 200
        answer = acting("viettel").get(f"{path}/history")
        assert answer.status_code == (200 if seen else 404), name
        if not seen:
            continue
        # Bores and trenches bear no organisation, villages and offices are everybody's.
        told = name in {"viettel", "viettel at shared", "viettel at rented"} or kind.everybody or layer in {
            "bores", "trenches"
        }  # fmt: skip
        assert (answer.json()["numberMatched"] > 0) == told, name
        for change in session.scalars(text("SELECT id FROM audit.change WHERE table_name = :t AND row_id = :id"),
                                      {"t": f"registry.{kind.table.name}", "id": key}).all():  # fmt: skip
            one = acting("viettel").get(f"{path}/history/{change}")
            assert one.status_code == (200 if told else 404), name


def test_the_department_and_others_read_all_histories_but_the_restricted(acting: As, networks: Networks) -> None:
    for name, key in networks.rows["pole"].items():
        path = f"/api/objects/poles/{key}/history"
        assert acting("planner").get(path).json()["numberMatched"] == 1
        assert acting("other").get(path).status_code == (404 if name == "secret" else 200)


def test_what_is_the_owners_stays_out_of_histories(acting: As, networks: Networks, session: Session) -> None:
    mast = f"/api/objects/structures/{networks.rows['structure']['vnpt']}"
    patched(acting("vnpt"), mast, load_capacity_kg=7654321.5, height_m=41)
    deal = f"/api/objects/structure_occupancies/{networks.rows['structure_occupancy']['shared']}"
    patched(acting("vnpt"), deal, price_vnd_month=4321987, contract="HĐ-77")
    for caller, told in (("other", False), ("vnpt", True), ("planner", True)):
        for path, words in ((mast, ("load_capacity_kg", "7654321.5")), (deal, ("price_vnd_month", "4321987", "HĐ-77"))):
            newest = history(acting(caller), path)[0]
            texts = [acting(caller).get(f"{path}/history").text,
                     acting(caller).get(f"{path}/history/{newest['id']}").text]  # fmt: skip
            assert all((word in t) == told for word in words for t in texts), (caller, path)
    assert [c["field"] for c in history(acting("other"), mast)[0]["changes"]] == ["height_m"]
    assert history(acting("other"), deal)[0]["changes"] == []


def test_a_buyer_is_not_told_what_was_the_sellers(acting: As, networks: Networks) -> None:
    path = f"/api/objects/cables/{networks.rows['cable']['vnpt']}"
    patched(acting("vnpt"), path, fibre_count=96)
    patched(acting("planner"), path, owner_id=networks.organisations["VIETTEL"], reason="mua bán")
    patched(acting("viettel"), path, fibre_count=48)
    mine, sale = history(acting("viettel"), path)
    assert mine["changes"] == [{"field": "fibre_count", "before": 96, "after": 48, "moved_m": None}]
    assert [c["field"] for c in sale["changes"]] == ["owner_id"]
    whole = acting("viettel").get(f"{path}/history/{sale['id']}").json()
    assert "fibre_count" not in whole["before"]["properties"]
    # The seller keeps its part, of an object it does not see any more.
    assert acting("vnpt").get(path).status_code == 404
    assert [c["operation"] for c in history(acting("vnpt"), path)] == ["update", "insert"]


def test_names_are_told_to_the_department_only(session: Session, networks: Networks) -> None:
    from app.database import Scope
    from tests.conftest import client_in

    who = networks.organisations
    people = {
        "viettel": Scope(account(session, "lan", "operator", "VIETTEL"), ("operator",), (who["VIETTEL"],)),
        "planner": Scope(account(session, "minh", "planner"), ("planner",)),
        "officer": Scope(account(session, "hoa", "commune_officer", unit=networks.commune), ("commune_officer",), (),
                         (networks.commune,)),
    }  # fmt: skip
    pole = f"/api/objects/poles/{networks.rows['pole']['viettel']}"
    village = f"/api/objects/villages/{networks.rows['village']['here']}"
    for name, path, body in (
        ("viettel", pole, {"height_m": 9}), ("planner", pole, {"height_m": 10, "reason": "đo lại"}),
        ("officer", village, {"population": 5}),
    ):  # fmt: skip
        with client_in(session, people[name]) as client:
            patched(client, path, **body)
    told = {}
    for name, scope in people.items():
        with client_in(session, scope) as client:
            told[name] = [
                tuple(c["actor"].values()) for path in (pole, village) for c in history(client, path)
                if c["operation"] == "update"
            ]  # fmt: skip
            assert ("Ông" in client.get(f"{pole}/history").text) == (name == "planner")
    assert told["viettel"] == [("department", None), ("own_organisation", None), ("commune_officer", None)]
    assert told["planner"] == [("department", "Ông minh"), ("other", "Ông lan"), ("commune_officer", "Ông hoa")]
    # An officer reads the history of what lies in its commune.
    assert told["officer"] == [("department", None), ("other", None), ("commune_officer", None)]


def test_the_function_of_names_tells_the_public_none(session: Session) -> None:
    from app.database import PUBLIC, enter

    actor = account(session, "dung", "planner")
    enter(session, PUBLIC)
    rows = session.execute(text("SELECT * FROM accounts.who_changed(:a)"), {"a": [actor, "system:root"]}).all()
    assert {tuple(r) for r in rows} == {(actor, "department", None), ("system:root", "department", None)}
