"""A search area as it comes in: a GeoJSON polygon in WGS84, no larger than an officer can look through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from pyproj import Geod

from app.errors import Invalid
from app.licensing.geometries import read_geometry

_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Area:
    """A valid polygon; `lon`, `lat` are a point inside it, degrees EPSG:4326."""

    wkt: str
    wkb: bytes
    lon: float
    lat: float


def read_area(value: Mapping[str, Any], most_km2: float, most_vertices: int) -> Area:
    """Return a search area.

    Raises
    ------
    Invalid
        At `area`: what `read_geometry` refuses, `too_many_vertices` or `area_too_large`.
    """
    shape = read_geometry(value, ("Polygon",), "area")
    vertices = shapely.get_num_coordinates(shape)
    if vertices > most_vertices:
        raise _refused(
            "too_many_vertices", f"Vùng tìm kiếm có {vertices} đỉnh, nhiều nhất {most_vertices}",
            f"The search area has {vertices} vertices; at most {most_vertices}",
        )  # fmt: skip
    area_m2 = abs(_GEOD.geometry_area_perimeter(shape)[0])
    if area_m2 > most_km2 * 1e6:
        raise _refused(
            "area_too_large", f"Vùng tìm kiếm rộng {area_m2 / 1e6:.1f} km², nhiều nhất {most_km2:g} km²",
            f"The search area is {area_m2 / 1e6:.1f} km² large; at most {most_km2:g} km²",
        )  # fmt: skip
    inside = shape.representative_point()
    return Area(shapely.to_wkt(shape, rounding_precision=-1), shapely.to_wkb(shape), inside.x, inside.y)


def _refused(code: str, vi: str, en: str) -> Invalid:
    return Invalid(code, vi, en, field="area")
