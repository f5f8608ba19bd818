"""What a request says of itself: its cookie or token, and whether it comes from our own pages."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple
from urllib.parse import urlsplit

from fastapi import Request, Response

from app.accounts.identity import Kind, refusal
from app.config import settings
from app.errors import Forbidden

COOKIE = "hatang_session"
CSRF_HEADER = "X-CSRF-Token"
TOKEN_PREFIX = "ht_"  # noqa: S105
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_SECRET = 200


class Credential(NamedTuple):
    """A secret that came with a request; `name` is the user name of Basic authentication, else empty."""

    kind: Kind
    secret: str
    name: str = ""


def presented(request: Request) -> Credential | None:
    """Return the credential of a request, None when it has none; Authorization goes before the cookie.

    Raises
    ------
    Unauthorized
        An Authorization header that holds no token.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _authorization(header)
    cookie = request.cookies.get(COOKIE)
    if cookie is None:
        return None
    if len(cookie) > MAX_SECRET:
        raise refusal("session", "invalid")
    return Credential("session", cookie)


def _authorization(header: str) -> Credential:
    """Read Bearer, and Basic whose password is a token: QGIS and curl know these."""
    scheme, _, rest = header.partition(" ")
    name, secret = "", rest.strip()
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(secret, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise refusal("token", "invalid") from None
    elif scheme.lower() != "bearer":
        raise refusal("token", "invalid")
    if not secret.startswith(TOKEN_PREFIX) or len(secret) > MAX_SECRET:
        raise refusal("token", "invalid")
    return Credential("token", secret, name.strip().lower())


def check_origin(request: Request) -> None:
    """Refuse an unsafe request that a browser sends from another site, with whatever credential or none.

    Raises
    ------
    Forbidden
        `cross_site`.
    """
    if request.method in SAFE_METHODS:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not ours or site not in (None, "same-origin"):
        raise Forbidden(
            "cross_site", "Yêu cầu đến từ trang web khác nên bị từ chối", "The request comes from another web site"
        )


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Give the browser its session; scripts cannot read it, other sites' forms do not send it."""
    response.set_cookie(
        COOKIE, secret, max_age=settings().session_days * 86_400, path="/", httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def clear_cookie(request: Request, response: Response) -> None:
    """Take the browser's session back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https")


def address(request: Request) -> str:
    """Return the caller's address; behind a proxy, the one it names if it is a trusted one (`hatang serve`)."""
    return request.client.host if request.client else ""
