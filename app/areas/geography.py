"""The units of one day, and in which of them every object lies: the ground of every breakdown and series.

An object lies in the unit whose boundary holds it; a village in the commune it is recorded to belong to. Where a unit
has no boundary on record, the boundaries of the nearest day that has some decide, if the crosswalk leads from there to
one single unit; else the object's unit is unknown. Nothing is guessed, and every object is in exactly one group, so the
groups of any geography add up to the same total.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas import reforms
from app.areas.crosswalk import Crosswalk, Ints
from app.areas.search import known_level
from app.errors import NotFound
from app.kit.ordered import find

Kind = Literal["site", "pole", "duct", "village"]
OUTSIDE = ("outside", "Ngoài ranh giới các đơn vị", "outside every unit")
UNKNOWN = ("boundary_unknown", "Chưa rõ: đơn vị chưa có ranh giới", "unknown: a unit has no boundary on record")


@dataclass(frozen=True)
class Geography:
    """The units of one level in force on a day, by code.

    Attributes
    ----------
    ids : ndarray of int64, shape (units,)
        Row ids; the index into them is an object's group, `outside` and `unknown` are two groups more.
    bounded : ndarray of bool, shape (units,)
        Which have a boundary on record.
    """

    as_of: dt.date
    level: str
    ids: Ints
    codes: list[str]
    names: list[str]
    kinds: list[str | None]
    parents: list[int | None]
    bounded: NDArray[np.bool_]

    @property
    def outside(self) -> int:
        """Group of what lies outside every unit."""
        return self.ids.size

    @property
    def unknown(self) -> int:
        """Group of what lies in a unit that cannot be told for want of boundaries."""
        return self.ids.size + 1

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return self.ids.size + 2

    def label(self, group: int) -> dict[str, Any]:
        """Return what an answer says of a group."""
        if group < self.outside:
            return {"group": "unit", "id": int(self.ids[group]), "code": self.codes[group], "name": self.names[group],
                    "kind": self.kinds[group]}  # fmt: skip
        code, vi, en = OUTSIDE if group == self.outside else UNKNOWN
        return {"group": code, "id": None, "code": None, "name": f"{vi} · {en}", "kind": None}

    def described(self) -> dict[str, Any]:
        """Return the day, level and number of units, and how many have no boundary."""
        bare = int((~self.bounded).sum())
        return {"as_of": self.as_of, "level": self.level, "units": self.outside, "without_boundary": bare}


@dataclass(frozen=True)
class Assignment:
    """The group of every object of a kind.

    Attributes
    ----------
    ids, group : ndarray of int64, shape (objects,)
        Row ids, ascending, and groups of the geography.
    """

    geography: Geography
    ids: Ints
    group: Ints

    def with_again(self, fresh: Assignment, ids: Ints) -> Assignment:
        """Return it with the objects of `ids`, of which some may be gone, placed again as `fresh` says."""
        return Assignment(fresh.geography, *_again(self.ids, ids, (self.ids, fresh.ids), (self.group, fresh.group)))

    def of(self, ids: Ints) -> Ints:
        """Return the group of each of `ids`; an object without a place is unknown."""
        if np.array_equal(self.ids, ids):
            return self.group  # every object is in force
        return np.append(self.group, self.geography.unknown)[find(self.ids, ids)]


@dataclass(frozen=True)
class Points:
    """Where objects lie, in degrees: ids ascending, NaN for an object without a place."""

    ids: Ints
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def with_again(self, fresh: Points, ids: Ints) -> Points:
        """Return them with the objects of `ids`, of which some may be gone, where `fresh` says."""
        both = (self.ids, fresh.ids), (self.x, fresh.x), (self.y, fresh.y)
        return Points(*_again(self.ids, ids, *both))

    def only(self, mask: NDArray[np.bool_]) -> Points:
        """Return those of a mask."""
        return Points(self.ids[mask], self.x[mask], self.y[mask])


def _again(known: Ints, ids: Ints, *columns: tuple[NDArray[Any], NDArray[Any]]) -> list[NDArray[Any]]:
    """Return columns of old and fresh values without the old ones of `ids`, in the order of the first, the ids."""
    gone = np.flatnonzero(np.isin(known, ids))
    stay = [np.delete(old, gone) for old, _ in columns]
    before = np.searchsorted(stay[0], columns[0][1])
    return [np.insert(old, before, fresh) for old, (_, fresh) in zip(stay, columns, strict=True)]


def geography(session: Session, level: str, as_of: dt.date, *, empty: bool = False) -> Geography:
    """Return the units of `level` in force on `as_of`.

    Parameters
    ----------
    empty : bool
        No unit at all is an answer too: everything lies outside.

    Raises
    ------
    NotFound
        There is no such level, or it has no units on that day; the message says when it has.
    """
    known_level(session, level)
    rows = session.execute(
        text("""
            SELECT id, code, name, kind, parent_id, geom IS NOT NULL AS bounded FROM unit
            WHERE level = :level AND registry.in_force(valid_from, valid_to, :as_of) ORDER BY code, id
        """),
        {"level": level, "as_of": as_of},
    ).all()
    if not rows and not empty:
        spans = session.execute(
            text("SELECT min(valid_from), CASE WHEN bool_or(valid_to IS NULL) THEN NULL ELSE max(valid_to) END "
                 "FROM unit WHERE level = :level"), {"level": level},
        ).one()  # fmt: skip
        told = f"{spans[0]}…{spans[1] or ''}" if spans[0] else "—"
        raise NotFound(
            "no_units", f"Không có đơn vị cấp {level!r} nào có hiệu lực vào {as_of}; có: {told}",
            f"No unit of level {level!r} is in force on {as_of}; there are: {told}", field="boundaries",
        )  # fmt: skip
    return Geography(
        as_of,
        level,
        np.array([r.id for r in rows], np.int64),
        [r.code for r in rows],
        [r.name for r in rows],
        [r.kind for r in rows],
        [r.parent_id for r in rows],
        np.array([r.bounded for r in rows], bool),
    )


_PLACE = {"site": "geom", "pole": "geom", "duct": "ST_LineInterpolatePoint(geom, 0.5)", "village": "point"}
"""Where an object lies: a duct in the unit of its middle."""
_POINTS = """
    SELECT string_agg(int8send(o.id), ''::bytea), string_agg(float8send(coalesce(ST_X(o.here), 'NaN')), ''::bytea),
           string_agg(float8send(coalesce(ST_Y(o.here), 'NaN')), ''::bytea)
    FROM (SELECT id, {point} AS here FROM {kind} WHERE {which} ORDER BY id OFFSET 0) o
"""
_MEMBERS = """
    SELECT village_id AS a, unit_id AS b FROM village_unit
    WHERE registry.in_force(valid_from, valid_to, :as_of) ORDER BY 1
"""


def assign(session: Session, where: Geography, kind: Kind, lying: Points | None = None) -> Assignment:
    """Return the group of objects of `kind`, in force or not: places do not change.

    Parameters
    ----------
    lying : Points, optional
        The objects and where they lie; by default all the caller may see.
    """
    if lying is None:
        lying = points(session, kind)
    ids = lying.ids
    communes = _communes(session, where) if kind == "village" or not where.bounded.all() else None
    if communes is not None:
        return Assignment(where, ids, _by_parent(where, communes, assign(session, communes, kind, lying).group))
    group = np.full(ids.size, where.outside, np.int64)
    at, number = _inside(session, where, lying)
    group[at] = number
    if not where.bounded.all():
        left = group == where.outside
        group[left] = _by_other_boundaries(session, where, lying.only(left))
    if kind == "village" and where.level == "commune":
        village, unit = _pairs(session, _MEMBERS, as_of=where.as_of)
        member = np.isin(unit, where.ids) & np.isin(village, ids)
        # What the record says comes before what the map says.
        group[np.searchsorted(ids, village[member])] = _index(where.ids, unit[member])
    return Assignment(where, ids, group)


def _pairs(session: Session, query: str, **values: Any) -> tuple[Ints, Ints]:
    """Return the columns a and b of one of our own queries; half a million Python integers would take a second."""
    session.flush()
    joined = "SELECT string_agg(int8send(q.a), ''::bytea), string_agg(int8send(q.b), ''::bytea) FROM ({}) q"
    row = session.execute(text(joined.format(query)), values).one()
    a, b = (np.frombuffer(bytes(column or b""), ">i8").astype(np.int64) for column in row)
    return a, b


def _index(ids: Ints, wanted: Ints) -> Ints:
    """Return the position in `ids`, in any order, of each of `wanted`, which all are among them."""
    order = np.argsort(ids)
    return order[np.searchsorted(ids, wanted, sorter=order)]


def points(session: Session, kind: Kind, ids: Ints | None = None) -> Points:
    """Return where the objects of `kind` the caller may see lie, or those of some ids."""
    session.flush()
    which = "true" if ids is None else "id = ANY (:ids)"
    query = text(_POINTS.format(kind=kind, point=_PLACE[kind], which=which))
    row = session.execute(query, {} if ids is None else {"ids": ids.tolist()}).one()
    types = (">i8", ">f8", ">f8")
    found, x, y = (np.frombuffer(bytes(c or b""), t).astype(t[1:]) for c, t in zip(row, types, strict=True))
    return Points(found, x, y)


def _inside(session: Session, where: Geography, points: Points) -> tuple[Ints, Ints]:
    """Return the indices of the points within a boundary, and the group of the unit each lies in.

    In memory: of a million points the database takes ten times as long to say it, which asks each for its index.
    A point on a common edge lies in the unit of the smaller code, which has the smaller number.
    """
    query = text("SELECT id, ST_AsBinary(geom) AS geom FROM unit WHERE id = ANY(:units)")
    rows = session.execute(query, {"units": where.ids[where.bounded].tolist()})
    boundaries = {row.id: shapely.from_wkb(bytes(row.geom)) for row in rows}
    group = np.full(points.ids.size, -1, np.int64)
    for number in reversed(np.flatnonzero(where.bounded).tolist()):
        boundary = boundaries[int(where.ids[number])]
        shapely.prepare(boundary)
        west, south, east, north = boundary.bounds
        box = (points.x >= west) & (points.x <= east) & (points.y >= south) & (points.y <= north)
        near = np.flatnonzero(box)
        group[near[shapely.intersects_xy(boundary, points.x[near], points.y[near])]] = number
    at = np.flatnonzero(group >= 0)
    return at, group[at]


def _communes(session: Session, where: Geography) -> Geography | None:
    """Return the communes of districts on their day, where there are any."""
    if where.level != "district":
        return None
    try:
        return geography(session, "commune", where.as_of)
    except NotFound:
        return None


def _by_parent(where: Geography, communes: Geography, group: Ints) -> Ints:
    """Return the districts of objects from their communes."""
    index = {int(unit): i for i, unit in enumerate(where.ids)}
    parents = [where.unknown if p is None else index.get(p, where.unknown) for p in communes.parents]
    return np.array([*parents, where.outside, where.unknown], np.int64)[group]


def _by_other_boundaries(session: Session, where: Geography, points: Points) -> Ints:
    """Return the group of objects outside the known boundaries, by way of those of the nearest day that has some."""
    group = np.full(points.ids.size, where.unknown, np.int64)
    day = _nearest_bounded(session, where)
    if day is None or points.ids.size == 0:
        return group
    other = geography(session, where.level, day)
    at, number = _inside(session, other, points)
    found = reforms.crosswalk(session, where.level, day, where.as_of)
    group[at] = _single(found, where)[np.searchsorted(found.units, other.ids)][number]
    if other.bounded.all():
        astray = np.ones(points.ids.size, bool)
        astray[at] = False
        group[astray] = where.outside
    return group


def _single(found: Crosswalk, where: Geography) -> Ints:
    """Return for each unit a crosswalk starts from the one unbounded unit all of it is in, else unknown."""
    row = np.searchsorted(found.units, found.old)
    alone = np.bincount(row, minlength=found.units.size) == 1
    alone &= found.lost <= 0
    at = _index(where.ids, found.new)
    result = np.full(found.units.size, where.unknown, np.int64)
    sure = alone[row] & ~where.bounded[at]
    result[row[sure]] = at[sure]
    return result


def _nearest_bounded(session: Session, where: Geography) -> dt.date | None:
    """Return the day nearest to the geography's on which other units of the level have boundaries."""
    days: dt.date | None = session.scalar(
        text("""
            SELECT d.day FROM unit u
            CROSS JOIN LATERAL (VALUES (u.valid_from), (u.valid_to - 1)) AS d(day)
            WHERE u.level = :level AND u.geom IS NOT NULL AND d.day IS NOT NULL
              AND NOT registry.in_force(u.valid_from, u.valid_to, :as_of)
            ORDER BY abs(d.day - :as_of), d.day LIMIT 1
        """),
        {"level": where.level, "as_of": where.as_of},
    )
    return days
