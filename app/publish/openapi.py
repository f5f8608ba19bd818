"""What the OpenAPI document says beyond the endpoints: every refusal is a problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

from fastapi import FastAPI

from app.kit.problem import MEDIA_TYPE
from app.publish.openapi_examples import BODIES, example

DESCRIPTION = """
Positions are EPSG:4326, longitude before latitude (RFC 7946). Every question takes `as_of`; without it, today in
Viet Nam; and `known_at`, the moment whose knowledge counts; without it, now. What is answered depends on who asks:
objects by row scope, their attributes by disclosure levels. Objects whose data are synthetic say `synthetic: true`.
Refusals are `application/problem+json` with a stable `code`, a message in Vietnamese and English, and the field at
fault.
"""
PARAMETERS = {
    "as_of": "Date of the answer; default today in Viet Nam",
    "known_at": "What the registry knew at this moment (ISO 8601 with zone); for signed-in callers; default now",
    "rule": "Coverage rule; default the policy's default rule",
    "operator": "Code of an operator",
    "technology": "2G, 3G, 4G or 5G",
    "commune": "Code or name of a commune in force on the date",
    "layer": "Name of the layer",
    "village_id": "Identifier of the village",
    "a": "Number of the earlier run",
    "b": "Number of the later run",
    "by": "What the ratios are broken down by",
    "indicator": "Indicator of the plan: a3 positions, a4 poles, a5 ducts",
    "definition": "Code of the definition; default the indicator's default one",
    "form": "csv, geojson or xlsx",
    "counted": "Objects of the numerator, of the denominator, or those whose state is unknown",
}
"""Wording of parameters that mean the same wherever they stand; a router's own wording goes first."""
_ASKED_REFUSALS = {
    "404": "Nothing of that name or number, or not on that date",
    "422": "A value that cannot be",
}
_REFUSALS = {
    "401": "Nobody is signed in, or the session or token is no longer good",
    "403": "Not for this caller",
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
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _explain(operation, path, f"{method.upper()} {path}")
            asked = "parameters" in operation or "requestBody" in operation
            refusals = _REFUSALS | (_ASKED_REFUSALS if asked else {})
            refusals |= _BODY_REFUSALS if "requestBody" in operation else {}
            responses = operation["responses"]
            responses.get("422", {}).pop("description", None)  # the framework's own words
            for status, meaning in refusals.items():
                responses.setdefault(status, {}).setdefault("description", meaning)
            for status, response in responses.items():
                if status >= "4":
                    response["content"] = content
                else:
                    _complete(response.get("content", {}))
    return schema


def _explain(operation: dict[str, Any], path: str, name: str) -> None:
    """Give parameters and body wording and an example where their router gave none."""
    for parameter in operation.get("parameters", []):
        if parameter["name"] in PARAMETERS:
            parameter.setdefault("description", PARAMETERS[parameter["name"]])
        known = parameter["schema"]
        if not {"example", "examples"} & parameter.keys() and not {"default", "examples"} & known.keys():
            value = example(path, parameter)
            if value is not None:
                parameter["example"] = value
    for body in operation.get("requestBody", {}).get("content", {}).values():
        if name in BODIES and not {"example", "examples"} & body.keys():
            body["example"] = BODIES[name]


def _complete(content: dict[str, Any]) -> None:
    """Say of each answer what it is: files are bytes; what is written by hand is no JSON text."""
    for media_type, body in content.items():
        if "json" in media_type and "$ref" in body.get("schema", {}):
            body["schema"].pop("type", None)
        if not body.get("schema"):
            body["schema"] = {"type": "object"} if "json" in media_type else {"type": "string", "format": "binary"}
