"""Constraints as they are asked for, written and told."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.kit.page import BoxText, Dated, Day, Paged, Question
from app.licensing.constraints.judgement import Status
from app.sites.antenna_code import CODES

Kind = Literal["planned_zone", "heritage", "airport", "underground_street", "other"]
Code = Annotated[str, Field(max_length=20)]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why; kept in the history")]


class ConstraintsQuestion(Dated):
    """Where, how high, and which type of mast."""

    lon: float = Field(description="Degrees east, WGS84", examples=[107.5776])
    lat: float = Field(description="Degrees north, WGS84", examples=[16.4667])
    height_m: float = Field(description="Height above ground, with the building it stands on", examples=[42])
    code: Code | None = Field(None, description=f"Type of the mast: {', '.join(CODES)}", examples=["A2b"])


class AreasQuestion(Paged, Dated):
    """Which constraints in force, and which page of them."""

    kind: Kind | None = Field(None, description="Only this kind")
    bbox: BoxText | None = Field(None, description="west,south,east,north in degrees (EPSG:4326)")


class FindingOut(BaseModel):
    """One thing that was checked."""

    model_config = ConfigDict(from_attributes=True)

    kind: str = Field(description="Kind of constraint, military_height or distance_urban")
    code: str
    name: str
    check: str = Field(description="code, height, distance, undergrounding or note")
    status: Status
    value: float | str | None = Field(description="What was asked")
    limit: float | str | None = Field(description="What is allowed: metres above ground, types, or a day")
    distance_m: float | None = Field(description="Geodesic, to the constraint")
    citation: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    vi: str
    en: str
    synthetic: bool
    restricted: bool
    partly: bool


class ConstraintsAnswer(BaseModel):
    """Findings, gravest first, and the gravest of them."""

    status: Status
    findings: list[FindingOut]
    lon: float
    lat: float
    height_m: float
    code: str | None
    as_of: dt.date
    synthetic: bool


class ConstraintIn(BaseModel):
    """A constraint to write, whole."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    code: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
    name: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
    rule: dict[str, Any] = Field(
        description="By kind: planned_zone {allowed_codes, max_height_m}; heritage {buffer_m, allowed_codes}; airport"
        " {elevation_m, surfaces: [{to_m, height_m, slope}]}; underground_street {within_m, from}; other {note}."
        " What a policy row constraints/<kind> says by default may be left out"
    )
    citation: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
    geometry: dict[str, Any] = Field(description="GeoJSON, EPSG:4326")
    valid_from: Day | None = None
    valid_to: Day | None = None
    restricted: bool = False
    reason: Reason


class Ending(Question):
    """Since when a constraint is not in force any more, and why."""

    on: Day | None = Field(None, description="First day it is not in force; default today in Viet Nam")
    reason: Reason


class AreaFeature(BaseModel):
    """A constraint as a GeoJSON feature."""

    type: Literal["Feature"]
    id: int
    geometry: dict[str, Any]
    properties: dict[str, Any]


class AreaCollection(BaseModel):
    """A page of constraints."""

    type: Literal["FeatureCollection"]
    numberMatched: int
    numberReturned: int
    links: list[dict[str, str]]
    features: list[AreaFeature]
