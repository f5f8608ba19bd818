"""Staged rows → registry tables, set-based: what is there is matched, then updated; the rest is inserted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import cast as cast_type

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CursorResult,
    Date,
    Double,
    Executable,
    Integer,
    Table,
    TableClause,
    Text,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from app.database import Base
from app.kit.bulk import stage_columns

Columns = Mapping[str, NDArray[Any]]
_OWN = {"i": Integer(), "lon": Double(), "lat": Double(), "existing_id": BigInteger(), "shape": Text()}


@dataclass(frozen=True)
class Staged:
    """Rows of one file in a temporary table, with what every row of the file has in common."""

    session: Session
    rows: TableClause
    names: frozenset[str]
    source: str
    raw_crs: str | None

    @property
    def c(self) -> Any:
        """The staged columns."""
        return self.rows.c

    def source_of(self) -> ColumnElement[str]:
        """Return the row's source; synthetic rows say so first."""
        if "synthetic" not in self.names:
            return literal(self.source)
        return case((self.c.synthetic, f"SYNTHETIC: {self.source}"), else_=self.source)


def table_of(model: type[Base]) -> Table:
    """Return the table of `model`."""
    return model.__table__  # type: ignore[return-value]


def stage_rows(
    session: Session, models: tuple[type[Base], ...], columns: Columns, source: str, raw_crs: str | None,
    extra: Mapping[str, Any],
) -> Staged:  # fmt: skip
    """Stage one row per row of the file.

    Parameters
    ----------
    models : tuple of tables
        Where the columns of the same name go; they give the types.
    columns : mapping of str to ndarray, shape (n,)
        lon and lat, or shape (hex EWKB), give the geometry.
    extra : mapping of str to SQLAlchemy type
        Types of staged columns no model has.
    """
    known = {c.name: c.type for m in reversed(models) for c in table_of(m).columns}
    n = len(next(iter(columns.values())))
    typed: dict[str, tuple[Any, NDArray[Any]]] = {"i": (_OWN["i"], np.arange(n))}
    for name, values in columns.items():
        kind = extra.get(name) or _OWN.get(name) or known[name]
        typed[name] = (kind, _whole(values) if isinstance(kind, Integer) else values)
    typed["existing_id"] = (_OWN["existing_id"], np.full(n, None, object))
    rows = stage_columns(session, "intake_rows", typed)
    return Staged(session, rows, frozenset(typed), source, raw_crs)


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """Return floats with NaN as objects with None: SQL integers take no ".0"."""
    if values.dtype.kind != "f":
        return values
    whole = np.empty(len(values), object)
    known = np.isfinite(values)
    whole[known] = values[known].astype(np.int64).tolist()
    return whole


def overlaps(table: Any, staged: Any, names: frozenset[str]) -> ColumnElement[bool]:
    """Return the condition that a registry row and a staged row are in force on one day."""
    start = staged.valid_from if "valid_from" in names else cast(null(), Date)
    end = staged.valid_to if "valid_to" in names else cast(null(), Date)
    return func.daterange(table.valid_from, table.valid_to).op("&&")(func.daterange(start, end))


def match(staged: Staged, model: type[Base], key: Mapping[str, ColumnElement[Any]], into: str = "existing_id") -> None:
    """Write the id of the registry row with the same key and overlapping dates into staged column `into`.

    Two owners may use one code: where the file names the owner, that owner's row is preferred.
    """
    table = table_of(model)
    if not staged.session.execute(select(exists(select(table.c.id)))).scalar():
        return
    same = [*(table.c[k] == v for k, v in key.items()), overlaps(table.c, staged.c, staged.names)]
    for owner in ((), ("owner_id",), ("operator_id",)):
        if all(name in table.c and name in staged.names for name in owner):
            owned = [table.c[name] == staged.c[name] for name in owner]
            staged.session.execute(update(staged.rows).values({into: table.c.id}).where(*same, *owned))


def _count(session: Session, statement: Executable) -> int:
    """Run a writing statement; return how many rows it wrote."""
    return cast_type(
        "CursorResult[Any]", session.execute(statement, execution_options={"preserve_rowcount": True})
    ).rowcount


def _values(
    staged: Staged, model: type[Base], given: Mapping[str, Any], defaults: bool = True
) -> dict[str, ColumnElement[Any]]:
    """Return registry column → expression over the staged row, with the table's default for empty cells or not."""
    table = table_of(model)
    place = "point" if "point" in table.c else "geom"
    values: dict[str, ColumnElement[Any]] = {}
    for column in table.columns:
        name = column.name
        if name in given:
            values[name] = given[name]
        elif name == "source":
            values[name] = staged.source_of()
        elif name == "raw_crs" and staged.raw_crs and "raw_x" in staged.names:
            values[name] = literal(staged.raw_crs)
        elif name == "geom" and "shape" in staged.names:
            shape = func.ST_GeomFromEWKB(func.decode(staged.c.shape, "hex"))
            values[name] = type_coerce(shape, column.type)
        elif name == place and "lon" in staged.names:
            values[name] = type_coerce(func.ST_Point(staged.c.lon, staged.c.lat, 4326), column.type)
        elif name in staged.names and name not in {"id", "i"}:
            default = column.server_default
            value = staged.c[name]
            if defaults and not column.nullable and default is not None:
                value = func.coalesce(value, cast(literal(default.arg, Text), column.type))  # type: ignore[attr-defined]
            values[name] = value
    return values


def add(
    staged: Staged, model: type[Base], given: Mapping[str, Any] | None = None, where: ColumnElement[bool] | None = None
) -> int:
    """Insert the staged rows that matched nothing; return how many."""
    values = _values(staged, model, given or {})
    condition = staged.c.existing_id.is_(None) if where is None else where
    query = select(*values.values()).select_from(staged.rows).where(condition)
    return _count(staged.session, insert(table_of(model)).from_select(list(values), query, include_defaults=False))


def renew(staged: Staged, model: type[Base], given: Mapping[str, Any] | None = None, into: str = "existing_id") -> int:
    """Update the matched rows with what the file has; an empty cell keeps what is there. Return how many."""
    table = table_of(model)
    values = {
        name: value if name in {"source", "raw_crs"} else func.coalesce(value, table.c[name])
        for name, value in _values(staged, model, given or {}, defaults=False).items()
    }
    if "geom" in values and "raw_x" in table.c and "raw_x" not in values:
        # A new position in EPSG:4326: the raw coordinates of the old one would contradict it.
        values |= {"raw_x": null(), "raw_y": null(), "raw_crs": null()}
    return _count(staged.session, update(table).values(values).where(table.c.id == staged.c[into]))


def add_unless_there(
    staged: Staged, model: type[Base], values: Mapping[str, ColumnElement[Any]], source: Any, key: tuple[str, ...]
) -> int:
    """Insert SELECT DISTINCT `values` FROM `source`, except what is there with the same `key` on one of the days."""
    table = table_of(model)
    found = select(*(v.label(k) for k, v in values.items())).select_from(source).distinct().subquery()
    there = exists(
        select(literal(1)).where(
            *(table.c[k].is_not_distinct_from(found.c[k]) for k in key),
            func.daterange(table.c.valid_from, table.c.valid_to).op("&&")(
                func.daterange(found.c.valid_from, found.c.valid_to)
            ),
        )
    )
    query = select(*found.c).where(~there)
    return _count(staged.session, insert(table).from_select(list(values), query, include_defaults=False))


def life(staged: Staged) -> dict[str, ColumnElement[Any]]:
    """Return the validity, source and synthetic expressions that rows made from a staged row inherit."""
    none = cast(null(), Date)
    return {
        "valid_from": staged.c.valid_from if "valid_from" in staged.names else none,
        "valid_to": staged.c.valid_to if "valid_to" in staged.names else none,
        "source": staged.source_of(),
        "synthetic": func.coalesce(staged.c.synthetic, False) if "synthetic" in staged.names else literal(False),
    }
