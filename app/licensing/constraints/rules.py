"""What the rule of each kind of constraint says, checked where it is written and where it is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from app.errors import Invalid
from app.licensing.constraints.models import KINDS
from app.licensing.constraints.obstacle_surface import Ring
from app.sites.antenna_code import CODES

Codes = Annotated[tuple[Literal["A1a", "A1b", "A2a", "A2b", "A2c"], ...], Field(max_length=len(CODES))]
_Height = Annotated[float, Field(gt=0, le=1000)]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class PlannedZone(_Rule):
    """Types of mast the passive-infrastructure plan allows in a zone, and how high."""

    allowed_codes: Codes
    max_height_m: _Height | None = None


class Heritage(_Rule):
    """Types of mast allowed within a distance of a protected place."""

    buffer_m: Annotated[float, Field(ge=0, le=50_000)]
    allowed_codes: Codes


class Airport(_Rule):
    """Obstacle limitation surfaces around the reference point of an aerodrome, above its elevation."""

    elevation_m: Annotated[float, Field(ge=-100, le=5000)]
    surfaces: Annotated[tuple[Ring, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _outward(self) -> Airport:
        """Refuse rings that do not lead outward, or sink: nearer the runway nothing may stand higher."""
        reached, limit = 0.0, 0.0
        for ring in self.surfaces:
            starts = ring.height_m if ring.height_m is not None else limit
            if ring is self.surfaces[0] and ring.height_m is None:
                raise ValueError("the first surface needs height_m")
            if ring.to_m <= reached or starts < limit:
                raise ValueError("surfaces have to follow one another outward and never sink")
            limit = starts + ring.slope * (ring.to_m - reached)
            reached = ring.to_m
        return self


class UndergroundStreet(_Rule):
    """A street whose lines go underground from a day on."""

    within_m: Annotated[float, Field(gt=0, le=500)]
    since: Annotated[dt.date, Field(alias="from")]


class Other(_Rule):
    """Something a person has to look at; `note` says what."""

    note: Annotated[str, Field(max_length=2000)] = ""

    @field_validator("note")
    @classmethod
    def _plain(cls, value: str) -> str:
        return value.strip()


Rule: TypeAlias = PlannedZone | Heritage | Airport | UndergroundStreet | Other
MODELS: Mapping[str, type[_Rule]] = {
    "planned_zone": PlannedZone,
    "heritage": Heritage,
    "airport": Airport,
    "underground_street": UndergroundStreet,
    "other": Other,
}


def read_rule(kind: str, value: Any) -> Rule:
    """Return the rule of a constraint.

    Raises
    ------
    Invalid
        `unknown_constraint_kind`, or `constraint_rule` with what is wrong, at `field` "rule.…".
    """
    if kind not in MODELS:
        raise unknown_kind(kind)
    try:
        return MODELS[kind].model_validate(value)  # type: ignore[return-value]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(("rule", *map(str, first["loc"])))
        raise Invalid(
            "constraint_rule",
            f"Quy tắc của loại {kind} không hợp lệ tại {field}: {first['msg']}",
            f"The rule of a {kind} is not valid at {field}: {first['msg']}",
            field=field,
        ) from error


def unknown_kind(kind: str) -> Invalid:
    """Return the refusal of a kind there is not."""
    return Invalid(
        "unknown_constraint_kind",
        f"Không có loại ràng buộc {kind[:40]!r}; chọn trong {', '.join(KINDS)}",
        f"There is no kind of constraint {kind[:40]!r}; choose from {', '.join(KINDS)}",
        field="kind",
    )


def written(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is stored."""
    return rule.model_dump(mode="json", by_alias=True)
