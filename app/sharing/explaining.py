"""The change between two sides read from the registry, and the objects of each of its parts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.areas.geography import Geography, Kind, geography
from app.database import look_back
from app.errors import Invalid, NotFound
from app.kit.text import fold
from app.policy.disclosure import withheld
from app.sharing.change import PARTS, STEP, Change, Explained, State, Sums, counted, explain
from app.sharing.definitions import KIND_OF, Definition
from app.sharing.figures import Bools, Ints, Ratio
from app.sharing.geographies import places
from app.sharing.objects import NAME_OF
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
        raise NotFound(
            f"unknown_{level}",
            f"Không có đơn vị cấp {level} {wanted[:40]!r} vào {day}; có thể chọn ranh giới ngày khác",
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


def described(answer: Answer) -> dict[str, Any]:
    """Return a change as reports and the API print it; the parts stand in a fixed order, those of nothing too."""
    found = answer.found
    factor = factor_of(answer.sides[1].definition)
    ends = (found.first, found.last)
    return {
        **{
            name: {
                "as_of": side.as_of,
                "known_at": side.known_at,
                "definition": {"code": side.definition.code, "version": side.definition.version},
                "boundaries": side.boundaries if answer.units else None,
                "unit": {"code": answer.units[i][0], "name": answer.units[i][1]} if answer.units else None,
                **_sums(ends[i]),
                "ratio": float(factor * ends[i].numerator / ends[i].denominator) if ends[i].denominator else None,
            }
            for i, (name, side) in enumerate(zip(("from", "to"), answer.sides, strict=True))
        },
        "unit": answer.sides[1].definition.unit,
        "counted_in": answer.sides[1].definition.counted_in,
        "points": _number(found.points),
        "parts": [
            {
                "part": c.part.code,
                "title": {"vi": c.part.vi, "en": c.part.en},
                **_sums(c.sums),
                "points": _number(c.points),
                "objects": int(c.key.size),
            }
            for c in found.parts
        ],
        "points_reason": None if found.parts[0].points is not None else _NO_POINTS,
    }


_NO_POINTS = {
    "vi": "Không chia được điểm phần trăm: có tổ hợp các phần khiến mẫu số bằng 0; các số đếm vẫn cộng đúng",
    "en": "No shares in percentage points: a combination of parts leaves no denominator; the counts still add up",
}


def _sums(sums: Sums) -> dict[str, float]:
    return {"numerator": float(sums.numerator), "denominator": float(sums.denominator), "unknown": float(sums.unknown)}


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def part_of(answer: Answer, code: str) -> Change:
    """Return one part of a change.

    Raises
    ------
    NotFound
        There is no such part; the message lists those there are.
    """
    found = next((c for c in answer.found.parts if c.part.code == code), None)
    if found is None:
        names = ", ".join(PARTS)
        raise NotFound(
            "unknown_part", f"Không có phần {code[:40]!r}; hiện có: {names}",
            f"There is no part {code[:40]!r}; there are: {names}", field="part",
        )  # fmt: skip
    return found


_LISTED = """
    SELECT t.id, t.code, t.{name} AS name, t.valid_from, t.valid_to, t.synthetic,
           t.restricted AND registry.is_department() AS restricted, ST_AsGeoJSON(t.geom, 7)::json AS geometry
    FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS s(id, place) JOIN {kind} t ON t.id = s.id ORDER BY s.place
"""


def objects_of(
    session: Session, answer: Answer, code: str, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of GeoJSON features of the objects of one part, and how many there are.

    Each with what it counted before and after; drawn as it is known now. A trench or route stands by its longest duct.

    Raises
    ------
    NotFound
        There is no such part.
    """
    part = part_of(answer, code)
    order = np.argsort(part.stands, kind="stable")[offset : offset + limit]
    kind = KIND_OF[answer.sides[1].definition.indicator]
    # Kinds come from our own list, values are bound.
    query = _LISTED.format(kind=kind, name=NAME_OF[kind])
    rows = {row.id: row for row in session.execute(text(query), {"ids": part.stands[order].tolist()})}
    if any(row.restricted for row in rows.values()):
        session.execute(select(func.audit.saw("list", f"{kind}s", None, True)))
    hidden = set(withheld(session, f"{kind}s", ("code", NAME_OF[kind], "geometry")))
    features = []
    for i in order.tolist():
        row = rows[int(part.stands[i])]
        properties = {
            "code": None if "code" in hidden else row.code,
            "name": None if NAME_OF[kind] in hidden else row.name,
            "part": code,
            "before": _counts(part.before[i]),
            "after": _counts(part.after[i]),
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "synthetic": row.synthetic,
        }
        if row.restricted:
            properties["restricted"] = True
        geometry = None if "geometry" in hidden else row.geometry
        features.append({"type": "Feature", "id": row.id, "properties": properties, "geometry": geometry})
    return features, int(part.key.size)


def _counts(row: Ints) -> dict[str, float]:
    return dict(zip(("numerator", "denominator", "unknown"), (row * STEP).tolist(), strict=True))
