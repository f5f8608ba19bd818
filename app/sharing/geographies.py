"""Figures of a ratio on a chosen geography, as far as the caller is told them.

Former communes lie inside today's, communes inside districts: a figure withheld on one geography must not come out as
the difference of two others. So the geographies are settled in a fixed order, today's communes first, then the
districts of the day, then its communes; what may be told on a later one respects every total told on an earlier one,
the sides and the whole (`app.sharing.inference`). Between two former days this is not done: see
`app.sharing.withholding` for what comparing two questions may show.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sqlalchemy.orm import Session

from app.areas.geography import Assignment, Geography, Kind, Points, assign, geography, points
from app.errors import NotFound
from app.kit.page import today
from app.kit.text import fold
from app.sharing.figures import Bools, Figure, Ints, Ratio
from app.sharing.inference import Inference
from app.sharing.kept import Changes, kept
from app.sharing.stored import Columns
from app.sharing.surveys import Survey
from app.sharing.withholding import REASON, small, withheld

if TYPE_CHECKING:
    from app.sharing.breakdown import Audience

_SIDES = 3
URBAN_KINDS = frozenset({"phuong", "thi tran"})


def places(session: Session, kind: Kind, level: str, day: dt.date, *, empty: bool = False) -> Assignment:
    """Return the group of every object of `kind` on the units of `level` in force on `day`; kept in memory.

    Raises
    ------
    NotFound
        As `app.areas.geography.geography`.
    """
    where = geography(session, level, day, empty=empty)
    # Where every commune has a boundary, these alone decide, whatever the day.
    alone = level != "district" and bool(where.bounded.all())
    table = f"registry.{kind}"

    def lie(ids: Ints | None = None) -> Points:
        return points(session, kind, ids)

    def again(old: Columns, changes: Changes) -> Columns:
        return vars(Points(**old).with_again(lie(changes[table]), changes[table]))

    def read() -> Columns:
        all_of_them = kept(session, ("points", kind), (table,), lambda: vars(lie()), again, on_disk=True)
        return _columns(assign(session, where, kind, Points(**all_of_them)))

    def renewed(old: Columns, changes: Changes) -> Columns | None:
        if changes.keys() != {table}:
            return None
        fresh = assign(session, where, kind, lie(changes[table]))
        return _columns(Assignment(where, **old).with_again(fresh, changes[table]))

    key = ("places", kind, level, *(where.ids.tolist() if alone else (day, empty)))
    tables = (table, "registry.unit", "registry.unit_succession")
    return Assignment(where, **kept(session, key, tables, read, renewed, on_disk=True))


def _columns(placed: Assignment) -> Columns:
    return {"ids": placed.ids, "group": placed.group}


class Grounds:
    """The objects of one kind on the geographies of an answer, and on those whose totals are told beside it.

    Surveys passed to one are of that kind and of one moment of knowledge.
    """

    def __init__(self, session: Session, kind: str, told: Audience) -> None:
        self._session, self._kind, self._told = session, cast("Kind", kind), told
        self._known: dict[tuple[str, dt.date], Assignment] = {}
        self._held: dict[tuple[dt.date, str, dt.date], Bools] = {}

    def on(self, level: str, day: dt.date, *, empty: bool = False) -> Assignment:
        """Return the group of every object on the units of `level` in force on `day`, as `app.areas.geography`.

        Raises
        ------
        NotFound
            There is no such level, or no unit of it on that day.
        """
        found = self._known.get((level, day))
        if found is None:
            found = places(self._session, self._kind, level, day, empty=empty)
            self._known[level, day] = found
        return found

    def _perhaps(self, level: str, day: dt.date) -> Assignment | None:
        try:
            return self.on(level, day)
        except NotFound:
            return None

    def figures(self, found: Survey, ratio: Ratio, here: Assignment) -> list[dict[str, Any]]:
        """Return the figure of each group of a geography; those the caller is not told say so."""
        figures = found.by_row(ratio, here.of(found.ids), here.geography.groups)
        key = (found.as_of, here.geography.level, here.geography.as_of)
        if key not in self._held:
            self._held[key] = self.held(found, here)
        held = self._held[key]
        return [
            Figure.withheld(REASON) if hidden else figure.as_dict()
            for figure, hidden in zip(figures, held.tolist(), strict=True)
        ]

    def held(self, found: Survey, here: Assignment) -> Bools:
        """Return which groups of a geography are withheld from the caller, shape (groups,).

        Each geography is settled knowing only those before it, so that it is the same in every answer.
        """
        if self._told.min_objects <= 0:
            return np.zeros(here.geography.groups, bool)
        stages = self._stages(here)
        groups = [stage.of(found.ids) for stage in stages]
        secrets = [
            small(*found.objects(group, stage.geography.groups), self._told.min_objects)
            for group, stage in zip(groups, stages, strict=True)
        ]
        if not any(each.any() for each in secrets):
            return secrets[-1]
        there = np.any([r.denominator_mask | r.unknown_mask for r in _by_own_rows(found)], axis=0)
        sides = {day: self._sides(found, day) for day in dict.fromkeys(stage.geography.as_of for stage in stages)}
        atoms = _combinations([each[there] for each in (*groups, *sides.values())])
        column = {day: len(stages) + k for k, day in enumerate(sides)}
        inference = Inference(len(atoms))
        if not self._too_few(found, np.zeros_like(groups[0]), 1)[0]:
            inference.tell(np.ones(len(atoms), bool))
        earlier: list[tuple[Ints, Bools]] = []
        for k, stage in enumerate(stages):
            day, size = stage.geography.as_of, stage.geography.groups
            for side in np.flatnonzero(~self._too_few(found, sides[day], _SIDES)):
                inference.tell(atoms[:, column[day]] == side, anyway=True)  # by another question: told as it is
            rows = atoms[:, k][None, :] == np.arange(size)[:, None]
            held = self._settled(found, stage, sides[day], there, earlier)
            inference.keep(rows[secrets[k]])
            most = found.objects(groups[k], size)[0].max(axis=0)
            for group in np.argsort(-most, kind="stable"):
                held[group] = held[group] or not inference.tell(rows[group])
            earlier.append((groups[k], held))
        return earlier[-1][1]

    def _stages(self, here: Assignment) -> list[Assignment]:
        """Return the geographies in the order in which they are settled, `here` last."""
        where = here.geography
        order = [("commune", today()), ("district", where.as_of)]
        wanted = (where.level, where.as_of)
        before = order[: order.index(wanted)] if wanted in order else order
        found = (self._perhaps(*each) for each in before)
        return [*(stage for stage in found if stage is not None), here]

    def _settled(
        self, found: Survey, stage: Assignment, sides: Ints, there: Bools, earlier: Sequence[tuple[Ints, Bools]]
    ) -> Bools:
        """Return what is withheld so that no total told before, nor a side, leaves too few objects withheld in it."""
        size, group = stage.geography.groups, stage.of(found.ids)
        side = _sides(stage.geography)
        untold = self._too_few(found, sides, _SIDES)
        blocks = [np.where(untold[side], -1, side) if stage.geography.level == "commune" else np.zeros(size, np.int64)]
        blocks += [_blocks(group[there], size, other[there], held) for other, held in earlier]
        return withheld(*found.objects(group, size), self._told.min_objects, *blocks)

    def _sides(self, found: Survey, day: dt.date) -> Ints:
        """Return the side of each row: a position says itself whether it is urban, else its commune of the day does."""
        communes = self._perhaps("commune", day)
        ground = 2 if communes is None else _sides(communes.geography)[communes.of(found.ids)]
        return np.where(found.urban >= 0, 1 - found.urban, ground).astype(np.int64)

    def _too_few(self, found: Survey, group: Ints, size: int) -> Bools:
        """Return which of few groups that make up everything are withheld."""
        return withheld(*found.objects(group, size), self._told.min_objects, np.zeros(size, np.int64))


def _combinations(columns: Sequence[Ints]) -> Ints:
    """Return the combinations of values that occur, shape (combinations, columns); values are small and not negative.

    By one number a row: `numpy.unique` over rows sorts tuples, twenty times slower.
    """
    key = np.zeros(columns[0].size, np.int64)
    for column in columns:
        key = key * (int(column.max(initial=0)) + 1) + column
    _, first = np.unique(key, return_index=True)
    return np.column_stack([column[first] for column in columns])


def _by_own_rows(found: Survey) -> list[Ratio]:
    """Return the ratios whose units are the rows themselves: they mark every object any definition counts."""
    rows = np.arange(found.ids.size)
    return [r for r in found.ratios.values() if np.array_equal(r.row_of_unit, rows)]


def _sides(where: Geography) -> Ints:
    """Return 0 for urban units, 1 for others, 2 for what lies in none: sides are told as totals."""
    urban = [fold(kind or "") in URBAN_KINDS for kind in where.kinds]
    return np.array([*(0 if u else 1 for u in urban), 2, 2], np.int64)


def _blocks(group: Ints, size: int, other: Ints, held: Bools) -> Ints:
    """Return for each group the total told on another geography that it is a part of, -1 when that is not told.

    Groups that share objects with the same groups of the other geography belong together, so that each total is a sum
    of whole groups.

    Parameters
    ----------
    group, other : ndarray of int64, shape (objects,)
        Group of each object on this and on the other geography.
    held : ndarray of bool, shape (other groups,)
        Which groups of the other geography are withheld.
    """
    mine = np.arange(size, dtype=np.int64)
    pairs = _combinations([group, other])
    while True:
        theirs = np.full(held.size, size, np.int64)
        np.minimum.at(theirs, pairs[:, 1], mine[pairs[:, 0]])
        merged = mine.copy()
        np.minimum.at(merged, pairs[:, 0], theirs[pairs[:, 1]])
        if (merged == mine).all():
            break
        mine = merged
    untold = np.unique(theirs[held & (theirs < size)])
    return np.where(np.isin(mine, untold), -1, mine)
