"""Terrain heights: tiles memory-mapped under var/terrain, asked in bulk; what is not known is NaN, never sea level."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage import grid
from app.coverage.models import TerrainTile
from app.coverage.rasters import Raster, check_raster, read_raster
from app.errors import Invalid, Unavailable
from app.kit.page import today

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]

_METRES_PER_DEGREE = 111_320.0


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
        return float(self.frames[:, 3].min() * _METRES_PER_DEGREE) if self.grids else math.inf

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


def folder() -> Path:
    """Return where the grids lie."""
    return settings().var_dir / "terrain"


def open_terrain(session: Session) -> Terrain:
    """Open every tile, oldest first; the first tile that knows a point answers for it.

    Raises
    ------
    Unavailable
        A tile the registry knows is gone from the disk or is not the file that was added.
    """
    rows = list(session.scalars(select(TerrainTile).order_by(TerrainTile.id)))
    rasters = [Raster(_open(r), r.west, r.north, r.step_lon_deg, r.step_lat_deg) for r in rows]
    return from_rasters(rasters, _version(r.sha256 for r in rows), any(r.synthetic for r in rows))


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
    """Add GeoTIFF and .hgt files; return one report a file, `added` false when it was there already.

    Raises
    ------
    Invalid
        The file is not a terrain we can trust; nothing of it is kept (the caller rolls back the others).
    """
    files, report = list(paths), []
    for number, path in enumerate(files):
        if progress:
            progress(number, len(files), path.name)
        sha256 = _sha256(path)
        known = session.scalar(select(TerrainTile).where(TerrainTile.sha256 == sha256))
        tile = known or _add(session, _free_name(session, path.name), read_raster(path), sha256, path.name, False)
        report.append(describe(session, tile) | {"file": path.name, "added": known is None})
    if progress:
        progress(len(files), len(files), "")
    return report


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
    if known is not None and known.sha256 == sha256 and (folder() / known.path).exists():
        return known
    if known is not None:
        session.delete(known)
        session.flush()
    return _add(session, name, raster, sha256, source, synthetic)


def describe(session: Session, tile: TerrainTile) -> dict[str, Any]:
    """Return what `hatang terrain` prints of a tile; `overlap_share` is null while no communes are loaded."""
    share = session.scalar(text(_OVERLAP), {"id": tile.id, "today": today()})
    west, south, east, north = _bounds(tile)
    return {
        "name": tile.name,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "width": tile.width,
        "height": tile.height,
        "step_m": round(tile.step_lat_deg * _METRES_PER_DEGREE, 1),
        "void_share": tile.void_share,
        "overlap_share": share,
        "notice": "no_overlap" if share == 0 else None,
        "source": tile.source,
        "synthetic": tile.synthetic,
    }


def status(session: Session) -> list[dict[str, Any]]:
    """Return a description of every tile."""
    return [describe(session, tile) for tile in session.scalars(select(TerrainTile).order_by(TerrainTile.id))]


_OVERLAP = """
    SELECT CASE WHEN count(p.id) = 0 AND NOT EXISTS (SELECT FROM registry.unit WHERE level = 'commune') THEN NULL
           ELSE least(1, coalesce(sum(ST_Area(ST_Intersection(p.geom, t.extent))), 0) / ST_Area(t.extent)) END
    FROM registry.terrain_tile t
    LEFT JOIN (registry.unit_part p JOIN registry.unit u ON u.id = p.unit_id AND u.level = 'commune'
               AND registry.in_force(u.valid_from, u.valid_to, :today)) ON p.geom && t.extent
    WHERE t.id = :id GROUP BY t.extent
"""


def _bounds(tile: TerrainTile) -> tuple[float, float, float, float]:
    south = tile.north - tile.height * tile.step_lat_deg
    return tile.west, south, tile.west + tile.width * tile.step_lon_deg, tile.north


def _add(session: Session, name: str, raster: Raster, sha256: str, source: str, synthetic: bool) -> TerrainTile:
    void_share = check_raster(raster, name)
    tile = TerrainTile(
        name=name,
        sha256=sha256,
        path=f"{sha256[:16]}.npy",
        height=raster.heights.shape[0],
        width=raster.heights.shape[1],
        west=raster.west,
        north=raster.north,
        step_lon_deg=raster.step_lon_deg,
        step_lat_deg=raster.step_lat_deg,
        void_share=void_share,
        source=source,
        synthetic=synthetic,
    )
    tile.extent = func.ST_MakeEnvelope(*_bounds(tile), 4326)
    folder().mkdir(parents=True, exist_ok=True)
    target = folder() / tile.path
    part = target.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as handle:  # whole or not at all: a reader never maps half a grid
        np.save(handle, np.ascontiguousarray(raster.heights, np.float32))
    part.replace(target)
    session.add(tile)
    session.flush()
    return tile


def _open(tile: TerrainTile) -> NDArray[np.float32]:
    path = folder() / tile.path
    try:
        data: NDArray[np.float32] = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise _gone(tile) from error
    if data.shape != (tile.height, tile.width) or data.dtype != np.float32 or not data.flags.c_contiguous:
        raise _gone(tile)
    return data


def _gone(tile: TerrainTile) -> Unavailable:
    return Unavailable(
        "terrain_file_missing",
        f"Tệp địa hình {tile.name} ({tile.path}) bị mất hoặc hỏng; hãy chạy lại `hatang terrain add`",
        f"The terrain file of {tile.name} ({tile.path}) is missing or damaged; run `hatang terrain add` again",
        field=tile.name,
    )


def _free_name(session: Session, name: str) -> str:
    taken = set(session.scalars(select(TerrainTile.name)))
    return next(n for n in (name, *(f"{name} ({k})" for k in range(2, len(taken) + 3))) if n not in taken)


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise Invalid("no_such_file", f"Không có tệp {path}", f"There is no file {path}", field=str(path))
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _version(hashes: Iterable[str]) -> str:
    joined = ",".join(hashes)
    return hashlib.sha256(joined.encode()).hexdigest() if joined else "none"
