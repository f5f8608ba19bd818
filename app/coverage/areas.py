"""Points of the area of villages, for rules that ask for a share of it: the middles of a metric grid's squares."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from app.coverage.surface import frame, projected

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def area_points(polygons: NDArray[np.object_], step_m: float, crs: str) -> tuple[Ints, Floats, Floats]:
    """Return village, longitude and latitude of every grid point inside a polygon, in order of village.

    Parameters
    ----------
    polygons : object array, shape (villages,)
        Degrees, EPSG:4326; None where a village has none, which gets no point.
    step_m : float
        Of the grid in `crs`.

    Notes
    -----
    Where polygons overlap a point is the later village's. A village smaller than the grid gets one point inside it.

    Raises
    ------
    Invalid
        `too_many_pixels`, `resolution_range`.
    """
    known = np.flatnonzero(~shapely.is_missing(polygons))
    if not known.size:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    metric = np.array([projected(polygon, crs) for polygon in polygons[known]])  # each keeps its own vertices
    grid = frame(shapely.geometrycollections(list(polygons[known])), step_m, crs)
    shapes = zip(metric.tolist(), (known + 1).tolist(), strict=True)
    owner = rasterize(shapes, (grid.height, grid.width), transform=grid.transform, dtype="int32")
    row, column = np.nonzero(owner)
    lon, lat = grid.places(row, column)
    village = owner[row, column].astype(np.int64) - 1
    small = np.setdiff1d(known, village)
    inside = shapely.point_on_surface(polygons[small])
    village = np.concatenate([village, small])
    lon, lat = np.concatenate([lon, shapely.get_x(inside)]), np.concatenate([lat, shapely.get_y(inside)])
    order = np.argsort(village, kind="stable")
    return village[order], lon[order], lat[order]
