"""What is asked for when a coverage run is."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from app.coverage.rules import Technology
from app.coverage.schemas import Code, Name
from app.coverage.service import DEFAULT_RULE
from app.coverage.surface import MAX_STEP_M, MIN_STEP_M


class RunRequest(BaseModel):
    """One run: all networks by the default rule today, unless it says otherwise."""

    model_config = ConfigDict(extra="forbid")

    rule: Name = Field(DEFAULT_RULE, description="Name of a coverage rule")
    operator: Code | None = Field(None, description="Only this operator's network; its code")
    technology: Technology | None = Field(None, description="Only this technology")
    resolution_m: float | None = Field(
        None, ge=MIN_STEP_M, le=MAX_STEP_M, allow_inf_nan=False,
        description="Maps between the villages, metres a pixel; default none",
    )  # fmt: skip
    as_of: dt.date | None = Field(None, description="Default today")


class RunAsked(BaseModel):
    """Where to follow the run."""

    job: int = Field(description="Number of the job: GET /api/jobs/{job}, POST /api/jobs/{job}/cancel")
