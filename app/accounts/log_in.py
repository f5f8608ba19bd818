"""Signing in: the password, the limit of attempts, the session."""

from __future__ import annotations

import re
import secrets
import unicodedata
from hashlib import sha256 as digest
from typing import NamedTuple

from fastapi import Request, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts.credentials import COOKIE, address, set_cookie
from app.accounts.identity import Identity, enter_with, sha256
from app.config import settings
from app.database import PUBLIC, session_scope
from app.errors import TooMany, Unauthorized

_NAME = re.compile(r"[a-z0-9._@-]{3,64}", re.ASCII)
_BEGIN = text("SELECT * FROM accounts.begin_attempt(:kind, :name, :address, :window_s, :per_name, :per_address)")
_START = text("""
    SELECT accounts.start_session(:account, :proven_hash, :secret, :csrf, :lifetime_s, :idle_s, :user_agent, :address,
                                  :replaced)
""")


class Attempted(NamedTuple):
    """An attempt on record; account and hash are None for a name that nobody active has."""

    attempt_id: int
    account_id: int | None
    password_hash: str | None


class Proof(NamedTuple):
    """An account whose password somebody just knew."""

    account_id: int
    password_hash: str
    attempt_id: int


def name_key(name: str) -> str:
    """Return the name as accounts have it; what can be none is hashed, since people type passwords there."""
    plain = unicodedata.normalize("NFC", name).strip().lower()
    return plain if _NAME.fullmatch(plain) else "sha256:" + digest(plain.encode("utf-8", "replace")).hexdigest()


def begin_attempt(session: Session, kind: str, name: str, caller: str) -> Attempted:
    """Count an attempt as failed before the password is looked at; return what the name leads to.

    Raises
    ------
    TooMany
        The name, or the address, failed too often within the window; `retry_after_s` says when to come again.
    """
    asked = settings()
    row = session.execute(_BEGIN, {
        "kind": kind, "name": name_key(name), "address": caller, "window_s": asked.log_in_window_minutes * 60,
        "per_name": asked.log_in_failures_per_name, "per_address": asked.log_in_failures_per_address,
    }).one()  # fmt: skip
    if row.retry_after_s is not None:
        minutes = -(-row.retry_after_s // 60)
        raise TooMany(
            "too_many_attempts",
            f"Đăng nhập sai quá nhiều lần; hãy thử lại sau {minutes} phút",
            f"Too many failed attempts; try again in {minutes} min",
            retry_after_s=row.retry_after_s,
        )
    return Attempted(row.attempt_id, row.account_id, row.password_hash)


def prove(name: str, password: str, caller: str) -> Proof:
    """Return the account whose name and password these are.

    The attempt is counted in a transaction of its own, so that nothing takes it back.

    Raises
    ------
    Unauthorized
        `wrong_credentials`, whether the name, the password or the account's being active is the reason.
    TooMany
        As `begin_attempt`.
    """
    with session_scope(PUBLIC) as session:
        attempt_id, account_id, known = begin_attempt(session, "password", name, caller)
    if not passwords.verify(password, known) or account_id is None or known is None:
        raise wrong_credentials()
    return Proof(account_id, known, attempt_id)


def wrong_credentials() -> Unauthorized:
    """Return the one answer to every wrong pair of name and password."""
    return Unauthorized(
        "wrong_credentials", "Tên đăng nhập hoặc mật khẩu không đúng", "The name or the password is not right"
    )


def attempt_succeeded(session: Session, attempt_id: int) -> None:
    """Note that the attempt was a good one; earlier failures of the name no longer count."""
    session.execute(text("SELECT accounts.attempt_succeeded(:id)"), {"id": attempt_id})


def open_for(
    request: Request, response: Response, session: Session, account_id: int, proven_hash: str | None = None
) -> Identity:
    """Start a session for an account that has proven who it is, and set its cookie.

    The secret is new whatever cookie came along, and the session of that cookie is ended.

    Parameters
    ----------
    proven_hash : str, optional
        Hash of the password it was proven by; None when another party vouches for the account (OpenID Connect).

    Raises
    ------
    Unauthorized
        The account was deactivated or its password changed meanwhile.
    """
    secret, old = secrets.token_urlsafe(32), request.cookies.get(COOKIE)
    started = session.scalar(_START, {
        "account": account_id, "proven_hash": proven_hash, "secret": sha256(secret),
        "csrf": secrets.token_urlsafe(24), "lifetime_s": settings().session_days * 86_400,
        "idle_s": settings().session_idle_hours * 3600, "user_agent": request.headers.get("user-agent", "")[:200],
        "address": address(request), "replaced": sha256(old) if old else None,
    })  # fmt: skip
    if not started:
        raise wrong_credentials()
    set_cookie(request, response, secret)
    return enter_with(session, "session", secret)
