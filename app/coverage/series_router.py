"""Villages covered over time, on any geography, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.areas.schemas import OverTime
from app.coverage import series
from app.coverage.schemas import Name
from app.policy.past import in_time

router = APIRouter(prefix="/api/coverage", tags=["coverage"])


class CoverageSeriesQuestion(OverTime):
    """Villages covered by which rule, when and on which ground."""

    rule: Annotated[Name | None, Field(description="Name of a coverage rule; default the rule marked so")] = None
    service: Annotated[series.Service, Field(description="Mobile coverage by the rule, or fibre on order")] = "mobile"


@router.get("/series", openapi_extra=allow(PUBLIC))
def over_time(session: DbSession, asked: Annotated[CoverageSeriesQuestion, Query()]) -> dict[str, Any]:
    """Villages covered, not covered and unknown on several dates for every unit of one geography."""
    in_time(session, asked)
    return series.series(
        session, asked.days(), boundaries=asked.boundaries_on(), level=asked.level, rule=asked.rule,
        service=asked.service,
    )  # fmt: skip
