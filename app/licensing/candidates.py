"""A structure that could be shared, and what room it has: places, load, height. Pure; unknown is never free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

SpareState = Literal["free", "unknown", "full"]


@dataclass(frozen=True)
class Candidate:
    """A structure in force that can carry antennas.

    `top_m` is above ground with the host building; `tenants` are the distinct organisations on the mast.
    `load_used_kg` is null where the load of a tenant is not recorded; `antenna_heights_m` are those recorded above
    ground, and `antennas_known` is false where a tenant has none recorded.
    """

    site_id: int
    site: str
    structure: str
    owner_code: str | None
    owner_name: str | None
    distance_m: float
    height_m: float | None
    top_m: float | None
    kind: str
    type_code: str | None
    tenant_capacity: int | None
    lon: float
    lat: float
    synthetic: bool
    tenants: tuple[str, ...]
    technologies: tuple[str, ...]
    restricted: bool = False
    structure_id: int = 0
    owner_contact: str | None = None
    load_capacity_kg: float | None = None
    load_used_kg: float | None = None
    antenna_heights_m: tuple[float, ...] = ()
    antennas_known: bool = False

    @property
    def spare(self) -> int | None:
        """Operators it could still carry; null when its capacity is unknown."""
        return None if self.tenant_capacity is None else max(0, self.tenant_capacity - len(self.tenants))

    @property
    def spare_state(self) -> SpareState:
        """Whether there is room."""
        return "unknown" if self.spare is None else "free" if self.spare else "full"

    @property
    def spare_load_kg(self) -> float | None:
        """Load it could still carry; null when its capacity or the load of a tenant is unknown."""
        if self.load_capacity_kg is None or self.load_used_kg is None:
            return None
        return max(0.0, self.load_capacity_kg - self.load_used_kg)


@dataclass(frozen=True)
class Room:
    """What one more operator needs, of policy colocation/room."""

    antenna_separation_m: float
    """Between the antennas of two operators on one mast."""
    antenna_set_kg: float
    """Antennas, remote radio units and cables of one operator."""


def room(candidate: Candidate, needed: Room) -> SpareState:
    """Return whether there is room for one more operator: a place, and load where that is recorded.

    Load nobody recorded does not make a free place unknown: it is shown as unknown beside it. A structure that
    belongs to nobody has nobody who could let a place on it: unknown.
    """
    load = candidate.spare_load_kg
    if candidate.spare_state == "free" and load is not None and load < needed.antenna_set_kg:
        return "full"
    return "unknown" if candidate.spare_state == "free" and candidate.owner_code is None else candidate.spare_state


def free_height_m(candidate: Candidate, needed: Room) -> float | None:
    """Return the greatest height above ground where one more operator's antennas have their distance from others.

    Null when the top, or the height of a tenant's antennas, is unknown; 0 when no height is free.
    """
    if candidate.top_m is None or (candidate.tenants and not candidate.antennas_known):
        return None
    return highest_free(candidate.top_m, candidate.antenna_heights_m, needed.antenna_separation_m)


def highest_free(top_m: float, taken_m: Iterable[float], separation_m: float) -> float:
    """Return the greatest height up to `top_m` at least `separation_m` from every height taken; 0 for none."""
    height = top_m
    for taken in sorted(taken_m, reverse=True):
        if height + separation_m <= taken:
            continue
        if height - taken >= separation_m:
            break
        height = taken - separation_m
    return max(round(height, 2), 0.0)
