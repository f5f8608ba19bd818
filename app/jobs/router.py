"""Jobs over HTTP: an asker follows and cancels its own, the department everybody's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import SIGNED_IN, allow
from app.accounts.schemas import json_links
from app.jobs import queries
from app.jobs.schemas import Jobs, JobsQuestion, JobState
from app.kit.page import MAX_ID

router = APIRouter(prefix="/api/jobs", tags=["jobs"])
MAY = allow(*SIGNED_IN)
JobId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the job")]
ENDED: dict[int | str, dict[str, Any]] = {409: {"description": "The job has ended"}}


@router.get("", summary="Jobs", openapi_extra=MAY)
def get_jobs(session: DbSession, asked: Annotated[JobsQuestion, Query()]) -> Jobs:
    """One page of one's own jobs, of everybody's for the department; newest first."""
    found, matched = queries.jobs(session, asked)
    return Jobs(jobs=found, matched=matched, links=json_links(asked, "/api/jobs", matched))


@router.get("/{job_id}", summary="One job", openapi_extra=MAY)
def get_job(session: DbSession, job_id: JobId) -> JobState:
    """State, progress and result of a job; progress is written twice a second at most."""
    return queries.job(session, job_id)


@router.post("/{job_id}/cancel", summary="Cancel a job", openapi_extra=MAY, responses=ENDED)
def cancel_job(session: WritingSession, job_id: JobId) -> JobState:
    """Cancel a job that waits at once; one that runs has `cancel_asked` and ends at its next step."""
    return queries.cancel(session, job_id)
