"""The kernel of a coverage run: best signal of every operator and technology at every point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel
from app.coverage.grid import offset_m, profile_into, sample_count
from app.coverage.propagation.antenna import attenuation_db
from app.coverage.propagation.diffraction import delta_bullington_db, smooth_surface, walk
from app.coverage.propagation.p1812 import MIN_DISTANCE_KM, MIN_PATH_KM, free_space_db, slant_km

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Columns of the tables the kernel reads.
LON, LAT, GROUND = 0, 1, 2
HEIGHT, AZIMUTH, TILT, BEAMWIDTH, VERTICAL_BEAMWIDTH, F_GHZ, LEVEL = 0, 1, 2, 3, 4, 5, 6
RSRP, LOSS, DIFFRACTION, DISTANCE, UNKNOWN_BOUND = 0, 1, 2, 3, 4
KNOWN, POINT_UNKNOWN, SITE_UNKNOWN, PATH_UNKNOWN = 0, 1, 2, 3
PATHS, LOSSES, POSTS = 0, 1, 2


@kernel
def sweep_into(
    sizes: Ints,
    frames: Floats,
    points: Floats,
    masts: Floats,
    first_cell: Ints,
    cells: Floats,
    group: Ints,
    floor: Floats,
    receiver_m: float,
    ae_km: float,
    reach_m: float,
    step_m: float,
    prune: bool,
    found: Floats,
    server: Ints,
    reason: Ints,
    counts: Ints,
) -> None:
    """Fill the best known signal of each group at each point; points are independent of each other.

    Parameters
    ----------
    points, masts : float64 arrays, shape (n, 3)
        Longitude, latitude, ground height (NaN unknown).
    first_cell : int64 array, shape (masts + 1,)
        Mast m carries the cells first_cell[m]:first_cell[m+1], equal antenna heights side by side.
    cells : float64 array, shape (cells, 7)
        Columns HEIGHT … LEVEL; LEVEL is the reference signal's radiated power in dBm.
    group, floor : arrays
        Group (operator and technology) of each cell; the level under which a group does not matter.
    prune : bool
        False computes every cell in reach; the results are the same wherever they are above `floor`.
    found : float64 array, shape (points, groups, 5)
        Columns RSRP … UNKNOWN_BOUND: the best known signal and what could at most be heard from the
        cells whose path is unknown; -inf is none.
    server, reason : int64 arrays, shape (points, groups)
        Index of the best cell or -1; why the cell of UNKNOWN_BOUND is unknown.
    counts : int64 array, shape (3,)
        Profiles gathered, losses computed, posts read.

    Notes
    -----
    Pruning is branch and bound. Diffraction loss is never negative, so free space over the ground distance,
    then over the slant distance with the antenna's attenuation, bound the signal from above; a cell whose
    bound does not exceed the best found so far cannot replace it. Masts are taken from near to far.
    Under 0.25 km, where the Recommendation does not apply, it is free space (`p1812.SHORT_PATH`).
    """
    longest = sample_count(reach_m, step_m) + 1
    work = np.zeros((3, longest))
    distance = np.empty(masts.shape[0])
    for p in range(points.shape[0]):
        for m in _near_to_far(masts, points[p], reach_m, distance):
            part = slice(first_cell[m], first_cell[m + 1])
            _hear(
                sizes, frames, points[p], masts[m], distance[m], cells[part], group[part], first_cell[m], floor,
                receiver_m, ae_km, step_m, prune, found[p], server[p], reason[p], counts, work,
            )  # fmt: skip
        for g in range(found.shape[1]):
            if found[p, g, UNKNOWN_BOUND] <= found[p, g, RSRP]:
                found[p, g, UNKNOWN_BOUND] = -math.inf
                reason[p, g] = KNOWN
            if found[p, g, RSRP] < floor[g]:
                found[p, g, RSRP] = -math.inf
                server[p, g] = -1


@kernel
def _near_to_far(masts: Floats, point: Floats, reach_m: float, distance: Floats) -> Ints:
    """Return the masts within reach in order of distance, and fill `distance`."""
    near = np.empty(masts.shape[0], np.int64)
    count = 0
    for m in range(masts.shape[0]):
        east, north = offset_m(masts[m, LON], masts[m, LAT], point[LON], point[LAT])
        distance[m] = math.hypot(east, north)
        if distance[m] <= reach_m:
            near[count] = m
            count += 1
    near = near[:count]
    return near[np.argsort(distance[near], kind="mergesort")]


@kernel
def _hear(
    sizes: Ints,
    frames: Floats,
    point: Floats,
    mast: Floats,
    distance_m: float,
    cells: Floats,
    group: Ints,
    first: int,
    floor: Floats,
    receiver_m: float,
    ae_km: float,
    step_m: float,
    prune: bool,
    best: Floats,
    server: Ints,
    reason: Ints,
    counts: Ints,
    work: Floats,
) -> None:
    """Let one point hear one mast: one profile serves all its cells, one walk all cells of a height."""
    d_km = distance_m / 1000.0
    spread_db = 92.4 + 20.0 * math.log10(max(d_km, MIN_DISTANCE_KM))
    east, north = offset_m(mast[LON], mast[LAT], point[LON], point[LAT])
    bearing = math.degrees(math.atan2(east, north))
    known = not (math.isnan(point[GROUND]) or math.isnan(mast[GROUND]))
    d, h, zero = work[0], work[1], work[2]
    n, walked_m = -1, -1.0
    hst, hsr, nu, nu_smooth, hte, hre = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for c in range(cells.shape[0]):
        g, cell = group[c], cells[c]
        bound = cell[LEVEL] - spread_db - 20.0 * math.log10(cell[F_GHZ])
        # The bound's own rounding must not prune an equal; a billionth of a dB is far above it.
        if prune and (bound + 1e-9 <= best[g, RSRP] or bound + 1e-9 < floor[g]):
            continue
        if not known:
            # Without heights the angle of depression is unknown: the vertical pattern takes nothing.
            bound -= attenuation_db(bearing - cell[AZIMUTH], 0.0, cell[BEAMWIDTH], 1.0)
            _note_unknown(best, reason, g, bound, POINT_UNKNOWN if math.isnan(point[GROUND]) else SITE_UNKNOWN)
            continue
        hts, hrs = mast[GROUND] + cell[HEIGHT], point[GROUND] + receiver_m
        free_db = free_space_db(slant_km(d_km, hts, hrs), cell[F_GHZ])
        bound = cell[LEVEL] - free_db - _antenna_db(cell, bearing, d_km, hts - hrs, ae_km)
        if prune and (bound <= best[g, RSRP] or bound < floor[g]):
            continue
        diffraction_db = 0.0
        if d_km >= MIN_PATH_KM:
            if n < 0:
                counts[PATHS] += 1
                n = _gather(sizes, frames, mast, point, d_km, step_m, d, h)
                counts[POSTS] += n
                hst, hsr = smooth_surface(d, h, max(n, 1))
            if n == 0:
                _note_unknown(best, reason, g, bound, PATH_UNKNOWN)
                continue
            if walked_m != cell[HEIGHT]:
                walked_m = cell[HEIGHT]
                nu, nu_smooth, hte, hre = walk(d, h, h, n, zero, hts, hrs, hst, hsr, ae_km)
            diffraction_db = delta_bullington_db(d_km, nu, nu_smooth, hte, hre, ae_km, cell[F_GHZ], 0.0, True)
        counts[LOSSES] += 1
        if bound - diffraction_db > best[g, RSRP]:
            best[g, RSRP] = bound - diffraction_db
            best[g, LOSS] = free_db + diffraction_db
            best[g, DIFFRACTION] = diffraction_db
            best[g, DISTANCE] = distance_m
            server[g] = first + c


@kernel
def _antenna_db(cell: Floats, bearing_deg: float, d_km: float, above_m: float, ae_km: float) -> float:
    """Return the pattern's attenuation towards a receiver `above_m` below the antenna, the Earth bending away."""
    drop = above_m / 1000.0 / max(d_km, MIN_DISTANCE_KM) + d_km / (2.0 * ae_km)
    off_tilt = math.degrees(math.atan(drop)) - cell[TILT]
    return attenuation_db(bearing_deg - cell[AZIMUTH], off_tilt, cell[BEAMWIDTH], cell[VERTICAL_BEAMWIDTH])


@kernel
def _gather(
    sizes: Ints, frames: Floats, mast: Floats, point: Floats, d_km: float, step_m: float, d: Floats, h: Floats
) -> int:
    """Fill distances and heights from mast to point; return how many, 0 when one is unknown."""
    n = sample_count(d_km * 1000.0, step_m)
    if not profile_into(sizes, frames, mast[LON], mast[LAT], point[LON], point[LAT], n, h):
        return 0
    for i in range(n):
        d[i] = d_km * i / (n - 1)
    return n


@kernel
def _note_unknown(best: Floats, reason: Ints, g: int, bound: float, why: int) -> None:
    if bound > best[g, UNKNOWN_BOUND]:
        best[g, UNKNOWN_BOUND] = bound
        reason[g] = why
