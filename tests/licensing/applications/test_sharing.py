"""Owners are asked, answer, refuse, let the time pass; the department mediates. Who sees what of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.kit import page
from app.licensing.applications import acting as acting_module
from app.licensing.applications import asking, reminders, told
from app.policy.models import Parameter
from app.sites.models import Structure
from tests.licensing.applications.conftest import As, act, asked, begun, refused


def by_code(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {r["object"]["code"]: r for r in found["requests"]}


def later(monkeypatch: pytest.MonkeyPatch, day: dt.date) -> None:
    for module in (asking, reminders, told):
        monkeypatch.setattr(module, "today", lambda: day)


def structure(session: Session, code: str) -> int:
    return int(session.scalar(select(Structure.id).where(Structure.code == code)) or 0)


def test_an_owner_sees_what_it_was_asked_and_nothing_else(acting: As) -> None:
    found = asked(acting)
    [request] = [r for r in acting("viettel").get("/api/sharing-requests").json()["items"]]
    assert request["object"]["code"] == "VTOWN-S"
    assert request["asked"]["technologies"] == ["4G", "5G"]
    assert request["allowed_actions"] == ["answer", "refuse"]
    assert request["application_id"] is None
    others = by_code(found)["VNROOM-S"]["id"]
    for what, body in (("answer", {"slots": 1}), ("refuse", {"code": "load"})):
        answer = acting("viettel").post(f"/api/sharing-requests/{others}/{what}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_request")
    assert acting("viettel").get(f"/api/applications/{found['id']}").status_code == 404
    assert acting("viettel").get("/api/applications").json()["numberMatched"] == 0
    # The applicant reads the answers and gives none, and is told codes but no positions.
    mine = acting("mobifone").get(f"/api/applications/{found['id']}").json()
    assert set(by_code(mine)["VNROOM-S"]["object"]) == {"kind", "code"}
    assert by_code(mine)["VNROOM-S"]["allowed_actions"] == []
    answer = acting("mobifone").post(f"/api/sharing-requests/{others}/answer", json={"slots": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_this_party")
    assert mine["check"] is None, "the pre-check names everybody's structures"
    assert "HUSH" not in str(mine)


def test_the_applicant_is_named_only_as_policy_decides(acting: As, session: Session) -> None:
    rule = session.query(Parameter).filter_by(kind="sharing_request", name="disclosure").one()
    rule.value = {"applicant_named": False}
    session.flush()
    asked(acting)
    answer = acting("vnpt").get("/api/sharing-requests")
    assert answer.json()["items"][0]["asked"]["applicant"] is None
    assert "MOBIFONE" not in answer.text


def test_restricted_structures_are_the_departments(acting: As, session: Session) -> None:
    found = asked(acting)
    hush = structure(session, "HUSH-S")
    address = f"/api/applications/{found['id']}/requests"
    answer = acting("planner").post(address, json={"structure_id": hush})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    assert "HUSH-S" in by_code(acting("planner").get(f"/api/applications/{found['id']}").json())
    for who in ("mobifone", "vnpt"):
        assert "HUSH" not in acting(who).get("/api/sharing-requests").text
        assert acting(who).post(f"/api/sharing-requests/{number}/answer", json={"slots": 1}).status_code == 404
    assert "HUSH" not in acting("mobifone").get(f"/api/applications/{found['id']}").text
    done = acting("planner").post(f"/api/sharing-requests/{number}/refuse", json={"code": "other", "text": "an ninh"})
    assert done.json()["state"] == "refused"
    twice = acting("planner").post(address, json={"structure_id": hush})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_asked")
    none = acting("planner").post(address, json={"structure_id": 987_654_321})
    assert (none.status_code, none.json()["code"], none.json()["field"]) == (422, "unknown_object", "structure_id")
    both = acting("planner").post(address, json={"structure_id": hush, "pole_id": 1})
    assert (both.status_code, both.json()["code"]) == (422, "one_object")


def test_an_answer_is_not_changed(acting: As) -> None:
    number = by_code(asked(acting))["VNROOM-S"]["id"]
    address = f"/api/sharing-requests/{number}"
    over = acting("vnpt").post(f"{address}/answer", json={"slots": 1, "valid_until": "2020-01-01"})
    assert (over.status_code, over.json()["code"], over.json()["field"]) == (422, "already_over", "valid_until")
    vague = acting("vnpt").post(f"{address}/refuse", json={"code": "other", "text": " "})
    assert (vague.status_code, vague.json()["code"], vague.json()["field"]) == (422, "reason_required", "text")
    assert acting("vnpt").post(f"{address}/answer", json={"slots": 1}).json()["state"] == "answered"
    for what, body in (("answer", {"slots": 2}), ("refuse", {"code": "load"})):
        again = acting("vnpt").post(f"{address}/{what}", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")


@pytest.mark.parametrize("body", [{"slots": 0}, {"slots": 1, "price_vnd_month": -1}, {"slots": 1, "height_m": 900},
                                  {}, {"slots": 1, "slot": 2}, {"slots": "many"}])  # fmt: skip
def test_offers_that_cannot_be(acting: As, body: dict[str, Any]) -> None:
    number = by_code(asked(acting))["VNROOM-S"]["id"]
    assert acting("vnpt").post(f"/api/sharing-requests/{number}/answer", json=body).status_code == 422


def test_reminders_and_expiry_then_mediation(acting: As, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(acting)
    number, due = found["id"], dt.date.fromisoformat(by_code(found)["VNROOM-S"]["due_on"])
    assert reminders.remind(session) == {"expired": [], "reminded": []}
    assert refused(acting("planner"), number, "mediate") == (409, "nothing_to_mediate")
    assert refused(acting("planner"), number, "route_permit") == (409, "request_open")
    acting("vnpt").post(f"/api/sharing-requests/{by_code(found)['VNROOM-S']['id']}/refuse", json={"code": "height"})
    later(monkeypatch, due)
    due_today = reminders.remind(session)
    assert {r["object"]["code"] for r in due_today["reminded"]} == {"VNDARK-S", "VTOWN-S"}
    assert due_today["expired"] == [], "the last day is still a day"
    assert reminders.remind(session) == {"expired": [], "reminded": []}, "once"
    assert acting("viettel").get("/api/sharing-requests").json()["items"][0]["reminded_at"] is not None
    later(monkeypatch, due + dt.timedelta(days=1))
    assert len(reminders.remind(session)["expired"]) == 2
    assert reminders.remind(session) == {"expired": [], "reminded": []}
    [late] = acting("viettel").get("/api/sharing-requests").json()["items"]
    assert (late["state"], late["overdue"], late["allowed_actions"]) == ("expired", True, ["answer", "refuse"])
    monkeypatch.undo()

    talks = act(acting("planner"), number, "mediate")
    assert {r["state"] for r in talks["requests"]} == {"mediation"}
    room, dark, own = (by_code(talks)[c]["id"] for c in ("VNROOM-S", "VNDARK-S", "VTOWN-S"))
    assert refused(acting("planner"), number, "decide_share", requests=[room]) == (422, "request_needed")
    forbidden = acting("vnpt").post(f"/api/sharing-requests/{room}/answer", json={"slots": 1})
    assert forbidden.status_code == 409
    settled = acting("planner").post(f"/api/sharing-requests/{room}/settle", json={"slots": 1, "note": "họp 3 bên"})
    assert (settled.json()["state"], settled.json()["note"]) == ("settled", "họp 3 bên")
    for key in (dark, own):
        ended = acting("planner").post(f"/api/sharing-requests/{key}/fail", json={"note": "không đồng ý"})
        assert (ended.json()["state"], ended.json()["refusal"]["code"]) == ("refused", "other")
    decided = act(acting("planner"), number, "decide_share", requests=[room])
    assert (decided["state"], decided["decision"]["request_id"]) == ("licensed", room)


def test_an_offer_that_is_over_is_not_taken(acting: As, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(acting)
    number, room = found["id"], by_code(found)["VNROOM-S"]["id"]
    offer = {"slots": 1, "valid_until": str(page.today())}
    assert acting("vnpt").post(f"/api/sharing-requests/{room}/answer", json=offer).status_code == 200
    monkeypatch.setattr(acting_module, "today", lambda: page.today() + dt.timedelta(days=1))
    assert refused(acting("planner"), number, "decide_share", requests=[room]) == (409, "offer_over")
    anew = acting("planner").post(f"/api/sharing-requests/{room}/settle", json={"slots": 1, "note": "gia hạn"})
    assert anew.json()["state"] == "settled"
    assert act(acting("planner"), number, "decide_share", requests=[room])["state"] == "licensed"


def test_too_late_is_said_so(acting: As, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(acting)
    later(monkeypatch, page.today() + dt.timedelta(days=60))
    act(acting("planner"), found["id"], "route_permit", note="vướng địa hình")
    late = acting("vnpt").post(f"/api/sharing-requests/{by_code(found)['VNROOM-S']['id']}/answer", json={"slots": 1})
    assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")


def test_expiry_needs_no_clockwork(acting: As, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(acting)
    later(monkeypatch, page.today() + dt.timedelta(days=60))
    assert {r["state"] for r in act(acting("planner"), found["id"], "mediate")["requests"]} == {"mediation"}


def test_a_withdrawn_application_asks_nobody_any_more(acting: As) -> None:
    found = asked(acting)
    act(acting("mobifone"), found["id"], "withdraw")
    [request] = acting("viettel").get("/api/sharing-requests").json()["items"]
    assert (request["state"], request["allowed_actions"]) == ("withdrawn", [])
    answer = acting("viettel").post(f"/api/sharing-requests/{request['id']}/answer", json={"slots": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_this_party") or answer.status_code == 409


def test_owners_are_asked_once_the_check_is_made(acting: As, session: Session) -> None:
    number = begun(acting("mobifone"))["id"]
    answer = acting("planner").post(f"/api/applications/{number}/requests",
                                    json={"structure_id": structure(session, "VNROOM-S")})  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (409, "not_now")


def test_nobody_but_the_parties_reads_the_tables(acting: As, session: Session) -> None:
    from app.database import PUBLIC, Scope
    from tests.registry.two_networks import scope

    asked(acting)
    for who in (PUBLIC, Scope("user:8", ("commune_officer",), (), (1,))):
        with scope(session, who):
            for table in ("application", "application_event", "application_check", "sharing_request",
                          "application_document", "document_content"):  # fmt: skip
                assert session.scalar(text(f"SELECT count(*) FROM licensing.{table}")) == 0, table
    with scope(session, Scope("user:8", ("other_department",))):
        assert session.scalar(text("SELECT count(*) FROM licensing.application")) == 1
        for table in ("application_check", "sharing_request", "application_document"):
            assert session.scalar(text(f"SELECT count(*) FROM licensing.{table}")) == 0, table
