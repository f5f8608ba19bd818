"""Provincial single sign-on over HTTP: to the provider, back from it, and what there is of it."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from app.accounts import oidc, sessions, users
from app.accounts.access import DbSession, WritingSession, identity_of
from app.accounts.credentials import clear_cookie
from app.accounts.log_in import open_for
from app.accounts.roles import PUBLIC, allow
from app.accounts.users_router import CONDITION, ONLY, UserId
from app.config import settings
from app.database import PUBLIC as PUBLIC_SCOPE
from app.database import session_scope
from app.errors import AppError
from app.kit.etag import check_match, etag_of

router = APIRouter(tags=["accounts"])
_REDIRECT: dict[int | str, dict[str, Any]] = {303: {"description": "The address to go on at"}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "return_to is no path of this site"},
    401: {"description": "Not begun in this browser, used already, too late, or not confirmed by the provider"},
    403: {"description": "No account, deactivated, or cancelled at the provider"},
    404: {"description": "No single sign-on is configured"},
}


class Label(BaseModel):
    """Text of the button."""

    vi: str
    en: str


class SignOnState(BaseModel):
    """Whether there is a single sign-on."""

    configured: bool
    label: Label
    start: str = Field(description="Address of the button; takes return_to")


class Ended(BaseModel):
    """What is left to do after the own session has ended."""

    end_session_url: str | None = Field(description="Page where the provider ends its session too, if it has one")


class Link(BaseModel):
    """Who at the provider signs in to an account."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = Field(
        description="The provider's identifier of the person; null takes the single sign-on from the account"
    )


@router.get("/api/session/oidc", summary="Is there a single sign-on", openapi_extra=allow(PUBLIC))
def state() -> SignOnState:
    """Say whether a single sign-on is configured, and what its button is called; the provider is not asked."""
    asked = settings()
    return SignOnState(
        configured=asked.oidc_issuer is not None,
        label=Label(vi=asked.oidc_label_vi, en=asked.oidc_label_en),
        start="/api/session/oidc/start",
    )


@router.get(
    "/api/session/oidc/start",
    summary="Sign in at the provider",
    openapi_extra=allow(PUBLIC),
    status_code=303,
    response_class=RedirectResponse,
    responses=_REDIRECT | _REFUSALS,
)
def start(return_to: Annotated[str, Query(max_length=2000, description="Page to show after")] = "/") -> Response:
    """Send the browser to the provider, and bind the log-in to this browser for ten minutes."""
    path = oidc.local_path(return_to)
    begun = oidc.configured().authorization()
    with session_scope(PUBLIC_SCOPE) as session:
        oidc.remember(session, begun, path)
    answer = RedirectResponse(begun["url"], 303, {"Cache-Control": "no-store"})
    answer.set_cookie(
        _cookie(), begun["state"], max_age=oidc.MINUTES * 60, path="/", httponly=True, samesite="lax",
        secure=_is_https(),
    )  # fmt: skip
    return answer


@router.get(
    "/api/session/oidc/callback",
    summary="Back from the provider",
    openapi_extra=allow(PUBLIC),
    status_code=303,
    response_class=RedirectResponse,
    responses=_REDIRECT | _REFUSALS,
)
def callback(
    request: Request,
    state: Annotated[str, Query(max_length=200, description="Of the log-in, as begun")] = "",
    code: Annotated[str, Query(max_length=4000, description="Exchanged for who logged in")] = "",
    iss: Annotated[str | None, Query(max_length=2000, description="The provider's name (RFC 9207)")] = None,
    error: Annotated[str | None, Query(max_length=200, description="Why the provider did not confirm")] = None,
) -> Response:
    """Take the browser back from the provider: start a session and show the page it wanted to see.

    A refusal is a page for people (Accept: text/html) and a problem for programs.
    """
    try:
        return _signed_in(request, state, code, iss, error)
    except AppError as refused:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _page(refused)


@router.delete("/api/session/oidc", summary="Sign out, here and at the provider", openapi_extra=allow(PUBLIC))
def sign_out(request: Request, response: Response, session: WritingSession) -> Ended:
    """End the session of the cookie, and say where the provider ends its own; nothing to end is no mistake."""
    identity = identity_of(session)
    if identity.credential == "session":
        sessions.end(session, identity.account_id, identity.credential_id)
    clear_cookie(request, response)
    return Ended(end_session_url=oidc.end_session_url())


@router.get("/api/users/{user_id}/sign-on", summary="Who at the provider signs in to an account", openapi_extra=ONLY)
def get_link(session: DbSession, response: Response, user_id: UserId) -> Link:
    """Give the provider's identifier of the person, with the ETag a change has to name."""
    found = oidc.linked(session, user_id)
    response.headers["ETag"] = etag_of(found)
    return Link(**found)


@router.put(
    "/api/users/{user_id}/sign-on", summary="Link an account to somebody at the provider", openapi_extra=ONLY,
    responses=CONDITION,
)  # fmt: skip
def put_link(
    session: WritingSession, response: Response, user_id: UserId, given: Link,
    if_match: Annotated[str | None, Header(max_length=1000, description="ETag of the version that was read")] = None,
) -> Link:  # fmt: skip
    """Let somebody the provider knows sign in to the account: the identifier a refused first log-in shows."""
    users.lock(session, user_id)
    check_match(if_match, oidc.linked(session, user_id), given.model_dump())
    oidc.link(session, user_id, given.subject)
    return get_link(session, response, user_id)


def _signed_in(request: Request, state: str, code: str, iss: str | None, error: str | None) -> Response:
    """Ask the provider between two transactions: a slow one holds no connection, and a state is spent in any case."""
    with session_scope(PUBLIC_SCOPE) as session:
        flow = oidc.take(session, state, request.cookies.get(_cookie(), ""))
    claims = oidc.claims_of(flow, code=code, iss=iss, error=error)
    answer = RedirectResponse(flow.return_to, 303, {"Cache-Control": "no-store"})
    with session_scope(oidc.SCOPE) as session:
        open_for(request, answer, session, oidc.account_of(session, claims))
    answer.delete_cookie(_cookie(), path="/", httponly=True, samesite="lax", secure=_is_https())
    return answer


def _is_https() -> bool:
    return settings().oidc_redirect_url.startswith("https:")


def _cookie() -> str:
    """Return the cookie's name; over HTTPS one that no neighbouring host name can set."""
    return "__Host-hatang_oidc" if _is_https() else "hatang_oidc"


_PAGE = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Hatang</title>
<style>body{{font:1.1rem/1.5 sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}}</style>
<h1>Chưa đăng nhập được <small lang="en">Not signed in</small></h1>
<p>{vi}</p><p lang="en">{en}</p><p><code>{code}</code></p><p><a href="/">Về trang chính / Back to the map</a></p></html>
"""


def _page(refused: AppError) -> HTMLResponse:
    page = _PAGE.format(vi=escape(refused.vi), en=escape(refused.en), code=escape(refused.code))
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(
        page, refused.status,
        {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )  # fmt: skip
