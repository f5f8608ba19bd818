"""Writes of one row, and what the database's refusals mean to who wrote it."""

# ruff: noqa: S608  names of tables and columns come from the table of kinds, values are bound
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import CheckConstraint, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import say_why, translate
from app.errors import AppError, Forbidden, Invalid, from_constraint
from app.objects import queries
from app.objects.kinds import Kind

_FIELDS = {
    "valid_order": "valid_to", "raw_whole": "position", "ports": "ports_used", "two_manholes": "to_manhole_id",
    "geom_in_country": "geometry", "geom_valid": "geometry", "point_in_country": "point",
}  # fmt: skip
"""Constraint → field, where the constraint is not named after it."""


def insert(session: Session, kind: Kind, values: Mapping[str, Any]) -> int:
    """Add a row of JSON values, geometries as hex EWKB; the columns left out take their defaults. Return its id."""
    columns = ", ".join(sorted(values))
    table = f"registry.{kind.table.name}"
    statement = (
        f"INSERT INTO {table} ({columns}) SELECT {columns}"
        f" FROM json_populate_record(NULL::{table}, CAST(:values AS json)) RETURNING id"
    )
    return int(session.execute(text(statement), {"values": json.dumps(dict(values))}).scalar_one())


def update(session: Session, kind: Kind, object_id: int, values: Mapping[str, Any]) -> None:
    """Write JSON values into a row, geometries to the bit.

    Raises
    ------
    Forbidden
        The row is not the caller's to change.
    """
    columns = ", ".join(sorted(values))
    table = f"registry.{kind.table.name}"
    statement = (
        f"UPDATE {table} SET ({columns}) = (SELECT {columns}"
        f" FROM json_populate_record(NULL::{table}, CAST(:values AS json))) WHERE id = :id"
    )
    if len(values) == 1:
        statement = statement.replace(f"SET ({columns}) =", f"SET {columns} =")
    done: Any = session.execute(text(statement), {"values": json.dumps(dict(values)), "id": object_id})
    if done.rowcount == 0:
        raise not_yours()


def not_yours() -> Forbidden:
    """Return the answer for what the caller sees and may not change; the database's own refusal says the same."""
    return Forbidden(
        "not_yours",
        "Không được thêm hoặc sửa đối tượng này: không thuộc phạm vi của tài khoản",
        "This object may not be added or changed: it is outside the account's scope",
    )


@contextmanager
def attempt(session: Session, kind: Kind, reason: str | None, batch: str | None) -> Iterator[None]:
    """Write inside with the reason in the history; a refusal undoes what was written and is told in the user's words.

    PostgreSQL's DETAIL is not passed on: it quotes rows.
    """
    say_why(session, reason or "", batch or "")
    try:
        with session.begin_nested():
            yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state.startswith("23"):
            raise _refusal(kind, error) from error
        if state[:2] == "22":
            raise Invalid(
                "value_refused", "Giá trị ngoài khoảng cho phép", "A value is outside what can be stored"
            ) from error
        told = translate(error)
        if told is None:
            raise
        raise told from error


def _refusal(kind: Kind, error: DBAPIError) -> AppError:
    diagnosis = getattr(error.orig, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    column = getattr(diagnosis, "column_name", None)
    if not name and column:
        return Invalid("required", f"Thuộc tính {column!r} là bắt buộc", f"{column!r} is required", field=column)
    told = from_constraint(name)
    about = name.removeprefix("ck_").removeprefix(f"{kind.table.name}_")
    rule = _rule(kind, about) if name.startswith("ck_") else ""
    where = _FIELDS.get(about) or (about if about in kind.columns else told.field)
    return type(told)(told.code, told.vi + rule, told.en + rule, field=where, rule=name)


def _rule(kind: Kind, about: str) -> str:
    """Return what the constraint demands, as it stands in the table's definition."""
    for constraint in kind.table.constraints:
        if isinstance(constraint, CheckConstraint) and str(constraint.name or "").endswith(about):
            return f": {constraint.sqltext}"
    return ""


def unknown_references(
    session: Session, kind: Kind, values: Mapping[str, Any], whole: Mapping[str, Any]
) -> list[Invalid]:
    """Return a refusal for every reference in `values` to what does not exist or is not the caller's to see.

    Parameters
    ----------
    whole : mapping
        The object as it will be, for references that have to fit together.
    """
    refused = []
    touched = set(values)
    for column, table in kind.references.items():
        match = (kind.together or {}).get(column)
        if not (column in touched or match in touched) or whole.get(column) is None:
            continue
        if not queries.referred(session, table, whole[column], (match, whole.get(match)) if match else None):
            refused.append(_unknown(column))
    return refused


def _unknown(column: str) -> Invalid:
    return Invalid(
        "unknown_reference",
        f"{column}: không có đối tượng được tham chiếu trong phạm vi của tài khoản",
        f"{column}: the object referred to does not exist within the account's scope",
        field=column,
    )
