"""Reads of audit.change: what was done to an object, as far as row-level security shows it to the caller."""

# ruff: noqa: S608  names of tables and columns come from the table of kinds, values are bound
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.objects.kinds import Kind
from app.objects.states import State


@dataclass(frozen=True)
class Change:
    """One change of one object.

    Attributes
    ----------
    mine : bool
        The object was one of the caller's organisations', before and after it.
    """

    id: int
    at: dt.datetime
    operation: str
    actor: str
    reason: str | None
    batch: str | None
    before: State | None
    after: State | None
    mine: bool


def _mine(kind: Kind, side: str) -> str:
    """Ask of a state what is asked of a row."""
    record = f"json_populate_record(NULL::registry.{kind.table.name}, c.{side})"
    return f"(c.{side} IS NULL OR coalesce((SELECT {kind.mine} FROM {record} o), FALSE))"


def page(session: Session, kind: Kind, object_id: int, limit: int, offset: int = 0) -> tuple[int, list[Change]]:
    """Return how many changes of the object the caller sees, and those of the page, newest first."""
    values = {"table": f"registry.{kind.table.name}", "id": object_id, "limit": limit, "offset": offset}
    where = "c.table_name = :table AND c.row_id = :id"
    matched = session.scalar(text(f"SELECT count(*) FROM audit.change c WHERE {where}"), values)
    statement = f"{_select(kind)} WHERE {where} ORDER BY c.id DESC LIMIT :limit OFFSET :offset"
    return int(matched or 0), [Change(*row) for row in session.execute(text(statement), values)]


def one(session: Session, kind: Kind, object_id: int, change_id: int) -> Change | None:
    """Return one change of the object, None when it is another object's or not the caller's to see."""
    statement = f"{_select(kind)} WHERE c.id = :change AND c.table_name = :table AND c.row_id = :id"
    values = {"table": f"registry.{kind.table.name}", "id": object_id, "change": change_id}
    row = session.execute(text(statement), values).one_or_none()
    return Change(*row) if row else None


def _select(kind: Kind) -> str:
    return (
        "SELECT c.id, c.at, c.operation, c.actor, c.reason, c.batch, c.before, c.after,"
        f" {_mine(kind, 'before')} AND {_mine(kind, 'after')} FROM audit.change c"
    )


def who(session: Session, actors: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """Return actor → kind and name, as far as the caller is told."""
    rows = session.execute(text("SELECT * FROM accounts.who_changed(:actors)"), {"actors": sorted(set(actors))})
    return {row.actor: {"kind": row.kind, "name": row.name} for row in rows}
