"""Coordinate reference systems of /ogc (OGC 18-058r1): which there are, and geometries in them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from app.config import settings
from app.kit.geo import from_wgs84, to_wgs84
from app.publish.ogc.refusing import bad

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
WGS84 = _EPSG + "4326"
DEGREE_DIGITS, METRE_DIGITS = 7, 2
Geometries = NDArray[np.object_]


def systems() -> list[str]:
    """Return the URIs of the systems served: CRS84, EPSG:4326 and the province's metric one."""
    return [CRS84, WGS84, _EPSG + settings().metric_crs.removeprefix("EPSG:")]


def system(field: str, uri: str | None) -> str:
    """Return the system of a parameter, CRS84 by default.

    Raises
    ------
    BadRequest
        One that is not served.
    """
    if uri is None:
        return CRS84
    if uri not in systems():
        listed = ", ".join(systems())
        raise bad(
            field,
            "unknown_crs",
            f"Không phục vụ hệ toạ độ {uri[:80]!r}; có: {listed}",
            f"The coordinate reference system {uri[:80]!r} is not served; there are: {listed}",
        )
    return uri


def read(geometry: Geometries | shapely.Geometry, uri: str) -> Geometries:
    """Return geometries given in system `uri` as longitude and latitude (EPSG:4326)."""
    if uri == CRS84:
        return np.asarray(geometry)
    return np.asarray(shapely.transform(geometry, lambda xy: _to_degrees(_swapped(xy, uri), uri)))


def write(geometry: Geometries, uri: str) -> Geometries:
    """Return geometries in longitude and latitude in system `uri`, in its own order of axes, rounded to 1 cm."""
    if uri == CRS84:
        return geometry
    digits = DEGREE_DIGITS if uri == WGS84 else METRE_DIGITS
    return np.asarray(shapely.transform(geometry, lambda xy: np.round(_swapped(_from_degrees(xy, uri), uri), digits)))


def _to_degrees(xy: NDArray[np.float64], uri: str) -> NDArray[np.float64]:
    return xy if uri == WGS84 else np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], _name(uri)))


def _from_degrees(xy: NDArray[np.float64], uri: str) -> NDArray[np.float64]:
    return xy if uri == WGS84 else np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], _name(uri)))


def _swapped(xy: NDArray[np.float64], uri: str) -> NDArray[np.float64]:
    return xy[:, ::-1] if northing_first(uri) else xy


@lru_cache
def northing_first(uri: str) -> bool:
    """Say whether the system names latitude or northing first, as EPSG:4326 does and VN-2000/TM-3 does not."""
    return uri != CRS84 and CRS.from_user_input(_name(uri)).axis_info[0].direction == "north"


def _name(uri: str) -> str:
    return "EPSG:" + uri.rsplit("/", 1)[1]
