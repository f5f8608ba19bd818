"""Coverage over HTTP: a village's verdict and why, signals at a point, runs, black spots."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from app.accounts.access import DbSession
from app.coverage import answers, queries
from app.coverage.schemas import (
    BlackspotQuestion,
    Blackspots,
    Comparison,
    CoverageQuestion,
    PointCoverage,
    PointQuestion,
    Problem,
    Runs,
    RunsQuestion,
    VillageCoverage,
)
from app.kit.page import MAX_ID, today

router = APIRouter(prefix="/api", tags=["coverage"])
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such village, rule or run on that date"},
    422: {"model": Problem, "description": "A parameter is not valid; `field` names it"},
    503: {"model": Problem, "description": "A terrain file is missing or damaged"},
}


@router.get("/villages/{village_id}/coverage", response_model=VillageCoverage, responses=PROBLEMS)
def village_coverage(session: DbSession, village_id: Id, asked: Annotated[CoverageQuestion, Query()]) -> dict[str, Any]:
    """Verdict of the newest run of the rule up to the date, per operator and technology, with its reasons."""
    return answers.village_coverage(session, village_id, asked.rule, asked.as_of or today())


@router.get("/coverage/at", response_model=PointCoverage, responses=PROBLEMS)
def coverage_at(session: DbSession, asked: Annotated[PointQuestion, Query()]) -> dict[str, Any]:
    """Best signal of every operator and technology at a point, computed now from the terrain and the registry."""
    return answers.point_coverage(session, asked.lon, asked.lat, asked.as_of or today())


@router.get("/coverage/runs", response_model=Runs, responses=PROBLEMS)
def runs(session: DbSession, asked: Annotated[RunsQuestion, Query()]) -> dict[str, Any]:
    """Return the stored runs, newest first."""
    return {"runs": queries.runs(session, asked.limit, asked.offset)}


@router.get("/coverage/runs/{a}/compare/{b}", response_model=Comparison, responses=PROBLEMS)
def compare(session: DbSession, a: Id, b: Id) -> dict[str, Any]:
    """Villages whose verdict changed from run `a` to run `b`, and the counts of both."""
    return queries.compare_runs(session, a, b)


@router.get("/blackspots", response_model=Blackspots, responses=PROBLEMS)
def blackspots(session: DbSession, asked: Annotated[BlackspotQuestion, Query()]) -> dict[str, Any]:
    """Villages the newest run finds without coverage, most people first."""
    return answers.blackspots(session, asked, asked.as_of or today())
