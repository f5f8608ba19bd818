"""Asks for coverage runs over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.accounts.access import WritingSession
from app.accounts.roles import DEPARTMENT, allow
from app.coverage import jobs
from app.coverage.run_schemas import RunAsked, RunRequest
from app.kit.page import today

router = APIRouter(prefix="/api/coverage", tags=["coverage"])


@router.post("/runs", status_code=202, summary="Ask for a coverage run", openapi_extra=allow(*DEPARTMENT))
def ask_for_run(session: WritingSession, asked: RunRequest, response: Response) -> RunAsked:
    """Queue a run of coverage: verdicts of every village, with `resolution_m` maps between them too.

    The answer is the number of a job, which tells progress and can be cancelled; nothing of a cancelled run is kept but
    what the next one may go on with.
    """
    number = jobs.ask(session, asked.as_of or today(), asked.rule, asked.operator, asked.technology, asked.resolution_m)
    response.headers["Location"] = f"/api/jobs/{number}"
    return RunAsked(job=number)
