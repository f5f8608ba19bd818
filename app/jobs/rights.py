"""With whose rights work is done: those its asker had when asking, as far as they are still in force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.roles import ADMINISTRATOR, COMMUNE_OFFICER, OPERATOR, PLANNER
from app.database import Scope

# The same rules as accounts.enter, which signs callers in.
_HELD = text("""
    SELECT r.role, accounts.communes_of(a.id) AS communes,
           ARRAY(SELECT o.id FROM registry.organisation o WHERE o.code = r.organisation_code) AS organisations
    FROM accounts.account a JOIN accounts.account_role r ON r.account_id = a.id
    WHERE 'user:' || a.id = :actor AND a.active
      AND r.valid_from <= accounts.today() AND (r.valid_to IS NULL OR r.valid_to > accounts.today())
""")
_ACCOUNTS: Final = "user:"


def in_force(session: Session, asked: Scope) -> Scope | None:
    """Return what is left today of the rights that work was asked for with.

    Work may wait for hours and be begun again after its worker died; roles end meanwhile. What was given since adds
    nothing: nobody asked with it.

    Parameters
    ----------
    session : Session
        In the scope of a worker, which reads everybody's roles.
    asked : Scope
        As of asking. Those of commands ("system:root") hold no roles that could end and are returned as they are.

    Returns
    -------
    Scope or None
        None when nothing is left: the account was closed or its roles withdrawn.
    """
    if not asked.actor.startswith(_ACCOUNTS):
        return asked
    held = session.execute(_HELD, {"actor": asked.actor}).all()
    organisations = {i for row in held for i in row.organisations}.intersection(asked.organisations)
    communes = {i for row in held for i in row.communes}.intersection(asked.communes)
    roles = _with_lesser(asked.roles) & _with_lesser(row.role for row in held)
    # A role for another operator or commune than at the time of asking is not the one it was asked with.
    if not organisations:
        roles.discard(OPERATOR)
    if not communes:
        roles.discard(COMMUNE_OFFICER)
    if not roles:
        return None
    return Scope(asked.actor, tuple(sorted(roles)), tuple(sorted(organisations)), tuple(sorted(communes)))


def _with_lesser(roles: Iterable[str]) -> set[str]:
    """Return the roles, and planner with administrator: a token without `administer` asks as a planner."""
    found = set(roles)
    return found | {PLANNER} if ADMINISTRATOR in found else found
