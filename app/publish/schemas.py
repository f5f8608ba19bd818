"""What the published endpoints are asked and what they answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.coverage.rules import Evidence
from app.coverage.schemas import Calibrated
from app.kit.page import BoxText, Dated, Paged

VerdictName = Literal["covered", "not_covered", "unknown"]
Technology = Literal["2G", "3G", "4G", "5G"]
Name = Annotated[str, Field(min_length=1, max_length=60)]


class VillageQuestion(Dated):
    """One village under one rule."""

    rule: Name | None = Field(None, description="Coverage rule; default the policy's default rule")


class VillageFilter(Dated, Paged):
    """Which villages, seen under which rule, operator and technology."""

    bbox: BoxText | None = Field(None, description="west,south,east,north in degrees (EPSG:4326)")
    commune: Name | None = Field(None, description="Code or name of a commune in force on the date")
    rule: Name | None = Field(None, description="Coverage rule; default the policy's default rule")
    verdict: VerdictName | None = Field(None, description="Only villages of this verdict")
    technology: Technology | None = Field(None, description="Verdict of this technology alone")
    operator: Name | None = Field(None, description="Verdict of this operator's network alone; its code")
    q: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Part of name or code; tone marks ignored"
    )


class CommuneQuestion(Dated):
    """Communes as they were on a date."""

    detail: Literal["full", "low"] = Field("full", description="low: boundaries simplified to about 100 m")


class Run(BaseModel):
    """The coverage run an answer rests on."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    rule: str
    rule_version: int
    as_of: dt.date
    model: str
    model_version: str
    finished_at: dt.datetime | None
    counts: dict[str, Any]


class Geometry(BaseModel):
    """A GeoJSON geometry, EPSG:4326."""

    type: Literal["Point", "Polygon", "MultiPolygon", "LineString", "MultiLineString"]
    coordinates: list[Any]


class Link(BaseModel):
    """A link to another page or document, as an absolute path."""

    rel: str
    href: str
    type: str | None = None


class VillageProperties(BaseModel):
    """What is known of a village on the date."""

    id: int
    code: str
    name: str
    kind: str
    urban: bool | None
    commune_code: str | None
    commune_name: str | None
    population: int | None
    households: int | None
    verdict: VerdictName
    evidence: Evidence | None = Field(description="What decided; null when nothing could")
    share: float | None = Field(description="Share of people (or of the rule's unit) that pass, 0…1; null unknown")
    share_low: float | None = Field(description="Lower decile of the share (10 %)")
    share_high: float | None = Field(description="Upper decile (90 %)")
    share_unknown: float | None
    rsrp_dbm: float | None
    margin_db: float | None
    server: str | None = Field(description="Code of the best cell")
    fibre: VerdictName | None
    run_id: int | None
    rule: str
    synthetic: bool


class VillageFeature(BaseModel):
    """One village as a GeoJSON feature; its polygon if known, else its point."""

    type: Literal["Feature"]
    id: int
    geometry: Geometry
    properties: VillageProperties
    links: list[Link] | None = None
    run: Run | None = None


class VillageCollection(BaseModel):
    """One page of villages."""

    type: Literal["FeatureCollection"]
    numberMatched: int
    numberReturned: int
    links: list[Link]
    run: Run | None
    features: list[VillageFeature]


class CommuneProperties(BaseModel):
    """A commune in force on the date."""

    id: int
    code: str
    name: str
    kind: str | None
    level: str
    parent_code: str | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    villages: int
    source: str
    synthetic: bool


class CommuneFeature(BaseModel):
    """One commune; boundary if known, else its centre, else null."""

    type: Literal["Feature"]
    id: int
    geometry: Geometry | None
    properties: CommuneProperties


class CommuneCollection(BaseModel):
    """All communes in force on the date."""

    type: Literal["FeatureCollection"]
    numberMatched: int
    numberReturned: int
    links: list[Link]
    features: list[CommuneFeature]


class RuleInfo(BaseModel):
    """A coverage rule in force."""

    name: str
    version: int
    default: bool
    citation: str
    value: dict[str, Any]


class OperatorInfo(BaseModel):
    """A network operator."""

    code: str
    name: str
    has_radio: bool


class TerrainInfo(BaseModel):
    """What the terrain covers."""

    tiles: int
    bounds: list[float] | None


class TargetInfo(BaseModel):
    """A target of a plan document."""

    indicator: str
    year: int
    value: float
    unit: str
    document: str


class Meta(BaseModel):
    """What a client needs to know before it asks."""

    version: str
    title: str
    synthetic: bool = Field(description="Whether any object in force on the date is synthetic")
    bbox: list[float] | None = Field(description="west, south, east, north of the communes and villages, degrees")
    as_of: dt.date
    run: Run | None
    rules: list[RuleInfo]
    operators: list[OperatorInfo]
    technologies: list[Technology]
    terrain: TerrainInfo
    coverage_maps: list[Technology] = Field(description="Of these there is a map between the villages")
    model_error_db: float = Field(
        description="Standard deviation of computed levels: an assumption, or measured when `calibration` is there"
    )
    calibration: Calibrated | None = Field(description="Of the maps, else of the run; null: not calibrated")
    targets: list[TargetInfo]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok", "ready"]
    version: str
