"""Which roles an account has by what the OpenID provider says of its person."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import users
from app.accounts.roles import ADMINISTRATOR
from app.accounts.schemas import RoleGiven
from app.config import RoleRule
from app.errors import Invalid
from app.kit.page import today

log = logging.getLogger("hatang.oidc")

_ORGANISATION = text("SELECT EXISTS (SELECT FROM organisation WHERE code = :code)")
_HELD = text("""
    SELECT id, role, organisation_code, unit_id, valid_from <= accounts.today() AS begun FROM accounts.account_role
    WHERE account_id = :account AND (valid_to IS NULL OR valid_to > greatest(valid_from, accounts.today()))
""")
_OTHER_ADMINISTRATOR = text("""
    SELECT EXISTS (SELECT FROM accounts.account_role r JOIN accounts.account a ON a.id = r.account_id
    WHERE a.active AND a.id <> :account AND r.role = 'administrator' AND r.valid_from <= accounts.today()
      AND (r.valid_to IS NULL OR r.valid_to > accounts.today()))
""")
_Key = tuple[str, str | None, int | None]


def values(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return what `claims` say under `name`: a text, a number, or each text of a list.

    The name as it stands goes first (providers like addresses as names: https://…/groups); else its dots lead
    into objects (realm_access.roles).
    """
    told: Any = claims.get(name)
    if told is None:
        told = claims
        for part in name.split("."):
            told = told.get(part) if isinstance(told, Mapping) else None
    several = told if isinstance(told, list) else [told]
    return frozenset(str(v) for v in several if isinstance(v, str | int) and not isinstance(v, bool))


def matching(claims: Mapping[str, Any], rules: Iterable[RoleRule]) -> tuple[RoleRule, ...]:
    """Return the rules whose value is exactly, letter for letter, among those of its claim."""
    return tuple(rule for rule in rules if rule.value in values(claims, rule.claim))


def resolved(session: Session, rules: Iterable[RoleRule]) -> frozenset[_Key]:
    """Return role, organisation code and commune id of `rules`; one the registry does not have is left out."""
    found = set()
    for rule in rules:
        try:
            unit_id = users.commune_id(session, rule.commune, today()) if rule.commune else None
        except Invalid:
            log.error("HATANG_OIDC_ROLES names the commune %s, which is not in force", rule.commune)
            continue
        if rule.organisation and not session.scalar(_ORGANISATION, {"code": rule.organisation}):
            log.error("HATANG_OIDC_ROLES names the organisation %s, which does not exist", rule.organisation)
            continue
        found.add((rule.role, rule.organisation, unit_id))
    return frozenset(found)


def refresh(session: Session, account_id: int, granted: frozenset[_Key]) -> None:
    """Make `granted` the roles of an account, all others end today; but the last administrator stays one."""
    held: set[_Key] = set()
    for row in session.execute(_HELD, {"account": account_id}):
        key = (row.role, row.organisation_code, row.unit_id)
        if row.begun and (key in granted or _is_last(session, account_id, row.role)):
            held.add(key)
        else:
            users.end_role(session, account_id, row.id)
    for role, organisation, unit_id in granted - held:
        given = {"role": role, "organisation": organisation, "unit_id": unit_id}
        users.add_role(session, account_id, RoleGiven.model_validate(given))


def _is_last(session: Session, account_id: int, role: str) -> bool:
    if role != ADMINISTRATOR or session.scalar(_OTHER_ADMINISTRATOR, {"account": account_id}):
        return False
    log.error("account %s stays administrator, being the last, though the provider does not say so", account_id)
    return True
