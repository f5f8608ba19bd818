"""One action on an application: who may, on what conditions, what else it does, and the change of state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from app.database import translated
from app.errors import Conflict, Forbidden, NotFound
from app.kit.etag import check_match
from app.kit.page import today
from app.licensing.applications import as_built, asking, guards, prechecks, queries, told
from app.licensing.applications.guards import Facts
from app.licensing.applications.models import Application
from app.licensing.applications.schemas import ActionIn
from app.licensing.applications.service import Answer, present
from app.licensing.applications.states import ACTIONS, REQUEST_TRANSITIONS, STATES, Transition, allowed, transition
from app.licensing.checks import organisation_code

_MEDIATED = {t.from_state for t in REQUEST_TRANSITIONS if t.action == "mediate"}


def act(session: Session, application_id: int, action: str, given: ActionIn, if_match: str | None = None) -> Answer:
    """Do `action`; the row stays locked from the first look to the change, so of two at once one is refused.

    Raises
    ------
    NotFound
        `unknown_application`, `unknown_action`.
    Conflict
        `illegal_transition`: it leads nowhere from the present state, also when it was done a moment ago.
    Forbidden
        `not_this_party`: others may.
    Outdated
        If-Match was given and names another version.
    Conflict, Invalid
        A condition of `guards` is not met.
    """
    if action not in ACTIONS:
        raise _unknown(action)
    row = queries.application(session, application_id, lock=True)
    if if_match is not None:
        current = told.draft(session, row)
        check_match(if_match, current, current | {"action": action})
    acting = told.parties(session, row.applicant_id)
    way = _way(row, action, acting)
    # What the registry refuses is told in words, and leaves nothing behind.
    with translated(), session.begin_nested():
        changes = _WORK.get(action, _nothing)(session, row, given)
        session.flush()
    check = queries.check(session, row.id)
    requests = queries.requests_of(session, [row.id]).get(row.id, [])
    facts = Facts(row, action, given, check.advice if check else None, requests, changes)
    guards.check(facts, way.guards)
    if action in _DECISIONS:
        changes["decision"] = changes["details"] = _decision(facts)
    for document_id in given.documents:
        queries.document(session, row.id, document_id)
    carried = {"details": None, "note": given.note, "document_ids": list(given.documents)}
    # All at once and last: the trigger takes these columns with a change of state only.
    for name, value in (carried | changes | {"action": action, "state": way.to_state}).items():
        setattr(row, name, value)
    return present(session, row)


def _way(row: Application, action: str, acting: set[str]) -> Transition:
    way = transition(row.state, action)
    if way is None:
        vi, en = STATES[row.state]
        raise Conflict(
            "illegal_transition",
            f"Không thực hiện được {action!r} khi hồ sơ ở trạng thái {vi.lower()!r}",
            f"{action!r} leads nowhere while the application is {en.lower()!r}",
            state=row.state,
            allowed_actions=allowed(row.state, acting),
        )
    if not acting & set(way.who):
        raise Forbidden(
            "not_this_party",
            f"{action!r} là việc của {_party_vi(way)}",
            f"{action!r} is for: {', '.join(way.who)}",
            allowed_actions=allowed(row.state, acting),
        )
    return way


def _party_vi(way: Transition) -> str:
    names = {"applicant": "người nộp hồ sơ", "department": "cơ quan quản lý", "owner": "chủ sở hữu"}
    return ", ".join(names[p] for p in way.who)


def _unknown(action: str) -> NotFound:
    names = ", ".join(ACTIONS)
    return NotFound("unknown_action", f"Không có thao tác {action[:40]!r}; hiện có: {names}",
                    f"There is no action {action[:40]!r}; there are: {names}", field="action")  # fmt: skip


def _decision(facts: Facts) -> dict[str, Any]:
    """Return the decision as it is kept: whether the pre-check's advice was followed, and why not."""
    outcome = {"decide_share": "share", "accept_notice": "notice", "grant_permit": "permit", "refuse": "refused"}
    chosen = facts.given.requests or []
    shared = [r for r in facts.requests_in("settled") if r.id in chosen] if facts.action == "decide_share" else []
    return {
        "outcome": outcome[facts.action],
        "number": (facts.given.number or "").strip() or None,
        "on": today().isoformat(),
        "advice": facts.advice,
        "advice_followed": guards.follows(facts.advice, facts.action),
        "why": facts.reason or None,
        "request_id": shared[0].id if shared else None,
        "request": shared[0].reference if shared else None,
    }


_DECISIONS = frozenset({"decide_share", "accept_notice", "grant_permit", "refuse"})
_Work = Callable[[Session, Application, ActionIn], dict[str, Any]]
"""Does what an action does beside the change of state; returns the columns it writes with it."""


def _nothing(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    return {}


def _submit(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    # The pre-check would refuse it; the applicant is told while it is still the applicant's to mend.
    code = queries.organisations(session, {row.operator_id})[row.operator_id]["code"]
    organisation_code(session, code, today(), radio=row.kind == "tower")
    return {}


def _precheck(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    return {"details": prechecks.make(session, row)}


def _ask_owners(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    asking.ask_candidates(session, row)
    return {}


def _route(name: str) -> _Work:
    def choose(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
        asking.expire(session, row.id)
        return {"route": name}

    return choose


def _begin_again(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    # What is taken back stays readable in the event.
    return {"details": row.decision, "route": None} | ({"decision": None} if row.decision else {})


def _mediate(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    asking.expire(session, row.id)
    for request in queries.requests_of(session, [row.id]).get(row.id, []):
        if request.state in _MEDIATED and (given.requests is None or request.id in given.requests):
            request.state, request.action = "mediation", "mediate"
    return {}


def _take_offer(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    for request in queries.requests_of(session, [row.id]).get(row.id, []):
        if request.id in (given.requests or ()) and request.state == "answered":
            if request.valid_until is not None and request.valid_until < today():
                raise Conflict(
                    "offer_over",
                    f"Đề nghị của chủ sở hữu chỉ có giá trị đến {request.valid_until:%d/%m/%Y}: hãy thống nhất lại",
                    f"The owner's offer held until {request.valid_until}: settle it anew",
                    field="requests",
                )
            request.state, request.action = "settled", "settle"
    return {}


def _report(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    found = as_built.surveyed(row, given.as_built) if given.as_built else None
    return {"as_built": found, "details": found}


def _reject(session: Session, row: Application, given: ActionIn) -> dict[str, Any]:
    return {"details": row.as_built, "as_built": None}


_WORK: dict[str, _Work] = {
    "submit": _submit,
    "precheck": _precheck,
    "ask_owners": _ask_owners,
    "mediate": _mediate,
    "route_exempt": _route("exempt"),
    "route_permit": _route("permit"),
    "return": _begin_again,
    "reopen": _begin_again,
    "decide_share": _take_offer,
    "report_built": _report,
    "reject_as_built": _reject,
    "record_occupancy": as_built.record,
}
