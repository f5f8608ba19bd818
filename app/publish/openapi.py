"""What the OpenAPI document says beyond the endpoints: every refusal is a problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

from fastapi import FastAPI

from app.kit.problem import MEDIA_TYPE

DESCRIPTION = """
Positions are EPSG:4326, longitude before latitude (RFC 7946). Every question takes `as_of`; without it, today in
Viet Nam. Objects whose data are synthetic say `synthetic: true`. Refusals are `application/problem+json` with a
stable `code`, a message in Vietnamese and English, and the field at fault.
"""
_REFUSALS = {
    "404": "Nothing of that name or number, or not on that date",
    "422": "A value that cannot be",
    "500": "Our own fault, logged under the incident id",
    "503": "Database, terrain or run not available, or the question is too heavy",
}
_BODY_REFUSALS = {"400": "A body that cannot be read", "413": "A body over the size limit"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "message"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:hatang:problem:unknown_commune"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; for programs"},
        "message": {
            "type": "object",
            "required": ["vi", "en"],
            "properties": {"vi": {"type": "string"}, "en": {"type": "string"}},
        },
        "field": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "vi", "en"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "vi", "en")},
            },
        },
    },
}


def version() -> str:
    """Return the version of the installed program."""
    return metadata.version("hatang")


def document(app: FastAPI) -> None:
    """Make `app.openapi()` name every refusal as problem+json, for all routers alike."""
    original: Callable[[], dict[str, Any]] = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_refusals(original())
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]


def _with_refusals(schema: dict[str, Any]) -> dict[str, Any]:
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            refusals = _REFUSALS | (_BODY_REFUSALS if "requestBody" in operation else {})
            for status, meaning in refusals.items():
                described = operation["responses"].get(status, {}).get("description")
                if status == "422" or not described:
                    described = meaning
                operation["responses"][status] = {"description": described, "content": content}
    return schema
