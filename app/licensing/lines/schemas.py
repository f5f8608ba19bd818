"""Proposed poles and ducts as they arrive and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.kit.page import Day, refused
from app.licensing.constraints.schemas import FindingOut
from app.licensing.schemas import Lat, Lon

Operator = Annotated[str, Field(min_length=1, max_length=30, examples=["VIETTEL"])]
_ROUTE = "GeoJSON LineString, EPSG:4326"


class PolesRequest(BaseModel):
    """Where poles are proposed: one at lon, lat, or a row along a line."""

    model_config = ConfigDict(extra="forbid")

    operator: Operator
    lon: Lon | None = None
    lat: Lat | None = None
    geometry: dict[str, Any] | None = Field(None, description=f"Instead of lon and lat a row of poles: {_ROUTE}")
    reach_m: Annotated[
        float | None, Field(strict=True, description="How far poles and ducts count; the policy's when left out")
    ] = None
    as_of: Day | None = None

    @model_validator(mode="after")
    def _one_place(self) -> PolesRequest:
        if (self.lon is None) != (self.lat is None) or (self.lon is None) == (self.geometry is None):
            raise refused(
                "one_place",
                "Cần đúng một vị trí: lon và lat của một cột, hoặc geometry của một hàng cột",
                "Name one place: lon and lat of a pole, or the geometry of a row of poles",
            )
        return self


class DuctsRequest(BaseModel):
    """Where a duct is proposed."""

    model_config = ConfigDict(extra="forbid")

    operator: Operator
    geometry: dict[str, Any] = Field(description=_ROUTE)
    tolerance_m: Annotated[
        float | None,
        Field(strict=True, description="How far beside it a duct serves the route; the policy's by default"),
    ] = None
    as_of: Day | None = None


class Words(BaseModel):
    """An advice or a reason."""

    code: str
    vi: str
    en: str


class OwnerOut(BaseModel):
    """Whose it is."""

    code: str
    name: str | None


class PoleOut(BaseModel):
    """A pole within reach; `spare` is null when its capacity or its lines are not known."""

    id: int
    pole: str
    owner: OwnerOut | None
    distance_m: float
    along_m: float = Field(description="From the start of the row of poles asked about; 0 for a single one")
    height_m: float | None
    street: str | None
    cable_capacity: int | None
    lines: int | None
    lines_at_least: bool = Field(description="Some tenant's lines were not counted")
    spare: int | None
    spare_state: Literal["free", "unknown", "full"]
    tenants: list[str]
    operator_already_here: bool
    lon: float
    lat: float
    synthetic: bool
    restricted: bool


class DuctOut(BaseModel):
    """A duct segment; `bores_free` is null when its bores or its occupants are not known."""

    id: int
    duct: str
    owner: OwnerOut | None
    street: str | None
    length_m: float
    distance_m: float
    bores_total: int | None
    bores_usable: int | None
    bores_occupied: int | None
    bores_free: int | None
    state: Literal["free", "unknown", "full"]
    tenants: list[str]
    operator_already_here: bool
    own: bool
    synthetic: bool
    restricted: bool


class DuctAlong(DuctOut):
    """A duct segment beside a route."""

    from_m: float = Field(description="Where along the route it begins, geodesic")
    along_m: float = Field(description="How much of the route it serves, geodesic")


class StretchOut(BaseModel):
    """Part of a route by the best duct beside it; all but `free` are gaps to be built or asked about."""

    from_m: float
    to_m: float
    length_m: float
    state: Literal["free", "unknown", "full", "none"]
    geometry: dict[str, Any]


class DigOut(BaseModel):
    """A duct somebody else means to lay."""

    duct: str
    trench: str | None
    owner_code: str | None
    street: str | None
    begins: dt.date
    distance_m: float
    synthetic: bool


class RestrictedOut(BaseModel):
    """What only the department is shown; it changes no advice."""

    poles: list[PoleOut]
    ducts: list[DuctOut]


class PolesAnswer(BaseModel):
    """Poles best first, what else there is, and the advice."""

    advice: Words = Field(description="use_existing, bury, joint_trench, license_shared or needs_a_person")
    reasons: list[Words]
    poles: list[PoleOut]
    carried_m: float = Field(description="Metres of the row that poles with room carry")
    length_m: float = Field(description="Of the row of poles, geodesic; 0 for a single one")
    ducts: list[DuctOut]
    parallel_digs: list[DigOut]
    constraints: list[FindingOut]
    restricted: RestrictedOut
    proposal: dict[str, Any]
    as_of: dt.date
    citation: str
    synthetic: bool


class DuctsAnswer(BaseModel):
    """Ducts in the route's order, the route cut by what they can take, and the advice."""

    advice: Words = Field(description="use_existing, partly, build_shared or needs_a_person")
    reasons: list[Words]
    length_m: float = Field(description="Geodesic; free_m, unknown_m, full_m and none_m add up to it")
    free_m: float
    unknown_m: float
    full_m: float
    none_m: float
    free_share: float
    ducts: list[DuctAlong]
    stretches: list[StretchOut]
    parallel_digs: list[DigOut]
    restricted: list[DuctOut]
    proposal: dict[str, Any]
    as_of: dt.date
    citation: str
    synthetic: bool
