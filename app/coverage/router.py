"""Coverage over HTTP: a village's verdict and why, signals at a point, runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.coverage import answers, queries
from app.coverage.schemas import (
    Comparison,
    CoverageQuestion,
    Moment,
    PointCoverage,
    PointQuestion,
    Problem,
    Runs,
    RunsQuestion,
    VillageCoverage,
)
from app.kit.page import MAX_ID
from app.policy.past import in_time

router = APIRouter(prefix="/api", tags=["coverage"])
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
EVERYBODY = allow(PUBLIC)
PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such village, rule or run on that date"},
    422: {"model": Problem, "description": "A parameter is not valid; `field` names it"},
    503: {"model": Problem, "description": "A terrain file is missing or damaged"},
}


@router.get(
    "/villages/{village_id}/coverage", response_model=VillageCoverage, responses=PROBLEMS, openapi_extra=EVERYBODY
)
def village_coverage(session: DbSession, village_id: Id, asked: Annotated[CoverageQuestion, Query()]) -> dict[str, Any]:
    """Verdict of the newest run of the rule up to the date, per operator and technology, with its reasons.

    Verdicts, shares and levels are public. Which cell serves, from how far, is told to those who may read that cell.
    """
    in_time(session, asked)
    return answers.village_coverage(session, village_id, asked.rule, asked.on)


@router.get("/coverage/at", response_model=PointCoverage, responses=PROBLEMS, openapi_extra=EVERYBODY)
def coverage_at(session: DbSession, asked: Annotated[PointQuestion, Query()]) -> dict[str, Any]:
    """Best signal of every operator and technology at a point, computed now from the terrain and the registry.

    Of networks the caller may not read, the level at the centre of a square around the point, in steps, and nothing
    of what serves; `undisclosed` says how coarse. Levels over many squares still show a site to about one square.
    """
    in_time(session, asked)
    return answers.point_coverage(session, asked.lon, asked.lat, asked.on)


@router.get("/coverage/runs", response_model=Runs, responses=PROBLEMS, openapi_extra=EVERYBODY)
def runs(session: DbSession, asked: Annotated[RunsQuestion, Query()]) -> dict[str, Any]:
    """Return the stored runs, newest first."""
    in_time(session, asked)
    return {"runs": queries.runs(session, asked.limit, asked.offset)}


@router.get("/coverage/runs/{a}/compare/{b}", response_model=Comparison, responses=PROBLEMS, openapi_extra=EVERYBODY)
def compare(session: DbSession, a: Id, b: Id, asked: Annotated[Moment, Query()]) -> dict[str, Any]:
    """Villages whose verdict changed from run `a` to run `b`, and the counts of both."""
    in_time(session, asked)
    return queries.compare_runs(session, a, b)
