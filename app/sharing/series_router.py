"""A sharing ratio over time, and on two geographies, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.policy.past import in_time
from app.sharing import series
from app.sharing.series_schemas import GeographiesQuestion, SeriesQuestion

router = APIRouter(prefix="/api/sharing", tags=["sharing"])


@router.get("/series", openapi_extra=allow(PUBLIC))
def over_time(session: DbSession, asked: Annotated[SeriesQuestion, Query()]) -> dict[str, Any]:
    """One ratio on several dates for every unit of one geography: today's or that of any day.

    As in `/api/sharing`, figures of few objects are withheld from callers who do not read every row.
    """
    in_time(session, asked)
    return series.series(
        session, asked.definition, asked.days(), boundaries=asked.boundaries_on(), level=asked.level
    )  # fmt: skip


@router.get("/geographies", openapi_extra=allow(PUBLIC))
def geographies(session: DbSession, asked: Annotated[GeographiesQuestion, Query()]) -> dict[str, Any]:
    """One ratio on one date on two geographies side by side, with the crosswalk between their units."""
    in_time(session, asked)
    return series.side_by_side(session, asked.definition, asked.on, (asked.level_a, asked.a), (asked.level_b, asked.b))
