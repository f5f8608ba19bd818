"""Coordinate reference systems and geodesic measures; the only place that knows PROJ."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.exceptions import CRSError, ProjError

from app.errors import Invalid

WGS84 = "EPSG:4326"
_VIETNAM = AreaOfInterest(west_lon_degree=102, south_lat_degree=7, east_lon_degree=118, north_lat_degree=24)
_GEOD = Geod(ellps="WGS84")

Floats = NDArray[np.float64]


def parse_crs(crs: str) -> CRS:
    """Return the CRS named by `crs` ("EPSG:9214", WKT…).

    Raises
    ------
    Invalid
        PROJ does not know it.
    """
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise Invalid(
            "unknown_crs",
            f"Không nhận ra hệ toạ độ {crs!r}; ví dụ EPSG:9214 (VN-2000/TM-3 107-00), EPSG:4326",
            f"Unknown coordinate reference system {crs!r}; e.g. EPSG:9214 (VN-2000/TM-3 107-00), EPSG:4326",
            field="crs",
        ) from error


@lru_cache(maxsize=32)
def _transformer(source: str, target: str) -> Transformer:
    # Ballpark transformations would drop the VN-2000 datum shift: 225 m.
    try:
        return Transformer.from_crs(
            parse_crs(source),
            parse_crs(target),
            always_xy=True,
            allow_ballpark=False,
            area_of_interest=_VIETNAM,  # type: ignore[arg-type]  # pyproj 3.7 stubs name the compiled twin
        )
    except ProjError as error:
        raise Invalid(
            "no_transformation",
            f"Không có phép chuyển chính xác từ {source} sang {target}",
            f"There is no accurate transformation from {source} to {target}",
            field="crs",
        ) from error


def to_wgs84(x: ArrayLike, y: ArrayLike, crs: str) -> tuple[Floats, Floats]:
    """Transform easting/longitude and northing/latitude of `crs` to WGS84.

    Parameters
    ----------
    x, y : array_like
        Easting and northing in metres, or longitude and latitude in degrees; any shape, both the same.
        Always in this order, whatever the axis order the CRS declares.
    crs : str
        Their CRS. VN-2000 systems use the official seven parameters (QĐ 05/2007/QĐ-BTNMT, EPSG:6960).

    Returns
    -------
    lon, lat : ndarray of float64
        Degrees, EPSG:4326, same shape; inf where the point cannot be transformed.

    Raises
    ------
    Invalid
        Unknown CRS, or no transformation better than a ballpark one.
    """
    lon, lat = _transformer(crs, WGS84).transform(np.asarray(x, np.float64), np.asarray(y, np.float64))
    return np.asarray(lon), np.asarray(lat)


def from_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> tuple[Floats, Floats]:
    """Transform WGS84 degrees to `crs`; the inverse of `to_wgs84`, same conventions."""
    x, y = _transformer(WGS84, crs).transform(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    return np.asarray(x), np.asarray(y)


def geodesic_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Return geodesic distances in metres between points in degrees (WGS84; Karney 2013), vectorised."""
    a, b, c, d = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (lon1, lat1, lon2, lat2)))
    return np.asarray(_GEOD.inv(a, b, c, d)[2])
