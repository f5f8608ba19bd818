"""What each caller is told of an application: the department and the applicant all, other departments the states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from app.database import is_department, scope_of
from app.kit.page import today
from app.licensing.applications import queries, rules
from app.licensing.applications.clocks import Clock, Step, clocks
from app.licensing.applications.models import Application, Document, Event, SharingRequest
from app.licensing.applications.states import (
    REFUSAL_CODES,
    REQUEST_STATES,
    REQUEST_TRANSITIONS,
    STATES,
    allowed,
)
from app.licensing.applications.working_days import WorkingCalendar, working_days_between

_VIET_NAM = dt.timezone(dt.timedelta(hours=7))
_BY_THEMSELVES = frozenset({"expire", "mediate", "withdraw"})
"""Of a request: what happens to it through its application or its deadline, not by an address of its own."""


def local_day(moment: dt.datetime) -> dt.date:
    """Return the day of a moment in Viet Nam."""
    return moment.astimezone(_VIET_NAM).date()


def parties(session: Session, applicant_id: int | None = None, owner_id: int | None = None) -> set[str]:
    """Return as what the caller acts towards an application or a request."""
    mine = scope_of(session).organisations
    found = {"department"} if is_department(session) else set()
    return found | ({"applicant"} if applicant_id in mine else set()) | ({"owner"} if owner_id in mine else set())


def lines(session: Session, rows: Sequence[Application]) -> list[dict[str, Any]]:
    """Return applications as a list tells them."""
    names = queries.organisations(session, {i for r in rows for i in (r.applicant_id, r.operator_id)})
    events = queries.events(session, [r.id for r in rows])
    running = clocks_of(session, [(r, events.get(r.id, [])) for r in rows])
    return [_line(row, names, _current(found)) for row, found in zip(rows, running, strict=True)]


def clocks_of(session: Session, found: Sequence[tuple[Application, Sequence[Event]]]) -> list[list[Clock]]:
    """Return the clocks of each application."""
    if not found:
        return []
    days = rules.allowed_days(session)
    first = min(local_day(row.created_at) for row, _ in found)
    calendar = rules.calendar_around(session, first)
    return [clocks([Step(e.to_state, local_day(e.at)) for e in events], days, calendar, today()) for _, events in found]


def _current(found: Sequence[Clock]) -> Clock | None:
    return found[-1] if found and found[-1].ended_on is None else None


def _line(row: Application, names: dict[int, dict[str, str]], clock: Clock | None) -> dict[str, Any]:
    return {
        "id": row.id, "reference": row.reference, "kind": row.kind, "title": row.title, "state": row.state,
        "applicant": names[row.applicant_id], "operator": names[row.operator_id],
        "state_name": _both(STATES[row.state]), "route": row.route, "decision": row.decision,
        "created_at": row.created_at, "state_since": row.state_since,
        "clock": None if clock is None else asdict(clock), "synthetic": row.synthetic,
    }  # fmt: skip


def _both(words: tuple[str, str]) -> dict[str, str]:
    return {"vi": words[0], "en": words[1]}


def application(session: Session, row: Application) -> dict[str, Any]:
    """Return an application as the caller is told it."""
    names = queries.organisations(session, {row.applicant_id, row.operator_id})
    events = queries.events(session, [row.id]).get(row.id, [])
    [found] = clocks_of(session, [(row, events)])
    told = _line(row, names, _current(found)) | {"clocks": [asdict(c) for c in found]}
    acting = parties(session, row.applicant_id)
    if not acting:
        plain = ("id", "at", "action", "from_state", "to_state")
        return told | {"events": [{name: getattr(e, name) for name in plain} for e in events]}
    documents = queries.documents_of(session, [row.id]).get(row.id, [])
    people = queries.who(session, [*(e.actor for e in events), *(d.uploaded_by for d in documents)])
    recorded = {name: getattr(row, name) for name in ("structure_occupancy_id", "pole_occupancy_id",
                                                      "duct_occupancy_id") if getattr(row, name)}  # fmt: skip
    return told | draft(session, row) | {
        "as_built": row.as_built,
        "recorded": recorded or None,
        "check": check(session, row),
        "events": [_event(e, people) for e in events],
        "requests": requests(session, queries.requests_of(session, [row.id]).get(row.id, [])),
        "documents": [document(d, people) for d in documents],
        "allowed_actions": allowed(row.state, acting),
    }  # fmt: skip


def draft(session: Session, row: Application) -> dict[str, Any]:
    """Return what the applicant writes, with its version: the content the ETag stands for."""
    names = ("version", "title", "purpose", "height_m", "technologies", "in_deployment_list", "plan_entry", "as_of")
    return {name: getattr(row, name) for name in names} | {
        "geometry": queries.shape(session, row.id).geometry, "state": row.state,
    }  # fmt: skip


def check(session: Session, row: Application) -> dict[str, Any] | None:
    """Return the newest pre-check whole; row-level security keeps it in the department."""
    found = queries.check(session, row.id)
    if found is None:
        return None
    return {"answer": found.answer, "sha256": found.sha256, "advice": found.advice, "made_at": found.made_at,
            "as_of": found.as_of}  # fmt: skip


def _event(event: Event, people: dict[str, dict[str, str | None]]) -> dict[str, Any]:
    names = ("id", "at", "action", "from_state", "to_state", "note", "details", "document_ids")
    return {name: getattr(event, name) for name in names} | {"actor": people.get(event.actor)}


def document(row: Document, people: dict[str, dict[str, str | None]]) -> dict[str, Any]:
    """Return a document without its bytes."""
    return {
        "id": row.id, "name": row.name, "kind": row.kind, "size_bytes": row.size_bytes, "sha256": row.sha256.hex(),
        "step": row.step, "at": row.at,
        "uploaded_by": people.get(row.uploaded_by) or {"kind": "other", "name": None},
        "href": f"/api/applications/{row.application_id}/documents/{row.id}",
    }  # fmt: skip


def requests(session: Session, rows: Sequence[SharingRequest]) -> list[dict[str, Any]]:
    """Return sharing requests as the caller is told them."""
    if not rows:
        return []
    names = queries.organisations(session, {r.owner_id for r in rows})
    calendar = rules.calendar_around(session, min(local_day(r.sent_at) for r in rows))
    return [_request(session, row, names, calendar) for row in rows]


def _request(
    session: Session, row: SharingRequest, names: dict[int, dict[str, str]], calendar: WorkingCalendar
) -> dict[str, Any]:
    acting = parties(session, owner_id=row.owner_id)
    ended = local_day(row.answered_at) if row.answered_at else today()
    kept = ("id", "reference", "asked", "sent_at", "due_on", "reminded_at", "state", "note", "answered_at")
    refusal = None
    if row.refusal_code and row.state != "answered":
        refusal = {"code": row.refusal_code, "text": row.refusal_text, **_both(REFUSAL_CODES[row.refusal_code])}
    offer = {"slots": row.slots, "height_m": row.height_offered_m, "price_vnd_month": row.price_vnd_month,
             "valid_until": row.valid_until}  # fmt: skip
    return {name: getattr(row, name) for name in kept} | {
        "application_id": None if acting == {"owner"} else row.application_id,
        "object": _object(session, row),
        "owner": names[row.owner_id],
        "working_days_left": working_days_between(ended, row.due_on, calendar),
        "overdue": row.state in ("open", "expired") and ended > row.due_on,
        "state_name": _both(REQUEST_STATES[row.state]),
        "answer": offer if row.slots is not None else None,
        "refusal": refusal,
        "allowed_actions": [a for a in allowed(row.state, acting, REQUEST_TRANSITIONS) if a not in _BY_THEMSELVES],
    }  # fmt: skip


def _object(session: Session, row: SharingRequest) -> dict[str, Any] | None:
    """Return what is asked for; the applicant, who may not read the registry of others, is told its kind and code."""
    found = queries.object_of(session, row)
    if found is None:
        return {"kind": row.asked["object"]["kind"], "code": row.asked["object"]["code"]}
    return {name: found[name] for name in ("kind", "id", "code", "geometry", "height_m", "synthetic")}
