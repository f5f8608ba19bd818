"""Synthetic masts: kind, measures, capacity and declared type code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.demo.noise import Floats
from app.demo.villages import Indexes


@dataclass(frozen=True)
class Structures:
    """The antenna support of each site."""

    kind: NDArray[np.str_]
    mounting: NDArray[np.str_]
    height_m: Floats
    host_height_m: Floats
    half_width_m: Floats
    disguised: list[bool | None]
    tenant_capacity: list[int | None]
    type_code: list[str | None]

    @property
    def antenna_m(self) -> Floats:
        """Height of the antennas above ground, a metre below the top."""
        return self.height_m + np.nan_to_num(self.host_height_m) - 1.0


def build_structures(
    rng: np.random.Generator, drawn: dict[str, Any], classes: NDArray[np.str_], tenants: Indexes
) -> Structures:
    """Draw one support per site; what it is follows from town or mountain."""
    specs, count = drawn["structures"], len(classes)
    names = list(specs)
    share = np.array([[specs[n][str(c)] for n in names] for c in classes])
    pick = (share.cumsum(axis=1) / share.sum(axis=1, keepdims=True) < rng.random((count, 1))).sum(axis=1)
    height = _between(rng, [specs[n]["height"] for n in names], pick)
    height[(classes == "mountain") & (pick == names.index("mast"))] += drawn["mountain_extra_m"]
    host = _between(rng, [specs[n]["host"] or [np.nan, np.nan] for n in names], pick)
    half = _between(rng, [specs[n]["half"] for n in names], pick)
    mounting = np.array([specs[n]["mounting"] for n in names])[pick]
    disguised = (rng.random(count) < 0.12) & np.isin(mounting, ["building", "post"])
    capacity = tenants + rng.integers(drawn["capacity"]["extra"][0], drawn["capacity"]["extra"][1] + 1, count)
    unknown = rng.random(count) < drawn["capacity"]["unknown"]
    code = _type_codes(mounting, height, host, half, disguised)
    wrong = rng.random(count) < drawn["type_code"]["wrong"]
    code = np.where(wrong, np.where(code == "A2b", "A1a", "A2b"), code)
    missing = rng.random(count) < drawn["type_code"]["missing"]
    return Structures(
        kind=np.array(names)[pick],
        mounting=mounting,
        height_m=height,
        host_height_m=host,
        half_width_m=half,
        disguised=disguised.tolist(),
        tenant_capacity=[None if u else max(int(c), 1) for u, c in zip(unknown, capacity, strict=True)],
        type_code=[None if m else str(c) for m, c in zip(missing, code, strict=True)],
    )


def _between(rng: np.random.Generator, ranges: list[list[float]], pick: Indexes) -> Floats:
    low, high = np.asarray(ranges, np.float64)[pick].T
    return np.asarray(np.round(low + (high - low) * rng.random(len(pick)), 1), np.float64)


def _type_codes(
    mounting: NDArray[np.str_], height: Floats, host: Floats, half: Floats, disguised: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Return A1a…A2b as the attributes say (TT 14/2013/TT-BTTTT; data/plan/type_codes.csv)."""
    slim = (height <= 3.0) & (half <= 0.5)
    roof = mounting == "building"
    return np.select(
        [disguised | ((mounting == "post") & slim), roof & slim & (height <= 0.2 * host), roof, mounting == "ground"],
        ["A1b", "A1a", "A2a", "A2b"],
        "A2c",
    )
