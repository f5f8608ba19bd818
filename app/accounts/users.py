"""Accounts and their roles, as administrators keep them. Row-level security decides who may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import passwords, sessions
from app.accounts.schemas import RoleGiven
from app.errors import Conflict, Invalid, NotFound

_USERS = """
    SELECT a.id, a.name, a.display_name, a.email, a.active, a.must_change_password,
           a.oidc_subject IS NOT NULL AS single_sign_on, a.created_at, a.password_changed_at,
           coalesce((
               SELECT json_agg(json_build_object(
                   'id', r.id, 'role', r.role, 'organisation', r.organisation_code, 'unit_id', r.unit_id,
                   'unit', u.name, 'valid_from', r.valid_from, 'valid_to', r.valid_to,
                   'in_force', r.valid_from <= accounts.today()
                               AND (r.valid_to IS NULL OR r.valid_to > accounts.today())) ORDER BY r.id)
               FROM accounts.account_role r LEFT JOIN unit u ON u.id = r.unit_id WHERE r.account_id = a.id), '[]'
           ) AS roles
    FROM accounts.account a
"""
_ADD = text("""
    INSERT INTO accounts.account (name, display_name, email, oidc_issuer, oidc_subject)
    VALUES (:name, :display_name, :email, :oidc_issuer, :oidc_subject) RETURNING id
""")
_ADD_ROLE = text("""
    INSERT INTO accounts.account_role (account_id, role, organisation_code, unit_id, valid_from, valid_to)
    VALUES (:account_id, :role, :organisation, :unit_id, coalesce(:valid_from, accounts.today()), :valid_to)
    RETURNING id
""")
# A role that has begun ends today; one that has not is as if it had never been given.
_END_ROLE = text("""
    UPDATE accounts.account_role SET valid_to = greatest(valid_from, accounts.today())
    WHERE id = :id AND account_id = :account_id
      AND (valid_to IS NULL OR valid_to > greatest(valid_from, accounts.today()))
    RETURNING id
""")
_PATCHABLE = ("display_name", "email", "active")


def user(session: Session, account_id: int) -> dict[str, Any]:
    """Return an account with all its roles.

    Raises
    ------
    NotFound
        No such account, or none the caller may see.
    """
    row = session.execute(text(f"{_USERS} WHERE a.id = :id"), {"id": account_id}).mappings().first()
    if row is None:
        raise NotFound("unknown_account", f"Không có tài khoản số {account_id}", f"There is no account {account_id}")
    return dict(row)


def user_named(session: Session, name: str) -> dict[str, Any]:
    """Return the account of that name.

    Raises
    ------
    NotFound
        No such account.
    """
    account_id = session.scalar(text("SELECT id FROM accounts.account WHERE name = lower(:name)"), {"name": name})
    if account_id is None:
        raise NotFound("unknown_account", f"Không có tài khoản {name!r}", f"There is no account {name!r}", field="name")
    return user(session, account_id)


def users(session: Session, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
    """Return the accounts the caller may see, by name."""
    query = text(f"{_USERS} ORDER BY a.name LIMIT :limit OFFSET :offset")
    return [dict(row) for row in session.execute(query, {"limit": limit, "offset": offset}).mappings()]


def count(session: Session) -> int:
    """Return how many accounts the caller may see."""
    return int(session.scalar(text("SELECT count(*) FROM accounts.account")) or 0)


def add(
    session: Session, name: str, display_name: str, *, email: str | None = None, roles: Sequence[RoleGiven] = (),
    subject: tuple[str, str] | None = None,
) -> int:  # fmt: skip
    """Make an account without a password and return its number.

    Parameters
    ----------
    subject : tuple of str, optional
        Issuer and subject it is known by at the OpenID provider.

    Raises
    ------
    Conflict
        `name_taken`.
    Invalid
        A role's organisation or commune does not exist.
    """
    name = name.strip().lower()
    if session.scalar(text("SELECT EXISTS (SELECT FROM accounts.account WHERE name = :name)"), {"name": name}):
        raise Conflict("name_taken", f"Đã có tài khoản {name!r}", f"There is an account {name!r} already", field="name")
    issuer, known_as = subject or (None, None)
    account_id = session.scalar(_ADD, {
        "name": name, "display_name": display_name, "email": email, "oidc_issuer": issuer, "oidc_subject": known_as,
    })  # fmt: skip
    assert account_id is not None
    for role in roles:
        add_role(session, account_id, role)
    return int(account_id)


def change(session: Session, account_id: int, changes: Mapping[str, Any]) -> None:
    """Change display name, email or whether the account is active; one that no longer is loses sessions and tokens.

    Raises
    ------
    Conflict
        `last_administrator`.
    """
    wanted = {name: changes[name] for name in _PATCHABLE if name in changes}
    if not wanted:
        return
    assignments = ", ".join(f"{name} = :{name}" for name in wanted)
    session.execute(
        text(f"UPDATE accounts.account SET {assignments} WHERE id = :id"), wanted | {"id": account_id}  # noqa: S608
    )  # fmt: skip
    if wanted.get("active") is False:
        sessions.end_all(session, account_id)
        session.execute(
            text("UPDATE accounts.token SET revoked_at = now() WHERE account_id = :id AND revoked_at IS NULL"),
            {"id": account_id},
        )


def add_role(session: Session, account_id: int, given: RoleGiven) -> int:
    """Give an account a role and return the role's number.

    Raises
    ------
    Conflict
        It holds the role on one of these days already.
    Invalid
        No organisation of that code, or no commune of that number.
    """
    if given.organisation is not None:
        known = text("SELECT EXISTS (SELECT FROM organisation WHERE code = :code)")
        if not session.scalar(known, {"code": given.organisation}):
            code = given.organisation
            raise Invalid(
                "unknown_organisation", f"Không có đơn vị {code!r}", f"No organisation {code!r}", field="organisation"
            )
    if given.unit_id is not None:
        commune = text("SELECT EXISTS (SELECT FROM unit WHERE id = :id AND level = 'commune')")
        if not session.scalar(commune, {"id": given.unit_id}):
            number = given.unit_id
            raise Invalid("unknown_commune", f"Không có xã số {number}", f"No commune {number}", field="unit_id")
    return int(session.scalar(_ADD_ROLE, {"account_id": account_id} | given.model_dump()) or 0)


def end_role(session: Session, account_id: int, role_id: int) -> None:
    """Let a role hold until yesterday; it stays on record.

    Raises
    ------
    Conflict
        `last_administrator`.
    NotFound
        The account has no such role, or it has ended.
    """
    if session.scalar(_END_ROLE, {"id": role_id, "account_id": account_id}) is None:
        raise NotFound("unknown_role", "Tài khoản không có vai trò này", "The account has no such role")


def set_password(session: Session, account_id: int, password: str, *, must_change: bool = False) -> None:
    """Give an account its password, without a look at its quality (`passwords.check`)."""
    session.execute(
        text("SELECT accounts.set_password(:id, :hash, :must_change)"),
        {"id": account_id, "hash": passwords.hashed(password), "must_change": must_change},
    )


def reset_password(session: Session, account_id: int) -> str:
    """Give an account a one-time password, end its sessions, and return the password."""
    password = passwords.generated()
    set_password(session, account_id, password, must_change=True)
    sessions.end_all(session, account_id)
    return password


def lock(session: Session, account_id: int) -> None:
    """Let changes of the account wait for this transaction, so that each sees the version before it."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('accounts.account', :id))"), {"id": account_id})


def try_lock(session: Session, account_id: int) -> bool:
    """Take the lock of `lock` if nobody holds it, and say whether it was free."""
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended('accounts.account', :id))")
    return bool(session.scalar(query, {"id": account_id}))


def commune_id(session: Session, code: str, as_of: dt.date) -> int:
    """Return the number of the commune with that code in force on a day.

    Raises
    ------
    Invalid
        There is none.
    """
    found = session.scalar(
        text("""SELECT id FROM unit WHERE level = 'commune' AND code = :code
                AND registry.in_force(valid_from, valid_to, :as_of)"""),
        {"code": code, "as_of": as_of},
    )
    if found is None:
        raise Invalid("unknown_commune", f"Không có xã mã {code!r}", f"No commune with the code {code!r}", field="role")
    return int(found)
