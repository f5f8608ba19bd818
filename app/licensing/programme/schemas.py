"""What the routes of programmes take and give."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.coverage.service import DEFAULT_RULE
from app.kit.page import Day, Paged
from app.licensing.programme.asked import Kind

Number = Annotated[float, Field(strict=True, allow_inf_nan=True)]
"""Out of range is refused by name, not by the schema alone."""
Format = Literal["geojson", "csv", "xlsx"]


class ProgrammeRequest(BaseModel):
    """One programme; what is left out takes the dated policy's value."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="towers (S1), poles (P1), ducts (D1) or new_sites (uncovered villages)")
    target: Number | None = Field(None, description="Percent; default the plan's", examples=[30])
    gap: Number | None = Field(None, description="Good enough: share the cost may lie above the bound", examples=[0.01])
    time_limit_s: Number | None = Field(None, description="Seconds the solver may take")
    radius_m: Number | None = Field(None, description="From how far equipment or lines may come")
    operator: Annotated[str, Field(min_length=1, max_length=30)] | None = Field(
        None, description="Only acts in which this organisation moves or comes"
    )
    rule: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        DEFAULT_RULE, description="Coverage rule whose verdicts are kept, or wanted"
    )
    each_operator: bool = Field(False, description="towers: every operator keeps what its own network covers")
    allow_additions: bool = Field(False, description="towers: operators may also come and keep their own tower")
    include_unknown: bool = Field(False, description="new_sites: villages of unknown verdict too")
    as_of: Day | None = None


class ProgrammeAsked(BaseModel):
    """Where to follow the programme."""

    job: int = Field(description="Number of the job: GET /api/jobs/{job}; its result names the programme")


class ProgrammesQuestion(Paged):
    """Which page of the programmes, and of which kind."""

    kind: Kind | None = Field(None, description="Only programmes of this kind")


class StandingOut(BaseModel):
    """A ratio: numerator, denominator, what is unknown, percent."""

    numerator: float
    denominator: float
    unknown: float
    ratio: float | None


class ProgrammeSummary(BaseModel):
    """A programme without its acts."""

    id: int
    kind: Kind
    definition: str
    target: float | None
    as_of: dt.date
    made_at: dt.datetime
    status: Literal["optimal", "time_limit", "infeasible", "no_solution", "already_met"]
    status_vi: str
    before: StandingOut | None
    after: StandingOut | None = Field(description="Once all acts are done")
    reachable: StandingOut | None = Field(description="Where the target cannot be reached: the best there is")
    acts: int
    cost_vnd: float
    bound_vnd: float | None = Field(description="No list under the same rules costs less")
    gap: float | None
    seconds: float
    options: dict[str, Any]
    inputs_sha256: str
    synthetic: bool


class Programmes(BaseModel):
    """Programmes, newest first."""

    items: list[ProgrammeSummary]
    number_matched: int = Field(serialization_alias="numberMatched")
    links: list[dict[str, str]]


class PlaceOut(BaseModel):
    """Where an act begins or ends; degrees, EPSG:4326."""

    layer: str
    id: int | None
    code: str | None
    lon: float
    lat: float


class ReasonOut(BaseModel):
    """Why, in both languages."""

    code: str
    vi: str
    en: str


class ActOut(BaseModel):
    """One thing to do; the list is ranked by what it gains for its cost."""

    rank: int
    kind: str
    source: PlaceOut | None = Field(description="What goes away")
    target: PlaceOut = Field(description="What is shared or built")
    organisations: list[str]
    distance_m: float | None
    cost_vnd: float
    capacity_left: int | None
    value_after: float | None = Field(description="Ratio, or villages still to cover, after this act and those before")
    coverage: Literal["kept", "unknown", "not_concerned"]
    villages_checked: int
    reasons: list[ReasonOut]
    street: str | None
    length_m: float | None
    synthetic: bool


class ProgrammeOut(ProgrammeSummary):
    """A programme with its acts."""

    acts: list[ActOut]  # type: ignore[assignment]  # the summary gives their number
    counts: dict[str, Any] = Field(description="What was considered, and what is unknown")
    reasons: list[ReasonOut]
    streets: list[dict[str, Any]] = Field(description="Acts and cost by street")
    villages: dict[str, Any] = Field(description="new_sites: villages by what becomes of them")
