"""Coverage maps as files: cloud-optimised GeoTIFFs made of a run's finished blocks, and map tiles cut from them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT

from app.config import settings
from app.coverage.surface import BLOCK, NO_SIGNAL, UNKNOWN, Frame, Levels, read_part

ANY = "*"
"""Name of the band that holds the best of all operators."""
TILE = 256
_WORLD_M = 20_037_508.342789244
STEPS_DBM = (-120, -110, -100, -90, -80)
COLOURS = ((0, 0, 0, 0), (253, 231, 175, 170), (250, 183, 119, 180), (232, 119, 117, 190), (169, 64, 122, 200),
           (84, 30, 99, 210))  # fmt: skip
"""Of levels under the first step and from each step on: one hue family from light to dark, readable without colour."""


@dataclass(frozen=True)
class Surface:
    """The map of one technology of a run."""

    run_id: int
    technology: str
    operators: tuple[str, ...]
    """Codes, in the order of bands 2, 3, …; band 1 is the best of all."""

    @property
    def levels(self) -> Path:
        """File of levels, int16 tenths of a dBm."""
        return folder(self.run_id) / f"{self.technology}.tif"

    @property
    def servers(self) -> Path:
        """File of the best server's cell, int32 row ids, 0 none."""
        return folder(self.run_id) / f"{self.technology}-server.tif"

    def band(self, operator: str | None) -> int | None:
        """Return the band of an operator, of all with None; None when it has no cell of the technology."""
        names = (ANY, *self.operators)
        return names.index(operator or ANY) + 1 if (operator or ANY) in names else None


def folder(run_id: int) -> Path:
    """Return where the maps of a run lie."""
    return settings().var_dir / "coverage" / str(run_id)


def write_surfaces(
    run_id: int,
    parts: Path,
    grid: Frame,
    technologies: Sequence[str],
    operators: Sequence[str],
    technology: NDArray[np.int64],
    cell_id: NDArray[np.int64],
    tags: dict[str, str],
) -> dict[str, Any]:
    """Make the files of every technology of the parts; return what the run keeps of them.

    Parameters
    ----------
    operators, technology : shape (groups,)
        Code of each group's operator, number of its technology.
    cell_id : int64 array
        Row id of each cell of the network.
    """
    kept: dict[str, Any] = {"crs": grid.crs, "step_m": grid.step_m, "maps": {}}
    for number, name in enumerate(technologies):
        groups = np.flatnonzero(technology == number)
        surface = Surface(run_id, name, tuple(operators[int(g)] for g in groups))
        levels = {"dtype": "int16", "count": 1 + len(groups), "nodata": UNKNOWN}
        with (
            _staged(surface.levels, grid, levels) as staged,
            _staged(surface.servers, grid, {"dtype": "int32", "count": 1, "nodata": 0}) as servers,
        ):
            for rows, columns in grid.blocks():
                part, window = read_part(parts, rows, columns), rasterio.windows.Window.from_slices(rows, columns)
                staged.write(_best(part.levels[groups]), 1, window=window)
                for band, g in enumerate(groups, start=2):
                    staged.write(part.levels[g], band, window=window)
                chosen = part.server[number]
                servers.write(np.where(chosen >= 0, cell_id[chosen], 0).astype(np.int32), 1, window=window)
            staged.scales = [0.1] * staged.count
            for band, code in enumerate((ANY, *surface.operators), start=1):
                staged.set_band_description(band, code)
                staged.set_band_unit(band, "dBm")
            staged.update_tags(**tags, NO_SIGNAL=str(NO_SIGNAL))
            servers.update_tags(**tags)
        kept["maps"][name] = {
            "operators": list(surface.operators),
            "sha256": _finish(surface.levels),
            "server_sha256": _finish(surface.servers),
        }
    (folder(run_id) / "maps.json").write_text(json.dumps(kept), encoding="utf-8")
    return kept


def _best(levels: Levels) -> Levels:
    """Return the best of several operators: a known level before "no signal" before unknown… unless one is unknown.

    The smallest codes are the states without a level, so the largest value is the best level; where none has one and
    any is unknown, the best is unknown.
    """
    best: Levels = levels.max(axis=0, initial=UNKNOWN)
    best[(best == NO_SIGNAL) & (levels == UNKNOWN).any(axis=0)] = UNKNOWN
    return best


def _staged(target: Path, grid: Frame, profile: dict[str, Any]) -> Any:
    target.parent.mkdir(parents=True, exist_ok=True)
    return rasterio.open(
        target.with_suffix(".staged.tif"), "w", driver="GTiff", width=grid.width, height=grid.height, crs=grid.crs,
        transform=grid.transform, tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="deflate",
        bigtiff="if_safer", **profile,
    )  # fmt: skip


def _finish(target: Path) -> str:
    """Turn a staged file into a cloud-optimised one in its place; return its hash."""
    staged, part = target.with_suffix(".staged.tif"), target.with_suffix(".part.tif")
    # Nearest: an average of levels and of codes would be neither.
    rasterio.shutil.copy(staged, part, driver="COG", compress="deflate", predictor="yes", blocksize=BLOCK,
                         overview_resampling="nearest")  # fmt: skip
    part.replace(target)
    staged.unlink()
    with target.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def levels_in_tile(path: Path, band: int, z: int, x: int, y: int, square_m: float | None = None) -> Levels | None:
    """Return the stored levels of a Web Mercator tile, shape (256, 256); None where the map does not reach.

    Parameters
    ----------
    square_m : float, optional
        Tell the level at the middle of squares of this side only, for callers who may not know more.
    """
    side = 2 * _WORLD_M / 2**z
    west, north = x * side - _WORLD_M, _WORLD_M - y * side
    with rasterio.open(path) as source:
        if square_m is not None:
            return _squares(source, band, west, north, side, square_m)
        options = {"crs": "EPSG:3857", "transform": Affine(side / TILE, 0.0, west, 0.0, -side / TILE, north),
                   "width": TILE, "height": TILE, "resampling": Resampling.nearest, "nodata": UNKNOWN}  # fmt: skip
        with WarpedVRT(source, **options) as tile:
            found: Levels = tile.read(band)
    return None if (found == UNKNOWN).all() else found


def _squares(source: Any, band: int, west: float, north: float, side: float, square_m: float) -> Levels | None:
    from rasterio.warp import transform

    steps = (np.arange(TILE) + 0.5) * side / TILE
    x, y = np.meshgrid(west + steps, north - steps)
    east, up = transform("EPSG:3857", source.crs, x.ravel(), y.ravel())
    middle_x = (np.floor(np.array(east) / square_m) + 0.5) * square_m
    middle_y = (np.floor(np.array(up) / square_m) + 0.5) * square_m
    place = source.transform
    column, row = (middle_x - place.c) / place.a, (middle_y - place.f) / place.e
    inside = (column >= 0) & (column < source.width) & (row >= 0) & (row < source.height)
    found = np.full(TILE * TILE, UNKNOWN, np.int16)
    if inside.any():
        rows, columns = row[inside].astype(int), column[inside].astype(int)
        window = ((rows.min(), rows.max() + 1), (columns.min(), columns.max() + 1))
        found[inside] = source.read(band, window=window)[rows - rows.min(), columns - columns.min()]
    return None if (found == UNKNOWN).all() else found.reshape(TILE, TILE)


def picture(levels: Levels) -> bytes:
    """Return a PNG of levels: a colour a step, unknown hatched, no signal clear."""
    place = np.digitize(levels / 10.0, STEPS_DBM)
    pixels = np.array(COLOURS, np.uint8)[np.where(levels <= NO_SIGNAL, 0, place)]
    row, column = np.indices(levels.shape)
    pixels[(levels == UNKNOWN) & ((row + column) % 8 < 2)] = (90, 105, 118, 90)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()
