"""What `GET /api/coverage/calibration` answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from app.coverage.schemas import Calibrated


class CorrectionOut(BaseModel):
    """Added to levels of a band and clutter class: bias + slope · log10(distance in km), held between near and far."""

    band: str | None = Field(description="Null: of all bands")
    clutter: str | None = Field(description="Null: of all classes")
    bias_db: float
    slope_db_per_decade: float
    near_km: float
    far_km: float
    basis: Literal["bias_and_slope", "bias", "band", "overall"]
    samples: int
    sites: int
    why: dict[str, str]


class FiguresOut(BaseModel):
    """An error is measured - predicted; null where there is nothing to count."""

    samples: int
    sites: int
    rmse_db: float | None
    bias_db: float | None
    std_db: float | None
    predicted_covered: int
    false_covered: int
    false_covered_rate: float | None
    predicted_uncovered: int
    false_uncovered: int
    false_uncovered_rate: float | None


class RowOut(BaseModel):
    """Held-out sites of a band and class, of a band, or all."""

    band: str | None
    clutter: str | None
    before: FiguresOut
    after: FiguresOut


class ReportOut(BaseModel):
    """How the fit was made and what came of it."""

    rule: str
    rule_version: int
    rows: list[RowOut]
    fit_sites: int
    held_out_sites: int
    fitted: int
    outliers: int
    near_floor: int
    at_floor: int
    samples_read: int
    dropped: dict[str, int]
    limits: dict[str, Any]
    sigma_model_before_db: float
    sigma_location_db: float
    operators: list[str]


class CalibrationOut(Calibrated):
    """The calibration in use."""

    model: str
    model_version: str
    terrain_version: str
    inputs_sha256: str
    before: FiguresOut = Field(description="All held-out samples, not corrected")
    after: FiguresOut = Field(description="All held-out samples, corrected")
    corrections: list[CorrectionOut] | None = Field(description="Overall first; null for who may not know")
    report: ReportOut | None
    undisclosed: bool = Field(description="Corrections and report are left out: the caller may not know them")


class CalibrationAnswer(BaseModel):
    """The calibration in use, if any."""

    calibration: CalibrationOut | None
    message: dict[str, str]
