"""The HTTP application: routers, error handlers, static files; nothing else."""

from __future__ import annotations

from importlib import import_module

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse

from app.config import ROOT
from app.errors import AppError

ROUTERS: tuple[str, ...] = ()
"""Modules whose `router` is mounted, in order."""

DIST = ROOT / "app" / "web" / "dist"


def create_app() -> FastAPI:
    """Build the application; the database is reached at the first request, not here."""
    app = FastAPI(
        title="Hatang",
        summary="Hạ tầng viễn thông trên bản đồ số — a province's telecom infrastructure on a digital map",
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
    )
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_exception_handler(AppError, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    for name in ROUTERS:
        app.include_router(import_module(name).router)
    return app


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    return JSONResponse(error.problem(), error.status, media_type="application/problem+json")


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    body = {
        "type": "urn:hatang:problem:invalid_request",
        "title": f"{field}: {first['msg']}",
        "status": 422,
        "code": "invalid_request",
        "message": {"vi": f"Giá trị không hợp lệ ở {field}", "en": f"{field}: {first['msg']}"},
        "field": field,
    }
    return JSONResponse(body, 422, media_type="application/problem+json")
