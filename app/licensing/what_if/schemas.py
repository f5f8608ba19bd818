"""A scenario as it comes in, and what would follow from it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.kit.page import Day
from app.licensing.schemas import Lat, Lon, Technologies

Code = Annotated[str, Field(min_length=1, max_length=100)]


class License(BaseModel):
    """A tower to be licensed at a point, or an operator's antennas on a structure that stands."""

    model_config = ConfigDict(extra="forbid")

    operator: Annotated[str, Field(min_length=1, max_length=30, examples=["VIETTEL"])]
    lon: Lon | None = None
    lat: Lat | None = None
    structure: Annotated[Code | None, Field(description="Share this structure instead of building")] = None
    height_m: Annotated[
        float | None, Field(strict=True, description="Of the new tower; of the antennas where a structure is shared")
    ] = None
    technologies: Technologies = []


class SwitchOff(BaseModel):
    """A position taken down, or one operator leaving it."""

    model_config = ConfigDict(extra="forbid")

    site: Code
    operator: Annotated[str | None, Field(min_length=1, max_length=30, description="Only this one leaves")] = None


class Scenario(BaseModel):
    """Licences and switch-offs, all at once; nothing of it is written to the registry."""

    model_config = ConfigDict(extra="forbid")

    license: Annotated[list[License], Field(max_length=20)] = []
    switch_off: Annotated[list[SwitchOff], Field(max_length=20)] = []
    rule: Annotated[str | None, Field(max_length=60)] = None
    as_of: Day | None = None


class Changed(BaseModel):
    """A village whose verdict would be another."""

    code: str
    name: str
    commune: str | None
    lon: float
    lat: float
    population: float | None
    before: str
    after: str
    share_before: float | None
    share_after: float | None
    synthetic: bool


class Villages(BaseModel):
    """Verdicts on the villages about the places of the scenario."""

    looked_at: int
    before: dict[str, int]
    after: dict[str, int]
    people_before: Annotated[float, Field(description="Live where the rule's level is reached for certain")]
    people_after: float
    changed: list[Changed]


class WhatIf(BaseModel):
    """Villages and ratios before and after."""

    villages: Villages | None = Field(description="Null when no coverage run keeps levels of the rule")
    ratios: dict[str, dict[str, Any]]
    modelled: dict[str, Any]
    scenario: dict[str, Any]
    as_of: str
    why: dict[str, list[str]]
    synthetic: bool
