"""Temporal relations of a filter between dates, instants and intervals, by their first and last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from psycopg import sql

from app.errors import AppError
from app.publish.ogc import boxes
from app.publish.ogc.refusing import bad

RELATIONS: Final = {
    "t_after": "({a0} > {b1})",
    "t_before": "({a1} < {b0})",
    "t_during": "({a0} > {b0} AND {a1} < {b1})",
    "t_equals": "({a0} = {b0} AND {a1} = {b1})",
    "t_intersects": "({a0} <= {b1} AND {a1} >= {b0})",
    "t_disjoint": "({a0} > {b1} OR {a1} < {b0})",
}
_Date = Callable[[Any], sql.Composable]


def relation(op: str, arguments: tuple[Any, Any], date_of: _Date) -> sql.Composable:
    """Return the SQL of a relation; `date_of` gives a single date."""
    (a0, a1), (b0, b1) = (_bounds(a, date_of) for a in arguments)
    return sql.SQL(RELATIONS[op]).format(a0=a0, a1=a1, b0=b0, b1=b1)


def _bounds(node: Any, date_of: _Date) -> tuple[sql.Composable, sql.Composable]:
    if not (isinstance(node, dict) and set(node) == {"interval"}):
        one = date_of(node)
        return one, one
    ends = node["interval"]
    if not isinstance(ends, list) or len(ends) != 2:
        raise bad("filter", "filter_arguments", "Bộ lọc: INTERVAL cần hai đầu", "The filter: INTERVAL takes two ends")
    return _end(ends[0], "-infinity", date_of), _end(ends[1], "infinity", date_of)


def _end(node: Any, beyond: str, date_of: _Date) -> sql.Composable:
    if node == "..":
        return sql.SQL(f"'{beyond}'::date")
    if isinstance(node, str):
        return day(node)
    # A property that is null has no end on that side: valid_to of what is in force.
    return sql.SQL(f"coalesce({{}}, '{beyond}'::date)").format(date_of(node))


def day(value: Any) -> sql.Composable:
    """Return a date or instant as a day in Viet Nam.

    Raises
    ------
    BadRequest
        It is none.
    """
    try:
        found = boxes.days(value).first if isinstance(value, str) and value and "/" not in value else None
    except AppError:
        found = None
    if not isinstance(found, dt.date):
        shown = str(value)[:40]
        raise bad(
            "filter",
            "filter_date",
            f"Bộ lọc: {shown!r} không phải ngày hay thời điểm",
            f"The filter: {shown!r} is no date or instant",
        )
    return sql.SQL("{}::date").format(sql.Literal(found.isoformat()))
