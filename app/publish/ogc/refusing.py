"""Every refusal of /ogc is a 400 with a reason where the standard wants one (OGC 17-069r4, 7.5); HEAD like GET."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import PydanticCustomError
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from app.accounts.roles import PUBLIC, allow
from app.errors import AppError, BadRequest, Invalid
from app.kit.problem import validation_problem

RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter that cannot be, with the reason"},
    429: {"description": "Too many questions of one caller at a time"},
}
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def bad(field: str, code: str, vi: str, en: str, **extra: Any) -> BadRequest:
    """Return the 400 for a parameter."""
    return BadRequest(code, vi, en, field=field, **extra)


def told(field: str, error: PydanticCustomError) -> BadRequest:
    """Return the 400 of what a parser of app.kit.page refuses."""
    context = error.context or {}
    return bad(field, context["code"], context["vi"], context["en"])


class OgcRoute(APIRoute):
    """A route whose parameters are refused with 400, which answers HEAD, and which everybody may call.

    What a caller then finds is decided by row-level security and by disclosure.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["openapi_extra"] = {**(options.get("openapi_extra") or {}), **allow(PUBLIC)}
        options["responses"] = {**RESPONSES, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take HEAD for GET; the server leaves the body away."""
        match, child = super().matches(scope)
        if match is Match.PARTIAL and scope["method"] == "HEAD":
            return Match.FULL, child
        return match, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; see `matches`."""
        if scope["method"] == "HEAD":
            await self.app(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def get_route_handler(self) -> _Handler:
        """Return the handler that translates refusals."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            self._refuse_unknown(request)
            try:
                return await inner(request)
            except RequestValidationError as error:
                raise _unreadable(error) from error
            except Invalid as error:
                raise _as_bad_request(error) from error

        return handle

    def _refuse_unknown(self, request: Request) -> None:
        """Refuse a parameter the route does not have; a route that reads them as a model looks for itself."""
        if any(parameter.field_info.annotation is None or _is_model(parameter) for parameter in _asked(self)):
            return
        known = [parameter.alias for parameter in _asked(self)]
        for name in request.query_params:
            if name not in known and name != CARRIED:
                raise unknown_parameter(name, known)


CARRIED = "datetime"
"""QGIS sends what stands in a layer's address on with every request, to pages too that say the same on every day."""


def unknown_parameter(name: str, known: list[str]) -> BadRequest:
    """Return the 400 for a parameter that does not exist."""
    listed = ", ".join(known) or "—"
    return bad(
        name[:60],
        "unknown_parameter",
        f"Không có tham số {name[:60]!r}; có: {listed}",
        f"There is no parameter {name[:60]!r}; there are: {listed}",
    )


def _asked(route: APIRoute) -> list[Any]:
    found, waiting = [], [route.dependant]
    while waiting:
        one = waiting.pop()
        found += one.query_params
        waiting += one.dependencies
    return found


def _is_model(parameter: Any) -> bool:
    return hasattr(parameter.field_info.annotation, "model_fields")


def _unreadable(error: RequestValidationError) -> BadRequest:
    extra = next((e for e in error.errors() if e["type"] == "extra_forbidden"), None)
    if extra is not None:
        return unknown_parameter(str(extra["loc"][-1]), [])
    problem = validation_problem(error.errors())
    first = problem["errors"][0]
    return bad(problem["field"], first["code"], problem["message"]["vi"], problem["message"]["en"],
               errors=problem["errors"])  # fmt: skip


def _as_bad_request(error: AppError) -> BadRequest:
    return BadRequest(error.code, error.vi, error.en, field=error.field, **error.extra)
