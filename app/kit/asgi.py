"""What every request passes through: metrics, headers, last-resort errors, size limit; streams stay streams."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError, Invalid
from app.kit.metrics import Metrics
from app.kit.problem import MEDIA_TYPE

log = logging.getLogger("hatang.http")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class TooLarge(AppError):
    """The request body is larger than anything this API takes."""

    status = 413


class Incident(AppError):
    """Our own fault; the log has the traceback under the incident's id."""

    status = 500


def problem_response(error: AppError, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the problem+json answer of `error`."""
    return JSONResponse(error.problem(), error.status, media_type=MEDIA_TYPE, headers=headers)


class Measured:
    """Count and time every request by its route template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time the whole answer, streams to their end."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self.metrics.observe(scope["method"], route, status, time.perf_counter() - begun)


class Guarded:
    """Security headers on every answer; an unexpected exception becomes a 500 problem with an incident id.

    When the answer had already begun the exception goes on, and the server breaks the connection:
    a cut answer must never look like a whole one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or answer for what went wrong."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def harden(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(("/api/", "/ogc", "/healthz", "/readyz", "/metrics")):
                    headers.setdefault("Cache-Control", "private, no-cache")
                if scope["path"].startswith(("/api/", "/ogc", "/tiles/")):
                    # Answers differ by who asks: no cache may hand one caller's to another.
                    headers.add_vary_header("Cookie, Authorization")
            await send(message)

        try:
            await self.app(scope, receive, harden)
        except Exception:
            incident = uuid.uuid4().hex[:12]
            log.exception("incident %s: %s %s", incident, scope["method"], scope.get("raw_path", b"")[:200])
            if started:
                raise
            error = Incident(
                "internal_error",
                f"Lỗi nội bộ, đã ghi nhật ký với mã {incident}; hãy báo mã này cho quản trị viên",
                f"Internal error, logged as {incident}; please tell the administrator this id",
                incident=incident,
            )
            await problem_response(error)(scope, receive, harden)


class CleanText:
    """Refuse NUL characters and broken UTF-8 in path and query: PostgreSQL could only fail on them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let readable addresses through."""
        if scope["type"] == "http":
            for field, raw in (("query", scope.get("query_string", b"")), ("path", scope.get("raw_path") or b"")):
                plain = unquote_to_bytes(raw.replace(b"+", b" "))
                if b"\x00" in plain or not _is_utf8(plain):
                    error = Invalid(
                        "unreadable_text",
                        "Địa chỉ chứa ký tự NUL hoặc không phải UTF-8",
                        "The address contains a NUL character or is not UTF-8",
                        field=field,
                    )
                    return await problem_response(error)(scope, receive, send)
        await self.app(scope, receive, send)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class BodyLimit:
    """Refuse request bodies over `limit_bytes`, declared or not; at addresses of `larger`, over its limit."""

    def __init__(self, app: ASGIApp, limit_bytes: int, larger: Mapping[re.Pattern[str], int] | None = None) -> None:
        self.app, self.limit_bytes, self.larger = app, limit_bytes, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes as they come."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        most = next((n for p, n in self.larger.items() if p.fullmatch(scope["path"])), self.limit_bytes)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            return await problem_response(self._refusal(most))(scope, receive, send)
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise self._refusal(most)
            return message

        await self.app(scope, counted, send)

    def _refusal(self, most: int) -> TooLarge:
        return TooLarge(
            "body_too_large",
            f"Nội dung yêu cầu vượt quá {most:,} byte",
            f"The request body exceeds {most:,} bytes",
            limit_bytes=most,
        )


class Compressed(GZipMiddleware):
    """Gzip, except for exports: hundreds of megabytes would cost more to compress than to send."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass exports through as they are."""
        if scope["type"] == "http" and scope["path"].startswith(("/api/exports/", "/api/open/")):
            return await self.app(scope, receive, send)
        await super().__call__(scope, receive, send)
