"""From the units of one day to those of another: successions chained, inverted, gathered. Pure: arrays in, arrays out.

A unit is a row id with the days between which it was in force; a step says that on a day a share of one unit went to
another. What a unit that lives on did not give away stays its own. Shares are parts of the former unit; what they are
measured in (area, people) is the succession's citation to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ROUNDING = 0.015
"""Shares of one unit that add up to 1 but for this much are rounded (0.33 three times), not a remainder."""
_NOTHING = 1e-9
OPEN = 4_000_000
"""End of a unit still in force, as a day number: after every date Python knows."""


@dataclass(frozen=True)
class History:
    """Every unit of one level and every step between them; days are proleptic ordinals (`date.toordinal`).

    Attributes
    ----------
    unit, start, end : ndarray of int64, shape (units,)
        Row id, ascending, and the half-open days [start, end); `end` is `OPEN` while in force.
    old, new, on : ndarray of int64, shape (steps,)
        Row ids and the day from which `new` holds that part of `old`.
    share : ndarray of float64, shape (steps,)
        Part of `old`, (0, 1].
    """

    unit: Ints
    start: Ints
    end: Ints
    old: Ints
    new: Ints
    on: Ints
    share: Floats

    def in_force(self, day: int) -> Ints:
        """Return the ids of the units in force on `day`, ascending."""
        return self.unit[(self.start <= day) & (day < self.end)]

    def lives(self, ids: Ints, day: int) -> NDArray[np.bool_]:
        """Say which of `ids` are in force on `day`."""
        return np.isin(ids, self.in_force(day))


@dataclass(frozen=True)
class Crosswalk:
    """Which unit of one day each unit of another became.

    Attributes
    ----------
    units : ndarray of int64, shape (units,)
        All units of the first day, ascending.
    lost : ndarray of float64, shape (units,)
        Share of each that no unit of the other day is known to hold.
    old, new : ndarray of int64, shape (pairs,)
        Pairs by old, then new.
    share : ndarray of float64, shape (pairs,)
        Part of `old` that is in `new`; NaN when only the relation is known.
    """

    units: Ints
    lost: Floats
    old: Ints
    new: Ints
    share: Floats

    def then(self, other: Crosswalk) -> Crosswalk:
        """Return this crosswalk followed by `other`; shares multiply along a path and add up over paths.

        What ends in a unit `other` does not know is lost.
        """
        pair, step = _join(self.new, other.old)
        share = self.share[pair] * other.share[step]
        known = np.isin(self.new, other.units)
        at = np.searchsorted(other.units, self.new[known])
        lost = self.lost.copy()
        astray = np.where(other.lost[at] > 0, self.share[known] * other.lost[at], 0.0)
        np.add.at(lost, np.searchsorted(self.units, self.old[known]), astray)
        np.add.at(lost, np.searchsorted(self.units, self.old[~known]), self.share[~known])
        return Crosswalk(self.units, lost, *_gathered(self.old[pair], other.new[step], share))

    def inverse(self, units: Ints, size: Floats) -> Crosswalk:
        """Return the way back: of each unit of the other day, the part that each unit of the first day gave.

        Parameters
        ----------
        units : ndarray of int64
            All units of the other day, ascending; those nothing went to come back as lost.
        size : ndarray of float64, shape (self.units,)
            Size of each unit of the first day in the measure of the shares; NaN when not known. A unit made of
            one alone needs none; of one made of several the shares are NaN unless all their sizes are known.
        """
        given = size[np.searchsorted(self.units, self.old)] * self.share
        at = np.searchsorted(units, self.new)
        made_of = np.bincount(at, minlength=units.size)
        total = np.bincount(at, given, units.size)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(made_of[at] == 1, 1.0, given / total[at])
        order = np.lexsort((self.old, self.new))
        lost = (made_of == 0).astype(np.float64)
        return Crosswalk(units, lost, self.new[order], self.old[order], share[order])

    def gathered(self, old_group: Ints, new_group: Ints, size: Floats) -> Crosswalk:
        """Return the crosswalk between groups of units, e.g. between the districts the communes belonged to.

        Parameters
        ----------
        old_group : ndarray of int64, shape (self.units,)
            Group of each unit of the first day.
        new_group : ndarray of int64, shape (pairs,)
            Group of each pair's new unit.
        size : ndarray of float64, shape (self.units,)
            As in `inverse`: how much each unit weighs in its group. A group of one unit, and a group that goes
            whole into one other, need none.
        """
        groups, at = np.unique(old_group, return_inverse=True)
        total = np.bincount(at, size, groups.size)
        alone = np.bincount(at, minlength=groups.size) == 1
        weight = np.where(alone[at], 1.0, size / np.where(total[at] > 0, total[at], np.nan))
        row = np.searchsorted(self.units, self.old)
        old, new, share = _gathered(old_group[row], new_group, self.share * weight[row])
        lost = np.zeros(groups.size)
        np.add.at(lost, at, np.where(self.lost > _NOTHING, self.lost * weight, 0.0))
        single = (np.bincount(np.searchsorted(groups, old), minlength=groups.size) == 1) & (lost == 0)
        share = np.where(single[np.searchsorted(groups, old)], 1.0, share)
        return Crosswalk(groups, lost, old, new, share)


def identity(units: Ints) -> Crosswalk:
    """Return the crosswalk of units to themselves."""
    return Crosswalk(units, np.zeros(units.size), units.copy(), units.copy(), np.ones(units.size))


def forward(history: History, first: int, last: int) -> Crosswalk:
    """Return what the units in force on day `first` had become by day `last`, not before it."""
    assert first <= last, "the way back is `inverse`"
    found = identity(history.in_force(first))
    for day in np.unique(history.on[(history.on > first) & (history.on <= last)]).tolist():
        found = found.then(_reform(history, found, day))
    gone = ~history.lives(found.new, last)
    lost = found.lost.copy()
    np.add.at(lost, np.searchsorted(found.units, found.old[gone]), found.share[gone])
    return Crosswalk(found.units, lost, found.old[~gone], found.new[~gone], found.share[~gone])


def _reform(history: History, before: Crosswalk, day: int) -> Crosswalk:
    """Return the crosswalk over the reform of `day` of every unit that `before` leads to."""
    units = np.unique(before.new)
    here = (history.on == day) & np.isin(history.old, units)
    old, new, share = history.old[here], history.new[here], history.share[here]
    at = np.searchsorted(units, old)
    given = np.bincount(at, share, units.size)
    touched = np.bincount(at, minlength=units.size) > 0
    whole = touched & (np.abs(given - 1) <= ROUNDING)
    share = np.where(whole[at], share / given[at], share)
    rest = np.where(whole, 0.0, np.clip(1 - given, 0.0, 1.0))
    # A unit no step of the day names goes on as it is; whether it is still in force is asked at the end.
    stays = ~whole & (~touched | history.lives(units, day))
    kept = stays & (rest > _NOTHING)
    lost = np.where(stays | whole, 0.0, rest)
    pairs = _gathered(np.r_[old, units[kept]], np.r_[new, units[kept]], np.r_[share, rest[kept]])
    return Crosswalk(units, lost, *pairs)


def _join(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Return the indices of all pairs with left[i] == right[j]; `right` is ascending."""
    low, high = np.searchsorted(right, left, "left"), np.searchsorted(right, left, "right")
    count = high - low
    i = np.repeat(np.arange(left.size), count)
    within = np.arange(i.size) - np.repeat(np.cumsum(count) - count, count)
    return i, np.repeat(low, count) + within


def _gathered(old: Ints, new: Ints, share: Floats) -> tuple[Ints, Ints, Floats]:
    """Return each pair once, by old, then new, with the sum of its shares."""
    if old.size == 0:
        return old, new, share
    order = np.lexsort((new, old))
    old, new, share = old[order], new[order], share[order]
    first = np.r_[True, (old[1:] != old[:-1]) | (new[1:] != new[:-1])]
    return old[first], new[first], np.add.reduceat(share, np.flatnonzero(first))
