"""Reads of objects and of their history as states; row-level security decides which there are.

Table and column names come from the table of kinds, never from a request; values are bound.
"""

# ruff: noqa: S608  names of tables and columns come from the table of kinds, values are bound
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import is_department
from app.kit.page import BBox, today
from app.objects.kinds import KINDS, Kind
from app.objects.search import pattern
from app.objects.states import State
from app.policy.disclosure import Level, levels, relation, shown


@dataclass(frozen=True)
class Found:
    """An object as a state, and how the caller stands to it.

    Attributes
    ----------
    mine, restricted : bool
        It is one of the caller's organisations'; it is, or belongs to, a restricted object.
    labels : mapping
        Codes of what it refers to, as far as the caller sees them: owner_id 3 is "VNPT".
    drifted : mapping
        What is told instead of columns of the state (`Kind.drifting`).
    """

    state: State
    mine: bool
    restricted: bool
    labels: State
    drifted: State = field(default_factory=dict)

    @property
    def told(self) -> State:
        """The state as it is told."""
        return {**self.state, **self.drifted}


@dataclass(frozen=True)
class Told:
    """Columns of a kind the caller is told: of its organisations' objects, and of all others it sees."""

    of_mine: frozenset[str]
    of_others: frozenset[str]

    def of(self, mine: bool) -> frozenset[str]:
        """Return the columns told of an object."""
        return self.of_mine if mine else self.of_others


@dataclass(frozen=True)
class Wanted:
    """Which objects of a kind; everything already looked up."""

    as_of: dt.date
    q: str | None = None
    bbox: BBox | None = None
    unit_id: int | None = None
    parent: int | None = None
    sort: str = "id"
    descending: bool = False
    limit: int = 100
    offset: int = 0
    values: dict[str, Any] = field(default_factory=dict)


def told(session: Session, kind: Kind) -> Told:
    """Return which columns the caller is told, by policy.disclosure as it is today."""
    known = levels(session, kind.disclosed_as or kind.layer)

    def columns(owns: bool) -> frozenset[str]:
        here = relation(session, owns=owns, visible=not kind.everybody)
        return frozenset(n for n in kind.columns if n == "id" or shown(_level(kind, n, known), here))

    return Told(columns(kind.mine != "FALSE"), columns(False))


def _level(kind: Kind, column: str, known: dict[str, Level]) -> Level:
    return known.get(kind.attribute(column), "owner")


def _select(session: Session, kind: Kind, left_out: Iterable[str] = ()) -> str:
    columns = ", ".join(
        f"o.{n}::text AS {n}" if n in kind.geometries else f"o.{n}" for n in kind.columns if n not in left_out
    )
    labels = ", ".join(
        f"'{column}', (SELECT r.{_code(table)}::text FROM {table} r"
        f" WHERE r.id = {'d' if column in kind.drifting else 'o'}.{column})"
        for column, table in kind.references.items()
    )
    drifting = ", ".join(f"{test} AS {column}" for column, test in kind.drifting.items())
    kept = "FALSE"
    if kind.secret and is_department(session):
        kept = f"o.{kind.secret[0]} = ANY ((SELECT registry.restricted_ids('{kind.secret[1]}'))::bigint[])"
    return (
        f"SELECT (SELECT row_to_json(r) FROM (SELECT {columns}) r) AS state, coalesce({kind.mine}, FALSE) AS mine,"
        f" {kept} AS restricted, json_build_object({labels}) AS labels, row_to_json(d) AS drifted"
        f" FROM {kind.table.name} o CROSS JOIN LATERAL (SELECT {drifting}) d"
    )


def _code(table: str) -> str:
    return "number" if table == "bore" else "code"


def one(session: Session, kind: Kind, object_id: int, as_of: dt.date | None = None) -> Found | None:
    """Return the object the caller sees under the id, in force on `as_of` if given."""
    where = ["o.id = :id", kind.condition]
    if as_of is not None and "valid_to" in kind.columns:
        where.append("registry.in_force(o.valid_from, o.valid_to, :as_of)")
    statement = f"{_select(session, kind)} WHERE {' AND '.join(where)}"
    row = session.execute(text(statement), {"id": object_id, "as_of": as_of or today()}).one_or_none()
    return Found(*row) if row else None


def lock(session: Session, kind: Kind, object_id: int) -> bool:
    """Hold the object until the transaction ends; False when the caller may not change it, or does not see it."""
    statement = f"SELECT o.id FROM registry.{kind.table.name} o WHERE o.id = :id FOR UPDATE"
    return session.execute(text(statement), {"id": object_id}).first() is not None


def coded(session: Session, kind: Kind, code: str) -> list[int]:
    """Return the ids of the objects of exactly this code, at most ten."""
    if "code" not in kind.columns:
        return []
    statement = f"SELECT o.id FROM {kind.table.name} o WHERE o.code = :code AND {kind.condition} ORDER BY o.id LIMIT 10"
    return list(session.scalars(text(statement), {"code": code}))


def page(session: Session, kind: Kind, wanted: Wanted) -> tuple[int, list[Found]]:
    """Return how many objects match, and those of the page."""
    where, values = _where(session, kind, wanted)
    order = f"o.{wanted.sort} {'DESC' if wanted.descending else 'ASC'} NULLS LAST, o.id"
    source = f"FROM {kind.table.name} o WHERE {where}"
    # A search reads every object, so it counts in the same pass; a page without one stops at its last row.
    counted = "count(*) OVER ()" if wanted.q is not None else "NULL::bigint"
    chosen = f"SELECT o.id, {counted} {source} ORDER BY {order} LIMIT :limit OFFSET :offset"
    rows = session.execute(text(chosen), values).all()
    matched = rows[0][1] if rows else None
    if matched is None:
        matched = session.scalar(text(f"SELECT count(*) {source}"), values)
    statement = f"{_select(session, kind, kind.unlisted)} WHERE o.id = ANY (:ids) ORDER BY {order}"
    found = session.execute(text(statement), {"ids": [row[0] for row in rows], "as_of": wanted.as_of})
    return int(matched or 0), [Found(*row) for row in found]


def _where(session: Session, kind: Kind, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    known = told(session, kind)
    values: dict[str, Any] = {k: getattr(wanted, k) for k in ("as_of", "unit_id", "parent", "limit", "offset")}
    parts = [kind.condition]
    if "valid_to" in kind.columns:
        parts.append("registry.in_force(o.valid_from, o.valid_to, :as_of)")
    if wanted.q is not None:
        tests = [_told_only(kind, known, c, f"o.{c} ~ :pattern") for c in kind.search]
        parts.append(f"({' OR '.join(tests)})")
        values["pattern"] = pattern(wanted.q)
    if wanted.bbox is not None:
        box = "ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
        parts.append(
            _told_only(kind, known, "geom", _placed(kind, "o", f"{{0}} && {box} AND ST_Intersects({{0}}, {box})"))
        )
        values |= wanted.bbox._asdict()
    if wanted.unit_id is not None:
        lies = (
            "EXISTS (SELECT FROM unit_part p WHERE p.unit_id = :unit_id AND p.geom && {0}"
            " AND ST_Intersects(p.geom, {0}))"
        )
        parts.append(_told_only(kind, known, "geom", kind.membership or _placed(kind, "o", lies)))
    if wanted.parent is not None and kind.parent:
        parts.append(f"o.{kind.parent[0]} = :parent")
    return " AND ".join(parts), values


def _told_only(kind: Kind, known: Told, column: str, test: str) -> str:
    """Let a test of a column count only for objects of which the caller is told it: a filter tells, too."""
    if column in kind.columns and column not in known.of_others:
        return f"({kind.mine} AND {test})"
    return f"({test})"


def _placed(kind: Kind, alias: str, test: str) -> str:
    """Return `test` of the place of an object: its own geometry, else that of what it is part of."""
    if kind.geometries:
        fallback = kind.geometries[1:2]
        tests = [test.format(f"{alias}.{kind.geometries[0]}")]
        tests += [f"{alias}.{kind.geometries[0]} IS NULL AND {test.format(f'{alias}.{n}')}" for n in fallback]
        return " OR ".join(tests)
    assert kind.parent, "what has no place is not asked for its place"
    column, parent = kind.parent
    inner = f"{alias}{alias[-1]}"
    inside = _placed(KINDS[parent], inner, test)
    return f"{alias}.{column} IN (SELECT {inner}.id FROM {KINDS[parent].table.name} {inner} WHERE {inside})"


def referred(session: Session, table: str, row_id: int, same: tuple[str, Any] | None = None) -> bool:
    """Say whether the caller sees the row, and it has the value `same` (column, value) asks for."""
    condition = f" AND r.{same[0]} IS NOT DISTINCT FROM CAST(:same AS bigint)" if same else ""
    statement = f"SELECT EXISTS (SELECT FROM registry.{table} r WHERE r.id = :id{condition})"
    return bool(session.scalar(text(statement), {"id": row_id, "same": same[1] if same else None}))


def saw(session: Session, what: str, kind: Kind, object_id: int | None, seen: Iterable[Found]) -> None:
    """Write into the view log that others' networks, or restricted objects, were looked at."""
    others = [f for f in seen if f.restricted or not (f.mine or kind.everybody)]
    if others:
        session.execute(
            text("SELECT audit.saw(:what, :layer, :id, :restricted)"),
            {"what": what, "layer": kind.layer, "id": object_id, "restricted": any(f.restricted for f in others)},
        )
