"""Everything a co-location check rests on, as plain values: what can be frozen, hashed and judged again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from app.kit.canonical import sha256_of
from app.licensing.candidates import Candidate
from app.licensing.colocation import Limits, Proposal
from app.licensing.constraints.judgement import Finding
from app.licensing.effect import Host, Tenancy
from app.licensing.reach import Reach

VERSION = 3
"""Of the screening; a change of what follows from the same inputs is a new one."""


@dataclass(frozen=True)
class Place:
    """The commune a point lies in, or the nearest one `outside_m` away."""

    code: str
    name: str
    kind: str | None
    outside_m: float


@dataclass(frozen=True)
class Modelled:
    """By which run, rule and ground the reaches were computed, or why they were not."""

    reason: str | None
    """no_run, not_asked, or the code of what stood in the way; null when they were computed."""
    rule: str | None = None
    run_id: int | None = None
    run_as_of: dt.date | None = None
    terrain_version: str | None = None
    reach_km: float | None = None
    compared: int = 0
    """Candidates computed; the nearest with room, no more than the policy says."""
    left_out: int = 0
    synthetic: bool = False


@dataclass(frozen=True)
class Price:
    """What a place on one component of a structure costs a tenant, VND a month; null is unknown."""

    component: str
    declared_vnd_month: float | None
    paid_low_vnd_month: float | None
    paid_high_vnd_month: float | None
    contracts: int
    synthetic: bool


@dataclass(frozen=True)
class Inputs:
    """What is judged.

    Attributes
    ----------
    candidates : tuple of Candidate
        Structures around the proposal, by distance.
    hosts : mapping
        Position of each candidate, by the id of its structure, since two owners may use one code: its operators.
    reaches, proposed : mapping and Reach
        Whom the proposal's antennas reach from candidates, by structure too, and from the new tower.
    prices : mapping
        What a place on each candidate costs, by its structure; nothing where nobody declared it.
    desk : mapping
        Where an owner is asked without either side being named.
    """

    version: int
    as_of: dt.date
    proposal: Proposal
    limits: Limits
    place: Place | None
    place_checked: bool
    candidates: tuple[Candidate, ...]
    hosts: Mapping[int, Host]
    tenancy: Tenancy
    findings: tuple[Finding, ...]
    reaches: Mapping[int, Reach]
    proposed: Reach | None
    modelled: Modelled
    prices: Mapping[int, tuple[Price, ...]]
    poles_nearby: int
    poles_at_least: bool
    desk: Mapping[str, str]
    citations: tuple[str, ...]

    def frozen(self) -> dict[str, Any]:
        """Return plain values, as JSON has them."""
        plain: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return plain

    def sha256(self) -> str:
        """Return the hash of the frozen values."""
        return sha256_of(self.frozen())


_ADAPTER = TypeAdapter(Inputs)


def thawed(frozen: Mapping[str, Any]) -> Inputs:
    """Return the inputs again from their frozen values.

    Raises
    ------
    pydantic.ValidationError
        They are not such values.
    """
    return _ADAPTER.validate_python(frozen)
