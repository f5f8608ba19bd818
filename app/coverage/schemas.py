"""What the coverage endpoints take and answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.coverage.rules import Evidence
from app.kit.page import Dated, Instant, Paged, Question

VerdictName = Literal["covered", "not_covered", "unknown"]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,30}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,60}$")]


class CoverageQuestion(Dated):
    """Under which rule, on which date."""

    rule: Name | None = Field(None, description="Name of a coverage rule; default the rule marked so")


class PointQuestion(Dated):
    """Where, on which date."""

    lon: float = Field(ge=102, le=118, allow_inf_nan=False, description="Degrees east, EPSG:4326")
    lat: float = Field(ge=7, le=24, allow_inf_nan=False, description="Degrees north, EPSG:4326")


class Moment(Question):
    """As known now or at an earlier moment."""

    known_at: Instant | None = Field(None, description="What the registry knew at this moment; for signed-in callers")


class RunsQuestion(Moment, Paged):
    """Which page of the runs."""


class Problem(BaseModel):
    """RFC 9457 problem."""

    type: str
    title: str
    status: int
    code: str
    message: dict[str, str]
    field: str | None = None


class Calibrated(BaseModel):
    """The calibration that levels are corrected by: its totals on sites held out of the fit."""

    id: int
    made_at: dt.datetime
    as_of: dt.date = Field(description="Up to which day measurements were used")
    sigma_model_db: float = Field(description="Standard deviation of the model's own error, that of the place apart")
    rmse_db: float
    bias_db: float = Field(description="Mean of measured - predicted")
    samples: int
    sites: int
    false_covered_rate: float | None = Field(description="Of samples predicted covered, 0…1")
    false_uncovered_rate: float | None = Field(description="Of samples predicted not covered, 0…1")
    synthetic: bool


class Run(BaseModel):
    """The run an answer rests on."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    rule: str
    rule_version: int
    as_of: dt.date
    model: str
    model_version: str
    terrain_version: str
    inputs_sha256: str
    filters: dict[str, Any]
    status: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    counts: dict[str, Any]
    calibration: Calibrated | None = None


class Runs(BaseModel):
    """Runs, newest first."""

    runs: list[Run]


class Village(BaseModel):
    """A village and its commune on the date."""

    id: int
    code: str
    name: str
    kind: str
    urban: bool | None
    population: int | None
    households: int | None
    commune_code: str | None
    commune_name: str | None
    synthetic: bool


class ServerOut(BaseModel):
    """The serving cell, for those who may read it."""

    cell: str
    site: str | None
    operator: str | None = None
    technology: str | None = None


class Shares(BaseModel):
    """A verdict and the share it rests on."""

    verdict: VerdictName
    share: float | None = Field(description="Share of the rule's unit known to pass, 0…1; null when it has no weights")
    share_low: float | None = Field(description="Lower decile of the share (10 %); null for runs before evidence")
    share_high: float | None = Field(description="Upper decile (90 %)")
    share_unknown: float


class Estimate(Shares):
    """What the model says, at the village's median point."""

    rsrp_dbm: float | None
    margin_db: float | None
    server: ServerOut | None
    distance_m: float | None
    diffraction_db: float | None
    undisclosed: bool = Field(description="Something serves, and the caller may not know what and from where")


class Why(BaseModel):
    """Sentences for people; further members are the same facts for programs."""

    model_config = ConfigDict(extra="allow")

    vi: list[str]
    en: list[str]
    reasons: list[str] = []


class EvidenceOut(Shares):
    """What one kind of evidence says by itself."""

    kind: Evidence
    points: int | None = Field(description="Demand points it knows something of; null for speed tests")
    samples: int | None
    why: Why


class ScopedEstimate(Estimate):
    """Verdict for one operator (any when null) and technology (the rule's when null); level and server are the model's.

    Verdict and shares are those of the evidence that decided.
    """

    operator: str | None
    technology: str | None
    decided_by: Evidence | None
    evidence: list[EvidenceOut]


class NearestPoint(BaseModel):
    """The nearest distribution point with a free port, from the village's point."""

    code: str
    operator: str
    distance_m: float
    ports_free: int | None


class Fibre(BaseModel):
    """Whether an order for fibre can be met (a2) and for how many households (b3)."""

    verdict: VerdictName
    households: int | None
    households_reached: int | None
    nearest: NearestPoint | None
    undisclosed: bool = Field(description="The caller may not know which distribution point is nearest, if any")
    why: Why


class VillageCoverage(BaseModel):
    """Coverage of a village: claim, estimate and measurement kept apart, which decided, and why."""

    village: Village
    run: Run | None
    verdict: VerdictName
    claim: EvidenceOut | None = Field(description="Where the operators say they serve; null without any such map")
    estimate: Estimate | None
    measurement: EvidenceOut | None = Field(description="Drive test or speed tests, whichever weighs more")
    decided_by: Evidence | None = Field(description="Null when nothing could decide")
    evidence: list[EvidenceOut] = Field(description="Everything but the estimate, in the rule's order of weight")
    why: Why
    by: list[ScopedEstimate]
    fibre: Fibre | None


class PointSignal(BaseModel):
    """Best signal of one operator and technology at a point; unknown says why."""

    operator: str
    technology: str
    rsrp_dbm: float | None = Field(description="Of a network the caller does not read: of a square, in steps")
    threshold_dbm: float | None = Field(description="Of the default rule; null when it has none for the technology")
    loss_db: float | None
    diffraction_db: float | None
    distance_m: float | None
    server: ServerOut | None
    undisclosed: bool = Field(description="Server, losses and distance are left out: the caller may not know them")
    unknown_reason: str | None = Field(description="Why a better signal may exist; with rsrp_dbm null: why unknown")


class Place(BaseModel):
    """A commune."""

    code: str
    name: str


class Undisclosed(BaseModel):
    """How signals are told whose server is not disclosed."""

    vi: str
    en: str
    grid_m: float
    step_db: float


class PointCoverage(BaseModel):
    """Signals at a point."""

    lon: float
    lat: float
    as_of: dt.date
    ground_m: float | None
    commune: Place | None
    signals: list[PointSignal]
    undisclosed: Undisclosed | None
    model: str
    error_db: float
    calibration: Calibrated | None = Field(description="Null: not calibrated, `error_db` is an assumption")
    synthetic: bool


class ChangedVillage(BaseModel):
    """A village whose verdict differs; null where a run does not know the village."""

    id: int
    code: str
    name: str
    population: int | None
    before: VerdictName | None
    after: VerdictName | None
    share_before: float | None
    share_after: float | None
    reasons_before: list[str] | None
    reasons_after: list[str] | None


class Comparison(BaseModel):
    """Two runs side by side."""

    before: Run
    after: Run
    counts_before: dict[str, int]
    counts_after: dict[str, int]
    same_inputs: bool
    differs: list[str]
    moves: dict[str, int]
    changed: list[ChangedVillage]
