"""Bulk work: COPY into a temporary staging table, then one INSERT … SELECT; whole columns read as arrays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import TableClause, column, table
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

_BLOCK_ROWS = 50_000
# Kind of a column → its function in the database's binary format, and that format in numpy.
_SEND = {"i4": ("int4send", ">i4"), "i8": ("int8send", ">i8"), "f8": ("float8send", ">f8"), "b1": ("boolsend", "u1"),
         "day": ("date_send", ">i4")}  # fmt: skip
_NATIVE = {"b1": "?", "day": "i4"}
FIRST_DAY: Final = dt.date(2000, 1, 1)
"""Columns of kind "day" count from it; before and after all days are the least and the greatest int32."""


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection of `session`'s transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


def stage(
    session: Session, name: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]
) -> psycopg.Connection[Any]:
    """COPY `rows` into the new temporary table `name`, dropped at the end of the transaction.

    Row-level security refuses COPY FROM on registry tables, so bulk rows pass through here.

    Parameters
    ----------
    columns : sequence of (name, SQL type)
        Geometry columns take type "geometry" and hex EWKB or EWKT text.
    rows : iterable of sequences
        Python values in the order of `columns`.
    """
    connection = raw_connection(session)
    fields = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(t)) for c, t in columns)
    table = sql.Identifier(name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(table, fields))
        names = sql.SQL(", ").join(sql.Identifier(c) for c, _ in columns)
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(sql.SQL("ANALYZE {}").format(table))
    return connection


def stage_columns(
    session: Session, name: str, columns: Mapping[str, tuple[TypeEngine[Any], NDArray[Any]]]
) -> TableClause:
    """COPY whole columns into the new temporary table `name`; three times as fast as `stage` by rows.

    Parameters
    ----------
    columns : mapping of str to (SQLAlchemy type, ndarray of shape (n,))
        Floats with NaN, integers, booleans or objects with None for null. Geometry columns are text: hex EWKB.

    Returns
    -------
    TableClause
        The staged table, for SQLAlchemy expressions; dropped at the end of the transaction.
    """
    connection = raw_connection(session)
    dialect = session.get_bind().dialect
    types = {c: kind.compile(dialect) for c, (kind, _) in columns.items()}
    # The types come from the models, never from a file.
    fields = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(t)) for c, t in types.items())
    target = sql.Identifier(name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(target, fields))
        rows = len(next(iter(columns.values()))[1])
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(target)) as copy:
            for start in range(0, rows, _BLOCK_ROWS):
                block = [copy_text(values[start : start + _BLOCK_ROWS]) for _, values in columns.values()]
                copy.write("\n".join(map("\t".join, zip(*block, strict=True))) + "\n")
        cursor.execute(sql.SQL("ANALYZE {}").format(target))
    return table(name, *(column(c, kind) for c, (kind, _) in columns.items()))


def copy_text(values: NDArray[Any]) -> list[str]:
    """Return `values` as the text format of PostgreSQL's COPY has them, its null sign included."""
    if values.dtype.kind == "f":
        return [r"\N" if v != v else repr(v) for v in values.tolist()]  # only NaN differs from itself
    if values.dtype.kind != "O":
        return list(map(str, np.asarray(values).tolist()))
    texts = [r"\N" if v is None else v if type(v) is str else str(v) for v in values.tolist()]
    joined = "".join(texts)
    nulls = sum(v is None for v in values.tolist())
    if joined.count("\\") != nulls or any(c in joined for c in "\t\n\r"):
        return [r"\N" if v is None else _escaped(str(v)) for v in values.tolist()]
    return texts


def _escaped(value: str) -> str:
    for plain, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, written)
    return value


def arrays(session: Session, query: str, columns: Sequence[tuple[str, str]], **values: Any) -> dict[str, NDArray[Any]]:
    """Run `query` and return its columns as native arrays.

    The database joins each column into one binary string, so no Python object is made per row: a third of the
    time of a binary COPY, whose rows psycopg hands over one by one.

    Parameters
    ----------
    query : str
        One of our own statements; its columns bear the names of `columns` and hold no null.
    columns : sequence of (name, "i4" | "i8" | "f8" | "b1" | "day")
        Names and types as the query gives them.
    """
    session.flush()
    joined = ", ".join(f"string_agg({_SEND[kind][0]}(q.{name}), ''::bytea)" for name, kind in columns)
    with raw_connection(session).cursor(binary=True) as cursor:
        # Names and types are ours, values are bound.
        row = cursor.execute(f"SELECT {joined} FROM ({query}) AS q", values).fetchone()  # noqa: S608
    assert row is not None
    found = {
        name: np.frombuffer(raw or b"", _SEND[kind][1]).astype(_NATIVE.get(kind, kind))
        for raw, (name, kind) in zip(row, columns, strict=True)
    }
    assert len({column.size for column in found.values()}) == 1, "a column of the query holds a null"
    return found
