"""The kernel of a coverage run: best signal of every operator and technology at every point."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel
from app.coverage.grid import Grids, cover_into, offset_m, profile_into, sample_count
from app.coverage.propagation.antenna import attenuation_db
from app.coverage.propagation.climate import INLAND, SEA, ground_shares
from app.coverage.propagation.combination import BARE_KM, MIN_DISTANCE_KM, free_space_db, slant_km
from app.coverage.propagation.survey import Air, Soil, Survey, median_db, smooth_ends, survey

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Columns of the tables the kernel reads.
LON, LAT, GROUND, CLASS = 0, 1, 2, 3
BIAS, SLOPE, NEAR, FAR = 0, 1, 2, 3
HEIGHT, AZIMUTH, TILT, BEAMWIDTH, VERTICAL_BEAMWIDTH, F_GHZ, LEVEL = 0, 1, 2, 3, 4, 5, 6
RSRP, LOSS, DIFFRACTION, DISTANCE, UNKNOWN_BOUND = 0, 1, 2, 3, 4
KNOWN, POINT_UNKNOWN, SITE_UNKNOWN, PATH_UNKNOWN = 0, 1, 2, 3
PATHS, LOSSES, POSTS = 0, 1, 2
TOGETHER = 16
"""Neighbouring points that take the masts in one order."""


class Ground(NamedTuple):
    """What lies between masts and points; see `grid` for the tables."""

    terrain: Grids
    cover: Grids
    """Representative height of what stands on the ground in metres, negative over the sea; no grid: bare."""
    step_m: float


class Plan(NamedTuple):
    """Who radiates and who listens.

    Attributes
    ----------
    masts : float64 array, shape (masts, 3)
        Longitude, latitude, ground height (NaN unknown).
    first_cell : int64 array, shape (masts + 1,)
        Mast m carries the cells first_cell[m]:first_cell[m+1], equal antenna heights side by side.
    cells : float64 array, shape (cells, 7)
        Columns HEIGHT … LEVEL; LEVEL is the reference signal's radiated power in dBm.
    group, floor : arrays
        Group (operator and technology) of each cell; the level under which a group does not matter.
    prune : bool
        False computes every cell in reach; the results are the same wherever they are above `floor`.
    correction : float64 array, shape (cells, classes, 4)
        Added to levels: BIAS in dB, SLOPE in dB a decade of the distance in km, held between NEAR and FAR, which are
        log10(km), by the clutter class of the point. No rows: nothing is added.
    """

    masts: Floats
    first_cell: Ints
    cells: Floats
    group: Ints
    floor: Floats
    receiver_m: float
    reach_m: float
    prune: bool
    air: Air
    table: Floats
    correction: Floats


class Heard(NamedTuple):
    """What the kernel fills.

    Attributes
    ----------
    best : float64 array, shape (points, groups, 5)
        Columns RSRP … UNKNOWN_BOUND: the best known signal and what could at most be heard from the cells whose path
        is unknown; -inf is none.
    server, reason : int64 arrays, shape (points, groups)
        Index of the best cell or -1; why the cell of UNKNOWN_BOUND is unknown.
    counts : int64 array, shape (3,)
        Profiles gathered, losses computed, posts read.
    """

    best: Floats
    server: Ints
    reason: Ints
    counts: Ints


@kernel
def sweep_into(ground: Ground, plan: Plan, points: Floats, heard: Heard) -> None:
    """Fill the best known signal of each group at each point, shape (n, 4); points are independent of each other.

    Notes
    -----
    Pruning is branch and bound: no path is better than free space, so free space over the ground distance, then over
    the slant distance with the antenna's attenuation, bound the signal from above; a cell whose bound does not exceed
    the best found so far cannot replace it. A calibration's correction is known exactly beforehand, so it is part of
    both bounds. Neighbours take the masts together, from near to far: they read the same
    terrain. Of equal signals the first cell's counts, so the order changes nothing.
    """
    longest = sample_count(plan.reach_m, ground.step_m) + 1
    work, zone = np.zeros((3, longest)), np.zeros(longest, np.int8)
    for start in range(0, points.shape[0], TOGETHER):
        end = min(start + TOGETHER, points.shape[0])
        for m in _near_to_far(plan.masts, points[start:end], plan.reach_m):
            for p in range(start, end):
                east, north = offset_m(plan.masts[m, LON], plan.masts[m, LAT], points[p, LON], points[p, LAT])
                distance_m = math.hypot(east, north)
                if distance_m <= plan.reach_m:
                    bearing = math.degrees(math.atan2(east, north))
                    _hear(ground, plan, points[p], m, distance_m, bearing, p, heard, work, zone)
    for p in range(points.shape[0]):
        for k in range(plan.floor.size):
            if heard.best[p, k, UNKNOWN_BOUND] <= heard.best[p, k, RSRP]:
                heard.best[p, k, UNKNOWN_BOUND] = -math.inf
                heard.reason[p, k] = KNOWN
            if heard.best[p, k, RSRP] < plan.floor[k]:
                heard.best[p, k, RSRP] = -math.inf
                heard.server[p, k] = -1


@kernel
def _near_to_far(masts: Floats, points: Floats, reach_m: float) -> Ints:
    """Return the masts in reach of any of the points, in order of distance from their middle."""
    lon, lat, radius_m = points[:, LON].mean(), points[:, LAT].mean(), 0.0
    for p in range(points.shape[0]):
        east, north = offset_m(lon, lat, points[p, LON], points[p, LAT])
        radius_m = max(radius_m, math.hypot(east, north))
    near, distance, count = np.empty(masts.shape[0], np.int64), np.empty(masts.shape[0]), 0
    for m in range(masts.shape[0]):
        east, north = offset_m(masts[m, LON], masts[m, LAT], lon, lat)
        away_m = math.hypot(east, north)
        if away_m <= reach_m + radius_m * 1.001 + 1.0:
            near[count], distance[count] = m, away_m
            count += 1
    return near[:count][np.argsort(distance[:count], kind="mergesort")]


@kernel
def _hear(
    ground: Ground, plan: Plan, point: Floats, m: int, distance_m: float, bearing: float, p: int, heard: Heard,
    work: Floats, zone: NDArray[np.int8],
) -> None:  # fmt: skip
    """Let one point hear one mast: one profile serves all its cells, one walk all cells of a height."""
    best, mast, air = heard.best[p], plan.masts[m], plan.air
    d_km = distance_m / 1000.0
    decades = math.log10(max(d_km, MIN_DISTANCE_KM))
    correction, clutter = plan.correction, int(point[CLASS])
    spread_db = 92.4 + 20.0 * decades
    known = not (math.isnan(point[GROUND]) or math.isnan(mast[GROUND]))
    h, g = work[0], work[1]
    n, walked_m, ends = -1, -1.0, (0.0, 0.0)
    soil, bare = Soil(0.0, d_km, d_km, 0.0), ground.cover.frames.shape[0] == 0
    path = Survey(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for c in range(plan.first_cell[m], plan.first_cell[m + 1]):
        k, cell = plan.group[c], plan.cells[c]
        level = cell[LEVEL] + _correction_db(correction, c, clutter, decades)
        bound = level - spread_db - 20.0 * math.log10(cell[F_GHZ])
        # The bound's own rounding must not prune an equal; a billionth of a dB is far above it.
        if plan.prune and (bound + 1e-9 < best[k, RSRP] or bound + 1e-9 < plan.floor[k]):
            continue
        if not known:
            # Without heights the angle of depression is unknown: the vertical pattern takes nothing.
            bound -= attenuation_db(bearing - cell[AZIMUTH], 0.0, cell[BEAMWIDTH], 1.0)
            _note_unknown(heard, p, k, bound, POINT_UNKNOWN if math.isnan(point[GROUND]) else SITE_UNKNOWN)
            continue
        hts, hrs = mast[GROUND] + cell[HEIGHT], point[GROUND] + plan.receiver_m
        loss_db, diffraction_db = free_space_db(slant_km(d_km, hts, hrs), cell[F_GHZ]), 0.0
        radiated = level - _antenna_db(cell, bearing, d_km, hts - hrs, air.ae_km)
        if plan.prune and (radiated - loss_db < best[k, RSRP] or radiated - loss_db < plan.floor[k]):
            continue
        if d_km > BARE_KM:
            if n < 0:
                heard.counts[PATHS] += 1
                n = sample_count(distance_m, ground.step_m)
                heard.counts[POSTS] += n
                if not profile_into(ground.terrain, mast[LON], mast[LAT], point[LON], point[LAT], n, h):
                    n = 0
                ends = smooth_ends(h, max(n, 3))
                soil = _cover(ground.cover, mast, point, n, d_km, work, zone)
            if n == 0:
                _note_unknown(heard, p, k, radiated - loss_db, PATH_UNKNOWN)
                continue
            if walked_m != cell[HEIGHT]:
                walked_m = cell[HEIGHT]
                path = survey(h, h if bare else g, bare, n, d_km / (n - 1), cell[HEIGHT], plan.receiver_m, ends,
                              plan.table, air.ae_km)  # fmt: skip
            loss_db, diffraction_db = median_db(path, cell[F_GHZ], soil, air)
        _keep(heard, p, k, c, radiated - loss_db, loss_db, diffraction_db, distance_m)


@kernel
def _correction_db(correction: Floats, c: int, clutter: int, decades: float) -> float:
    """Return what a calibration adds to a cell's level for a point of that class at that distance."""
    if correction.shape[0] == 0:
        return 0.0
    held = min(max(decades, correction[c, clutter, NEAR]), correction[c, clutter, FAR])
    return float(correction[c, clutter, BIAS] + correction[c, clutter, SLOPE] * held)


@kernel
def _keep(
    heard: Heard, p: int, k: int, c: int, rsrp: float, loss_db: float, diffraction_db: float, distance_m: float
) -> None:
    heard.counts[LOSSES] += 1
    best = heard.best[p, k]
    if rsrp > best[RSRP] or (rsrp == best[RSRP] and c < heard.server[p, k]):
        best[RSRP], best[LOSS], best[DIFFRACTION], best[DISTANCE] = rsrp, loss_db, diffraction_db, distance_m
        heard.server[p, k] = c


@kernel
def _cover(
    cover: Grids, mast: Floats, point: Floats, n: int, d_km: float, work: Floats, zone: NDArray[np.int8]
) -> Soil:  # fmt: skip
    """Put what stands on the ground upon the terrain; return what the path lies over."""
    latitude_deg = (mast[LAT] + point[LAT]) / 2.0
    if cover.frames.shape[0] == 0 or n == 0:
        return Soil(0.0, d_km, d_km, latitude_deg)
    h, g, d = work[0], work[1], work[2]
    cover_into(cover, mast[LON], mast[LAT], point[LON], point[LAT], n, g)
    sea = False
    for i in range(n):
        zone[i] = SEA if g[i] < 0.0 else INLAND
        sea = sea or g[i] < 0.0
        g[i] = h[i] + (g[i] if g[i] > 0.0 and 0 < i < n - 1 else 0.0)
        d[i] = d_km * i / (n - 1)
    if not sea:
        return Soil(0.0, d_km, d_km, latitude_deg)
    sea_share, land_km, inland_km = ground_shares(d, zone, n)
    return Soil(sea_share, land_km, inland_km, latitude_deg)


@kernel
def _antenna_db(cell: Floats, bearing_deg: float, d_km: float, above_m: float, ae_km: float) -> float:
    """Return the pattern's attenuation towards a receiver `above_m` below the antenna, the Earth bending away."""
    drop = above_m / 1000.0 / max(d_km, MIN_DISTANCE_KM) + d_km / (2.0 * ae_km)
    off_tilt = math.degrees(math.atan(drop)) - cell[TILT]
    return attenuation_db(bearing_deg - cell[AZIMUTH], off_tilt, cell[BEAMWIDTH], cell[VERTICAL_BEAMWIDTH])


@kernel
def _note_unknown(heard: Heard, p: int, k: int, bound: float, why: int) -> None:
    if bound > heard.best[p, k, UNKNOWN_BOUND]:
        heard.best[p, k, UNKNOWN_BOUND] = bound
        heard.reason[p, k] = why
