"""Ratios and the objects they counted, by who asks."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.roles import EXTENSION, SIGNED_IN
from app.database import PUBLIC, Scope, enter, scope_of, system
from app.main import create_app
from app.sharing.service import sharing_on
from app.sharing.snapshots import freeze
from tests.conftest import client_in
from tests.publish.callers import OTHER, PLANNER, looks, officer, operator
from tests.registry.two_networks import Networks, build
from tests.sharing import registry
from tests.sharing.registry import DAY

FIGURES = ("numerator", "denominator", "unknown", "unknown_in_denominator", "ratio", "ratio_low", "ratio_high")


@pytest.fixture
def networks(session: Session) -> Networks:
    return build(session)


def ask(session: Session, scope: Scope, path: str = "/api/sharing", **params: str) -> dict[str, Any]:
    with client_in(session, scope) as client:
        answer = client.get(path, params={"as_of": str(DAY)} | params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


def figures(rows: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {r["definition"]: tuple(r[f] for f in FIGURES) for r in rows}


def test_ratios_are_the_same_whoever_asks_but_for_the_restricted(session: Session, networks: Networks) -> None:
    """Three open objects of each kind, and one restricted."""
    answers = {
        name: figures(ask(session, scope)["ratios"])
        for name, scope in (("public", PUBLIC), ("operator", operator(networks)), ("officer", officer(networks)),
                            ("other", OTHER))
    }  # fmt: skip
    assert len({repr(a) for a in answers.values()}) == 1
    planner = figures(ask(session, PLANNER)["ratios"])
    assert (answers["public"]["S1"][:3], planner["S1"][:3]) == ((1, 3, 0), (1, 4, 0))
    assert (answers["public"]["P2"][:3], planner["P2"][:3]) == ((1, 3, 0), (1, 4, 0))
    assert (answers["public"]["D2"][:3], planner["D2"][:3]) == ((1, 3, 0), (1, 4, 0))
    assert scope_of(session) == system()


def test_restricted_objects_cannot_be_had_by_subtraction(session: Session, networks: Networks) -> None:
    """Whatever others are told, on any ground, adds up without them."""
    for by in ("commune", "urban", "owner_kind"):
        for scope in (OTHER, PUBLIC, operator(networks, "VNPT")):
            before = ask(session, scope, by=by)
            session.execute(text("UPDATE registry.pole SET geom = ST_Translate(geom, 0.2, 0), restricted = true"
                                 " WHERE code = 'secret-P'"))  # fmt: skip
            moved = ask(session, scope, by=by)
            assert moved == before, "where a restricted object stands changes nothing"


def test_few_objects_are_withheld_with_a_reason(session: Session, networks: Networks) -> None:
    by_commune = ask(session, PUBLIC, by="commune", definition="P1")
    assert by_commune["ratios"][0]["denominator"] == 3
    rows = {r["scope_code"]: r for r in by_commune["breakdown"]}
    assert rows.keys() == {"1", "2"}
    for row in rows.values():  # one pole here, two there
        assert row["withheld"] is True
        assert {row[f] for f in FIGURES} == {None}
        assert row["reason"]["vi"] != row["reason"]["en"]
    told = {r["scope_code"]: r["denominator"] for r in ask(session, OTHER, by="commune", definition="P1")["breakdown"]}
    assert told == {"1": 1, "2": 2}, "who reads all is told all"


def test_streets_and_years_of_few_objects_are_withheld_too(session: Session, networks: Networks) -> None:
    session.execute(text("UPDATE registry.pole SET street = CASE WHEN code = 'vnpt-P' THEN 'Ngõ nhỏ' END"))
    rows = ask(session, PUBLIC, by="street", definition="P1")["breakdown"]
    assert {(r["scope_code"], r["withheld"]) for r in rows} == {("ngo nho", True), (None, True)}
    told = {r["scope_code"]: r["denominator"] for r in ask(session, OTHER, by="street", definition="P1")["breakdown"]}
    assert told == {"ngo nho": 1, None: 2}
    session.execute(text("UPDATE registry.pole SET valid_from = '2025-06-01' WHERE code = 'vnpt-P'"))
    years = ask(session, PUBLIC, by="year", definition="P1")["breakdown"]
    assert [r["withheld"] for r in years] == [True, True, True, False]


def test_a_whole_of_few_objects_is_withheld_too(session: Session) -> None:
    registry.site(session, "S-0", 107.51, 16.41, "VIETTEL VNPT")
    registry.site(session, "S-1", 107.52, 16.41, "VIETTEL")
    hidden = ask(session, PUBLIC, definition="S1")["ratios"][0]
    assert (hidden["withheld"], hidden["met"], hidden["reasons"]) == (True, None, [])
    assert {hidden[f] for f in FIGURES} == {None}
    assert ask(session, OTHER, definition="S1")["ratios"][0]["ratio"] == 50
    session.execute(text("""UPDATE policy.parameter SET value = '{"min_objects": 0}' WHERE kind = 'disclosure'"""))
    assert ask(session, PUBLIC, definition="S1")["ratios"][0]["ratio"] == 50, "the department may tell everything"


def test_an_operator_is_told_its_own_figure_only(session: Session, networks: Networks) -> None:
    rows = ask(session, operator(networks), by="operator", definition="S1")["breakdown"]
    told = {r["scope_code"]: r["denominator"] for r in rows if not r["withheld"]}
    assert told == {"VIETTEL": 2}
    assert {"VNPT", "MOBIFONE"} <= {r["scope_code"] for r in rows}, "with objects or without, the same answer"
    assert {r["scope_code"] for r in ask(session, PUBLIC, by="operator", definition="S1")["breakdown"]
            if not r["withheld"]} == set()  # fmt: skip
    assert {r["scope_code"]: r["denominator"] for r in ask(session, OTHER, by="operator", definition="S1")["breakdown"]
            } == {"VIETTEL": 2, "VNPT": 2}  # fmt: skip


OBJECTS = {"a3": ("SITE", {"VIETTEL-SITE", "SHARED-SITE"}), "a4": ("P", {"viettel-P", "rented-P"}),
           "a5": ("D", {"viettel-D", "rented-D"})}  # fmt: skip


@pytest.mark.parametrize("indicator", OBJECTS)
def test_the_objects_of_a_figure_are_those_the_caller_sees(
    session: Session, networks: Networks, indicator: str
) -> None:
    path = f"/api/sharing/{indicator}/objects"
    for params in ({}, {"commune": "1"}, {"commune": "2"}, {"limit": "1"}, {"limit": "1", "offset": "1"}):
        for counted in ("numerator", "denominator", "unknown"):
            body = ask(session, operator(networks), path, counted=counted, **params)
            found = {f["properties"]["code"] for f in body["features"]}
            assert found <= OBJECTS[indicator][1]
            assert body["numberMatched"] <= len(OBJECTS[indicator][1])
            assert "vnpt-" not in str(body).lower().replace("'vnpt'", "")
            assert "secret" not in str(body).lower()
    whole = ask(session, operator(networks), path, counted="denominator")
    assert (whole["numberMatched"], whole["numberReturned"]) == (2, 2)
    assert {f["properties"]["code"] for f in whole["features"]} == OBJECTS[indicator][1]
    assert ask(session, OTHER, path, counted="denominator")["numberMatched"] == 3


def test_who_may_ask() -> None:
    paths = create_app().openapi()["paths"]
    assert paths["/api/sharing"]["get"][EXTENSION] == ["public"]
    assert paths["/api/sharing/{indicator}/objects"]["get"][EXTENSION] == list(SIGNED_IN)


def test_a_tenant_is_not_told_who_else_is_there(session: Session, networks: Networks) -> None:
    body = ask(session, operator(networks), "/api/sharing/a3/objects", counted="denominator")
    found = {f["properties"]["code"]: f["properties"] for f in body["features"]}
    shared, own = found["SHARED-SITE"], found["VIETTEL-SITE"]
    assert (shared["tenants"], shared["k"], shared["numerator"]) == (["VIETTEL"], None, None)
    assert "VNPT" not in str(shared)
    assert shared["why"]["vi"] != shared["why"]["en"]
    assert (own["tenants"], own["k"], own["denominator"]) == (["VIETTEL"], 1, 1)
    owner = ask(session, operator(networks, "VNPT"), "/api/sharing/a3/objects", counted="numerator")
    assert [f["properties"]["tenants"] for f in owner["features"]] == [["VIETTEL", "VNPT"]]


def test_a_shared_trench_does_not_show_the_others_duct(session: Session) -> None:
    """The longest duct of a trench stands for it; one that the caller may not see is not drawn for its sake."""
    who = {code: registry.organisation(session, code) for code in ("VIETTEL", "VNPT")}
    registry.duct(session, "MINE", "107.51 16.43, 107.52 16.43", "VIETTEL", trench="T", owner_id=who["VIETTEL"])
    registry.duct(session, "THEIRS", "107.51 16.4301, 107.521 16.4301", "VNPT", trench="T", owner_id=who["VNPT"])
    mine = Scope("user:1", ("operator",), (who["VIETTEL"],))
    for definition, listed in (("D1", 0), ("D2", 1), ("D3", 1)):
        body = ask(session, mine, "/api/sharing/a5/objects", definition=definition, counted="denominator")
        assert body["numberMatched"] == listed
        assert "THEIRS" not in str(body)
        assert "16.4301" not in str(body)


def test_levels_count_in_lists_too(session: Session, networks: Networks) -> None:
    session.execute(text("UPDATE policy.disclosure SET level = 'owner' WHERE layer = 'poles'"
                         " AND attribute IN ('code', 'occupants', 'geometry')"))  # fmt: skip
    told = ask(session, OTHER, "/api/sharing/a4/objects", counted="denominator")["features"]
    assert {(f["properties"]["code"], f["properties"]["tenants"], f["geometry"]) for f in told} == {(None, None, None)}
    mine = ask(session, operator(networks), "/api/sharing/a4/objects", counted="denominator")["features"]
    assert {f["properties"]["code"] for f in mine} == {"viettel-P", None}


def test_a_look_at_restricted_objects_is_written_down(session: Session, networks: Networks) -> None:
    ask(session, OTHER, "/api/sharing/a4/objects", counted="denominator")
    ask(session, PLANNER, "/api/sharing/a4/objects", counted="numerator")
    assert looks(session) == []
    body = ask(session, PLANNER, "/api/sharing/a4/objects", counted="denominator")
    assert {f["properties"]["code"] for f in body["features"] if f["properties"].get("restricted")} == {"secret-P"}
    assert looks(session) == [("user:2", "list", "poles", True)]


def test_snapshots_are_the_departments(session: Session, networks: Networks) -> None:
    kept = freeze(session, DAY, "x")
    assert next(r["denominator"] for r in kept.results if r["definition"] == "S1") == 4, "the restricted one counts"
    query = text("SELECT id FROM registry.sharing_snapshot")
    for scope, seen in ((PUBLIC, []), (operator(networks), []), (OTHER, []), (PLANNER, [kept.id])):
        enter(session, scope)
        assert list(session.scalars(query)) == seen
    enter(session, PUBLIC)
    with pytest.raises(AssertionError, match="restricted"):
        freeze(session, DAY, "x")


def test_scope_comes_back_after_figures(session: Session, networks: Networks) -> None:
    mine = operator(networks)
    enter(session, mine)
    sharing_on(session, DAY, by="commune")
    assert scope_of(session) == mine
    assert set(session.scalars(text("SELECT code FROM pole"))) == {"viettel-P", "rented-P"}
