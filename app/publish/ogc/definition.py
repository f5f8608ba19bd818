"""The API definition clients of OGC services read: our own OpenAPI document, its part of /ogc, in OpenAPI 3.0."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from app.publish.ogc.collections import COLLECTIONS

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
_BOX: dict[str, Any] = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


def definition(document: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the definition of what stands under `prefix`; its servers are the answer's business.

    Parameters
    ----------
    document : mapping
        The whole OpenAPI 3.1 document.
    """
    paths = {
        path.removeprefix(prefix): _old({method: _operation(o) for method, o in operations.items()})
        for path, operations in document["paths"].items()
        if path.startswith(f"{prefix}/")
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "paths": paths,
        "components": {"schemas": _used(paths, document["components"]["schemas"])},
    }


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {**operation, "parameters": [_parameter(p) for p in operation.get("parameters", [])]}


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return it as the standard writes it: a box is a list, and no list is repeated."""
    if parameter["in"] != "query":
        name_of = {"collectionId": {"enum": list(COLLECTIONS)}}.get(parameter["name"], {})
        return {**parameter, "schema": {**parameter["schema"], **name_of}}
    schema = _BOX if parameter["name"] == "bbox" else parameter["schema"]
    return {**parameter, "schema": schema, "style": "form", "explode": False}


def _used(paths: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting = _REFERENCE.findall(json.dumps(paths))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _old(schemas[name])
            waiting += _REFERENCE.findall(json.dumps(found[name]))
    return found


def _old(node: Any) -> Any:
    """Return OpenAPI 3.1 as 3.0: no null as a type, single examples, bounds with a flag."""
    if isinstance(node, list):
        return [_old(n) for n in node]
    if not isinstance(node, dict):
        return node
    found = {key: _old(value) for key, value in node.items() if key not in _TRANSLATED}
    for key, translate in _TRANSLATED.items():
        if key in node:
            found |= translate(node[key])
    return found


def _either(choices: list[Any]) -> dict[str, Any]:
    kept = [_old(c) for c in choices if c != {"type": "null"}]
    nullable = {"nullable": True} if len(kept) < len(choices) else {}
    return {**(kept[0] if len(kept) == 1 else {"anyOf": kept}), **nullable}


def _examples(examples: Any) -> dict[str, Any]:
    # Of a schema a list; of a parameter or answer named ones, which stay.
    return {"example": _old(examples[0])} if isinstance(examples, list) else {"examples": _old(examples)}


def _bound(kind: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {kind.lower(): value, f"exclusive{kind}": True}


_TRANSLATED: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "anyOf": _either,
    "const": lambda value: {"enum": [value]},
    "examples": _examples,
    "exclusiveMinimum": _bound("Minimum"),
    "exclusiveMaximum": _bound("Maximum"),
    "prefixItems": lambda choices: {"items": {"anyOf": _old(choices)}},
    "contentMediaType": lambda _: {"format": "binary"},
    "propertyNames": lambda _: {},
}
