"""What "covered" means: a dated rule of policy.parameter, checked where it enters."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from app.errors import Invalid

Technology = Literal["2G", "3G", "4G", "5G"]
Evidence = Literal["drive_test", "speed_test", "model", "polygon", "claim"]
EVIDENCE: tuple[Evidence, ...] = ("drive_test", "speed_test", "model", "polygon", "claim")
"""From the strongest to the weakest. polygon: where an operator says it serves; claim: its word without a map."""


class CoverageRule(BaseModel):
    """A coverage rule; fields as domain.md §3 names them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    technologies: tuple[Technology, ...] = Field(min_length=1)
    rsrp_min_dbm: dict[Technology, float]
    environment_loss_db: float = Field(default=0, ge=0, le=60)
    downlink_mbps: float | None = Field(default=None, ge=0, le=100_000)
    uplink_mbps: float | None = Field(default=None, ge=0, le=100_000)
    probability: float = Field(default=0.5, gt=0, lt=1)
    unit: Literal["point", "population", "dwellings", "area"]
    grid_m: float = Field(default=100, ge=10, le=1000)
    """Step of the grid whose points stand for the area, for unit area."""
    min_share: float = Field(gt=0, le=1)
    min_operators: int = Field(default=1, ge=1, le=10)
    evidence_order: tuple[Evidence, ...] = Field(default=EVIDENCE, min_length=1)
    """The first of these that can decide does; one left out never decides."""

    @field_validator("evidence_order")
    @classmethod
    def _each_once(cls, value: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        if len(set(value)) < len(value):
            raise ValueError("evidence_order names a kind of evidence twice")
        return value

    @model_validator(mode="after")
    def _every_technology_has_a_threshold(self) -> CoverageRule:
        missing = [t for t in self.technologies if t not in self.rsrp_min_dbm]
        if missing:
            raise ValueError(f"rsrp_min_dbm has no threshold for {', '.join(missing)}")
        return self

    def threshold_dbm(self, technology: Technology, sigma_db: float) -> float:
        """Return the median level outdoors that satisfies the rule.

        The environment's loss and the margin that turns a median into the wanted probability, for a normal
        error of standard deviation `sigma_db`, come on top of the receiver's level.
        """
        return self.level_dbm(technology) + self.margin_db(sigma_db)

    def level_dbm(self, technology: Technology) -> float:
        """Return the level outdoors at which a phone is served: the receiver's and the environment's loss."""
        return self.rsrp_min_dbm[technology] + self.environment_loss_db

    def margin_db(self, sigma_db: float) -> float:
        """Return how far above that level a median must lie for the rule's probability."""
        return NormalDist().inv_cdf(self.probability) * sigma_db


def parse_rule(name: str, value: dict[str, Any]) -> CoverageRule:
    """Return the rule, or refuse what is malformed.

    Raises
    ------
    Invalid
        `malformed_rule`.
    """
    try:
        rule = CoverageRule.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "value"
        raise Invalid(
            "malformed_rule",
            f"Quy tắc {name!r} sai ở {field}",
            f"The rule {name!r} is malformed: {field}: {first['msg']}",
            field=field,
        ) from error
    return rule
