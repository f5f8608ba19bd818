"""The HTTP application: routers, error handlers, middleware, static files; nothing else."""

from __future__ import annotations

import logging
import re
from importlib import import_module

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from app.accounts.answers import Personal
from app.accounts.credentials import clear_cookie
from app.config import ROOT
from app.database import engine, translate
from app.errors import AppError, BadRequest, Invalid, NotFound
from app.kit.asgi import BodyLimit, CleanText, Compressed, Guarded, Measured, problem_response
from app.kit.metrics import Metrics
from app.kit.problem import MEDIA_TYPE, validation_problem
from app.publish import front_end, openapi

ROUTERS: tuple[str, ...] = (
    "app.accounts.router",
    "app.accounts.oidc_router",
    "app.areas.router",
    "app.publish.router",
    "app.publish.qgis.router",
    "app.publish.exports.jobs_router",
    "app.publish.exports.router",
    "app.publish.open_data.router",
    "app.coverage.router",
    "app.coverage.series_router",
    "app.coverage.blackspots_router",
    "app.coverage.switch_off_router",
    "app.coverage.calibration_router",
    "app.sharing.change_router",
    "app.sharing.snapshot_router",
    "app.sharing.router",
    "app.sharing.series_router",
    "app.licensing.router",
    "app.licensing.what_if.router",
    "app.licensing.applications.router",
    "app.licensing.applications.requests_router",
    "app.licensing.applications.documents_router",
    "app.licensing.applications.dossier_router",
    "app.licensing.programme.router",
    "app.licensing.prices.router",
    "app.licensing.dossier.router",
    "app.licensing.constraints.router",
    "app.licensing.lines.router",
    "app.objects.router",
    "app.jobs.router",
    "app.coverage.runs_router",
    "app.publish.coverage_maps",
    "app.publish.tiles",
    "app.publish.ogc.router",
)
"""Modules whose `router` is mounted, in order."""

JOBS: tuple[str, ...] = ("app.coverage.jobs", "app.licensing.programme.jobs", "app.publish.exports.jobs")
"""Modules that define kinds of background work (`app.jobs.work`)."""

DIST = ROOT / "app" / "web" / "dist"
BODY_LIMIT_BYTES = 1_000_000
DOCUMENTS = re.compile(r"/api/applications/\d+/documents")
DOCUMENT_LIMIT_BYTES = 50_000_000
"""The most policy application_document/limits may allow; what it does allow is refused by the route itself."""

log = logging.getLogger("hatang.http")


class MethodNotAllowed(AppError):
    """The address exists, this method does not."""

    status = 405


def create_app() -> FastAPI:
    """Build the application; the database is reached at the first request, not here."""
    app = FastAPI(
        title="Hatang",
        summary="Hạ tầng viễn thông trên bản đồ số — a province's telecom infrastructure on a digital map",
        description=openapi.DESCRIPTION,
        version=openapi.version(),
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
        redirect_slashes=False,
    )
    engine()  # made here, since the first requests in parallel would make several; it connects later
    app.state.metrics = Metrics()
    # The last one added is the outermost.
    app.add_middleware(Compressed, minimum_size=1024, compresslevel=5)
    app.add_middleware(BodyLimit, limit_bytes=BODY_LIMIT_BYTES, larger={DOCUMENTS: DOCUMENT_LIMIT_BYTES})
    app.add_middleware(CleanText)
    app.add_middleware(Personal)
    app.add_middleware(Guarded)
    app.add_middleware(Measured, metrics=app.state.metrics)
    app.add_exception_handler(AppError, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(psycopg.Error, _database)  # of COPY, which goes past SQLAlchemy
    app.add_exception_handler(UnicodeEncodeError, _text)
    for name in JOBS:
        import_module(name)
    for name in ROUTERS:
        app.include_router(import_module(name).router)
    front_end.mount(app, DIST)
    openapi.document(app)
    return app


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    headers = {}
    if error.status in (429, 503):
        headers["Retry-After"] = str(error.extra.get("retry_after_s", 5))
    if error.status == 401:
        # Not Basic: a browser would ask for a password in a window of its own and send it with every request.
        headers["WWW-Authenticate"] = 'Bearer realm="hatang"'
    answer = problem_response(error, headers)
    # Only of who signs out: a request that comes late must not take the cookie of a newer session away.
    leaving = request.method == "DELETE" and request.url.path in ("/api/session", "/api/session/oidc")
    if leaving and error.code.startswith("session_") and error.status == 401:
        clear_cookie(request, answer)
    return answer


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse(validation_problem(error.errors()), 422, media_type=MEDIA_TYPE)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """Translate what the framework itself refuses: unknown address, wrong method, unreadable body."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, AppError):  # FastAPI wraps what goes wrong while it reads the body
        return problem_response(error.__cause__)
    refused: AppError
    if error.status_code == 404:
        refused = NotFound("not_found", "Không có địa chỉ này", "There is nothing at this address")
    elif error.status_code == 405:
        method = request.method[:20]
        refused = MethodNotAllowed(
            "method_not_allowed", f"Địa chỉ này không nhận {method}", f"This address does not take {method}"
        )
    else:
        refused = BadRequest("bad_request", "Không đọc được yêu cầu", "The request cannot be read")
        refused.status = error.status_code
    return problem_response(refused, dict(error.headers or {}))


async def _database(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DBAPIError)
    told = translate(error)
    if told is None:
        raise error  # our own mistake: Guarded logs it and answers 500
    if told.status == 503:
        log.error("%s: %s", told.code, error.orig)
    return await _refused(request, told)


async def _text(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnicodeEncodeError)
    if "surrogates" not in error.reason:
        raise error
    return problem_response(
        Invalid("unreadable_text", "Văn bản chứa ký tự không hợp lệ", "A text contains characters that do not exist")
    )
