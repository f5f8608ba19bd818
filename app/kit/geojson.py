"""GeoJSON → `Table`: strict about the document, row by row about what is in it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import shapely

from app.errors import Invalid
from app.kit import table as tables
from app.kit.table import Table, broken, objects

_HUGE = 1e300
"""Whole numbers beyond this are no coordinates, and overflow."""


def read_geojson(data: bytes) -> Table:
    """Read a FeatureCollection, one Feature, or a stream of Features one a line (RFC 8142 or plain)."""
    document = _json(data)
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        features = document.get("features")
    elif isinstance(document, dict) and document.get("type") == "Feature":
        features = [document]
    else:
        features = document if isinstance(document, list) else None
    if not isinstance(features, list) or not all(isinstance(f, dict) and f.get("type") == "Feature" for f in features):
        raise Invalid(
            "not_geojson",
            "JSON này không phải GeoJSON: cần FeatureCollection gồm các Feature",
            "This JSON is not GeoJSON: a FeatureCollection of Features is needed",
            field="file",
        )
    if not features:
        raise tables.empty("GeoJSON")
    properties = [f["properties"] if isinstance(f.get("properties"), dict) else {} for f in features]
    names = dict.fromkeys(name for p in properties for name in p)
    columns = {name: objects([_scalar(p.get(name)) for p in properties]) for name in names}
    if "id" not in columns and any("id" in f for f in features):
        columns["id"] = objects([_scalar(f.get("id")) for f in features])
    geometry = objects([_geometry(f.get("geometry")) for f in features])
    unreadable = np.array([f.get("geometry") is not None for f in features]) & shapely.is_missing(geometry)
    return Table(
        "geojson",
        columns,
        np.arange(1, len(features) + 1),
        geometry=geometry,
        unreadable=unreadable,
        crs=_declared_crs(document.get("crs")) if isinstance(document, dict) else None,
    )


def _json(data: bytes) -> Any:
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        lines = [line.strip(b" \t\r\x1e") for line in body.split(b"\n")]
        lines = [line for line in lines if line]
        if lines[0].endswith(b"}") and len(lines) > 1 and b'"Feature"' in lines[0]:
            return _stream(lines)
        try:
            # Python's reader takes the NaN and Infinity some programs write: each becomes a finding of its row.
            return json.loads(body)
        except (ValueError, RecursionError):
            raise broken("GeoJSON", str(error)) from error


def _stream(lines: list[bytes]) -> list[Any]:
    features = []
    for number, line in enumerate(lines, 1):
        try:
            features.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            raise broken("GeoJSON", f"dòng/line {number}: {error}") from error
    return features


def _geometry(geometry: Any) -> Any:
    """Return the shapely geometry, None when missing or not readable."""
    if not isinstance(geometry, dict):
        return None
    if geometry.get("type") == "Point":  # by far the most frequent: skip the text round trip
        point = geometry.get("coordinates")
        if isinstance(point, list) and len(point) >= 2 and all(type(v) in (int, float) for v in point[:2]):
            return shapely.Point(*(v if abs(v) < _HUGE else np.inf for v in point[:2]))
        return shapely.Point() if point == [] else None
    # Strict JSON has no NaN; a geometry holding one counts as unreadable.
    text = json.dumps(geometry)
    return None if "NaN" in text or "Infinity" in text else shapely.from_geojson(text, on_invalid="ignore")


def _scalar(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, list) and not any(isinstance(v, list | dict) for v in value):
        return ";".join("" if v is None else str(v) for v in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _declared_crs(member: Any) -> str | None:
    """Return the CRS of the legacy "crs" member (GeoJSON 2008), which RFC 7946 dropped but files still carry."""
    if not isinstance(member, dict):
        return None
    name = (member.get("properties") or {}).get("name") if isinstance(member.get("properties"), dict) else None
    if not isinstance(name, str):
        return None
    return "EPSG:4326" if name.upper().endswith(("CRS84", "OGC:CRS:84")) else name
