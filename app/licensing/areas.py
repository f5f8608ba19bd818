"""A search area as it comes in: a GeoJSON polygon in WGS84, refused where it cannot be one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Geod

from app.errors import Invalid
from app.licensing.checks import check_point

_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Area:
    """A valid polygon; `lon`, `lat` are a point inside it, degrees EPSG:4326."""

    wkt: str
    lon: float
    lat: float
    km2: float


def read_area(value: Mapping[str, Any], most_km2: float, most_vertices: int) -> Area:
    """Return a search area.

    Raises
    ------
    Invalid
        At `area`: `not_a_polygon`, `too_many_vertices`, `self_crossing_area` (where it crosses itself is said),
        `area_too_large`, or a corner that `check_point` refuses.
    """
    shape = _polygon(value)
    if shape is None:
        raise _refused(
            "not_a_polygon", "Vùng tìm kiếm là một Polygon GeoJSON (EPSG:4326, kinh độ trước vĩ độ)",
            "A search area is a GeoJSON Polygon (EPSG:4326, longitude before latitude)",
        )  # fmt: skip
    corners = shapely.get_coordinates(shape)
    if len(corners) > most_vertices:
        raise _refused(
            "too_many_vertices", f"Vùng tìm kiếm có {len(corners)} đỉnh, nhiều nhất {most_vertices}",
            f"The search area has {len(corners)} vertices; at most {most_vertices}",
        )  # fmt: skip
    for lon, lat in corners:
        try:
            check_point(float(lon), float(lat))
        except Invalid as refused:
            raise Invalid(refused.code, refused.vi, refused.en, field="area") from refused
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        raise _refused("self_crossing_area", f"Vùng tìm kiếm tự cắt hoặc không hợp lệ: {why}",
                       f"The search area crosses itself or is not valid: {why}")  # fmt: skip
    area_m2 = abs(_GEOD.geometry_area_perimeter(shape)[0])
    if area_m2 > most_km2 * 1e6:
        raise _refused(
            "area_too_large", f"Vùng tìm kiếm rộng {area_m2 / 1e6:.1f} km², nhiều nhất {most_km2:g} km²",
            f"The search area is {area_m2 / 1e6:.1f} km² large; at most {most_km2:g} km²",
        )  # fmt: skip
    inside = shape.representative_point()
    return Area(shapely.to_wkt(shape, rounding_precision=-1), inside.x, inside.y, area_m2 / 1e6)


def _polygon(value: Mapping[str, Any]) -> shapely.Polygon | None:
    if value.get("type") != "Polygon":
        return None
    try:
        shape = shapely.from_geojson(json.dumps(value), on_invalid="raise")
    except (shapely.GEOSException, ValueError, RecursionError, OverflowError):
        return None
    if shape is None or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        return None
    return shapely.force_2d(shape)


def _refused(code: str, vi: str, en: str) -> Invalid:
    return Invalid(code, vi, en, field="area")
