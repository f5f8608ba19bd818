"""The browsers an account is signed in with, and ending that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import NotFound

_SESSIONS = text("""
    SELECT s.id, s.created_at, w.at AS last_seen_at, e.expires_at, s.address, s.user_agent,
           s.id IS NOT DISTINCT FROM CAST(:current AS bigint) AS current
    FROM accounts.session s JOIN accounts.seen w ON w.session_id = s.id
    CROSS JOIN LATERAL (SELECT least(s.expires_at, w.at + make_interval(secs => s.idle_s)) AS expires_at) e
    WHERE s.account_id = :account_id AND s.revoked_at IS NULL AND e.expires_at > now()
    ORDER BY current DESC, w.at DESC, s.id DESC
""")
_END = text("""
    UPDATE accounts.session SET revoked_at = coalesce(revoked_at, now())
    WHERE id = :id AND account_id = :account_id RETURNING id
""")
_END_ALL = text("""
    UPDATE accounts.session s SET revoked_at = now() FROM accounts.seen w
    WHERE w.session_id = s.id AND s.account_id = :account_id AND s.revoked_at IS NULL
      AND s.id IS DISTINCT FROM CAST(:keep AS bigint)
    RETURNING least(s.expires_at, w.at + make_interval(secs => s.idle_s)) > now()
""")


def sessions(session: Session, account_id: int, current: int | None = None) -> list[dict[str, Any]]:
    """Return the sessions of an account that still hold, the one numbered `current` first, then the last seen."""
    values = {"account_id": account_id, "current": current}
    return [dict(row) for row in session.execute(_SESSIONS, values).mappings()]


def end(session: Session, account_id: int | None, session_id: int | None) -> None:
    """End one session of an account; once more is no mistake.

    Raises
    ------
    NotFound
        No such session, or not of that account.
    """
    if session.scalar(_END, {"id": session_id, "account_id": account_id}) is None:
        raise NotFound(
            "unknown_session", f"Không có phiên đăng nhập số {session_id}", f"There is no session {session_id}"
        )


def end_all(session: Session, account_id: int, keep: int | None = None) -> int:
    """End the sessions of an account, but for the one numbered `keep`, and return how many of them still held."""
    return sum(session.scalars(_END_ALL, {"account_id": account_id, "keep": keep}))
