"""Geometries between GeoJSON and the hex EWKB of a state, exact to the bit; how far one moved."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.polygon import orient

from app.errors import Invalid
from app.kit import geo

PROVINCE_CRS = "EPSG:9214"
MAX_COMPARED = 2000
"""Vertices up to which two lines or areas are compared: the work grows with their product."""
_TYPES = frozenset({"Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})
_PROMOTED = {"LineString": "MultiLineString", "Polygon": "MultiPolygon"}


def to_geojson(ewkb: str | None) -> dict[str, Any] | None:
    """Return the GeoJSON geometry of hex EWKB, every digit kept, rings by the right-hand rule (RFC 7946)."""
    if ewkb is None:
        return None
    shape = shapely.from_wkb(ewkb)
    if shape.geom_type == "Polygon":
        shape = orient(shape)
    elif shape.geom_type == "MultiPolygon":
        shape = MultiPolygon([orient(part) for part in shape.geoms])
    return dict(mapping(shape))


def from_geojson(value: Any, kind: str, field: str) -> str:
    """Return the hex EWKB (EPSG:4326, two-dimensional) of a GeoJSON geometry.

    Parameters
    ----------
    kind : str
        "POINT", "LINESTRING", "MULTILINESTRING" or "MULTIPOLYGON"; a single line or polygon is taken for a multi one.

    Raises
    ------
    Invalid
        Not a geometry, of another type, empty, or with coordinates that are no finite numbers.
    """
    shape = _read(value)
    if shape is None or not np.isfinite(shapely.get_coordinates(shape)).all() or shape.is_empty:
        raise Invalid(
            "not_a_geometry",
            "Cần một hình học GeoJSON có toạ độ hữu hạn (EPSG:4326, kinh độ trước vĩ độ)",
            "A GeoJSON geometry with finite coordinates is needed (EPSG:4326, longitude before latitude)",
            field=field,
        )
    if _PROMOTED.get(shape.geom_type, "").upper() == kind:
        many = shapely.multilinestrings if kind == "MULTILINESTRING" else shapely.multipolygons
        shape = many([shape])
    if shape.geom_type.upper() != kind:
        raise Invalid(
            "wrong_geometry_type",
            f"Hình học là {shape.geom_type}, ở đây cần {kind}",
            f"The geometry is a {shape.geom_type}; {kind} is needed here",
            field=field,
        )
    return _ewkb(shape)


def _read(value: Any) -> Any:
    if not isinstance(value, Mapping) or value.get("type") not in _TYPES:
        return None
    try:
        return shapely.from_geojson(json.dumps(value), on_invalid="raise")
    except (shapely.GEOSException, ValueError, RecursionError, OverflowError):
        return None


def _ewkb(shape: Any) -> str:
    flat = shapely.set_srid(shapely.force_2d(shape), 4326)
    return str(shapely.to_wkb(flat, hex=True, byte_order=1, include_srid=True))


def from_position(value: Any) -> dict[str, Any]:
    """Return geom, raw_x, raw_y and raw_crs of surveyed coordinates {"x", "y", "crs"}: easting, northing, system.

    Raises
    ------
    Invalid
        Not two finite numbers and the name of a system PROJ can transform accurately.
    """
    given: Mapping[str, Any] = value if isinstance(value, Mapping) and value.keys() == {"x", "y", "crs"} else {}
    x, y, crs = (given.get(name) for name in ("x", "y", "crs"))
    if x is None or y is None or not (_number(x) and _number(y) and isinstance(crs, str) and len(crs) <= 100):
        raise Invalid(
            "not_a_position",
            'position cần {"x": số, "y": số, "crs": "EPSG:9214"}',
            'position takes {"x": number, "y": number, "crs": "EPSG:9214"}',
            field="position",
        )
    lon, lat = (float(v) for v in geo.to_wgs84(x, y, crs))
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise Invalid(
            "position_outside_crs",
            "Toạ độ nằm ngoài phạm vi của hệ toạ độ",
            "The coordinates lie outside the coordinate reference system",
            field="position",
        )
    return {"geom": _ewkb(shapely.Point(lon, lat)), "raw_x": float(x), "raw_y": float(y), "raw_crs": crs}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9  # NaN is not below


def moved_m(before: str | None, after: str | None) -> float | None:
    """Return how far a geometry moved, in metres.

    Returns
    -------
    float or None
        Geodesic distance of two points; of lines and areas the largest distance from a vertex of one to the other
        (Hausdorff, EPSG:9214). None when there is nothing to compare, or too much.
    """
    if before is None or after is None:
        return None
    one, other = shapely.from_wkb(before), shapely.from_wkb(after)
    if one.geom_type == other.geom_type == "Point":
        return round(float(geo.geodesic_m(one.x, one.y, other.x, other.y)), 3)
    if max(shapely.get_num_coordinates([one, other])) > MAX_COMPARED:
        return None
    return round(float(shapely.hausdorff_distance(_metric(one), _metric(other))), 3)


def _metric(shape: Any) -> Any:
    def project(lonlat: Any) -> Any:
        return np.column_stack(geo.from_wgs84(lonlat[:, 0], lonlat[:, 1], PROVINCE_CRS))

    return shapely.transform(shape, project)
