"""Bulk writing: COPY into a temporary staging table, then one INSERT … SELECT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session


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
