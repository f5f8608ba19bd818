"""Reads and cancels jobs; row-level security decides whose."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.jobs.models import Work
from app.jobs.schemas import JobsQuestion, JobState, Message
from app.jobs.words import CANCELLED, ended, not_found

_CANCEL = text("SELECT jobs.cancel(:id, :code, :vi, :en)")


def jobs(session: Session, asked: JobsQuestion) -> tuple[list[JobState], int]:
    """Return one page of the jobs the caller may see, newest first, and how many there are in all."""
    found = select(Work)
    if asked.status:
        found = found.where(Work.status == asked.status)
    if asked.kind:
        found = found.where(Work.kind == asked.kind)
    matched = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    page = found.order_by(Work.id.desc()).limit(asked.limit).offset(asked.offset)
    return [_state(row) for row in session.scalars(page)], matched


def job(session: Session, job_id: int) -> JobState:
    """Return a job.

    Raises
    ------
    NotFound
        `unknown_job`: none of that number, or not the caller's.
    """
    # Workers change the row beside this session.
    found = session.get(Work, job_id, populate_existing=True)
    if found is None:
        raise not_found(job_id)
    return _state(found)


def cancel(session: Session, job_id: int) -> JobState:
    """Cancel a job: one that waits is cancelled at once, one that runs ends at its next report of progress.

    Raises
    ------
    NotFound
        `unknown_job`.
    Conflict
        `job_ended`.
    """
    told = {"id": job_id, "code": CANCELLED.code, "vi": CANCELLED.vi, "en": CANCELLED.en}
    status = session.scalar(_CANCEL, told)
    if status is None:
        raise not_found(job_id)
    if status not in {"queued", "running"}:
        raise ended(job_id, status)
    return job(session, job_id)


def _state(row: Work) -> JobState:
    message = None if row.message_vi is None else Message(vi=row.message_vi, en=row.message_en or "")
    values = {name: getattr(row, name) for name in JobState.model_fields if name != "message"}
    return JobState(**values, message=message)
