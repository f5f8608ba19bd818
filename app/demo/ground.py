"""Synthetic heights: mountains with ridges and valleys in the west, a plain, lagoons, and the sea at 0 m."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from rasterio import Affine
from rasterio.features import rasterize

from app.demo.communes import Shape, degrees
from app.demo.noise import Floats, Lattice, Singles, stream
from app.demo.parameters import read

ARC_SECOND = 1 / 3600


@dataclass(frozen=True)
class Ground:
    """A height raster: row 0 north, `west` and `north` outer edges, square steps in degrees; NaN = void."""

    heights: Singles
    west: float
    north: float
    step: float

    def at(self, lon: Floats, lat: Floats) -> Floats:
        """Return the height of the pixel under each point (m), NaN in the void; points off the edge take the edge."""
        rows, columns = self.heights.shape
        i = np.clip(((self.north - lat) / self.step).astype(np.int64), 0, rows - 1)
        j = np.clip(((lon - self.west) / self.step).astype(np.int64), 0, columns - 1)
        return self.heights[i, j].astype(np.float64)


def step_arcsec(scale: float) -> int:
    """Return the terrain's step: 1 arc-second (30 m) for a full province, coarser for the small ones of tests."""
    return 1 if scale >= 0.5 else 3 if scale >= 0.1 else 10


def build(seed: int, scale: float, form: Shape) -> Ground:
    """Raise the synthetic terrain of the province and its margin.

    Floor and relief follow the control points of data/demo/province.yaml; ridged noise (1 - |n| summed over
    octaves, after Musgrave) gives crests, its zero lines the valleys, which therefore join into networks.
    """
    drawn = read("province")["terrain"]
    step = step_arcsec(scale) * ARC_SECOND
    west, south, east, north = degrees(shapely.segmentize(form.outline, 1000.0)).bounds
    margin = drawn["margin_deg"]
    west, south = (np.floor((v - margin) / 0.01) * 0.01 for v in (west, south))
    columns, rows = (
        int(np.ceil((b + margin - a) / 0.01) * 0.01 / step + 0.5) for a, b in ((west, east), (south, north))
    )
    north = south + rows * step
    lon = west + (np.arange(columns) + 0.5) * step
    lat = north - (np.arange(rows) + 0.5) * step
    box = (west, south, west + columns * step, north)
    floor, relief = _ground(np.asarray(drawn["ground"]), box, lon, lat)
    heights = _ridges(seed, drawn["ridge_lattice_deg"], box, lon, lat)
    heights *= relief * np.float32(drawn["relief_factor"])
    heights += floor
    # Above 1,300 m crests are rounded off rather than cut.
    top = np.float32(drawn["max_height_m"])
    np.subtract(heights, np.maximum(heights - 1300, 0) * 0.5, out=heights)
    np.clip(heights, 0.5, top, out=heights)
    water = [(degrees(form.sea), 1), (degrees(form.lagoons), 1)]
    transform = Affine(step, 0.0, west, 0.0, -step, north)
    heights[rasterize(water, out_shape=heights.shape, transform=transform, dtype="uint8") == 1] = 0.0
    return Ground(heights, float(west), float(north), step)


def _ground(
    points: Floats, box: tuple[float, float, float, float], lon: Floats, lat: Floats
) -> tuple[Singles, Singles]:
    """Return floor and relief (m) on the grid: inverse-distance weights on a coarse lattice, splined between."""
    step = 0.02
    west, south, east, north = box
    x = west + (np.arange(int((east - west) / step) + 5) - 1) * step
    y = south + (np.arange(int((north - south) / step) + 5) - 1) * step
    squared = (x[None, :, None] - points[:, 0]) ** 2 + (y[:, None, None] - points[:, 1]) ** 2
    weights = (squared + 0.012**2) ** -1.8
    weights /= weights.sum(axis=2, keepdims=True)
    floor, relief = (
        Lattice((weights @ points[:, k]).astype(np.float32), west, south, step).grid(lon, lat) for k in (2, 3)
    )
    return floor, relief


def _ridges(
    seed: int, lattices: list[float], box: tuple[float, float, float, float], lon: Floats, lat: Floats
) -> Singles:
    """Return crests near 1 and valleys near 0; finer octaves grow on the crests, so valley floors stay smooth."""
    rng = stream(seed, "ridges")
    total = np.zeros((len(lat), len(lon)), np.float32)
    amplitude = 0.62
    for k, step in enumerate(lattices):
        octave = Lattice.random(rng, box, step).grid(lon, lat)
        np.abs(octave, out=octave)
        np.minimum(octave, 2.0, out=octave)
        octave *= 0.6
        if k > 1:
            np.subtract(0.72, octave, out=octave)
        if k:
            octave -= 0.4
            octave *= np.clip(total * 1.4 + 0.18, 0.2, 1.0)
        total += np.float32(amplitude) * octave
        amplitude *= 0.55
    # Squared near zero: valley floors widen, flanks steepen.
    np.maximum(total, 0.0, out=total)
    return np.asarray(total * (total / (total + np.float32(0.12))))


def with_void(ground: Ground, lon: float, lat: float) -> Ground:
    """Return the ground with a gap at that place, as clouds leave one in a satellite's survey."""
    half_lon, half_lat = read("province")["terrain"]["void_half_deg"]
    rows, columns = ground.heights.shape
    across = (ground.west + (np.arange(columns) + 0.5) * ground.step - lon) / half_lon
    down = (ground.north - (np.arange(rows) + 0.5) * ground.step - lat) / half_lat
    heights = ground.heights.copy()
    heights[down[:, None] ** 2 + across[None, :] ** 2 < 1.0] = np.nan
    return replace(ground, heights=heights)
