"""Lines and areas as they arrive in GeoJSON: read, or refused by name; and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.polygon import orient

from app.errors import Invalid
from app.kit.text import thousands_vi
from app.licensing.checks import check_point

MAX_VERTICES = 20_000
"""More are refused: the work of a check grows with them, and no street needs as many."""

COUNTRY = (102.0, 7.0, 118.0, 24.0)
"""West, south, east, north in degrees; the same box as the check of every geometry in the database."""


def read_geometry(value: Any, types: Sequence[str], field: str = "geometry") -> Any:
    """Return the two-dimensional shapely geometry (EPSG:4326) of a GeoJSON geometry.

    Parameters
    ----------
    types : sequence of str
        GeoJSON types taken.

    Raises
    ------
    Invalid
        `not_a_geometry`, `wrong_geometry_type`, `too_many_vertices`, `not_finite`, `swapped_axes`, `outside_world`,
        `outside_country`, `zero_length` or `self_crossing`, at `field`.
    """
    shape = _read(value)
    if shape is None or shape.is_empty:
        raise Invalid(
            "not_a_geometry",
            "Cần một hình học GeoJSON (EPSG:4326, kinh độ trước vĩ độ)",
            "A GeoJSON geometry is needed (EPSG:4326, longitude before latitude)",
            field=field,
        )
    if shape.geom_type not in types:
        raise Invalid(
            "wrong_geometry_type",
            f"Hình học là {shape.geom_type}, ở đây cần {' hoặc '.join(types)}",
            f"The geometry is a {shape.geom_type}; {' or '.join(types)} is needed here",
            field=field,
        )
    check_shape(shape, field)
    return shape


def check_shape(shape: Any, field: str) -> None:
    """Refuse a line or area that cannot be one in degrees; see `read_geometry`."""
    coordinates = shapely.get_coordinates(shape)
    if len(coordinates) > MAX_VERTICES:
        raise Invalid(
            "too_many_vertices",
            f"Hình học có {thousands_vi(len(coordinates))} đỉnh, tối đa {thousands_vi(MAX_VERTICES)}",
            f"The geometry has {len(coordinates):,} vertices, at most {MAX_VERTICES:,} are taken",
            field=field,
        )
    # The corners of the box decide for every vertex; the order of NaN is none, so it is asked for first.
    corners = [coordinates[0]] if not np.isfinite(coordinates).all() else [coordinates.min(0), coordinates.max(0)]
    bad = coordinates[~np.isfinite(coordinates).all(1)]
    for lon, lat in [*bad[:1], *corners]:
        try:
            check_point(float(lon), float(lat))
        except Invalid as refused:
            raise Invalid(refused.code, refused.vi, refused.en, field=field) from None
    west, south, east, north = COUNTRY
    low, high = coordinates.min(0), coordinates.max(0)
    if low[0] < west or low[1] < south or high[0] > east or high[1] > north:
        raise Invalid(
            "outside_country", "Hình học nằm ngoài Việt Nam", "The geometry lies outside Viet Nam", field=field
        )
    if "Line" in shape.geom_type and shape.length == 0:
        raise Invalid("zero_length", "Tuyến có chiều dài bằng 0", "The line has no length", field=field)
    if not (shape.is_simple if "Line" in shape.geom_type else shape.is_valid):
        where = "" if "Line" in shape.geom_type else f": {shapely.is_valid_reason(shape)}"
        raise Invalid(
            "self_crossing",
            f"Tuyến hoặc vùng tự cắt chính nó{where}",
            f"The line or area crosses itself{where}",
            field=field,
        )


def _read(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None
    try:
        return shapely.force_2d(shapely.from_geojson(json.dumps(value), on_invalid="raise"))
    except (shapely.GEOSException, ValueError, TypeError, RecursionError, OverflowError):
        return None


def to_geojson(shape: Any) -> dict[str, Any]:
    """Return a geometry as GeoJSON, rings by the right-hand rule (RFC 7946)."""
    if shape.geom_type == "Polygon":
        shape = orient(shape)
    elif shape.geom_type == "MultiPolygon":
        shape = MultiPolygon([orient(part) for part in shape.geoms])
    return dict(mapping(shape))
