"""Spatial predicates of a filter: the geometry property and a geometry, judged before the database is asked."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import orjson
import shapely
from psycopg import sql

from app.publish.ogc import systems
from app.publish.ogc.refusing import bad

PREDICATES: Final = {
    "s_intersects": "ST_Intersects", "s_within": "ST_Within", "s_contains": "ST_Contains", "s_touches": "ST_Touches",
    "s_crosses": "ST_Crosses", "s_overlaps": "ST_Overlaps", "s_equals": "ST_Equals", "s_disjoint": "ST_Disjoint",
}  # fmt: skip
MAX_VERTICES = 2_000
_TYPES = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})


def predicate(op: str, arguments: tuple[Any, Any], column: str, crs: str) -> sql.Composable:
    """Return the SQL of a predicate.

    Raises
    ------
    BadRequest
        Not the geometry property and a geometry, or a geometry that cannot be.
    """
    mine = [a == {"property": column} for a in arguments]
    if sum(mine) != 1:
        raise _bad(f"{op!r} cần thuộc tính {column} và một hình", f"{op!r} takes the property {column} and a geometry")
    given = literal(arguments[mine.index(False)], crs)
    own = sql.SQL("v.{}").format(sql.Identifier(column))
    first, second = (own, given) if mine[0] else (given, own)
    holds = sql.SQL(f"{PREDICATES[op]}({{}}, {{}})").format(first, second)
    if op == "s_disjoint":
        return holds
    # Row-level security lets the index serve `&&` alone.
    return sql.SQL("({} && {} AND {})").format(own, given, holds)


def literal(node: Any, crs: str) -> sql.Composable:
    """Return a GeoJSON geometry or {"bbox": …} in system `crs` as SQL in EPSG:4326.

    Raises
    ------
    BadRequest
        Not a geometry, not valid, outside the world, or of too many vertices.
    """
    return as_sql(systems.read(_geometry(node), crs).item())


def as_sql(geometry: shapely.Geometry) -> sql.Composable:
    """Return a geometry in degrees as SQL.

    Raises
    ------
    BadRequest
        Outside the world.
    """
    lon_lat = shapely.get_coordinates(geometry)
    if not np.isfinite(lon_lat).all() or (abs(lon_lat) > (180, 90)).any():
        raise _bad(
            "hình nằm ngoài thế giới, hoặc bị đảo trục", "the geometry lies outside the world, or has its axes swapped"
        )
    return sql.SQL("ST_GeomFromWKB('\\x{}'::bytea, 4326)").format(sql.SQL(shapely.to_wkb(geometry, hex=True)))


def _geometry(node: Any) -> shapely.Geometry:
    if isinstance(node, dict) and set(node) == {"bbox"}:
        return _box(node["bbox"])
    if not isinstance(node, dict) or node.get("type") not in _TYPES:
        raise _bad("cần một hình GeoJSON hoặc WKT", f"a geometry is wanted: one of {', '.join(sorted(_TYPES))}")
    if _numbers(node.get("coordinates")) > 3 * MAX_VERTICES:
        raise _bad(f"hình có quá {MAX_VERTICES} đỉnh", f"the geometry has more than {MAX_VERTICES} vertices")
    try:
        found = shapely.force_2d(shapely.from_geojson(orjson.dumps(node)))
    except (shapely.errors.GEOSException, ValueError, orjson.JSONEncodeError):
        raise _bad("không đọc được hình", "the geometry cannot be read") from None
    if found is None or found.is_empty or not found.is_valid:
        why = shapely.is_valid_reason(found) if found is not None else ""
        raise _bad(f"hình không hợp lệ: {why[:80]}", f"the geometry is not valid: {why[:80]}")
    if len(shapely.get_coordinates(found)) > MAX_VERTICES:
        raise _bad(f"hình có quá {MAX_VERTICES} đỉnh", f"the geometry has more than {MAX_VERTICES} vertices")
    return found


def _box(values: Any) -> shapely.Geometry:
    good = isinstance(values, list) and len(values) in (4, 6)
    if not good or not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        raise _bad("BBOX cần bốn số hữu hạn", "BBOX takes four finite numbers")
    west, south, east, north = values if len(values) == 4 else (*values[:2], *values[3:5])
    if west > east or south > north:
        raise _bad("BBOX cần tây ≤ đông và nam ≤ bắc", "BBOX needs west ≤ east and south ≤ north")
    return shapely.box(west, south, east, north)


def _numbers(coordinates: Any) -> int:
    found, waiting = 0, [coordinates]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        else:
            found += 1
    return found


def _bad(vi: str, en: str) -> Exception:
    return bad("filter", "filter_geometry", f"Bộ lọc: {vi}", f"The filter: {en}")
