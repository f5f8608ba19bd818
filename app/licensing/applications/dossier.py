"""The appraisal sheet of an application: its frozen check, and what became of its requests and decision."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict
from app.licensing.applications import queries, told
from app.licensing.applications.models import Application
from app.licensing.dossier import service as sheets
from app.licensing.dossier.schemas import ApplicationFacts, DecisionIn, SharingRequestIn

_OUTCOMES = {
    "share": ("Chấp thuận dùng chung công trình hiện có", "Agreed to share an existing structure"),
    "notice": ("Miễn giấy phép xây dựng, đã xác nhận thông báo", "Exempt from permit, the notice acknowledged"),
    "permit": ("Cấp giấy phép xây dựng", "Building permit granted"),
    "refused": ("Không chấp thuận", "Refused"),
}


def sheet(session: Session, application_id: int, kind: sheets.Format, *, english: bool) -> bytes:
    """Return the sheet of an application with its newest pre-check, as PDF or Word.

    Raises
    ------
    NotFound
        `unknown_application`.
    Conflict
        `not_prechecked`: there is no check yet, or it is of poles or ducts, which have no sheet.
    """
    row = queries.application(session, application_id)
    # That of the check, not the newest of the application: an officer may have another place appraised for it.
    check = queries.check(session, row.id)
    number = None if check is None else check.answer.get("appraisal_id")
    if number is None:
        raise Conflict(
            "not_prechecked",
            "Hồ sơ chưa được kiểm tra sơ bộ, hoặc không phải hồ sơ cột ăng-ten: chưa có phiếu thẩm định",
            "The application has not been pre-checked, or is not about a tower: there is no appraisal sheet yet",
            field="application_id",
        )
    return sheets.write(sheets.find(session, number), kind, english=english, application=facts(session, row))


def facts(session: Session, row: Application) -> dict[str, Any]:
    """Return what the sheet says of an application, as `ApplicationFacts`."""
    names = queries.organisations(session, {row.applicant_id})
    events = queries.events(session, [row.id]).get(row.id, [])
    submitted = next((e for e in events if e.action == "submit"), None)
    asked = told.requests(session, queries.requests_of(session, [row.id]).get(row.id, []))
    decision = row.decision
    found = ApplicationFacts(
        reference=row.reference,
        applicant=names[row.applicant_id]["name"],
        received_on=told.local_day(submitted.at) if submitted else None,
        sharing_requests=[_request(r) for r in asked],
        decision=None if decision is None else _decision(decision),
    )
    return found.model_dump(mode="json")


def _request(asked: dict[str, Any]) -> SharingRequestIn:
    answer, refusal = asked["answer"], asked["refusal"]
    return SharingRequestIn(
        owner=asked["owner"]["name"],
        structure=asked["object"]["code"],
        sent_on=told.local_day(asked["sent_at"]),
        due_on=asked["due_on"],
        answer=asked["state_name"]["vi"],
        reason=None if refusal is None else f"{refusal['vi']}{': ' + refusal['text'] if refusal['text'] else ''}"[:500],
        price_vnd_month=None if answer is None else answer["price_vnd_month"],
    )


def _decision(decision: dict[str, Any]) -> DecisionIn:
    vi, en = _OUTCOMES[decision["outcome"]]
    number, why = decision.get("number"), decision.get("why")
    day = f"ngày {dt.date.fromisoformat(decision['on']):%d/%m/%Y}"
    tail = "".join(f"; {word}" for word in (f"số {number}" if number else None, day, why) if word)
    return DecisionIn(vi=f"{vi}{tail}"[:500], en=en)
