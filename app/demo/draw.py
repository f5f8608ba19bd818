"""Seeded choices the parts of the province share: quotas, weighted options, dates."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from app.demo.noise import Floats
from app.demo.villages import Indexes

Dates = NDArray[np.datetime64]
Flags = NDArray[np.bool_]
NEVER = np.datetime64("NaT", "D")


def sums(group: Indexes, weight: Floats, groups: int) -> Floats:
    """Return the sum of `weight` per group number."""
    return np.bincount(group, weight, groups).astype(np.float64)


def quota(rng: np.random.Generator, weight: Floats, share: float, among: Flags | None = None) -> Flags:
    """Choose random items whose weights add up to `share` of the weight `among` (default all), never beyond it."""
    allowed = np.ones(len(weight), bool) if among is None else among
    return up_to(rng, weight, share * float(weight[allowed].sum()), allowed)


def up_to(rng: np.random.Generator, weight: Floats, total: float, allowed: Flags) -> Flags:
    """Choose random `allowed` items whose weights add up to `total` or just below it."""
    chosen = np.zeros(len(weight), bool)
    left = total
    for i in rng.permutation(np.flatnonzero(allowed)):
        if weight[i] <= left:
            chosen[i] = True
            left -= weight[i]
    return chosen


def option(rng: np.random.Generator, weights: dict[str, float], size: int) -> NDArray[np.str_]:
    """Draw `size` of the keys of `weights` in proportion."""
    share = np.array(list(weights.values()))
    return rng.choice(np.array(list(weights)), size, p=share / share.sum())


def days(rng: np.random.Generator, first: str, last: str, size: int) -> Dates:
    """Draw dates between `first` and `last`, both within."""
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    return start + rng.integers(0, int((end - start).astype(int)) + 1, size)


def later(dates: Dates, other: Dates | str) -> Dates:
    """Return the later of two dates, item by item."""
    return np.maximum(dates, np.datetime64(other, "D") if isinstance(other, str) else other)


def day(date: str) -> dt.date:
    """Return an ISO date."""
    return dt.date.fromisoformat(date)


def index_of(values: NDArray[np.str_], known: list[str]) -> Indexes:
    """Return the position of each value in `known`."""
    order = np.argsort(known)
    return order[np.searchsorted(np.array(known)[order], values)]
