"""The calibration in use, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.coverage import calibrations
from app.coverage.calibration_schemas import CalibrationAnswer
from app.coverage.schemas import Moment
from app.policy.past import in_time

router = APIRouter(prefix="/api/coverage", tags=["coverage"])


@router.get("/calibration", response_model=CalibrationAnswer, openapi_extra=allow(PUBLIC))
def calibration(session: DbSession, asked: Annotated[Moment, Query()]) -> dict[str, Any]:
    """Return the calibration in use, null without one: what it is by measurements, on sites held out of the fit.

    Totals are public; coefficients and figures by band and class are the department's.
    """
    in_time(session, asked)
    return calibrations.answer(session)
