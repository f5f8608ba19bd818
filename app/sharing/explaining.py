"""The change between two sides, read from the registry and its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.geography import Geography, Kind, geography
from app.database import look_back
from app.errors import Invalid, NotFound
from app.kit.text import fold
from app.sharing.change import Explained, State, counted, explain
from app.sharing.definitions import KIND_OF, Definition
from app.sharing.figures import Bools, Ints, Ratio
from app.sharing.geographies import places
from app.sharing.surveys import Survey, survey

Level = Literal["commune", "district"]


@dataclass(frozen=True)
class Side:
    """One end of a change.

    Attributes
    ----------
    known_at : datetime or None
        Moment of knowledge; None is now.
    boundaries : date
        Day whose communes and districts count; only read when the change is that of one unit.
    """

    as_of: dt.date
    known_at: dt.datetime | None
    definition: Definition
    boundaries: dt.date


@dataclass(frozen=True)
class Unit:
    """The commune or district a change is told of, by code or accent-free name."""

    level: Level
    wanted: str


@dataclass(frozen=True)
class Answer:
    """A change with what it is about; `units` are the code and name of the unit on each side."""

    sides: tuple[Side, Side]
    units: tuple[tuple[str, str], ...]
    found: Explained


def change(session: Session, a: Side, b: Side, unit: Unit | None = None) -> Answer:
    """Return what changed from side `a` to side `b`, in the whole province or in one unit.

    For callers who read all: figures of few objects are told as they are. What a caller may not see now counts on
    neither side. Leaves the transaction reading what is known now.

    Raises
    ------
    Invalid
        The dates are reversed, or the definitions do not count the same thing, so that their numerators would not add.
    NotFound
        No such unit on one of the days.
    """
    _check(a, b)
    try:
        reading = _Reading(session, KIND_OF[a.definition.indicator], unit)
        units = () if unit is None else reading.both(a.boundaries, b.boundaries, b.known_at)
        chain = [
            (a.as_of, a.known_at, a.definition, a.boundaries),
            (a.as_of, a.known_at, b.definition, a.boundaries),
            (a.as_of, b.known_at, b.definition, a.boundaries),
            (b.as_of, b.known_at, b.definition, a.boundaries),
            (b.as_of, b.known_at, b.definition, b.boundaries),
        ]
        states = [reading.state(*each, units[0][0] if units else None) for each in chain]
    finally:
        if session.is_active:
            look_back(session, None)
    return Answer((a, b), units, explain(states, factor_of(b.definition)))


def factor_of(about: Definition) -> int:
    """Return what a ratio is multiplied by before it is told."""
    return 100 if about.unit == "%" else 1


def _check(a: Side, b: Side) -> None:
    if a.as_of > b.as_of:
        raise Invalid(
            "dates_reversed",
            f"Ngày đầu {a.as_of} sau ngày cuối {b.as_of}",
            f"The first date {a.as_of} is after the last one {b.as_of}",
            field="from",
        )
    one, other = a.definition, b.definition
    if (one.indicator, one.counted_in) != (other.indicator, other.counted_in):
        raise Invalid(
            "definitions_not_comparable",
            f"{one.code} đếm {one.counted_in!r}, {other.code} đếm {other.counted_in!r}: tử số không cộng được với nhau",
            f"{one.code} counts {one.counted_in!r} and {other.code} counts {other.counted_in!r}: their numerators do "
            "not add",
            field="definition_from",
        )


class _Reading:
    """Surveys, places and routes read once for all states that need them."""

    def __init__(self, session: Session, kind: str, unit: Unit | None) -> None:
        self._session, self._kind, self._unit = session, cast("Kind", kind), unit
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._routes: dict[str, int] = {}

    def _once(self, known_at: dt.datetime | None, what: str, day: dt.date, read: Callable[[], Any]) -> Any:
        key = (known_at, what, day)
        if key not in self._kept:
            look_back(self._session, known_at)
            self._kept[key] = read()
        return self._kept[key]

    def both(self, a: dt.date, b: dt.date, known_at: dt.datetime | None) -> tuple[tuple[str, str], ...]:
        """Return code and name of the unit on both days, as known at the later moment.

        The later day decides which unit a name means; its code is looked for on the earlier one.
        """
        assert self._unit is not None
        later = self._place(self._unit.wanted, b, known_at)
        return (self._place(later[0], a, known_at), later)

    def _place(self, wanted: str, day: dt.date, known_at: dt.datetime | None) -> tuple[str, str]:
        assert self._unit is not None
        where = self._ground(day, known_at)
        names = dict(zip(where.codes, where.names, strict=True))
        if wanted in names:
            return wanted, names[wanted]
        alike = [code for code, name in names.items() if fold(name) == fold(wanted)]
        if len(alike) == 1:
            return alike[0], names[alike[0]]
        level = self._unit.level
        vi = {"commune": "xã, phường", "district": "huyện"}[level]
        raise NotFound(
            f"unknown_{level}",
            f"Không có {vi} {wanted[:40]!r} vào {day}; có thể chọn ranh giới ngày khác",
            f"There is no {level} {wanted[:40]!r} on {day}; the boundaries of another day may be chosen",
            field=level,
        )

    def _ground(self, day: dt.date, known_at: dt.datetime | None) -> Geography:
        assert self._unit is not None
        level = self._unit.level
        found: Geography = self._once(known_at, "ground", day, lambda: geography(self._session, level, day, empty=True))
        return found

    def state(
        self, as_of: dt.date, known_at: dt.datetime | None, about: Definition, boundaries: dt.date,
        code: str | None,
    ) -> State:  # fmt: skip
        """Return one state of the chain; the same one twice is the same object."""
        day = boundaries if self._unit else dt.date.min
        what = f"state {about.code} {as_of}"
        found: State = self._once(known_at, what, day, lambda: self._counted(as_of, known_at, about, day, code))
        return found

    def _counted(
        self, as_of: dt.date, known_at: dt.datetime | None, about: Definition, day: dt.date, code: str | None
    ) -> State:
        found: Survey = self._once(known_at, "survey", as_of, lambda: survey(self._session, self._kind, as_of))
        ratio = found.ratios[about.code]
        key = self._keys(found, ratio, known_at)
        inside = np.ones(found.ids.size, bool) if code is None else self._inside(found, day, known_at, code)
        return _state(found, ratio, key, inside)

    def _inside(self, found: Survey, day: dt.date, known_at: dt.datetime | None, code: str) -> Bools:
        """Return which rows lie in the unit; where its code was not known yet, none does."""
        where = self._ground(day, known_at)
        if code not in where.codes:
            return np.zeros(found.ids.size, bool)
        placed = places(self._session, self._kind, where.level, day, empty=True)
        inside: Bools = placed.of(found.ids) == where.codes.index(code)
        return inside

    def _keys(self, found: Survey, ratio: Ratio, known_at: dt.datetime | None) -> Ints:
        """Return what each unit is known by on every date: its row, its trench (D1) or its route (D3)."""
        row, code = ratio.row_of_unit, ratio.definition.code
        ids = found.ids[row]
        if code == "D1":
            trench = found.inputs[0]["trench"][row]
            return np.where(trench >= 0, trench, -ids)
        if code == "D3":
            names: dict[int, str] = self._once(known_at, "routes", dt.date.min, lambda: _routes(self._session))
            named = [names.get(int(i)) for i in ids]
            numbers = [-int(i) if n is None else self._routes.setdefault(n, len(self._routes))
                       for i, n in zip(ids, named, strict=True)]  # fmt: skip
            return np.array(numbers, np.int64)
        return ids


def _routes(session: Session) -> dict[int, str]:
    rows = session.execute(text("SELECT id, route FROM duct WHERE route IS NOT NULL"))
    return {row.id: row.route for row in rows}


def _state(found: Survey, ratio: Ratio, key: Ints, inside: Bools) -> State:
    within = inside[ratio.row_of_unit]
    weights = (ratio.numerator_weight, ratio.denominator_weight, ratio.unknown_weight)
    counts = np.column_stack([counted(np.where(within, weight, 0.0)) for weight in weights])
    # S3 has every presence in its numerator; shared is a position from two operators on.
    shared = ratio.numerator_weight >= 2 if ratio.definition.code == "S3" else ratio.numerator_mask
    order = np.argsort(key)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return State(
        key[order], found.ids[ratio.row_of_unit[order]], counts[order], shared[order], ratio.unknown_mask[order],
        found.ids, place[ratio.unit_of_row],
    )  # fmt: skip
