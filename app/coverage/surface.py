"""Coverage between the villages: best signal of every operator and technology on a metric grid, block by block.

Each finished block is a file, so that a run that was killed goes on where it was and memory does not grow with the
area. `app.coverage.surface_files` makes cloud-optimised GeoTIFFs of them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely import Geometry, get_coordinates, set_coordinates
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.engine import Floats, Ints, Network, Progress, Receiver, compute
from app.coverage.land_cover import LandCover
from app.coverage.models import CoverageRun
from app.coverage.terrain import Terrain
from app.errors import Invalid
from app.kit.geo import from_wgs84, to_wgs84

BLOCK = 256
"""Pixels of a block's side, and of the tiles inside the files."""
MIN_STEP_M, MAX_STEP_M, MAX_PIXELS = 10.0, 1000.0, 100_000_000
UNKNOWN, NO_SIGNAL = -32768, -32767
"""Of the stored levels, tenths of a dBm: not computed or not known; known to be under every rule's threshold."""

Levels = NDArray[np.int16]


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

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Yield rows and columns of every block."""
        for row in range(0, self.height, BLOCK):
            for column in range(0, self.width, BLOCK):
                yield slice(row, min(row + BLOCK, self.height)), slice(column, min(column + BLOCK, self.width))

    def centres(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Return longitude and latitude of the pixels of a block, shape (rows, columns) each."""
        x = self.west + (np.arange(columns.start, columns.stop) + 0.5) * self.step_m
        y = self.north - (np.arange(rows.start, rows.stop) + 0.5) * self.step_m
        return to_wgs84(*np.meshgrid(x, y), self.crs)


@dataclass(frozen=True)
class Part:
    """One block: levels by group and the best cell by technology."""

    levels: Levels
    """Shape (groups, rows, columns), tenths of a dBm."""
    server: NDArray[np.int32]
    """Shape (technologies, rows, columns), index of the cell in the network, -1 none."""


def frame(area: Geometry, step_m: float, crs: str) -> Frame:
    """Return the grid of `step_m` over an area in longitude and latitude, edges at whole multiples of the step.

    Raises
    ------
    Invalid
        A step outside 10 to 1,000 m, an empty area, more than 100 million pixels.
    """
    if not MIN_STEP_M <= step_m <= MAX_STEP_M:
        raise Invalid("resolution_range", f"Độ phân giải phải từ {MIN_STEP_M:g} đến {MAX_STEP_M:g} m",
                      f"The resolution is {MIN_STEP_M:g} to {MAX_STEP_M:g} m", field="resolution")  # fmt: skip
    if area.is_empty:
        raise Invalid("no_area", "Chưa có ranh giới xã và địa hình; hãy nạp trước khi tính bản đồ vùng phủ",
                      "There are neither communes nor terrain; load them before a coverage map",
                      field="resolution")  # fmt: skip
    west, south, east, north = projected(area, crs).bounds
    first, last = math.floor(west / step_m), math.ceil(north / step_m)
    width, height = math.ceil(east / step_m) - first, last - math.floor(south / step_m)
    if width * height > MAX_PIXELS:
        raise Invalid("too_many_pixels", f"Bản đồ sẽ có {width * height:,} điểm ảnh; hãy chọn độ phân giải thô hơn",
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


def without(network: Network, dropped: NDArray[np.bool_]) -> tuple[Network, Ints]:
    """Return the network without some cells, and the index each kept cell had."""
    kept = np.flatnonzero(~dropped)
    mast = np.repeat(np.arange(len(network.mast_lon)), np.diff(network.first_cell))[kept]
    first = np.searchsorted(mast, np.arange(len(network.mast_lon) + 1)).astype(np.int64)
    correction = network.correction[kept] if len(network.correction) else network.correction
    return replace(network, first_cell=first, cells=network.cells[kept], group=network.group[kept],
                   correction=correction), kept  # fmt: skip


def compute_parts(
    folder: Path,
    grid: Frame,
    area: Geometry,
    terrain: Terrain,
    cover: LandCover,
    network: Network,
    floor_dbm: Floats,
    technology: Ints,
    receiver: Receiver,
    progress: Progress | None = None,
) -> int:
    """Compute every block that `folder` does not hold yet; return how many pixels were computed.

    Parameters
    ----------
    area : Geometry
        In degrees; pixels it does not touch stay unknown.
    floor_dbm, technology : arrays, shape (groups,)
        Level under which a signal does not matter; number of each group's technology.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inside = rasterize([projected(area, grid.crs)], (grid.height, grid.width), transform=grid.transform,
                       all_touched=True, dtype="uint8").astype(bool)  # fmt: skip
    blocks, computed = list(grid.blocks()), 0
    for number, (rows, columns) in enumerate(blocks):
        target = folder / f"{rows.start}-{columns.start}.npz"
        wanted = inside[rows, columns]
        if not target.exists():
            lon, lat = (values[wanted] for values in grid.centres(rows, columns))
            part = _part(wanted, lon, lat, terrain, cover, network, floor_dbm, technology, receiver)
            written = target.with_suffix(".part")
            with written.open("wb") as handle:  # whole or not at all
                np.savez_compressed(handle, levels=part.levels, server=part.server)
            written.replace(target)
            computed += int(wanted.sum())
        if progress:
            progress(number + 1, len(blocks), "raster")
    return computed


def read_part(folder: Path, rows: slice, columns: slice) -> Part:
    """Return a finished block."""
    with np.load(folder / f"{rows.start}-{columns.start}.npz", allow_pickle=False) as kept:
        return Part(kept["levels"], kept["server"])


def _part(
    wanted: NDArray[np.bool_], lon: Floats, lat: Floats, terrain: Terrain, cover: LandCover, network: Network,
    floor_dbm: Floats, technology: Ints, receiver: Receiver,
) -> Part:  # fmt: skip
    groups, technologies = len(floor_dbm), int(technology.max(initial=-1)) + 1
    levels = np.full((groups, *wanted.shape), UNKNOWN, np.int16)
    server = np.full((technologies, *wanted.shape), -1, np.int32)
    if not lon.size:
        return Part(levels, server)
    found = compute(terrain, network, lon, lat, floor_dbm, receiver, cover=cover, workers=settings().workers)
    tenths = np.where(np.isfinite(found.rsrp_dbm), np.clip(np.round(found.rsrp_dbm * 10), -3000, 3000), NO_SIGNAL)
    # A cell of unknown path that could be heard: what is there is not known.
    tenths[~np.isfinite(found.rsrp_dbm) & np.isfinite(found.unknown_bound_dbm)] = UNKNOWN
    levels[:, wanted] = tenths.T.astype(np.int16)
    for number in range(technologies):
        mine = np.flatnonzero(technology == number)
        best = mine[found.rsrp_dbm[:, mine].argmax(axis=1)]
        server[number, wanted] = found.server[np.arange(len(lon)), best]
    return Part(levels, server)
