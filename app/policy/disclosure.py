"""Disclosure: who is told which attribute of an object that row-level security lets the caller see.

Which rows a caller sees is the database's decision (row scope); this is about their attributes. Levels are dated
rows of policy.disclosure, so an officer can correct them. An attribute without a row is the owner's: what nobody
has thought of is not told. The levels are always those of today, whatever date a question is about: what was
tightened since must not come out by asking about the past.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final, Literal, cast, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.roles import PUBLIC
from app.database import is_department, reads_all, scope_of
from app.errors import Unauthorized
from app.kit.page import today
from app.policy.models import Disclosure

Level = Literal["public", "authority", "owner"]
Relation = Literal["department", "owner", "authority", "none"]

TOLD: Final[Mapping[Relation, frozenset[Level]]] = {
    "department": frozenset({"public", "authority", "owner"}),
    "owner": frozenset({"public", "authority", "owner"}),
    "authority": frozenset({"public", "authority"}),
    "none": frozenset({"public"}),
}
"""Which levels a caller is told of an object to which it stands in a relation.

department: the department itself. owner: the object's own organisation. authority: another department, the officer
of the commune it lies in, a tenant that uses it. none: everybody else.
"""


def shown(level: Level, relation: Relation) -> bool:
    """Say whether an attribute of `level` is told to a caller in `relation` to its object."""
    return level in TOLD[relation]


def levels(session: Session, layer: str, as_of: dt.date | None = None) -> dict[str, Level]:
    """Return attribute → level of `layer`, in force on `as_of` (default, and usually right: today)."""
    rows = session.execute(
        select(Disclosure.attribute, Disclosure.level).where(
            Disclosure.layer == layer,
            func.registry.in_force(Disclosure.valid_from, Disclosure.valid_to, as_of or today()),
        )
    )
    return {attribute: cast("Level", level) for attribute, level in rows}


def signed_in(session: Session) -> bool:
    """Say whether the transaction works for somebody with a role beyond the public's."""
    return bool(set(scope_of(session).roles) - {PUBLIC})


def relation(session: Session, *, owns: bool = False, visible: bool = True) -> Relation:
    """Return how the caller stands to an object.

    Parameters
    ----------
    owns : bool
        The object is of one of the caller's organisations.
    visible : bool
        Row-level security shows the caller the object because of who it is: it reads all, uses the object, or the
        object lies in its commune. False for objects that everybody sees (villages, facilities).
    """
    if is_department(session):
        return "department"
    if owns:
        return "owner"
    scope = scope_of(session)
    entitled = reads_all(session) or (visible and bool(scope.organisations or scope.communes))
    return "authority" if entitled else "none"


def withheld(session: Session, layer: str, attributes: Iterable[str]) -> dict[str, Level]:
    """Return those of `attributes` that the caller is not told of objects it does not own, with their level."""
    here = relation(session)
    if TOLD[here] == frozenset(get_args(Level)):
        return {}  # a query less for every tile the department looks at
    known = levels(session, layer)
    found = {name: known.get(name, "owner") for name in attributes}
    return {name: level for name, level in found.items() if not shown(level, here)}


def require_sign_in(session: Session, vi: str, en: str, field: str | None = None) -> None:
    """Refuse the public what only signed-in callers are answered.

    Raises
    ------
    Unauthorized
        Nobody is signed in.
    """
    if not signed_in(session):
        raise Unauthorized("sign_in_required", vi, en, field=field)
