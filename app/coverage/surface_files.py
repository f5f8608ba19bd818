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
from app.coverage.parts import read_part
from app.coverage.surface import NO_SIGNAL, OUTSIDE, UNKNOWN, Block, Frame, Levels

ANY = "*"
"""Name of the band that holds the best of all operators."""
TILE = 256
"""Pixels of a map tile's side, and of the tiles inside the files."""
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
    parts: Sequence[tuple[Block, Path]],
    grid: Frame,
    technologies: Sequence[str],
    operators: Sequence[str],
    technology: NDArray[np.int64],
    tags: dict[str, str],
) -> dict[str, Any]:
    """Make the files of every technology of the parts; return what the run keeps of them.

    Parameters
    ----------
    operators, technology : shape (groups,)
        Code of each group's operator, number of its technology.
    """
    kept: dict[str, Any] = {"crs": grid.crs, "step_m": grid.step_m, "maps": {}}
    for number, name in enumerate(technologies):
        groups = np.flatnonzero(technology == number)
        surface = Surface(run_id, name, tuple(operators[int(g)] for g in groups))
        levels = {"dtype": "int16", "count": 1 + len(groups), "nodata": OUTSIDE}
        with (
            _staged(surface.levels, grid, levels) as staged,
            _staged(surface.servers, grid, {"dtype": "int32", "count": 1, "nodata": 0}) as servers,
        ):
            for block, path in parts:
                part, window = read_part(path), rasterio.windows.Window.from_slices(*block)
                staged.write(part.levels[groups].max(axis=0, initial=OUTSIDE), 1, window=window)
                for band, g in enumerate(groups, start=2):
                    staged.write(part.levels[g], band, window=window)
                servers.write(part.server[number], 1, window=window)
            staged.scales = [0.1] * staged.count
            for band, code in enumerate((ANY, *surface.operators), start=1):
                staged.set_band_description(band, code)
                staged.set_band_unit(band, "dBm")
            staged.update_tags(**tags, NO_SIGNAL=str(NO_SIGNAL), UNKNOWN=str(UNKNOWN))
            servers.update_tags(**tags)
        kept["maps"][name] = {
            "operators": list(surface.operators),
            "sha256": _finish(surface.levels),
            "server_sha256": _finish(surface.servers),
        }
    (folder(run_id) / "maps.json").write_text(json.dumps(kept), encoding="utf-8")
    return kept


def _staged(target: Path, grid: Frame, profile: dict[str, Any]) -> Any:
    target.parent.mkdir(parents=True, exist_ok=True)
    return rasterio.open(
        target.with_suffix(".staged.tif"), "w", driver="GTiff", width=grid.width, height=grid.height, crs=grid.crs,
        transform=grid.transform, tiled=True, blockxsize=TILE, blockysize=TILE, compress="deflate",
        bigtiff="if_safer", **profile,
    )  # fmt: skip


def _finish(target: Path) -> str:
    """Turn a staged file into a cloud-optimised one in its place; return its hash."""
    staged, part = target.with_suffix(".staged.tif"), target.with_suffix(".part.tif")
    # Nearest: an average of levels and of codes would be neither.
    rasterio.shutil.copy(staged, part, driver="COG", compress="deflate", predictor="yes", blocksize=TILE,
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
                   "width": TILE, "height": TILE, "resampling": Resampling.nearest, "nodata": OUTSIDE}  # fmt: skip
        with WarpedVRT(source, **options) as tile:
            found: Levels = tile.read(band)
    return None if (found == OUTSIDE).all() else found


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
    found = np.full(TILE * TILE, OUTSIDE, np.int16)
    if inside.any():
        rows, columns = row[inside].astype(int), column[inside].astype(int)
        window = ((rows.min(), rows.max() + 1), (columns.min(), columns.max() + 1))
        found[inside] = source.read(band, window=window)[rows - rows.min(), columns - columns.min()]
    return None if (found == OUTSIDE).all() else found.reshape(TILE, TILE)


def picture(levels: Levels) -> bytes:
    """Return a PNG of levels: a colour a step, unknown hatched, no signal and what is outside clear."""
    place = np.digitize(levels / 10.0, STEPS_DBM)
    pixels = np.array(COLOURS, np.uint8)[np.where(levels <= UNKNOWN, 0, place)]
    row, column = np.indices(levels.shape)
    pixels[(levels == UNKNOWN) & ((row + column) % 8 < 2)] = (90, 105, 118, 90)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()
