"""A square grid in VN-2000 / TM-3 107-00 (EPSG:9214) to which positions are blurred."""

from __future__ import annotations

import math
from typing import NamedTuple

from app.kit.geo import from_wgs84, to_wgs84

CRS = "EPSG:9214"


class Square(NamedTuple):
    """A square of the grid, counted from the origin of the projection."""

    column: int
    row: int


def square_of(lon: float, lat: float, grid_m: float) -> Square:
    """Return the square of `grid_m` metres a side that holds the point (degrees, EPSG:4326)."""
    x, y = from_wgs84(lon, lat, CRS)
    return Square(math.floor(x.item() / grid_m), math.floor(y.item() / grid_m))


def centre(square: Square, grid_m: float) -> tuple[float, float]:
    """Return longitude and latitude (EPSG:4326) of a square's centre."""
    lon, lat = to_wgs84((square.column + 0.5) * grid_m, (square.row + 0.5) * grid_m, CRS)
    return lon.item(), lat.item()


def distance_m(a: Square, b: Square, grid_m: float) -> float:
    """Return the distance between the centres of two squares in the grid's plane."""
    return grid_m * math.hypot(a.column - b.column, a.row - b.row)
