"""Who calls a route: no session without an answer to that, and none for a caller the route does not name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from hmac import compare_digest
from typing import Annotated
from weakref import WeakKeyDictionary

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from app.accounts.credentials import CSRF_HEADER, SAFE_METHODS, check_origin, clear_cookie, presented
from app.accounts.identity import NOBODY, Identity, enter_with, identity_of, refusal
from app.accounts.roles import EXTENSION, PUBLIC
from app.database import PUBLIC as PUBLIC_SCOPE
from app.database import open_session
from app.errors import Forbidden, Unauthorized

__all__ = ["AskingSession", "DbSession", "Identity", "OpeningSession", "WritingSession", "identity_of"]

log = logging.getLogger("hatang.access")
BEFORE_PASSWORD_CHANGE = frozenset({"/api/session", "/api/session/password"})
"""Routes an account may call that still has the password somebody gave it."""


_admissions: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
AT_ONCE = 16
"""Requests with a transaction at the same time, fewer than the engine has connections: jobs need some too."""


async def admitted() -> AsyncIterator[None]:
    """Wait, without a thread, until there is a connection for the request.

    If threads waited for connections, those that have one would find no thread to end their work in.
    """
    async with _admissions.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)):
        yield


def opened(_: Annotated[None, Depends(admitted)]) -> Iterator[Session]:
    """Return the request's transaction, nobody's yet."""
    yield from open_session()


def request_session(request: Request, session: Annotated[Session, Depends(opened)]) -> Session:
    """Return the request's transaction in the scope of its caller; it ends after the answer is sent."""
    return _entered(request, session)


def writing_session(request: Request, session: Annotated[Session, Depends(opened, scope="function")]) -> Session:
    """Return the same, committed before the answer is sent: what was not kept is not said to be."""
    return _entered(request, session)


def asking_session(request: Request, response: Response, session: Annotated[Session, Depends(opened)]) -> Session:
    """Return a transaction for asking who one is: whose session is over is nobody, and the cookie is taken back."""
    try:
        return _entered(request, session)
    except Unauthorized as refused:
        if not refused.code.startswith("session_"):
            raise
    clear_cookie(request, response)
    session.info["scope"] = PUBLIC_SCOPE
    return session


def opening_session(request: Request, session: Annotated[Session, Depends(opened, scope="function")]) -> Session:
    """Return a public transaction for signing in: what credential came along, good or not, counts for nothing."""
    check_origin(request)
    _check_roles(request, NOBODY)
    session.info["scope"] = PUBLIC_SCOPE
    return session


def _entered(request: Request, session: Session) -> Session:
    check_origin(request)
    identity = _identify(request, session)
    request.scope.setdefault("state", {})["signed_in"] = identity.account_id is not None
    if identity.must_change_password and _path(request) not in BEFORE_PASSWORD_CHANGE:
        raise Forbidden(
            "password_change_required",
            "Hãy đổi mật khẩu được cấp trước khi dùng: POST /api/session/password",
            "Change the password you were given first: POST /api/session/password",
        )
    _check_roles(request, identity)
    return session


def _identify(request: Request, session: Session) -> Identity:
    """Enter the scope of the credential; without one the transaction has said nothing and is the public's."""
    credential = presented(request)
    if credential is None:
        session.info["scope"] = PUBLIC_SCOPE
        return NOBODY
    identity = enter_with(session, credential.kind, credential.secret)
    if credential.name and credential.name != identity.name:
        raise refusal("token", "invalid")
    unsafe = request.method not in SAFE_METHODS
    if credential.kind == "session" and unsafe:
        _check_csrf(request, identity)
    if credential.kind == "token":
        _check_token_scope(identity, "write" if unsafe else "read")
    return identity


def _check_csrf(request: Request, identity: Identity) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not compare_digest(given.encode(), identity.csrf.encode()):
        raise Forbidden(
            "csrf",
            f"Thiếu hoặc sai {CSRF_HEADER}; lấy giá trị csrf từ GET /api/session",
            f"{CSRF_HEADER} is missing or wrong; GET /api/session says it as csrf",
        )


def _check_token_scope(identity: Identity, needed: str) -> None:
    if needed not in identity.scopes:
        raise Forbidden(
            "token_scope",
            f"Mã truy cập không có phạm vi {needed!r}",
            f"The token does not have the scope {needed!r}",
            needed=needed,
        )


def _check_roles(request: Request, identity: Identity) -> None:
    """Refuse a caller with none of the roles the route names, and everybody where it names none."""
    extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    allowed = extra.get(EXTENSION)
    if allowed is None:
        log.error("%s %s does not say who may call it: refused to everybody", request.method, _path(request))
        raise _not_for_you()
    if PUBLIC in allowed or set(allowed) & set(identity.roles):
        return
    if identity.account_id is None:
        raise sign_in_first()
    if not (identity.must_change_password and _path(request) in BEFORE_PASSWORD_CHANGE):
        raise _not_for_you()


def sign_in_first() -> Unauthorized:
    """Return the 401 for a caller without any credential."""
    return Unauthorized("sign_in_required", "Hãy đăng nhập", "Sign in first")


def _not_for_you() -> Forbidden:
    return Forbidden(
        "role_missing", "Tài khoản không có vai trò được dùng chức năng này", "The account has no role that may do this"
    )


def _path(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", request.url.path))


DbSession = Annotated[Session, Depends(request_session)]
AskingSession = Annotated[Session, Depends(asking_session)]
WritingSession = Annotated[Session, Depends(writing_session, scope="function")]
OpeningSession = Annotated[Session, Depends(opening_session, scope="function")]
