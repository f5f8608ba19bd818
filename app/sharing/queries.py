"""One set-based read per kind: what is in force on a date, as plain arrays for the pure ratios."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.bulk import raw_connection
from app.sharing.figures import Ints

_TYPES = {"i2": ">i2", "i4": ">i4", "i8": ">i8", "f8": ">f8", "b1": "u1"}
_HEADER, _TRAILER = 19, 2
KINDS = ("site", "pole", "duct")


@dataclass(frozen=True)
class Organisations:
    """Organisations by row id; the same code under two validities is one party."""

    ids: Ints
    party: Ints
    kinds: NDArray[np.str_]
    codes: list[str]
    """Code of each party."""
    names: list[str]
    networks: int
    """Radio networks in force on the date."""

    def of(self, ids: Ints) -> Ints:
        """Return the index into `ids`/`party`/`kinds` of organisation row ids."""
        return np.searchsorted(self.ids, ids).astype(np.int64)


@dataclass(frozen=True)
class Communes:
    """Communes in force on a date; group `len(codes)` is outside all of them."""

    codes: list[str]
    names: list[str]
    urban: NDArray[np.bool_]


def arrays(session: Session, query: str, columns: Sequence[tuple[str, str]], **values: Any) -> dict[str, NDArray[Any]]:
    """Run `query` as a binary COPY and return its columns as native arrays.

    A million rows take a second and no Python object each. Every column has to be of fixed width and not null.

    Parameters
    ----------
    columns : sequence of (name, "i2" | "i4" | "i8" | "f8" | "b1")
        In the order and width the query gives them.
    """
    session.flush()
    with raw_connection(session).cursor() as cursor:
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", values) as copy:
            raw = b"".join(bytes(part) for part in copy)
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in columns:
        fields += [(f"{name} length", ">i4"), (name, _TYPES[kind])]
    row = np.dtype(fields)
    rows, rest = divmod(len(raw) - _HEADER - _TRAILER, row.itemsize)
    assert rest == 0, "a column of the query was null or of another width"
    table = np.frombuffer(raw, row, rows, _HEADER)
    return {name: table[name].astype(bool if kind == "b1" else kind) for name, kind in columns}


def organisations(session: Session, as_of: dt.date) -> Organisations:
    """Return all organisations; `networks` counts those with radio in force on `as_of`."""
    rows = session.execute(
        text("""
            SELECT id, code, name, kind, has_radio AND registry.in_force(valid_from, valid_to, :as_of)
            FROM registry.organisation ORDER BY id
        """),
        {"as_of": as_of},
    ).all()
    codes = sorted({code for _, code, *_ in rows})
    names = {code: name for _, code, name, *_ in rows}
    return Organisations(
        ids=np.array([row[0] for row in rows], np.int64),
        party=np.array([codes.index(row[1]) for row in rows], np.int64),
        kinds=np.array([row[3] for row in rows], np.str_),
        codes=codes,
        names=[names[code] for code in codes],
        networks=len({code for _, code, _, _, radio in rows if radio}),
    )


# Owner: row id or 0; offered: 1, 0, -1. A neutral host is a tower company's position or street furniture.
_SITES = """
    SELECT s.id, coalesce(s.owner_id, 0), coalesce(s.sharing_offered::int, -1), coalesce(s.urban::int, -1),
           s.surveyed_on IS NOT NULL, coalesce(o.kind = 'tower_company', false) OR EXISTS (
               SELECT FROM registry.structure st LEFT JOIN registry.organisation so ON so.id = st.owner_id
               WHERE st.site_id = s.id AND registry.in_force(st.valid_from, st.valid_to, %(as_of)s)
                 AND (so.kind = 'tower_company' OR st.kind = 'street_furniture'))
    FROM registry.site s LEFT JOIN registry.organisation o ON o.id = s.owner_id
    WHERE registry.in_force(s.valid_from, s.valid_to, %(as_of)s)
    ORDER BY s.id
"""
# Present: a base station, or a place on a mast; only organisations with a radio network of their own count.
_PRESENT = """
    SELECT b.site_id, b.operator_id FROM registry.base_station b JOIN registry.organisation o ON o.id = b.operator_id
    WHERE o.has_radio AND registry.in_force(b.valid_from, b.valid_to, %(as_of)s)
    UNION
    SELECT st.site_id, so.tenant_id
    FROM registry.structure_occupancy so
    JOIN registry.structure st ON st.id = so.structure_id
    JOIN registry.organisation o ON o.id = so.tenant_id
    WHERE o.has_radio AND so.component = 'mast' AND registry.in_force(so.valid_from, so.valid_to, %(as_of)s)
      AND registry.in_force(st.valid_from, st.valid_to, %(as_of)s)
"""
_POLES = """
    SELECT p.id, coalesce(p.owner_id, 0), p.surveyed_on IS NOT NULL FROM registry.pole p
    WHERE registry.in_force(p.valid_from, p.valid_to, %(as_of)s) ORDER BY p.id
"""
# A row without a line count is one line; an unclaimed row stands for that many cables of unknown tenants.
_POLE_LINES = """
    SELECT pole_id, coalesce(tenant_id, 0), service = 'telecom', coalesce(line_count, 1) FROM registry.pole_occupancy
    WHERE registry.in_force(valid_from, valid_to, %(as_of)s)
"""
_DUCTS = """
    SELECT d.id, coalesce(d.owner_id, 0), coalesce(t.id, -1),
           CASE WHEN d.route IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY d.route) END::bigint,
           d.length_m, d.surveyed_on IS NOT NULL
    FROM registry.duct d LEFT JOIN registry.trench t
        ON t.id = d.trench_id AND registry.in_force(t.valid_from, t.valid_to, %(as_of)s)
    WHERE registry.in_force(d.valid_from, d.valid_to, %(as_of)s) ORDER BY d.id
"""
# A bore is known or not; the same tenant in two bores is one occupant, so bores are left out.
_DUCT_LINES = """
    SELECT duct_id, coalesce(tenant_id, 0), service = 'telecom', 1 FROM registry.duct_occupancy
    WHERE registry.in_force(valid_from, valid_to, %(as_of)s)
"""
_LINE = (("row", "i8"), ("tenant", "i8"), ("telecom", "b1"), ("lines", "i4"))


def sites(session: Session, as_of: dt.date) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the positions in force on `as_of` by id, and the (site, radio operator) pairs present."""
    columns = (("id", "i8"), ("owner", "i8"), ("offered", "i4"), ("urban", "i4"), ("surveyed", "b1"),
               ("neutral", "b1"))  # fmt: skip
    return (
        arrays(session, _SITES, columns, as_of=as_of),
        arrays(session, _PRESENT, (("row", "i8"), ("tenant", "i8")), as_of=as_of),
    )


def poles(session: Session, as_of: dt.date) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the poles in force on `as_of` by id, and their lines (tenant 0: unclaimed)."""
    columns = (("id", "i8"), ("owner", "i8"), ("surveyed", "b1"))
    return arrays(session, _POLES, columns, as_of=as_of), arrays(session, _POLE_LINES, _LINE, as_of=as_of)


def ducts(session: Session, as_of: dt.date) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the ducts in force on `as_of` by id, and their cables (tenant 0: unclaimed)."""
    columns = (("id", "i8"), ("owner", "i8"), ("trench", "i8"), ("route", "i8"), ("length_m", "f8"),
               ("surveyed", "b1"))  # fmt: skip
    return arrays(session, _DUCTS, columns, as_of=as_of), arrays(session, _DUCT_LINES, _LINE, as_of=as_of)


# A duct lies in the commune of its middle; a point on a common edge in the commune of the smaller code.
_WITHIN = """
    WITH commune AS (
        SELECT id, dense_rank() OVER (ORDER BY code) - 1 AS number FROM registry.unit
        WHERE level = 'commune' AND registry.in_force(valid_from, valid_to, %(boundaries)s)
    )
    SELECT o.id, min(c.number)
    FROM commune c JOIN registry.unit_part p ON p.unit_id = c.id JOIN {table} o ON ST_Intersects(p.geom, {point})
    WHERE registry.in_force(o.valid_from, o.valid_to, %(as_of)s)
    GROUP BY o.id ORDER BY o.id
"""
_PLACE = {
    "site": _WITHIN.format(table="registry.site", point="o.geom"),
    "pole": _WITHIN.format(table="registry.pole", point="o.geom"),
    "duct": _WITHIN.format(table="registry.duct", point="ST_LineInterpolatePoint(o.geom, 0.5)")
    # The middle has no index; the line's own box finds the few parts it may lie in.
    .replace("ON ST_Intersects", "ON o.geom && p.geom AND ST_Intersects"),
}


def communes(session: Session, boundaries: dt.date) -> Communes:
    """Return the communes in force on the day `boundaries`, by code."""
    rows = session.execute(
        text("""
            SELECT code, name, registry.fold(coalesce(kind, '')) IN ('phuong', 'thi tran') FROM registry.unit
            WHERE level = 'commune' AND registry.in_force(valid_from, valid_to, :boundaries) ORDER BY code
        """),
        {"boundaries": boundaries},
    ).all()
    return Communes([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows], bool))


def commune_of(session: Session, kind: str, ids: Ints, as_of: dt.date, boundaries: dt.date, outside: int) -> Ints:
    """Return for each object of `ids` (ascending) the index into `communes`, or `outside`."""
    found = arrays(session, _PLACE[kind], (("id", "i8"), ("number", "i8")), as_of=as_of, boundaries=boundaries)
    group = np.full(ids.size, outside, np.int64)
    group[np.searchsorted(ids, found["id"])] = found["number"]
    return group
