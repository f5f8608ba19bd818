"""What is due of sharing requests: reminders and expiries. Done again, nothing more happens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kit.page import today
from app.licensing.applications import told
from app.licensing.applications.models import SharingRequest


def remind(session: Session) -> dict[str, list[dict[str, Any]]]:
    """Mark the open requests whose reminder is due, let those expire whose last day is over; return both.

    The addressee sees `reminded_at` in its list of requests; nothing is sent.
    """
    # Locked and skipped: two of these at once share the work, neither does it twice.
    still = select(SharingRequest).where(SharingRequest.state == "open").order_by(SharingRequest.id)
    still = still.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    late = list(session.scalars(still.where(SharingRequest.due_on < today())))
    for row in late:
        row.state, row.action = "expired", "expire"
    session.flush()
    due = still.where(SharingRequest.remind_on <= today(), SharingRequest.reminded_at.is_(None))
    reminded = list(session.scalars(due))
    for row in reminded:
        row.reminded_at = func.clock_timestamp()
    session.flush()
    for row in (*late, *reminded):
        session.refresh(row)
    return {"expired": told.requests(session, late), "reminded": told.requests(session, reminded)}
