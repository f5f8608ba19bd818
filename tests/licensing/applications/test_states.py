"""The table of transitions: the same in code and database, and nothing else is possible in either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import Scope
from app.licensing.applications import guards
from app.licensing.applications.states import (
    ENDED,
    REQUEST_STATES,
    REQUEST_TRANSITIONS,
    STATES,
    TRANSITIONS,
    allowed,
    transition,
)
from tests.licensing.applications.conftest import As, act, asked, begun, scopes
from tests.registry.two_networks import scope


@pytest.mark.parametrize(
    ("table", "ways"), [("application_transition", TRANSITIONS), ("sharing_request_transition", REQUEST_TRANSITIONS)]
)
def test_code_and_database_hold_the_same_table(session: Session, table: str, ways: Any) -> None:
    rows = session.execute(text(f"SELECT from_state, action, to_state, who FROM licensing.{table}")).all()
    assert {(f, a, t, tuple(sorted(w))) for f, a, t, w in rows} == {
        (w.from_state, w.action, w.to_state, tuple(sorted(w.who))) for w in ways
    }
    assert len(rows) == len(ways), "an action leads to one state"


def test_every_state_is_reached_and_left_and_every_guard_exists() -> None:
    assert {t.to_state for t in TRANSITIONS} | {"draft"} == set(STATES)
    assert set(STATES) - {t.from_state for t in TRANSITIONS} == {"closed", "withdrawn"}
    assert {t.to_state for t in REQUEST_TRANSITIONS} | {"open"} == set(REQUEST_STATES)
    assert {g for t in TRANSITIONS for g in t.guards} == set(guards.GUARDS)
    assert {t.from_state for t in TRANSITIONS if t.action == "withdraw"} & ENDED == set()


@given(st.lists(st.sampled_from(sorted({t.action for t in TRANSITIONS})), max_size=40))
def test_nothing_is_licensed_without_a_check(actions: list[str]) -> None:
    state, seen = "draft", ["draft"]
    for action in actions:
        way = transition(state, action)
        if way is not None:
            state = way.to_state
            seen.append(state)
    if "licensed" in seen:
        assert seen.index("prechecked") < seen.index("licensed")
    if "closed" in seen:
        assert seen.index("built") < seen.index("closed")


def test_nobody_may_do_anything_without_being_a_party() -> None:
    assert all(allowed(state, set()) == [] for state in STATES)


@contextmanager
def told_no(session: Session) -> Iterator[list[str]]:
    """Expect the database's refusal; the name of the rule, or the SQLSTATE, is what is yielded."""
    found: list[str] = []
    nested = session.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        yield found
    nested.rollback()
    original: Any = caught.value.orig
    found.append(original.diag.constraint_name or original.sqlstate)


ATTACKS = [
    ("viettel", "state = 'licensed', action = 'grant_permit', decision = '{}'", "ck_application_transition"),
    ("viettel", "state = 'submitted', action = 'grant_permit'", "ck_application_frozen"),
    ("viettel", "state = 'draft', action = 'submit'", "ck_application_transition"),
    ("viettel", "state = 'prechecked', action = 'precheck'", "42501"),
    ("planner", "state = 'prechecked', action = 'precheck'", "ck_application_checked"),
    ("planner", "state = 'withdrawn', action = 'withdraw'", "42501"),
    ("planner", "state = 'returned', action = 'return'", "ck_application_reason"),
    ("planner", "state = 'returned', action = 'return', note = 'x', title = 'y'", "ck_application_frozen"),
    ("planner", "state = 'returned', action = 'return', note = 'x', decision = '{}'", "ck_application_frozen"),
    ("planner", "state = 'returned', action = 'return', note = 'x', document_ids = '{99}'",
     "ck_application_documents"),
    ("viettel", "title = 'another'", "ck_application_frozen"),
    ("viettel", "height_m = 200", "ck_application_frozen"),
    ("viettel", "geom = ST_Translate(geom, 0.000000001, 0)", "ck_application_frozen"),
    ("viettel", "version = 1", "ck_application_frozen"),
    ("viettel", "reference = 'HS-X'", "ck_application_frozen"),
    ("planner", "applicant_id = (SELECT id FROM organisation WHERE code = 'VNPT')", "ck_application_frozen"),
    ("viettel", "id = DEFAULT", None),
    ("planner", "created_at = '2020-01-01'", "ck_application_frozen"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "change", "rule"), ATTACKS)
def test_the_database_refuses_what_the_table_has_not(
    acting: As, session: Session, who: str, change: str, rule: str | None
) -> None:
    number = begun(acting("viettel"))["id"]
    act(acting("viettel"), number, "submit")
    with scope(session, scopes(session)[who]):
        with told_no(session) as found:
            session.execute(text(f"UPDATE licensing.application SET {change} WHERE id = :id"), {"id": number})
    if rule is not None:
        assert found == [rule]


LATER = [
    ("state = 'licensed', action = 'decide_share', decision = '{}'", "ck_application_offered"),
    ("state = 'licensed', action = 'decide_share', decision = jsonb_build_object('request_id',"
     " (SELECT min(r.id) FROM licensing.sharing_request r))", "ck_application_offered"),
    ("state = 'mediation', action = 'mediate'", "ck_application_asked"),
    ("state = 'permit_review', action = 'route_permit', route = 'permit'", "ck_application_open_request"),
    ("state = 'permit_review', action = 'route_permit', route = 'permit', structure_occupancy_id = 1",
     "ck_application_frozen"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule"), LATER)
def test_the_database_refuses_what_owners_have_not_answered(
    acting: As, session: Session, change: str, rule: str
) -> None:
    number = asked(acting)["id"]
    with scope(session, scopes(session)["planner"]), told_no(session) as found:
        session.execute(text(f"UPDATE licensing.application SET {change} WHERE id = :id"), {"id": number})
    assert found == [rule]


def test_the_database_waits_for_the_end_of_a_mediation(acting: As, session: Session) -> None:
    found = asked(acting)
    for request in found["requests"]:
        acting("planner").post(f"/api/sharing-requests/{request['id']}/refuse", json={"code": "load"})
    act(acting("planner"), found["id"], "mediate")
    with scope(session, scopes(session)["planner"]), told_no(session) as refusal:
        session.execute(text("""UPDATE licensing.application
            SET state = 'permit_review', action = 'route_permit', route = 'permit' WHERE id = :id"""),
            {"id": found["id"]})  # fmt: skip
    assert refusal == ["ck_application_open_request"]


@pytest.mark.parametrize("state", sorted(set(STATES) - {"draft"}))
def test_every_application_begins_as_a_draft(acting: As, session: Session, state: str) -> None:
    acting("viettel")
    statement = """
        INSERT INTO licensing.application (reference, kind, applicant_id, operator_id, title, geom, as_of, state)
        SELECT 'HS-X', 'tower', o.id, o.id, 't', ST_SetSRID(ST_MakePoint(107.5, 16.4), 4326), '2026-01-01', :state
        FROM organisation o WHERE o.code = 'VIETTEL'
    """
    with scope(session, scopes(session)["viettel"]), told_no(session) as found:
        session.execute(text(statement), {"state": state})
    assert found == ["ck_application_transition"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO licensing.application_event (application_id, to_state, action, actor) SELECT id, 'licensed', 'x',"
        " 'x' FROM licensing.application LIMIT 1",
        "UPDATE licensing.application_event SET note = 'x'",
        "DELETE FROM licensing.application_event",
        "DELETE FROM licensing.application",
        "UPDATE licensing.application_check SET advice = 'share'",
        "UPDATE licensing.application_transition SET to_state = 'licensed'",
        "INSERT INTO licensing.application_transition VALUES ('draft', 'x', 'licensed', '{applicant}')",
        "UPDATE licensing.application_document SET name = 'x'",
        "UPDATE licensing.document_content SET content = 'x'",
        "ALTER TABLE licensing.application DISABLE TRIGGER ALL",
        "TRUNCATE licensing.application",
    ],
)
def test_history_is_not_rewritten(acting: As, session: Session, statement: str) -> None:
    begun(acting("viettel"))
    with scope(session, Scope("user:9", ("planner", "administrator"))), told_no(session) as found:
        session.execute(text(statement))
    assert found == ["42501"]


def test_every_change_of_state_leaves_its_event(acting: As, session: Session) -> None:
    number = begun(acting("viettel"))["id"]
    with scope(session, scopes(session)["viettel"]):
        session.execute(
            text("UPDATE licensing.application SET state = 'submitted', action = 'submit', note = 'x' WHERE id = :id"),
            {"id": number},
        )
    last = acting("viettel").get(f"/api/applications/{number}").json()["events"][-1]
    assert (last["action"], last["note"], last["actor"]["kind"]) == ("submit", "x", "other")


def test_an_action_that_leads_nowhere_says_what_does(acting: As) -> None:
    number = begun(acting("viettel"))["id"]
    answer = acting("planner").post(f"/api/applications/{number}/actions/grant_permit", json={"number": "1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert answer.json()["allowed_actions"] == ["submit"]
    answer = acting("planner").post(f"/api/applications/{number}/actions/withdraw", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_this_party")
    answer = acting("planner").post(f"/api/applications/{number}/actions/win", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_action")


REQUEST_ATTACKS = [
    ("vnpt", "state = 'settled', action = 'settle', slots = 1", "42501-or-transition"),
    ("vnpt", "state = 'expired', action = 'expire'", "42501"),
    ("vnpt", "due_on = due_on + 90", "ck_sharing_request_frozen"),
    ("vnpt", "slots = 3", "ck_sharing_request_frozen"),
    ("vnpt", "reminded_at = now()", "ck_sharing_request_frozen"),
    ("planner", "asked = '{}'", "ck_sharing_request_frozen"),
    ("planner", "state = 'settled', action = 'settle', slots = 1", "ck_sharing_request_transition"),
    ("planner", "owner_id = (SELECT id FROM organisation WHERE code = 'VIETTEL')", "ck_sharing_request_frozen"),
]


@pytest.mark.parametrize(("who", "change", "rule"), REQUEST_ATTACKS)
def test_an_answer_is_given_once_and_by_the_owner(
    acting: As, session: Session, who: str, change: str, rule: str
) -> None:
    found = asked(acting)
    [number] = [r["id"] for r in found["requests"] if r["object"]["code"] == "VNROOM-S"]
    with scope(session, scopes(session)[who]), told_no(session) as refusal:
        session.execute(text(f"UPDATE licensing.sharing_request SET {change} WHERE id = :id"), {"id": number})
    assert refusal == [rule] or rule == "42501-or-transition"


@pytest.mark.parametrize("who", ["mobifone", "viettel", "other"])
def test_nobody_answers_for_another(acting: As, session: Session, who: str) -> None:
    found = asked(acting)
    [number] = [r["id"] for r in found["requests"] if r["object"]["code"] == "VNROOM-S"]
    with scope(session, scopes(session)[who]):
        done: Any = session.execute(
            text(
                "UPDATE licensing.sharing_request SET state = 'answered', action = 'answer', slots = 1 WHERE id = :id"
            ),
            {"id": number},
        )
    assert done.rowcount == 0
