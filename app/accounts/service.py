"""What the commands ask for in words: roles as ROLE:OF, accounts by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.accounts import tokens, users
from app.accounts.schemas import Given, NewToken, NewUser, RoleGiven
from app.errors import Invalid
from app.kit.page import today
from app.kit.problem import validation_problem

Body = TypeVar("Body", bound=Given)


def add_from_text(
    session: Session, name: str, display_name: str, email: str | None, roles: Sequence[str]
) -> dict[str, Any]:
    """Make an account with a one-time password and return both.

    Parameters
    ----------
    roles : sequence of str
        "planner", "operator:VIETTEL", "commune_officer:19774" (code of a commune in force today).

    Raises
    ------
    Conflict
        The name is taken.
    Invalid
        A name, address or role that cannot be.
    """
    given = _checked(NewUser, name=name, display_name=display_name, email=email)
    held = [role_from_text(session, role) for role in roles]
    number = users.add(session, given.name, given.display_name, email=given.email, roles=held)
    return {"id": number, "name": given.name, "one_time_password": users.reset_password(session, number)}


def role_from_text(session: Session, role: str) -> RoleGiven:
    """Return the role that "operator:VIETTEL" or "commune_officer:19774" means.

    Raises
    ------
    Invalid
        There is no such role, or what it is held for is missing, too much or unknown.
    """
    kind, _, of = role.partition(":")
    if kind == "commune_officer" and of:
        return _checked(RoleGiven, role=kind, unit_id=users.commune_id(session, of, today()))
    return _checked(RoleGiven, role=kind, organisation=of or None)


def change_roles(session: Session, name: str, give: str | None, end: int | None) -> dict[str, Any]:
    """Give the named account a role, end one, or both; return it.

    Raises
    ------
    Conflict
        It holds the role already, or is the last administrator.
    Invalid, NotFound
        No such role, or no such account.
    """
    number = users.user_named(session, name)["id"]
    if give is not None:
        users.add_role(session, number, role_from_text(session, give))
    if end is not None:
        users.end_role(session, number, end)
    return users.user(session, number)


def make_token(session: Session, account: str, name: str, scopes: Sequence[str], days: int) -> dict[str, Any]:
    """Make a token for the named account and return its secret with what it may do.

    Raises
    ------
    Invalid
        An unknown scope, an empty name, or more than a year.
    NotFound
        No such account.
    """
    given = _checked(NewToken, name=name, scopes=set(scopes), days=days)
    number = users.user_named(session, account)["id"]
    token_id, secret = tokens.add(session, number, given.name, given.scopes, given.days)
    made = next(row for row in tokens.tokens(session, number) if row["id"] == token_id)
    return {"token": secret, **made}


def _checked(kind: type[Body], **values: Any) -> Body:
    """Return the values as the HTTP API would take them, refused in two languages."""
    try:
        return kind(**values)
    except ValidationError as error:
        told = validation_problem([dict(e) | {"loc": ("body", *e["loc"])} for e in error.errors()])
        raise Invalid(told["code"], told["message"]["vi"], told["message"]["en"], field=told["field"]) from error
