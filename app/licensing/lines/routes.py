"""A proposed place or route: read, refused by name, measured."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.config import settings
from app.errors import Invalid
from app.kit.geo import from_wgs84, geodesic_m, to_wgs84
from app.licensing import queries as places
from app.licensing.checks import outside_province
from app.licensing.geometries import read_geometry
from app.licensing.lines import queries
from app.licensing.lines.duct_screening import Route

_PLACES_CHECKED = 200
"""Points of a route, evenly spread, that are looked for in the province."""


def read_route(geometry: Any, max_length_m: float) -> Any:
    """Return the line (shapely, EPSG:4326) of a GeoJSON LineString.

    Raises
    ------
    Invalid
        As `read_geometry`; `route_too_long`.
    """
    line = shapely.remove_repeated_points(read_geometry(geometry, ("LineString",)))
    length_m = float(lengths_m(line)[-1])
    if length_m > max_length_m:
        raise Invalid(
            "route_too_long",
            f"Tuyến dài {length_m:,.0f} m, mỗi lần kiểm tra tối đa {max_length_m:,.0f} m: hãy chia thành nhiều đoạn",
            f"The route is {length_m:,.0f} m long; at most {max_length_m:,.0f} m are checked at once: split it",
            field="geometry",
        )
    return line


def check_place(session: Session, shape: Any, tolerance_m: float, as_of: dt.date) -> bool:
    """Refuse a place or route outside the province; return False when no boundaries are known to say so.

    Raises
    ------
    Invalid
        `outside_province`.
    """
    if not places.any_commune(session, as_of):
        return False
    if shape.geom_type == "Point":
        points = shapely.get_coordinates(shape)
    else:
        share = np.linspace(0, 1, _PLACES_CHECKED)
        points = shapely.get_coordinates(shapely.line_interpolate_point(shape, share, normalized=True))
    away = queries.outside(session, points, tolerance_m, as_of)
    if away is not None:
        raise outside_province(round(away[0], 6), round(away[1], 6), tolerance_m)
    return True


def lengths_m(line: Any) -> NDArray[np.float64]:
    """Return geodesic metres from the start of a line (EPSG:4326) to each vertex."""
    lon, lat = shapely.get_coordinates(line).T
    return np.concatenate([[0.0], np.cumsum(geodesic_m(lon[:-1], lat[:-1], lon[1:], lat[1:]))])


def measured(line: Any) -> Route:
    """Return a route in the province's own projection, with its true lengths."""
    flat = projected(line)
    steps = np.hypot(*np.diff(shapely.get_coordinates(flat), axis=0).T)
    return Route(flat, np.concatenate([[0.0], np.cumsum(steps)]), lengths_m(line))


def projected(shapes: Any) -> Any:
    """Return geometries in EPSG:4326 in the province's projection, metres."""
    return shapely.transform(shapes, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], settings().metric_crs)))


def degrees(shape: Any) -> Any:
    """Return a projected geometry in EPSG:4326, rounded to about a centimetre."""
    crs = settings().metric_crs
    return shapely.transform(shape, lambda xy: np.round(np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], crs)), 7))
