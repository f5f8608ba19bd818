"""What the list of black spots takes and answers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.coverage.rules import Evidence, Technology
from app.coverage.schemas import Code, Name, Run, VerdictName, Why
from app.kit.page import MAX_ID, Dated, Paged

CommuneName = Annotated[str, Field(max_length=100, description="Code or name of a commune in force on the date")]
RunId = Annotated[int, Field(ge=1, le=MAX_ID)]


class BlackspotQuestion(Dated, Paged):
    """Which villages without coverage."""

    rule: Name | None = None
    run_id: RunId | None = Field(None, description="Number of a run; default the newest one of the rule")
    operator: Code | None = Field(None, description="Villages this operator alone does not cover; its code")
    technology: Technology | None = None
    commune: CommuneName | None = None
    verdict: VerdictName = Field("not_covered", description="unknown lists what has to be found out")
    format: Literal["json", "geojson"] = Field("json", description="geojson: the same as a feature collection")


class Blackspot(BaseModel):
    """A village without coverage."""

    id: int
    code: str
    name: str
    commune_code: str | None
    commune_name: str | None
    lon: float
    lat: float
    population: int | None = Field(description="As recorded, else the sum over its points; null when neither is")
    households: int | None
    verdict: VerdictName
    decided_by: Evidence | None
    share: float | None = Field(description="Share of the rule's unit known to be served; null when unknown")
    share_low: float | None
    share_high: float | None
    share_unknown: float
    people_uncovered: float | None = Field(description="At least so many have no service; null without a population")
    people_uncovered_high: float | None = Field(description="At most so many: what is unknown counted in")
    rsrp_dbm: float | None = Field(description="Best level at the village's median point")
    margin_db: float | None
    covered_by: list[str] = Field(description="Operators whose own network covers it under the whole rule")
    why: Why
    synthetic: bool


class Total(BaseModel):
    """All villages with one verdict in the area asked about, whatever the page."""

    villages: int
    without_population: int = Field(description="Of these; their people are in no sum")
    population: float
    people_uncovered: float = Field(description="Known to have no service")
    people_unknown: float = Field(description="Not known whether they have")


class Totals(BaseModel):
    """By verdict: a covered village may have people without service too."""

    covered: Total
    not_covered: Total
    unknown: Total


class Blackspots(BaseModel):
    """Villages without coverage, most people uncovered first."""

    run: Run | None
    as_of: dt.date = Field(description="Date of the villages and communes")
    share_of: str | None = Field(description="Of what the shares are: population, dwellings or point")
    items: list[Blackspot]
    totals: Totals
    number_matched: int = Field(serialization_alias="numberMatched")
    links: list[dict[str, str]]
