"""Changes between two sides read from a registry with a history, and the objects of their parts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Invalid, NotFound
from app.sharing.change_answer import described, objects_of
from app.sharing.definitions import definition
from app.sharing.explaining import Answer, Side, Unit, change
from app.sharing.service import sharing_on
from tests.conftest import client_in
from tests.publish.callers import OTHER, PLANNER, PUBLIC
from tests.sharing import registry

FIRST, LAST = dt.date(2025, 1, 1), dt.date(2026, 1, 1)
BETWEEN = dt.date(2025, 6, 1)


def moment(session: Session) -> dt.datetime:
    found: dt.datetime = session.scalar(text("SELECT clock_timestamp()"))
    return found


def lines(session: Session, code: str, who: str, **dates: dt.date) -> None:
    """Another operator's cable on a pole or in a duct, from or to a date."""
    session.execute(
        text("INSERT INTO registry.pole_occupancy (pole_id, tenant_id, valid_from, valid_to, source, synthetic)"
             " SELECT p.id, :who, :valid_from, :valid_to, '', false FROM registry.pole p WHERE p.code = :code"),
        {"code": code, "who": registry.organisation(session, who), "valid_from": None, "valid_to": None} | dates,
    )  # fmt: skip


@pytest.fixture
def before(session: Session) -> dt.datetime:
    """Poles of two communes whose common edge moves at the turn of 2025; the moment before two corrections."""
    add = registry
    ends: dict[str, Any] = {"valid_from": dt.date(2020, 1, 1), "valid_to": BETWEEN}
    add.commune(session, "90001", 107.5, 16.4, **ends)
    add.commune(session, "90001", 107.5, 16.4, size=0.15, valid_from=BETWEEN)
    add.commune(session, "90002", 107.65, 16.4, size=0.05, valid_from=BETWEEN)
    add.commune(session, "90002", 107.6, 16.4, **ends)
    for i in range(4):
        add.pole(session, f"STAYS-{i}", 107.51, 16.41, "VIETTEL")
    add.pole(session, "SHARED", 107.52, 16.41, "VIETTEL;VNPT")
    add.pole(session, "GONE", 107.52, 16.42, "VIETTEL;VNPT", valid_to=BETWEEN)
    add.pole(session, "NEW", 107.52, 16.43, "VIETTEL;VNPT", valid_from=BETWEEN)
    add.pole(session, "JOINED", 107.52, 16.44, "VIETTEL")
    add.pole(session, "LEFT", 107.52, 16.45, "VIETTEL")
    add.pole(session, "FIRST-TENANT", 107.52, 16.46, surveyed_on=FIRST)
    add.pole(session, "CLARIFIED", 107.52, 16.47, "VIETTEL;?")
    add.pole(session, "MOVED", 107.64, 16.41, "VIETTEL")  # in the second commune, then in the first
    lines(session, "JOINED", "VNPT", valid_from=BETWEEN)
    lines(session, "LEFT", "VNPT", valid_to=BETWEEN)
    lines(session, "FIRST-TENANT", "VNPT", valid_from=BETWEEN)
    lines(session, "CLARIFIED", "VNPT", valid_from=BETWEEN)
    known = moment(session)
    session.execute(text("UPDATE registry.pole SET geom = ST_SetSRID(ST_Point(107.99, 16.99), 4326)"
                         " WHERE code = 'STAYS-3'"))  # fmt: skip
    lines(session, "STAYS-0", "VNPT")
    return known


def asked(session: Session, code: str = "P2", **more: Any) -> Answer:
    about = definition(code)
    a = {"as_of": FIRST, "known_at": None, "definition": about, "boundaries": FIRST} | more.pop("a", {})
    b = {"as_of": LAST, "known_at": None, "definition": about, "boundaries": LAST} | more.pop("b", {})
    return change(session, Side(**a), Side(**b), more.get("unit"))


def told(session: Session, answer: Answer) -> dict[str, tuple[list[str], tuple[float, ...]]]:
    """Return the objects and the sums of every part that is not empty."""
    body = described(answer)
    found = {}
    for part in body["parts"]:
        features, matched = objects_of(session, answer, part["part"], 100, 0)
        assert matched == len(features) == part["objects"]
        counted = ("numerator", "denominator", "unknown")
        if features:
            codes = sorted(f["properties"]["code"] for f in features)
            found[part["part"]] = (codes, tuple(part[c] for c in counted))
        for c in counted:
            assert sum(f["properties"]["after"][c] - f["properties"]["before"][c] for f in features) == part[c]
    for c in ("numerator", "denominator", "unknown"):
        assert body["from"][c] + sum(p[c] for p in body["parts"]) == body["to"][c]
    if body["points_reason"]:
        assert {p["points"] for p in body["parts"]} == {body["points"]} == {None}
        return found
    assert sum(p["points"] for p in body["parts"]) == pytest.approx(body["to"]["ratio"] - body["from"]["ratio"])
    assert body["points"] == pytest.approx(body["to"]["ratio"] - body["from"]["ratio"])
    return found


def test_every_heading_in_the_whole_province(session: Session, before: dt.datetime) -> None:
    answer = asked(session, a={"known_at": before})
    assert told(session, answer) == {
        "correction": (["STAYS-0"], (1, 0, 0)),
        "built": (["NEW"], (1, 1, 0)),
        "removed": (["GONE"], (-1, -1, 0)),
        "newly_shared": (["JOINED"], (1, 0, 0)),
        "newly_unshared": (["LEFT"], (-1, 0, 0)),
        "clarified": (["CLARIFIED"], (1, 0, -1)),
        "use_changed": (["FIRST-TENANT"], (0, 1, 0)),
    }
    ends = described(answer)
    for name, day in (("from", FIRST), ("to", LAST)):
        ratio = sharing_on(session, day, wanted="P2")["ratios"][0]
        if name == "to":
            assert [ends[name][k] for k in ("numerator", "denominator", "unknown")] == [
                ratio[k] for k in ("numerator", "denominator", "unknown")
            ]
    assert ends["from"]["numerator"] == 3


def test_a_commune_loses_what_was_moved_by_its_boundary_alone(session: Session, before: dt.datetime) -> None:
    answer = asked(session, a={"known_at": before}, unit=Unit("commune", "xa 90001"))
    parts = told(session, answer)
    assert parts["boundary"] == (["MOVED"], (0, 1, 0))
    assert parts["correction"] == (["STAYS-0", "STAYS-3"], (1, -1, 0))
    assert answer.units == (("90001", "Xã 90001"),) * 2
    same = asked(session, a={"boundaries": LAST}, unit=Unit("commune", "90001"))
    assert "boundary" not in told(session, same)
    assert told(session, asked(session, unit=Unit("commune", "90002"))) == {"boundary": (["MOVED"], (0, -1, 0))}


def test_another_definition_is_a_part_of_its_own(session: Session, before: dt.datetime) -> None:
    registry.pole(session, "EVN", 107.52, 16.48, "EVN:power;VIETTEL", owner="EVN")
    parts = told(session, asked(session, "P1", a={"definition": definition("P2"), "as_of": LAST}))
    assert parts == {"definition": (["EVN"], (1, 0, 0))}
    with pytest.raises(Invalid) as refused:
        asked(session, "D1", a={"definition": definition("D2")})
    assert refused.value.code == "definitions_not_comparable"


def test_trenches_and_routes_keep_their_identity(session: Session) -> None:
    registry.duct(session, "D-A", "107.51 16.43, 107.52 16.43", "VNPT", trench="T1", route="B")
    registry.duct(session, "D-B", "107.51 16.4301, 107.521 16.4301", "VIETTEL", trench="T1", route="B",
                  valid_from=BETWEEN)  # fmt: skip
    registry.duct(session, "D-C", "107.51 16.44, 107.52 16.44", "VNPT", route="A", valid_from=BETWEEN)
    length: dict[str, float] = {c: m for c, m in session.execute(text("SELECT code, length_m FROM registry.duct"))}
    found = told(session, asked(session, "D1"))
    assert {part: codes for part, (codes, _) in found.items()} == {"newly_shared": ["D-B"], "built": ["D-C"]}
    assert found["newly_shared"][1] == pytest.approx((length["D-B"], length["D-B"] - length["D-A"], 0), abs=1e-5)
    assert told(session, asked(session, "D3")) == {
        "newly_shared": (["D-B"], (1, 0, 0)), "built": (["D-C"], (0, 1, 0)),
    }  # fmt: skip
    assert told(session, asked(session, "D2")) == {"built": (["D-B", "D-C"], (0, 2, 0))}


def test_refusals(session: Session, before: dt.datetime) -> None:
    with pytest.raises(Invalid) as reversed_:
        asked(session, a={"as_of": LAST}, b={"as_of": FIRST})
    assert reversed_.value.code == "dates_reversed"
    with pytest.raises(NotFound) as nowhere:
        asked(session, unit=Unit("commune", "nowhere"))
    assert nowhere.value.code == "unknown_commune"
    assert "Không có xã, phường" in nowhere.value.vi
    with pytest.raises(NotFound) as nothing:
        objects_of(session, asked(session), "miracle", 10, 0)
    assert nothing.value.code == "unknown_part"


def test_over_http(session: Session, before: dt.datetime) -> None:
    params = {"definition": "P2", "from": str(FIRST), "to": str(LAST), "known_from": before.isoformat()}
    with client_in(session, OTHER) as client:
        body = client.get("/api/sharing/change", params=params).json()
        assert [p["part"] for p in body["parts"] if p["objects"]] == [
            "correction", "built", "removed", "newly_shared", "newly_unshared", "clarified", "use_changed",
        ]  # fmt: skip
        listed = client.get("/api/sharing/change/objects", params=params | {"part": "built", "limit": "1"}).json()
        assert (listed["numberMatched"], listed["features"][0]["properties"]["code"]) == (1, "NEW")
        assert "from=2025-01-01" in listed["links"][0]["href"]
        assert client.get(listed["links"][0]["href"]).json()["features"] == listed["features"]
    with client_in(session, PLANNER) as client:
        for more, code in (
            ({"from_snapshot": "1"}, "one_start"), ({"to_snapshot": "1"}, "one_end"),
            ({"commune": "1", "district": "1"}, "one_unit"), ({"definition": "Z9"}, "unknown_definition"),
            ({"definition_from": "S1"}, "definitions_not_comparable"), ({"commune": "moon"}, "unknown_commune"),
        ):  # fmt: skip
            answer = client.get("/api/sharing/change", params=params | more)
            assert (answer.status_code in (404, 422), answer.json()["code"]) == (True, code), more
        lost = client.get("/api/sharing/change", params={"definition": "P2", "from_snapshot": "99"})
        assert (lost.status_code, lost.json()["code"]) == (404, "unknown_snapshot")


def test_restricted_poles_count_for_the_department_alone(session: Session, before: dt.datetime) -> None:
    registry.pole(session, "BUNKER", 107.52, 16.43, "VIETTEL;VNPT", valid_from=BETWEEN, restricted=True)
    params = {"definition": "P2", "from": str(FIRST), "to": str(LAST)}
    built = {}
    for name, scope in (("other", OTHER), ("planner", PLANNER)):
        with client_in(session, scope) as client:
            body = client.get("/api/sharing/change/objects", params=params | {"part": "built"}).json()
            built[name] = {f["properties"]["code"] for f in body["features"]}
    assert built == {"other": {"NEW"}, "planner": {"NEW", "BUNKER"}}
    with client_in(session, PUBLIC) as client:  # who may ask at all is tests/test_permissions.py's matter
        assert "BUNKER" not in client.get("/api/sharing", params={"by": "commune"}).text
