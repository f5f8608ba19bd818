"""Personal API tokens: a secret shown once, of which the database keeps a hash."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.credentials import TOKEN_PREFIX
from app.accounts.identity import sha256
from app.errors import NotFound

_TOKENS = text("""
    SELECT t.id, t.name, t.scopes, t.created_at, t.expires_at, t.revoked_at,
           CASE WHEN s.at > t.created_at THEN s.at END AS last_used_at
    FROM accounts.token t LEFT JOIN accounts.seen s ON s.token_id = t.id
    WHERE t.account_id = :account_id ORDER BY t.id
""")
_REVOKE = text("""
    UPDATE accounts.token SET revoked_at = coalesce(revoked_at, now())
    WHERE id = :id AND (CAST(:account_id AS bigint) IS NULL OR account_id = :account_id) RETURNING id
""")


def tokens(session: Session, account_id: int) -> list[dict[str, Any]]:
    """Return the tokens of an account, revoked and expired ones too."""
    return [dict(row) for row in session.execute(_TOKENS, {"account_id": account_id}).mappings()]


def add(session: Session, account_id: int, name: str, scopes: Collection[str], days: int) -> tuple[int, str]:
    """Make a token and return its number and its secret, which nobody can ask for again.

    Parameters
    ----------
    scopes : collection of str
        "read" (GET), "write" (everything else), "administer" (what only administrators may).
    days : int
        Until it expires, 1…365.
    """
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    query = text("SELECT accounts.add_token(:account_id, :name, :secret, :scopes, :days)")
    number = session.scalar(query, {
        "account_id": account_id, "name": name, "secret": sha256(secret), "scopes": sorted(scopes), "days": days,
    })  # fmt: skip
    return int(number or 0), secret


def revoke(session: Session, token_id: int, account_id: int | None = None) -> None:
    """End a token; once more is no mistake.

    Raises
    ------
    NotFound
        No such token, or not of that account.
    """
    if session.scalar(_REVOKE, {"id": token_id, "account_id": account_id}) is None:
        raise NotFound("unknown_token", f"Không có mã truy cập số {token_id}", f"There is no token {token_id}")
