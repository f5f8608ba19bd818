"""Where the points of a file may lie: the province (the union of its communes), else the country."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.areas.models import Unit

COUNTRY = (102.0, 7.0, 118.0, 24.0)
"""West, south, east, north in degrees; the same box as the check of every geometry in the database."""
TOLERANCE_M = 2000.0
_SIMPLIFY_DEG = 0.001
_DEGREE_M = 111_320.0


@dataclass(frozen=True)
class Region:
    """The province as a prepared polygon in local metres, or None while no communes are loaded."""

    polygon: Any | None
    lat0: float = 0.0

    def inside(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
        """Say which points lie in the province, 2 km around it included; without communes: in the country."""
        lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        if self.polygon is None:
            return in_country(lon, lat)
        with np.errstate(invalid="ignore"):
            x, y = _local(lon, lat, self.lat0)
        finite = np.isfinite(x) & np.isfinite(y)
        return np.asarray(finite & shapely.contains_xy(self.polygon, np.where(finite, x, 0), np.where(finite, y, 0)))


def in_country(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Say which points lie in Viet Nam's longitudes and latitudes."""
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    west, south, east, north = COUNTRY
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))


def province(session: Session, as_of: dt.date) -> Region:
    """Return the region of the communes in force on `as_of`."""
    wkb = session.scalars(
        select(func.ST_AsBinary(func.ST_SimplifyPreserveTopology(Unit.geom, _SIMPLIFY_DEG))).where(
            Unit.level == "commune",
            Unit.geom.is_not(None),
            func.registry.in_force(Unit.valid_from, Unit.valid_to, as_of),
        )
    ).all()
    return region([shapely.from_wkb(bytes(w)) for w in wkb])


def region(communes: list[Any]) -> Region:
    """Return the region of polygons in degrees; the tolerance covers what simplifying them moved."""
    if not communes:
        return Region(None)
    lat0 = float(np.mean(shapely.bounds(np.array(communes, object))[:, [1, 3]]))
    metres = shapely.transform(np.array(communes, object), lambda xy: np.column_stack(_local(xy[:, 0], xy[:, 1], lat0)))
    union = shapely.union_all(shapely.buffer(metres, TOLERANCE_M + _SIMPLIFY_DEG * _DEGREE_M, quad_segs=4))
    shapely.prepare(union)
    return Region(union, lat0)


def _local(lon: NDArray[np.float64], lat: NDArray[np.float64], lat0: float) -> tuple[Any, Any]:
    """Return equirectangular metres; over a province they are within 1 % of true ones, enough for a tolerance."""
    return lon * (_DEGREE_M * np.cos(np.radians(lat0))), lat * _DEGREE_M
