"""From signals to verdicts: pure, three values, unknown never counts as covered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COVERED, NOT_COVERED, UNKNOWN = 0, 1, 2
NAMES = ("covered", "not_covered", "unknown")


@dataclass(frozen=True)
class Scope:
    """Whose coverage is judged: operator None is any of them, technology None is the rule's own list."""

    operator_id: int | None = None
    technology: str | None = None


@dataclass(frozen=True)
class Judged:
    """One entry per village."""

    verdict: Ints
    """Index into NAMES."""
    share: Floats
    """Share known to pass; NaN when the weights are unknown."""
    share_unknown: Floats
    points: Ints
    points_unknown: Ints
    point_unknown: NDArray[np.bool_]
    """Of every point, whether only an unknown cell could make it pass."""
    median_point: Ints
    """The point with the weighted median margin, -1 when nothing reaches it."""
    median_group: Ints
    """The group that serves the median point best, -1 likewise."""


def judge(
    margin_db: Floats,
    bound_db: Floats,
    operator: Ints,
    village: Ints,
    villages: int,
    weight: Floats,
    min_share: float,
    min_operators: int,
) -> Judged:
    """Judge every village under one scope.

    Parameters
    ----------
    margin_db, bound_db : float64 arrays, shape (points, groups)
        Best known level above the group's threshold, and what an unknown cell could reach at most; -inf none.
        Only the groups of the scope.
    operator : int array, shape (groups,)
        Operator of each group.
    village : int array, shape (points,)
        Index of the point's village, ascending.
    weight : float64 array, shape (points,)
        People, dwellings or 1; a village whose weights sum to 0 is unknown.
    min_share, min_operators : float, int
        Of the rule.

    Returns
    -------
    Judged
        covered: the share known to pass is enough. not_covered: even with all unknown it is not. Else unknown.
    """
    passed, possible = point_states(margin_db, bound_db, operator, min_operators)
    total = np.bincount(village, weight, villages)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.bincount(village, weight * passed, villages) / total
        at_most = np.bincount(village, weight * possible, villages) / total
    # Sums of shares round; a billionth of the people decides nothing.
    enough, hopeless = share >= min_share - 1e-9, at_most < min_share - 1e-9
    verdict = np.where(enough, COVERED, np.where(hopeless, NOT_COVERED, UNKNOWN))
    verdict[~(total > 0)] = UNKNOWN
    best = margin_db.max(axis=1, initial=-np.inf)
    median = _median_points(best, village, villages, np.where((total > 0)[village], weight, 1.0))
    # Index -1, no such point, reads the entry appended at the end.
    median = np.where(np.append(best, -np.inf)[median] > -np.inf, median, -1)
    group = np.append(margin_db.argmax(axis=1), -1)[median] if margin_db.shape[1] else np.full(villages, -1)
    return Judged(
        verdict,
        share,
        np.clip(at_most - share, 0, 1),
        np.bincount(village, minlength=villages),
        np.bincount(village, possible & ~passed, villages).astype(np.int64),
        possible & ~passed,
        median,
        group,
    )


def point_states(
    margin_db: Floats, bound_db: Floats, operator: Ints, min_operators: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether each point is known to pass, and whether it may; shape (points,) both.

    A point passes when enough operators reach its threshold; an unknown cell that could reach it makes
    the operator possible, never certain.
    """
    points = margin_db.shape[0]
    sure, maybe = np.zeros(points, np.int64), np.zeros(points, np.int64)
    for code in np.unique(operator):  # a handful of operators
        mine = operator == code
        known = (margin_db[:, mine] >= 0).any(axis=1)
        sure += known
        maybe += known | (bound_db[:, mine] >= 0).any(axis=1)
    return sure >= min_operators, maybe >= min_operators


def _median_points(value: Floats, village: Ints, villages: int, weight: Floats) -> Ints:
    """Return per village the point at the lower weighted median of `value`, -1 without points."""
    found = np.full(villages, -1, np.int64)
    if not village.size:
        return found
    order = np.lexsort((value, village))
    running = np.cumsum(weight[order])
    first = np.searchsorted(village[order], np.arange(villages))
    last = np.searchsorted(village[order], np.arange(villages), side="right")
    has = last > first
    before = np.where(first > 0, running[first - 1], 0.0)
    total = np.where(has, running[last - 1] - before, 0.0)
    position = np.searchsorted(running, before + total / 2 - 1e-12)
    found[has] = order[np.clip(position, first, last - 1)[has]]
    return found


def scopes(operators: Sequence[int], technologies: Sequence[str]) -> list[Scope]:
    """Return every scope a run stores: over all, per operator, per technology, per both."""
    some: list[int | None] = [None, *operators]
    kinds: list[str | None] = [None, *technologies]
    return [Scope(o, t) for o in some for t in kinds]
