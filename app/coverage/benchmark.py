"""`hatang coverage benchmark`: the engine on a synthetic province, beside the bare gathering of the same profiles."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.coverage import grid
from app.coverage.engine import MAX_STEP_M, Network, Progress, Receiver, compute
from app.coverage.losses import Losses
from app.coverage.plan import AZIMUTH
from app.coverage.rasters import Raster
from app.coverage.terrain import Terrain, from_rasters

WEST, NORTH, STEP_DEG = 107.0, 16.75, 1 / 3600
RING_KM = 9.99
RECEIVER = Receiver(height_m=1.5, delta_n=45.0, n0=370.0, sigma_model_db=11.0, max_distance_km=35)
_TECHNOLOGIES = ((0.9, 58.0, -122.0), (2.1, 50.0, -123.0), (1.8, 31.2, -130.0), (3.5, 36.8, -130.0))
"""Frequency in GHz, radiated reference level in dBm, floor in dBm of 2G, 3G, 4G, 5G."""


def synthetic_terrain(rows: int = 2700, columns: int = 4300, seed: int = 254) -> Terrain:
    """Return SYNTHETIC hills of up to about 1,500 m in the west falling to a plain in the east, 30 m posts."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns] / columns
    hills = np.zeros((rows, columns))
    for octave in range(6):
        kx, ky = random.normal(0, 12 * 2**octave, (2, 4)).tolist()
        phase = random.uniform(0, 6.28, 4).tolist()
        for a, b, c in zip(kx, ky, phase, strict=True):
            hills += np.sin(a * x + b * y + c) * 0.5**octave
    heights = np.clip(hills, 0, None) * 700 * np.clip(1.1 - 1.3 * x, 0, 1) + 5
    return from_rasters([Raster(heights.astype(np.float32), WEST, NORTH, STEP_DEG, STEP_DEG)], "benchmark", True)


def synthetic_network(masts: int = 1500, seed: int = 254) -> Network:
    """Return two stations of three sectors on each mast: four operators, four technologies, groups op * 4 + tech."""
    random = np.random.default_rng(seed)
    lon, lat = _positions(random, masts)
    stations = 2 * masts
    operator, technology = random.integers(0, 4, stations), random.integers(0, 4, stations)
    height = random.choice([24.0, 30.0, 36.0, 42.0], stations)
    plan = np.array(_TECHNOLOGIES)[technology]
    cells = np.repeat(
        np.column_stack([height, np.zeros((stations, 1)), np.full((stations, 3), (4.0, 65.0, 8.0)), plan[:, :2]]), 3, 0
    )
    cells[:, AZIMUTH] = np.tile([0.0, 120.0, 240.0], stations)
    group = np.repeat(operator * 4 + technology, 3)
    return Network(lon, lat, np.arange(0, stations * 3 + 1, 6), cells, group)


def _positions(random: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places denser towards the plain in the east, as people live."""
    east = random.beta(2.2, 1.3, count)
    return WEST + 0.02 + east * 1.15, NORTH - 0.02 - random.uniform(0, 0.7, count)


def _typical_paths(
    network: Network, lon: NDArray[np.float64], lat: NDArray[np.float64], nearest: int, sample: int = 5000
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (point, mast) pairs as near to each other as those the engine reads: the floor reads no longer paths."""
    random = np.random.default_rng(9)
    point = random.integers(0, len(lon), sample)
    east = (network.mast_lon - lon[point, None]) * np.cos(np.radians(17.0))
    order = np.argsort(np.hypot(east, network.mast_lat - lat[point, None]), axis=1)
    return point, order[np.arange(sample), random.integers(0, min(nearest, order.shape[1]), sample)]


def _rings(masts: int = 12, bearings: int = 2000) -> tuple[Network, NDArray[np.float64], NDArray[np.float64]]:
    """Return masts 25 km apart with one cell each, and points on a circle of 10 km about each."""
    column, row = np.divmod(np.arange(masts), 3)
    lon, lat = WEST + 0.12 + column * 0.24, NORTH - 0.12 - row * 0.24
    turn = np.linspace(0, 2 * np.pi, bearings, endpoint=False)
    cells = np.tile([30.0, 0.0, 2.0, 0.0, 8.0, 1.8, 31.2], (masts, 1))
    network = Network(lon, lat, np.arange(masts + 1), cells, np.zeros(masts, np.int64))
    around_lon = lon[:, None] + RING_KM / 111.32 / np.cos(np.radians(lat[:, None])) * np.cos(turn)
    around_lat = lat[:, None] + RING_KM / 110.65 * np.sin(turn)
    return network, around_lon.ravel(), around_lat.ravel()


def one_core(terrain: Terrain, repeats: int = 3) -> dict[str, Any]:
    """Measure full P.1812 with profile extraction, 10 km and 334 posts or so, on one core, beside bare gathering."""
    network, lon, lat = _rings()
    receiver = replace(RECEIVER, max_distance_km=RING_KM * 1.02)
    floor = np.array([-400.0])
    ends = np.column_stack([np.repeat(network.mast_lon, len(lon) // len(network.mast_lon)),
                            np.repeat(network.mast_lat, len(lat) // len(network.mast_lat)), lon, lat])  # fmt: skip
    distance_m, count = np.empty(len(ends)), np.empty(len(ends), np.int64)
    grid.lengths_of(ends, min(MAX_STEP_M, terrain.step_m), distance_m, count)
    offset = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    heights = np.empty(offset[-1])
    full, bare = [], []
    for _ in range(repeats + 1):  # the first compiles
        started = time.perf_counter()
        signals = compute(terrain, network, lon, lat, floor, receiver, workers=1, prune=False)
        full.append(time.perf_counter() - started)
        started = time.perf_counter()
        grid.profiles_into(terrain.posts, ends, offset, heights)
        bare.append(time.perf_counter() - started)
    best, floor_s = min(full[1:]), min(bare[1:])
    return {
        "one_core_paths": signals.paths,
        "one_core_posts_per_path": round(signals.posts / signals.paths),
        "one_core_paths_per_s": round(signals.paths / best),
        "one_core_paths_per_s_slowest": round(signals.paths / max(full[1:])),
        "one_core_gather_only_paths_per_s": round(len(ends) / floor_s),
        "one_core_fraction_of_gather_only": round(floor_s / best, 2),
    }


def changed_tower(
    terrain: Terrain, network: Network, lon: NDArray[np.float64], lat: NDArray[np.float64], workers: int
) -> dict[str, Any]:
    """Measure a run after one tower moved by 30 m, the losses of the run before being kept on disk."""
    floor = np.tile(np.array(_TECHNOLOGIES)[:, 2], 4)
    moved_lon = network.mast_lon.copy()
    moved_lon[len(moved_lon) // 2] += 0.0003
    with tempfile.TemporaryDirectory() as folder:
        compute(terrain, network, lon, lat, floor, RECEIVER, workers=workers, losses=Losses(Path(folder), "benchmark"))
        started = time.perf_counter()
        kept = Losses(Path(folder), "benchmark")
        moved = replace(network, mast_lon=moved_lon)
        signals = compute(terrain, moved, lon, lat, floor, RECEIVER, workers=workers, losses=kept)
        seconds = time.perf_counter() - started
        kept_mb = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    return {
        "changed_tower_seconds": round(seconds, 2),
        "changed_tower_paths": signals.paths,
        "losses_kept_mb": round(kept_mb, 1),
    }


def run(points: int = 11_000, masts: int = 1500, workers: int = 2, progress: Progress | None = None) -> dict[str, Any]:
    """Measure on a province of `points` demand points and `masts` masts; compilation is not counted."""
    terrain, network = synthetic_terrain(), synthetic_network(masts)
    lon, lat = _positions(np.random.default_rng(7), points)
    floor = np.tile(np.array(_TECHNOLOGIES)[:, 2], 4)
    compute(terrain, network, lon[:2], lat[:2], floor, RECEIVER, workers=workers)
    terrain.profiles(lon[:2], lat[:2], lon[:2] + 0.1, lat[:2])
    started = time.perf_counter()
    signals = compute(terrain, network, lon, lat, floor, RECEIVER, workers=workers, progress=progress)
    seconds = time.perf_counter() - started
    a, b = _typical_paths(network, lon, lat, max(1, signals.paths // points))
    started = time.perf_counter()
    # The floor: reading posts along profiles and nothing else.
    gathered = terrain.profiles(network.mast_lon[b], network.mast_lat[b], lon[a], lat[a])
    posts_per_s = gathered.h_m.size / (time.perf_counter() - started)
    return {
        "points": points,
        "masts": masts,
        "cells": len(network.cells),
        "workers": workers,
        "seconds": round(seconds, 2),
        "points_per_s": round(points / seconds),
        "paths": signals.paths,
        "paths_per_s": round(signals.paths / seconds),
        "losses": signals.losses,
        "posts": signals.posts,
        "gather_only_posts_per_s": round(posts_per_s),
        "gather_only_s": round(signals.posts / posts_per_s, 2),
        "ratio_to_gather_only": round(seconds * posts_per_s / max(signals.posts, 1), 2),
        "covered_points": int((signals.rsrp_dbm > floor + 20).any(axis=1).sum()),
        **changed_tower(terrain, network, lon, lat, workers),
        **one_core(terrain),
    }
