"""Signing in and out, one's own password and tokens over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.accounts import log_in, passwords, sessions, tokens, users
from app.accounts.access import AskingSession, DbSession, OpeningSession, WritingSession, identity_of, sign_in_first
from app.accounts.credentials import address, clear_cookie
from app.accounts.identity import Identity
from app.accounts.roles import ADMINISTRATOR, PUBLIC, SIGNED_IN, allow
from app.accounts.schemas import (
    EndedSessions,
    MadeToken,
    NewPassword,
    NewToken,
    OpenSession,
    SessionState,
    SignIn,
    TokenState,
)
from app.accounts.users_router import router as users_router
from app.errors import Forbidden
from app.kit.asgi import problem_response
from app.kit.page import MAX_ID

router = APIRouter(tags=["accounts"])
router.include_router(users_router)
TokenId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the token")]
SessionId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the session")]
LIMITED: dict[int | str, dict[str, Any]] = {
    429: {"description": "Too many failed attempts; Retry-After says when to come again"}
}
WRONG: dict[int | str, dict[str, Any]] = {401: {"description": "Wrong name or password"}}


@router.post("/api/session", summary="Sign in", openapi_extra=allow(PUBLIC), responses=LIMITED | WRONG)
def sign_in(request: Request, response: Response, session: OpeningSession, given: SignIn) -> SessionState:
    """Start a session: its cookie cannot be read by scripts, and every change needs its `csrf` as X-CSRF-Token."""
    proof = log_in.prove(given.name, given.password, address(request))
    identity = log_in.open_for(request, response, session, proof.account_id, proof.password_hash)
    log_in.attempt_succeeded(session, proof.attempt_id)
    # One of several at once: each holds the row it proved itself by, so two that wrote it would wait for each other.
    if passwords.outdated(proof.password_hash) and users.try_lock(session, proof.account_id):
        users.set_password(session, proof.account_id, given.password, must_change=identity.must_change_password)
    return SessionState.of(identity)


@router.get("/api/session", summary="Who is signed in", openapi_extra=allow(PUBLIC))
def get_session(session: AskingSession) -> SessionState:
    """Name, roles, organisations and communes of the caller; the role is `public` when nobody is signed in.

    A session that is over counts as nobody, and its cookie is taken back; every other route refuses it.
    """
    return SessionState.of(identity_of(session))


@router.delete("/api/session", summary="Sign out", status_code=204, openapi_extra=allow(PUBLIC))
def sign_out(request: Request, response: Response, session: WritingSession) -> None:
    """End the session of the cookie, here and on the server; nothing to end is no mistake."""
    identity = identity_of(session)
    if identity.credential == "session":
        sessions.end(session, identity.account_id, identity.credential_id)
    clear_cookie(request, response)


@router.post(
    "/api/session/password", summary="Change one's own password", status_code=204, response_model=None,
    openapi_extra=allow(*SIGNED_IN), responses=LIMITED | WRONG,
)  # fmt: skip
def change_password(request: Request, session: WritingSession, given: NewPassword) -> Response | None:
    """Replace the password; all other sessions of the account end."""
    identity = _in_person(session)
    attempt = log_in.begin_attempt(session, "password_change", identity.name, address(request))
    if not passwords.verify(given.old, attempt.password_hash):
        return problem_response(log_in.wrong_credentials())  # not raised: the attempt stays on record
    passwords.check(given.new, identity.name, old=given.old)
    users.set_password(session, _account_id(session), given.new)
    sessions.end_all(session, _account_id(session), keep=identity.credential_id)
    log_in.attempt_succeeded(session, attempt.attempt_id)
    return None


@router.get("/api/sessions", summary="Where one is signed in", openapi_extra=allow(*SIGNED_IN))
def get_sessions(session: DbSession) -> list[OpenSession]:
    """List the account's sessions that still hold, this one first; a token is not told where a person works."""
    current = _in_person(session).credential_id
    return [OpenSession(**row) for row in sessions.sessions(session, _account_id(session), current)]


@router.delete("/api/sessions", summary="Sign out everywhere else", openapi_extra=allow(*SIGNED_IN))
def end_other_sessions(session: WritingSession) -> EndedSessions:
    """End all sessions of the account but this one."""
    keep = _in_person(session).credential_id
    return EndedSessions(ended=sessions.end_all(session, _account_id(session), keep))


@router.delete(
    "/api/sessions/{session_id}", summary="Sign out somewhere else", status_code=204, openapi_extra=allow(*SIGNED_IN)
)
def end_session(session: WritingSession, session_id: SessionId) -> None:
    """End one session of the account at once."""
    _in_person(session)
    sessions.end(session, _account_id(session), session_id)


@router.get("/api/tokens", summary="One's own API tokens", openapi_extra=allow(*SIGNED_IN))
def get_tokens(session: DbSession) -> list[TokenState]:
    """List the tokens of the account, revoked and expired ones too, without their secrets."""
    return [TokenState(**row) for row in tokens.tokens(session, _account_id(session))]


@router.post("/api/tokens", summary="Make an API token", status_code=201, openapi_extra=allow(*SIGNED_IN))
def add_token(session: WritingSession, given: NewToken) -> MadeToken:
    """Make a token for QGIS or a script; its secret is in this answer and nowhere else.

    A token cannot make tokens, and only an administrator's may have the scope `administer`.
    """
    identity = _in_person(session)
    if "administer" in given.scopes and ADMINISTRATOR not in identity.roles:
        raise Forbidden("scope_not_yours", "Chỉ quản trị viên có phạm vi này", "Only administrators have this scope")
    number, secret = tokens.add(session, _account_id(session), given.name, given.scopes, given.days)
    made = next(row for row in tokens.tokens(session, _account_id(session)) if row["id"] == number)
    return MadeToken(**made, token=secret)


@router.delete(
    "/api/tokens/{token_id}", summary="Revoke one's own token", status_code=204, openapi_extra=allow(*SIGNED_IN)
)
def revoke_token(session: WritingSession, token_id: TokenId) -> None:
    """End the token at once; it stays on the list."""
    tokens.revoke(session, token_id, _account_id(session))


def _account_id(session: DbSession) -> int:
    account_id = identity_of(session).account_id
    if account_id is None:
        raise sign_in_first()
    return account_id


def _in_person(session: DbSession) -> Identity:
    """Refuse a token where only a person who signed in may act: one that leaked must not outlive its revocation."""
    identity = identity_of(session)
    if identity.credential != "session":
        raise Forbidden(
            "session_required", "Việc này cần đăng nhập, không dùng mã truy cập", "Sign in for this; a token may not"
        )
    return identity
