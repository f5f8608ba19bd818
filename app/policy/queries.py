"""Reads of dated rules and targets."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.policy.models import Parameter, Target


def parameter(session: Session, kind: str, name: str, as_of: dt.date) -> Parameter:
    """Return the rule `name` of `kind` in force on `as_of`.

    Raises
    ------
    NotFound
        No such rule on that date; the message lists those there are.
    """
    found = session.scalar(
        select(Parameter).where(
            Parameter.kind == kind,
            Parameter.name == name,
            func.registry.in_force(Parameter.valid_from, Parameter.valid_to, as_of),
        )
    )
    if found is None:
        names = ", ".join(sorted(parameters(session, kind, as_of)))
        raise NotFound(
            "unknown_rule",
            f"Không có quy tắc {name!r} vào {as_of}; hiện có: {names}",
            f"There is no rule {name!r} on {as_of}; there are: {names}",
            field=kind,
        )
    return found


def parameters(session: Session, kind: str, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """Return name → value of all rules of `kind` in force on `as_of`."""
    rows = session.execute(
        select(Parameter.name, Parameter.value).where(
            Parameter.kind == kind, func.registry.in_force(Parameter.valid_from, Parameter.valid_to, as_of)
        )
    )
    return {name: value for name, value in rows}


def rules(session: Session, kind: str, as_of: dt.date, *names: str) -> list[Parameter]:
    """Return the rules `names` of `kind` in force on `as_of`, in that order, by one question to the database.

    Raises
    ------
    NotFound
        As `parameter`.
    """
    rows = session.scalars(
        select(Parameter).where(
            Parameter.kind == kind,
            Parameter.name.in_(names),
            func.registry.in_force(Parameter.valid_from, Parameter.valid_to, as_of),
        )
    )
    found = {row.name: row for row in rows}
    return [found[name] if name in found else parameter(session, kind, name, as_of) for name in names]


def targets(session: Session, indicator: str | None = None) -> list[Target]:
    """Return the plan's targets, newest year first."""
    query = select(Target).order_by(Target.year.desc(), Target.indicator)
    return list(session.scalars(query if indicator is None else query.where(Target.indicator == indicator)))
