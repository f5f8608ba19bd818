"""Sharing requests: sent by the department, answered by owners, expired, brought to an end by mediation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.schemas import json_links
from app.database import is_department, translated
from app.errors import Conflict, Forbidden, Invalid
from app.kit.page import today
from app.licensing.applications import queries, rules, told
from app.licensing.applications.models import Application, SharingRequest
from app.licensing.applications.schemas import AnswerIn, RefusalIn, RequestIn, RequestsQuestion, SettleIn
from app.licensing.applications.service import new_reference
from app.licensing.applications.states import REQUEST_STATES, allowed, request_transition
from app.licensing.applications.states import REQUEST_TRANSITIONS as WAYS
from app.licensing.applications.working_days import add_working_days

_ASKED_IN = ("prechecked", "sharing", "mediation")


def page(session: Session, asked: RequestsQuestion) -> dict[str, Any]:
    """Return a page of the requests the caller sees: an owner those it was asked, an applicant those for it."""
    rows, matched = queries.requests(session, asked)
    links = json_links(asked, "/api/sharing-requests", matched)
    return {"items": told.requests(session, rows), "number_matched": matched, "links": links}


def ask(session: Session, application_id: int, given: RequestIn) -> dict[str, Any]:
    """Ask the owner of an object the department chooses; of a restricted one the department alone knows.

    Raises
    ------
    Conflict
        `not_now`: the application is not between check and route; `already_asked`.
    Invalid
        `one_object`, `unknown_object`, `no_owner`, `own_object`.
    """
    row = queries.application(session, application_id, lock=True)
    if row.state not in _ASKED_IN:
        raise Conflict("not_now", "Chỉ hỏi chủ sở hữu sau kiểm tra sơ bộ và trước khi chọn hướng giải quyết",
                       "Owners are asked after the pre-check and before the route", state=row.state)  # fmt: skip
    named = {name: value for name, value in given.model_dump().items() if value is not None}
    if len(named) != 1:
        raise Invalid("one_object", "Hãy nêu đúng một cột, trạm, cột treo cáp hoặc tuyến cống bể",
                      "Name exactly one structure, pole or duct", field="structure_id")  # fmt: skip
    [field] = named
    found = queries.registry_object(session, given.structure_id, given.pole_id, given.duct_id)
    if found is None:
        raise Invalid("unknown_object", "Không có công trình này", "There is no such object", field=field)
    if found["owner_id"] is None:
        raise Invalid("no_owner", "Chưa biết chủ sở hữu của công trình này", "The object's owner is not known",
                      field=field)  # fmt: skip
    if any(getattr(r, field) == named[field] and r.state != "withdrawn"
           for r in queries.requests_of(session, [row.id]).get(row.id, [])):  # fmt: skip
        raise Conflict("already_asked", "Đã hỏi chủ sở hữu công trình này", "This object's owner has been asked")
    return told.requests(session, [_send(session, row, found)])[0]


def ask_candidates(session: Session, row: Application) -> None:
    """Ask the owners of the pre-check's candidates with room, or of which that is not known, unless asked already."""
    check = queries.check(session, row.id)
    most = rules.rule(session, "sharing_request", "automatic", rules.Automatic).max_requests
    column = {"tower": "structure_id", "pole": "pole_id", "duct": "duct_id"}[row.kind]
    known = {getattr(r, column) for r in queries.requests_of(session, [row.id]).get(row.id, [])
             if r.state != "withdrawn"}  # fmt: skip
    for candidate in check.answer["candidates"] if check else ():
        if len(known) >= most:
            break
        if candidate["spare_state"] == "full" or candidate["operator_already_here"]:
            continue
        key = candidate.get("id") or queries.structure_of(session, candidate, today())
        if key is None or key in known:
            continue
        found = queries.registry_object(session, **({"structure_id": None, "pole_id": None, "duct_id": None}
                                                    | {column: key}))  # fmt: skip
        if found and found["owner_id"] not in (None, row.applicant_id, row.operator_id) and not found["restricted"]:
            _send(session, row, found)
            known.add(key)


def _send(session: Session, row: Application, found: dict[str, Any]) -> SharingRequest:
    time = rules.rule(session, "application_clock", "sharing", rules.AnswerTime)
    named = rules.rule(session, "sharing_request", "disclosure", rules.Disclosure).applicant_named
    calendar = rules.calendar_around(session, today())
    applicant = queries.organisations(session, {row.applicant_id})[row.applicant_id]
    reminded_after = max(0, time.answer_working_days - time.remind_before)
    request = SharingRequest(
        reference=new_reference("YC"), application_id=row.id, owner_id=found["owner_id"],
        due_on=add_working_days(today(), time.answer_working_days, calendar),
        remind_on=add_working_days(today(), reminded_after, calendar),
        asked={"kind": row.kind, "height_m": row.height_m, "technologies": list(row.technologies),
               "applicant": applicant if named else None,
               "object": {"kind": found["kind"], "code": found["code"]}, "synthetic": row.synthetic},
    )  # fmt: skip
    setattr(request, f"{found['kind']}_id", found["id"])
    session.add(request)
    session.flush()
    session.refresh(request)
    return request


def answer(session: Session, request_id: int, given: AnswerIn) -> dict[str, Any]:
    """Write an owner's offer, once.

    Raises
    ------
    NotFound, Conflict, Forbidden
        `unknown_request`; `illegal_transition`: it has been answered; `not_this_party`.
    """
    with _moving(session, request_id, "answer") as row:
        _offer(row, given)
    return _told(session, row)


def refuse(session: Session, request_id: int, given: RefusalIn) -> dict[str, Any]:
    """Write an owner's refusal with its reason code, once; `other` needs its text.

    Raises
    ------
    NotFound, Conflict, Forbidden
        As in `answer`.
    """
    with _moving(session, request_id, "refuse") as row:
        if given.code == "other" and not given.text.strip():
            raise Invalid("reason_required", "Lý do khác: hãy nêu rõ (text)", "Say which other reason (text)",
                          field="text")  # fmt: skip
        row.refusal_code, row.refusal_text = given.code, given.text
    return _told(session, row)


def settle(session: Session, request_id: int, given: SettleIn) -> dict[str, Any]:
    """Write what a mediation agreed on, in the department's hand.

    Raises
    ------
    NotFound, Conflict, Forbidden
        As in `answer`.
    """
    with _moving(session, request_id, "settle") as row:
        _offer(row, given)
    return _told(session, row)


def fail(session: Session, request_id: int, note: str) -> dict[str, Any]:
    """Write that a mediation came to nothing; an owner that never said why is noted as such.

    Raises
    ------
    NotFound, Conflict, Forbidden
        As in `answer`.
    """
    with _moving(session, request_id, "fail") as row:
        row.note = note
        if row.refusal_code is None:
            row.refusal_code, row.refusal_text = "other", "không trả lời trong thời hạn · no answer in time"
    return _told(session, row)


@contextmanager
def _moving(session: Session, request_id: int, action: str) -> Iterator[SharingRequest]:
    """Yield the request, locked, and change its state with what is written of it; refused, nothing is left."""
    # Seen first: a row seen but not lockable is another's to answer, one not seen does not exist.
    seen = queries.request(session, request_id)
    acting = told.parties(session, owner_id=seen.owner_id)
    way = request_transition(seen.state, action)
    if (way is not None and not acting & set(way.who)) or not acting:
        raise Forbidden("not_this_party", "Đây là việc của chủ sở hữu hoặc cơ quan quản lý",
                        "This is for the owner or the department")  # fmt: skip
    row = queries.request(session, request_id, lock=True)
    way = request_transition(row.state, action)
    if way is None:
        vi, en = REQUEST_STATES[row.state]
        raise Conflict(
            "illegal_transition",
            f"Không thực hiện được {action!r}: đề nghị ở trạng thái {vi.lower()!r}",
            f"{action!r} leads nowhere: the request is {en.lower()!r}",
            state=row.state,
            allowed_actions=allowed(row.state, acting, WAYS),
        )
    with translated(), session.begin_nested():
        yield row
        row.action, row.state = action, way.to_state
        session.flush()


def _offer(row: SharingRequest, given: AnswerIn) -> None:
    if given.valid_until is not None and given.valid_until < today():
        raise Invalid("already_over", "Ngày hết hạn của đề nghị đã qua", "The offer would be over already",
                      field="valid_until")  # fmt: skip
    row.slots, row.height_offered_m = given.slots, given.height_m
    row.price_vnd_month, row.valid_until = given.price_vnd_month, given.valid_until
    row.note = given.note if given.note is not None else row.note


def _told(session: Session, row: SharingRequest) -> dict[str, Any]:
    session.refresh(row)
    return told.requests(session, [row])[0]


def expire(session: Session, application_id: int) -> int:
    """Let the open requests of an application expire whose last day is over; return how many."""
    assert is_department(session), "the department lets requests expire"
    rows = queries.requests_of(session, [application_id]).get(application_id, [])
    late = [row for row in rows if row.state == "open" and row.due_on < today()]
    for row in late:
        row.state, row.action = "expired", "expire"
    session.flush()
    return len(late)
