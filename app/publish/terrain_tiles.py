"""Terrain as map tiles: heights sampled at pixel centres, encoded the terrarium way, for the hillshade."""

from __future__ import annotations

import hashlib
import io
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coverage.models import TerrainTile

SIZE = 256
MAX_OVERSAMPLE = 4
PAPER = (0xDF, 0xE7, 0xEC, 255)
"""Where no height is known: the map's own background (PAPER in app/web/src/lib/layers.ts)."""
_TARGET_PIXEL_M = 40.0
_EQUATOR_M = 40_075_016.7

Floats = NDArray[np.float64]


class Heights(Protocol):
    """What a terrain tile needs of a terrain."""

    def heights(self, lon: Floats, lat: Floats) -> Floats:
        """Return heights in metres, NaN where unknown, in the shape of `lon`."""


def terrain_version(session: Session) -> str:
    """Return a short key that changes whenever a terrain file is added, replaced or removed."""
    files = session.scalars(select(TerrainTile.sha256).order_by(TerrainTile.sha256))
    return hashlib.blake2b("".join(files).encode(), digest_size=8).hexdigest()


def pixel_centres(z: int, x: int, y: int, count: int) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes (degrees, EPSG:4326), both (count, count), of a tile's pixel centres.

    Row 0 is north. Spherical Web Mercator (EPSG:3857) inverted.
    """
    steps = (np.arange(count) + 0.5) / count
    lon = (x + steps) / 2**z * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + steps) / 2**z))))
    across, down = np.meshgrid(lon, lat)
    return across, down


def tile_heights(terrain: Heights, z: int, x: int, y: int) -> Floats:
    """Return (256, 256) heights in metres, NaN where unknown.

    A pixel wider than the terrain's own step is the mean of up to 4 x 4 samples; single samples would
    alias into noise that the hillshade exaggerates.
    """
    pixel_m = _EQUATOR_M / 2**z / SIZE
    repeat = int(np.clip(round(pixel_m / _TARGET_PIXEL_M), 1, MAX_OVERSAMPLE))
    sampled = terrain.heights(*pixel_centres(z, x, y, SIZE * repeat))
    blocks = np.asarray(sampled, np.float64).reshape(SIZE, repeat, SIZE, repeat)
    known = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3))
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def filled(heights: Floats) -> Floats:
    """Return `heights` with NaN replaced by the nearest known value of the row, then of the column.

    Only for shading: a hole would be drawn as a cliff. At least one height must be known.
    """
    for axis in (1, 0):
        heights = _fill_along(heights if axis else heights.T)
        heights = heights if axis else heights.T
    return heights


def _fill_along(rows: Floats) -> Floats:
    """Fill each row from its nearest known column; rows without any stay NaN."""
    known = np.isfinite(rows)
    columns = np.arange(rows.shape[1])
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, columns, rows.shape[1])[:, ::-1], axis=1)[:, ::-1]
    gap_before = np.where(before >= 0, columns - before, rows.size)
    gap_after = np.where(after < rows.shape[1], after - columns, rows.size)
    source = np.where(gap_before <= gap_after, before, after).clip(0, rows.shape[1] - 1)
    return np.take_along_axis(rows, source, axis=1)


def terrarium(heights: Floats) -> bytes:
    """Return a PNG whose colours say height_m = R * 256 + G + B / 256 - 32768."""
    value = np.round((heights + 32768) * 256).clip(0, 2**24 - 1).astype(np.uint32)
    pixels = np.stack([value >> 16, value >> 8 & 255, value & 255], axis=-1).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()


def terrain_png(terrain: Heights, z: int, x: int, y: int) -> bytes | None:
    """Return the tile as PNG, or None where no height is known."""
    heights = tile_heights(terrain, z, x, y)
    return terrarium(filled(heights)) if np.isfinite(heights).any() else None


def unknown_png(terrain: Heights, z: int, x: int, y: int) -> bytes:
    """Return a PNG that covers what `filled` made up: paper where no height is known, clear elsewhere."""
    pixels = np.zeros((SIZE, SIZE, 4), np.uint8)
    pixels[~np.isfinite(tile_heights(terrain, z, x, y))] = PAPER
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()
