"""Terrain heights: tiles memory-mapped under var/terrain, asked in bulk; what is not known is NaN, never sea level."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage import grid, raster_store
from app.coverage.models import TerrainTile
from app.coverage.raster_store import METRES_PER_DEGREE
from app.coverage.rasters import Raster, check_raster, read_raster

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Profiles:
    """Ragged profiles: path k has posts offset[k]:offset[k+1] of `d_km` (from its start) and `h_m` (NaN: unknown)."""

    offset: NDArray[np.int64]
    d_km: Floats
    h_m: Floats


@dataclass(frozen=True)
class Terrain:
    """Open terrain: the mapped grids and the tables the kernels read."""

    grids: tuple[NDArray[np.float32], ...]
    sizes: NDArray[np.int64]
    frames: Floats
    version: str
    """Hash over the tiles; "none" without any."""
    synthetic: bool

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as heights and frames: addresses in memory mean nothing in another process."""
        rasters = [Raster(np.asarray(h), *frame) for h, frame in zip(self.grids, self.frames.tolist(), strict=True)]
        return from_rasters, (rasters, self.version, self.synthetic)

    @property
    def posts(self) -> grid.Grids:
        """The grids as the kernels read them."""
        return grid.Grids(self.sizes, self.frames)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of all tiles in degrees; None without terrain."""
        if not self.grids:
            return None
        west, north, step_lon, step_lat = self.frames.T
        south, east = north - self.sizes[:, 1] * step_lat, west + self.sizes[:, 2] * step_lon
        return float(west.min()), float(south.min()), float(east.max()), float(north.max())

    @property
    def step_m(self) -> float:
        """Step of the finest tile in metres, north–south; infinite without terrain."""
        return float(self.frames[:, 3].min() * METRES_PER_DEGREE) if self.grids else math.inf

    def heights(self, lon: ArrayLike, lat: ArrayLike) -> Floats:
        """Return bilinear heights in metres, NaN where unknown.

        Parameters
        ----------
        lon, lat : array_like
            Degrees, EPSG:4326; any shapes that broadcast.
        """
        x, y = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
        out = np.empty(x.size)
        grid.heights_at(self.posts, x.ravel(), y.ravel(), out)
        return out.reshape(x.shape)

    def profiles(
        self, lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike, step_m: float = 30.0
    ) -> Profiles:
        """Return the profile of each path, posts at equal distances of at most `step_m`; all inputs of shape (n,)."""
        ends = np.column_stack([np.atleast_1d(np.asarray(v, np.float64)) for v in (lon1, lat1, lon2, lat2)])
        distance_m, count = np.empty(len(ends)), np.empty(len(ends), np.int64)
        grid.lengths_of(ends, step_m, distance_m, count)
        offset = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        heights = np.empty(offset[-1])

        def fill(part: NDArray[np.int64]) -> None:
            a, b = int(part[0]), int(part[-1]) + 1
            grid.profiles_into(self.posts, ends[a:b], offset[a : b + 1], heights)

        parts = [p for p in np.array_split(np.arange(len(ends)), settings().workers * 4) if p.size]
        with ThreadPoolExecutor(settings().workers) as executor:
            list(executor.map(fill, parts))
        position = np.arange(offset[-1]) - np.repeat(offset[:-1], count)
        return Profiles(offset, position * np.repeat(distance_m / (count - 1) / 1000, count), heights)


def open_terrain(session: Session) -> Terrain:
    """Open every tile, oldest first; the first tile that knows a point answers for it.

    Raises
    ------
    Unavailable
        A tile the registry knows is gone from the disk or is not the file that was added.
    """
    rows = raster_store.rows(session, TerrainTile)
    rasters = [
        Raster(raster_store.opened(r, np.float32), r.west, r.north, r.step_lon_deg, r.step_lat_deg) for r in rows
    ]
    return from_rasters(rasters, raster_store.version(r.sha256 for r in rows), any(r.synthetic for r in rows))


def from_rasters(rasters: Sequence[Raster], version: str, synthetic: bool) -> Terrain:
    """Return terrain over grids in memory; heights are C-contiguous float32."""
    sizes = [(r.heights.ctypes.data, *r.heights.shape) for r in rasters]
    frames = [(r.west, r.north, r.step_lon_deg, r.step_lat_deg) for r in rasters]
    return Terrain(
        tuple(r.heights for r in rasters),
        np.array(sizes, np.int64).reshape(-1, 3),
        np.array(frames, np.float64).reshape(-1, 4),
        version,
        synthetic,
    )


def add_files(session: Session, paths: Iterable[Path], progress: Progress | None = None) -> list[dict[str, Any]]:
    """Add GeoTIFF and .hgt files; one report a file, as `raster_store.add_files`."""
    return raster_store.add_files(session, TerrainTile, paths, _read, progress)


def _read(path: Path) -> tuple[Raster, dict[str, Any]]:
    raster = read_raster(path)
    return raster, {"void_share": check_raster(raster, path.name)}


def add_array(
    session: Session,
    name: str,
    heights: NDArray[Any],
    west: float,
    north: float,
    step_lon_deg: float,
    step_lat_deg: float,
    *,
    source: str,
    synthetic: bool,
) -> TerrainTile:
    """Add a grid from memory; the same name again replaces it.

    Parameters
    ----------
    heights : array, shape (rows, columns)
        Metres, row 0 in the north, NaN = void. Post (i, j) stands at
        west + (j + 0.5) step_lon_deg, north - (i + 0.5) step_lat_deg.
    west, north : float
        Outer edges in degrees, EPSG:4326.
    """
    raster = Raster(np.asarray(heights, np.float32), west, north, step_lon_deg, step_lat_deg)
    frame = repr((name, west, north, step_lon_deg, step_lat_deg, raster.heights.shape)).encode()
    sha256 = hashlib.sha256(frame + np.ascontiguousarray(raster.heights).tobytes()).hexdigest()
    known = session.scalar(select(TerrainTile).where((TerrainTile.sha256 == sha256) | (TerrainTile.name == name)))
    if known is not None and known.sha256 == sha256 and (raster_store.folder(TerrainTile) / known.path).exists():
        return known
    if known is not None:
        session.delete(known)
        session.flush()
    share = check_raster(raster, name)
    return raster_store.add(session, TerrainTile, name, raster, sha256, source, synthetic=synthetic, void_share=share)
