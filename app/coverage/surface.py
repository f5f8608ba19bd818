"""The grid of the maps between the villages, what their pixels say, and which run made the newest.

`app.coverage.parts` computes them block by block, `app.coverage.surface_files` makes cloud-optimised GeoTIFFs of them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine
from shapely import Geometry, get_coordinates, set_coordinates
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.coverage.engine import Floats, Ints
from app.coverage.models import CoverageRun
from app.coverage.terrain import Terrain
from app.errors import Invalid
from app.kit.geo import from_wgs84, to_wgs84
from app.kit.text import thousands_vi

MIN_STEP_M, MAX_STEP_M, MAX_PIXELS = 10.0, 1000.0, 100_000_000
OUTSIDE, NO_SIGNAL, UNKNOWN = -32768, -32767, -32766
"""Of the stored levels, tenths of a dBm: no part of the map; known to be under every rule's threshold; not known.

In this order, the greatest of several operators' values is what is known of the best of them.
"""

Levels = NDArray[np.int16]
Block = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Frame:
    """A grid of square pixels in a metric CRS, row 0 in the north."""

    crs: str
    west: float
    north: float
    step_m: float
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        """From column and row to easting and northing."""
        return Affine(self.step_m, 0.0, self.west, 0.0, -self.step_m, self.north)

    def blocks(self, side: int) -> Iterator[Block]:
        """Yield every block of `side` by `side` pixels; at the lower and right edge they are smaller."""
        for row in range(0, self.height, side):
            for column in range(0, self.width, side):
                yield slice(row, min(row + side, self.height)), slice(column, min(column + side, self.width))

    def centres(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Return longitude and latitude of the pixels of a block, shape (rows, columns) each."""
        column, row = np.meshgrid(np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop))
        return self.places(row, column)

    def places(self, row: Ints, column: Ints) -> tuple[Floats, Floats]:
        """Return longitude and latitude of the middles of pixels, arrays of any one shape."""
        return to_wgs84(self.west + (column + 0.5) * self.step_m, self.north - (row + 0.5) * self.step_m, self.crs)


def check_step(step_m: float | None) -> None:
    """Refuse a resolution that no map can have; None is no map.

    Raises
    ------
    Invalid
        `resolution_range`.
    """
    if step_m is not None and not MIN_STEP_M <= step_m <= MAX_STEP_M:
        raise Invalid("resolution_range", f"Độ phân giải phải từ {MIN_STEP_M:g} đến {MAX_STEP_M:g} m",
                      f"The resolution is {MIN_STEP_M:g} to {MAX_STEP_M:g} m", field="resolution")  # fmt: skip


def frame(area: Geometry, step_m: float, crs: str) -> Frame:
    """Return the grid of `step_m` over an area in longitude and latitude, edges at whole multiples of the step.

    Raises
    ------
    Invalid
        A step outside 10 to 1,000 m, an empty area, more than 100 million pixels.
    """
    check_step(step_m)
    if area.is_empty:
        raise Invalid("no_area", "Chưa có ranh giới xã và địa hình; hãy nạp trước khi tính bản đồ vùng phủ",
                      "There are neither communes nor terrain; load them before a coverage map",
                      field="resolution")  # fmt: skip
    west, south, east, north = projected(area, crs).bounds
    first, last = math.floor(west / step_m), math.ceil(north / step_m)
    width, height = math.ceil(east / step_m) - first, last - math.floor(south / step_m)
    if width * height > MAX_PIXELS:
        raise Invalid("too_many_pixels",
                      f"Bản đồ sẽ có {thousands_vi(width * height)} điểm ảnh; hãy chọn độ phân giải thô hơn",
                      f"The map would have {width * height:,} pixels; choose a coarser resolution",
                      field="resolution")  # fmt: skip
    return Frame(crs, first * step_m, last * step_m, step_m, width, height)


def projected(shape: Geometry, crs: str) -> Geometry:
    """Return a shape in longitude and latitude in another CRS, vertex by vertex."""
    lon, lat = get_coordinates(shape).T
    x, y = from_wgs84(lon, lat, crs)
    return set_coordinates(shape, np.column_stack([x, y]))


def read_area(session: Session, as_of: dt.date, terrain: Terrain) -> Geometry:
    """Return the communes in force on `as_of`, without any the extent of the terrain; degrees."""
    query = """
        SELECT ST_AsBinary(p.geom) FROM unit_part p JOIN unit u ON u.id = p.unit_id
        WHERE u.level = 'commune' AND registry.in_force(u.valid_from, u.valid_to, :as_of)
    """
    parts = list(session.scalars(text(query), {"as_of": as_of}))
    if parts:
        # The pieces of the communes: nothing is dissolved, a grid does not ask for it.
        return shapely.geometrycollections(shapely.from_wkb([bytes(p) for p in parts]))
    return shapely.box(*terrain.bounds) if terrain.bounds else shapely.Point()


def latest_maps(session: Session, as_of: dt.date, known_at: dt.datetime | None = None) -> CoverageRun | None:
    """Return the newest run up to `as_of`, as far as it was known, that made maps of all networks."""
    query = (
        select(CoverageRun)
        .where(CoverageRun.status == "done", CoverageRun.as_of <= as_of, CoverageRun.counts.has_key("raster"))
        .where(CoverageRun.filters == {})
        .order_by(CoverageRun.as_of.desc(), CoverageRun.id.desc())
        .limit(1)
    )
    if known_at is not None:
        query = query.where(CoverageRun.finished_at <= known_at)
    return session.scalar(query)
