"""What a proposal does to the sharing ratios S1 and S2, built apart and shared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from app.sharing.ratios import Sites, site_ratios


@dataclass(frozen=True)
class Tenancy:
    """How many positions have how many radio operators.

    `positions` maps k, the number of operators, to how many positions have it. Those of unknown tenancy are in neither
    ratio.
    """

    positions: Mapping[int, int]


@dataclass(frozen=True)
class Host:
    """The position that would be shared: its operators now, and whether the proposal's is one of them."""

    k: int
    already_there: bool


def effect(now: Tenancy, host: Host | None) -> dict[str, dict[str, float | None]]:
    """Return S1 and S2 before, with the operator at a new position, and at the best candidate's position.

    Parameters
    ----------
    host : Host or None
        Null when there is no candidate. Sharing a position where the operator is already adds nobody.
    """
    new = dict(now.positions)
    new[1] = new.get(1, 0) + 1
    before, alone = _ratios(now.positions), _ratios(new)
    shared: dict[str, float | None] = {"S1": None, "S2": None}
    if host is not None:
        moved, k = dict(now.positions), host.k + (not host.already_there)
        if host.k:
            moved[host.k] = moved.get(host.k, 0) - 1
        moved[k] = moved.get(k, 0) + 1
        shared = _ratios(moved)
    return {
        code: {"before": before[code], "after_new": alone[code], "after_shared": shared[code]} for code in ("S1", "S2")
    }


def _ratios(positions: Mapping[int, int]) -> dict[str, float | None]:
    return _of(tuple(sorted((k, count) for k, count in positions.items() if k > 0 and count > 0)))


@lru_cache(maxsize=64)
def _of(rows: tuple[tuple[int, int], ...]) -> dict[str, float | None]:
    """Return the ratios; between two changes of the registry every proposal asks for the same few."""
    k = np.repeat([r[0] for r in rows], [r[1] for r in rows]).astype(np.int64)
    found = site_ratios(Sites(k, k > 0, np.zeros(k.size, bool), np.full(k.size, -1)))
    return {code: found[code].ratio for code in ("S1", "S2")}
