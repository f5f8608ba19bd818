"""Villages that must keep their verdict, as rows of a programme. Pure.

A populated point is held as long as one of the presences that reach it today (a network at a position) stays, or an act
brings one that reaches it. Points that something which never goes away reaches are left out beforehand. Per row (a
village, under all operators or one) held weight must stay enough.

Exact for rules of one operator; a presence farther than the check's distance is not counted, which can only make the
answer more careful.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.licensing.programme.solver import Floats, Ints, Programme

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Keeping:
    """What hangs on the towers that may go.

    Attributes
    ----------
    need : float64 array, shape (rows,)
        Weight that has to stay held among the row's points.
    village : int array, shape (rows,)
        Index of the row's village.
    row, weight : arrays, shape (points,)
        A point's row, and its people.
    keeper_point, keeper : int arrays
        Pairs: point, position whose presence reaches it.
    helper_point, helper : int arrays
        Pairs: point, act that brings a presence which reaches it.
    frozen : int array
        Positions that stay, because nobody can say what hangs on them.
    """

    need: Floats
    village: Ints
    row: Ints
    weight: Floats
    keeper_point: Ints
    keeper: Ints
    helper_point: Ints
    helper: Ints
    frozen: Ints

    def villages_of(self, position: int) -> int:
        """Return how many villages hang on a position."""
        points = self.keeper_point[self.keeper == position]
        return len(np.unique(self.village[self.row[points]]))

    def broken(self, removed: Bools, done: Bools) -> Ints:
        """Return the rows that no longer hold.

        Parameters
        ----------
        removed : bool array, shape (positions,)
        done : bool array, shape (acts,)
        """
        held = np.zeros(len(self.row), bool)
        held[self.keeper_point[~removed[self.keeper]]] = True
        held[self.helper_point[done[self.helper]]] = True
        total = np.bincount(self.row, self.weight * held, len(self.need))
        return np.flatnonzero(total < self.need)

    def alone(self, source: Ints) -> Bools:
        """Return which acts break a village all by themselves; `source` is the position each takes away."""
        bad = np.zeros(len(source), bool)
        count = np.bincount(self.keeper_point, minlength=len(self.row))
        lonely = count[self.keeper_point] == 1
        total = np.bincount(self.row, self.weight, len(self.need))
        helped: dict[int, list[int]] = {}
        for act, point in zip(self.helper.tolist(), self.helper_point.tolist(), strict=True):
            helped.setdefault(act, []).append(point)
        points_of: dict[int, list[int]] = {}
        for position, point in zip(self.keeper[lonely].tolist(), self.keeper_point[lonely].tolist(), strict=True):
            points_of.setdefault(position, []).append(point)
        for act, position in enumerate(source.tolist()):
            lost = set(points_of.get(position, ())) - set(helped.get(act, ()))
            if lost:
                points = np.fromiter(lost, np.int64)
                gone = np.bincount(self.row[points], self.weight[points], len(self.need))
                bad[act] = bool(((total - gone < self.need) & (gone > 0)).any())
        return bad

    def add_to(self, programme: Programme, gone: Ints, act: Ints) -> Ints:
        """Add the rows to a programme and return the columns that say which points are held.

        Parameters
        ----------
        gone, act : int arrays
            Columns that are 1 when a position goes away, and when an act is done.

        Notes
        -----
        Points with the same row, keepers and helpers are one column; its weight is their sum.
        """
        if not len(self.row):
            return np.empty(0, np.int64)
        keys: dict[tuple[int, tuple[int, ...], tuple[int, ...]], float] = {}
        keepers, helpers = _grouped(self.keeper_point, self.keeper), _grouped(self.helper_point, self.helper)
        for point, (row, weight) in enumerate(zip(self.row.tolist(), self.weight.tolist(), strict=True)):
            key = row, keepers.get(point, ()), helpers.get(point, ())
            keys[key] = keys.get(key, 0.0) + weight
        held = programme.add_columns(np.zeros(len(keys)), whole=False)
        rows, columns, values, most = [], [], [], []
        for number, (_, here, coming) in enumerate(keys):
            entries = [(int(held[number]), 1.0)]
            entries += [(int(gone[k]), 1.0) for k in here] + [(int(act[h]), -1.0) for h in coming]
            rows += [number] * len(entries)
            columns += [c for c, _ in entries]
            values += [v for _, v in entries]
            most.append(float(len(here)))
        programme.add_rows(len(keys), rows, columns, values, at_most=most)
        village = np.array([row for row, _, _ in keys], np.int64)
        programme.add_rows(len(self.need), village, held, np.array(list(keys.values())), at_least=self.need)
        return held


def _grouped(point: Ints, value: Ints) -> dict[int, tuple[int, ...]]:
    found: dict[int, set[int]] = {}
    for p, v in zip(point.tolist(), value.tolist(), strict=True):
        found.setdefault(p, set()).add(v)
    return {p: tuple(sorted(v)) for p, v in found.items()}


def nothing_kept() -> Keeping:
    """Return rows that ask for nothing: nobody knows what the towers cover, or nobody lives there."""
    none = np.empty(0, np.int64)
    return Keeping(np.empty(0), none, none, np.empty(0), none, none, none, none, none)
