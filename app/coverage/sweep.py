"""The kernel of a coverage run: best signal of every operator and technology at every point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel
from app.coverage.grid import Grids, cover_into, offset_m, profile_into, sample_count, unowned
from app.coverage.plan import (
    AZIMUTH,
    BEAMWIDTH,
    BIAS,
    CLASS,
    DIFFRACTION,
    DISTANCE,
    F_GHZ,
    FAR,
    GROUND,
    HEIGHT,
    KNOWN,
    LAT,
    LEVEL,
    LON,
    LOSS,
    LOSSES,
    NEAR,
    PATH_UNKNOWN,
    PATHS,
    POINT_UNKNOWN,
    POSTS,
    RSRP,
    SITE_UNKNOWN,
    SLOPE,
    TILT,
    TOGETHER,
    UNKNOWN_BOUND,
    VERTICAL_BEAMWIDTH,
    Fresh,
    Ground,
    Heard,
    Known,
    Paper,
    Plan,
)
from app.coverage.propagation.antenna import attenuation_db
from app.coverage.propagation.climate import INLAND, SEA, ground_shares
from app.coverage.propagation.combination import BARE_KM, MIN_DISTANCE_KM, free_space_db, slant_km
from app.coverage.propagation.survey import Soil, Survey, median_db, smooth_ends, survey

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@kernel
def sweep_into(
    ground: Ground, plan: Plan, points: Floats, known: tuple[Known, Known], heard: Heard, fresh: Fresh, paper: Paper
) -> None:
    """Fill the best known signal of each group at each point, shape (n, 4); points are independent of each other.

    Notes
    -----
    Pruning is branch and bound: no path is better than free space, so free space over the ground distance, then over
    the slant distance with the antenna's attenuation, bound the signal from above; a cell whose bound does not exceed
    the best found so far cannot replace it. A calibration's correction is known exactly beforehand, so it is part of
    both bounds. Neighbours take the masts together, from near to far: they read the same terrain. Of equal signals the
    first cell's counts, so the order changes nothing.
    """
    points, work, zone = unowned(points), unowned(paper.work), unowned(paper.zone)
    ground = Ground(_grids(ground.terrain), _grids(ground.cover), unowned(ground.height_m), ground.step_m)
    plan = Plan(
        unowned(plan.masts), unowned(plan.first_cell), unowned(plan.cells), unowned(plan.group), unowned(plan.floor),
        plan.receiver_m, plan.reach_m, plan.prune, plan.air, unowned(plan.table), unowned(plan.base),
        unowned(plan.correction),
    )  # fmt: skip
    known = (_layer(known[0]), _layer(known[1]))
    heard = Heard(unowned(heard.best), unowned(heard.server), unowned(heard.reason), unowned(heard.counts))
    fresh = Fresh(unowned(fresh.point), unowned(fresh.mast), unowned(fresh.cell), unowned(fresh.loss_db),
                  unowned(fresh.diffraction_db), unowned(fresh.filled))  # fmt: skip
    for start in range(0, points.shape[0], TOGETHER):
        end = min(start + TOGETHER, points.shape[0])
        near, away_m, radius_m = _near_to_far(plan.masts, points[start:end], plan.reach_m)
        needed = np.full(plan.floor.size, -math.inf)
        for i in range(near.size):
            m, first, last = near[i], plan.first_cell[near[i]], plan.first_cell[near[i] + 1]
            if i % TOGETHER == 0:
                _least(heard.best[start:end], plan.floor, needed)
            nearest_m = away_m[i] - radius_m
            if plan.prune and _silent(plan.base, plan.group, needed, plan.correction, first, last, nearest_m):
                continue
            for p in range(start, end):
                east, north = offset_m(plan.masts[m, LON], plan.masts[m, LAT], points[p, LON], points[p, LAT])
                distance_m = math.hypot(east, north)
                decades = math.log10(max(distance_m / 1000.0, MIN_DISTANCE_KM))
                at = first
                if plan.prune:
                    at = _audible(plan.base, plan.group, plan.floor, heard.best[p], plan.correction, first, last,
                                  decades, int(points[p, CLASS]))  # fmt: skip
                if at >= 0 and distance_m <= plan.reach_m:
                    bearing = math.degrees(math.atan2(east, north))
                    _hear(ground, plan, points[p], m, at, distance_m, decades, bearing, p, known, heard, fresh, work,
                          zone)  # fmt: skip
    _settle(plan.floor, heard)


@kernel
def _least(best: Floats, floor: Floats, needed: Floats) -> None:
    """Fill the level of each group under which a signal matters to none of some points."""
    for k in range(floor.size):
        least = math.inf
        for p in range(best.shape[0]):
            least = min(least, best[p, k, RSRP])
        needed[k] = max(least, floor[k])


@kernel
def _silent(
    base: Floats, group: Ints, needed: Floats, correction: Floats, first: int, last: int, nearest_m: float
) -> bool:
    """Say whether no cell of a mast can matter to any of some points, the nearest of which is so far at least."""
    if correction.shape[0] > 0:  # what a calibration adds differs from point to point
        return False
    spread_db = 20.0 * math.log10(max(nearest_m / 1000.0, MIN_DISTANCE_KM))
    for c in range(first, last):
        if base[c] - spread_db + 1e-9 >= needed[group[c]]:
            return False
    return True


@kernel
def _settle(floor: Floats, heard: Heard) -> None:
    """Forget what is unknown but could not be better, and what is under the floor."""
    for p in range(heard.best.shape[0]):
        for k in range(floor.size):
            if heard.best[p, k, UNKNOWN_BOUND] <= heard.best[p, k, RSRP]:
                heard.best[p, k, UNKNOWN_BOUND] = -math.inf
                heard.reason[p, k] = KNOWN
            if heard.best[p, k, RSRP] < floor[k]:
                heard.best[p, k, RSRP] = -math.inf
                heard.server[p, k] = -1


@kernel
def _grids(grids: Grids) -> Grids:
    return Grids(unowned(grids.sizes), unowned(grids.frames))


@kernel
def _layer(known: Known) -> Known:
    return Known(
        unowned(known.first), unowned(known.last), unowned(known.mast), unowned(known.radio), unowned(known.loss_db),
        unowned(known.diffraction_db), unowned(known.mast_of), unowned(known.radio_of),
    )  # fmt: skip


@kernel
def _near_to_far(masts: Floats, points: Floats, reach_m: float) -> tuple[Ints, Floats, float]:
    """Return the masts in reach of any of the points in order of distance from their middle, and that distance.

    The third is how far from the middle the points lie, with a margin for what distances are off by.
    """
    lon, lat, radius_m = points[:, LON].mean(), points[:, LAT].mean(), 0.0
    for p in range(points.shape[0]):
        east, north = offset_m(lon, lat, points[p, LON], points[p, LAT])
        radius_m = max(radius_m, math.hypot(east, north))
    radius_m = radius_m * 1.001 + 1.0
    near, distance, count = np.empty(masts.shape[0], np.int64), np.empty(masts.shape[0]), 0
    for m in range(masts.shape[0]):
        east, north = offset_m(masts[m, LON], masts[m, LAT], lon, lat)
        away_m = math.hypot(east, north)
        if away_m <= reach_m + radius_m:
            near[count], distance[count] = m, away_m
            count += 1
    order = np.argsort(distance[:count], kind="mergesort")
    return near[:count][order], distance[:count][order], radius_m


@kernel
def _audible(
    base: Floats, group: Ints, floor: Floats, best: Floats, correction: Floats, first: int, end: int, decades: float,
    clutter: int,
) -> int:  # fmt: skip
    """Return the first of the cells first:end whose bound over the ground distance may still matter, -1 when none may.

    Most pairs of a mast and a point end here, so it takes what it needs and no more: each array handed on costs time.
    """
    for c in range(first, end):
        bound = base[c] + _correction_db(correction, c, clutter, decades) - 20.0 * decades
        if not _beaten(bound, best[group[c], RSRP], floor[group[c]]):
            return c
    return -1


@kernel
def _beaten(bound: float, best: float, floor: float) -> bool:
    """Say whether a cell that reaches `bound` at most cannot change the result."""
    # The bound's own rounding must not prune an equal; a billionth of a dB is far above it.
    return bound + 1e-9 < best or bound + 1e-9 < floor


@kernel
def _hear(
    ground: Ground, plan: Plan, point: Floats, m: int, first: int, distance_m: float, decades: float, bearing: float,
    p: int, known: tuple[Known, Known], heard: Heard, fresh: Fresh, work: Floats, zone: NDArray[np.int8],
) -> None:  # fmt: skip
    """Let one point hear one mast: one profile serves all its cells, one walk all cells of a height."""
    best, mast, air = heard.best[p], plan.masts[m], plan.air
    d_km, correction, clutter = distance_m / 1000.0, plan.correction, int(point[CLASS])
    standing = not (math.isnan(point[GROUND]) or math.isnan(mast[GROUND]))
    h, g = work[0], work[1]
    n, walked_m, ends = -1, -1.0, (0.0, 0.0)
    soil, bare = Soil(0.0, d_km, d_km, 0.0), ground.cover.frames.shape[0] == 0
    path = Survey(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for c in range(first, plan.first_cell[m + 1]):
        k, cell = plan.group[c], plan.cells[c]
        corrected = _correction_db(correction, c, clutter, decades)
        bound = plan.base[c] + corrected - 20.0 * decades
        if plan.prune and _beaten(bound, best[k, RSRP], plan.floor[k]):
            continue
        if not standing:
            # Without heights the angle of depression is unknown: the vertical pattern takes nothing.
            bound -= attenuation_db(bearing - cell[AZIMUTH], 0.0, cell[BEAMWIDTH], 1.0)
            _note_unknown(heard, p, k, bound, POINT_UNKNOWN if math.isnan(point[GROUND]) else SITE_UNKNOWN)
            continue
        hts, hrs = mast[GROUND] + cell[HEIGHT], point[GROUND] + plan.receiver_m
        free_db = free_space_db(slant_km(d_km, hts, hrs), cell[F_GHZ])
        radiated = cell[LEVEL] + corrected - _antenna_db(cell, bearing, d_km, hts - hrs, air.ae_km)
        if plan.prune and _beaten(radiated - free_db, best[k, RSRP], plan.floor[k]):
            continue
        loss_db, diffraction_db = free_db, 0.0
        recalled = d_km <= BARE_KM
        if not recalled:
            recalled, loss_db, diffraction_db = _recall(known, p, m, c)
        if not recalled:
            if n < 0:
                n = _gather(ground, mast, point, distance_m, h, heard.counts)
                ends = smooth_ends(h, max(n, 3))
                soil = _cover(ground, mast, point, n, d_km, work, zone)
            if n > 0 and walked_m != cell[HEIGHT]:
                walked_m = cell[HEIGHT]
                path = survey(h, h if bare else g, bare, n, d_km / (n - 1), cell[HEIGHT], plan.receiver_m, ends,
                              plan.table, air.ae_km)  # fmt: skip
            loss_db, diffraction_db = median_db(path, cell[F_GHZ], soil, air) if n > 0 else (math.nan, math.nan)
            heard.counts[LOSSES] += 1
            _remember(fresh, p, m, c, loss_db, diffraction_db)
        if math.isnan(loss_db):
            _note_unknown(heard, p, k, radiated - free_db, PATH_UNKNOWN)
        else:
            _keep(heard, p, k, c, radiated - loss_db, loss_db, diffraction_db, distance_m)


@kernel
def _correction_db(correction: Floats, c: int, clutter: int, decades: float) -> float:
    """Return what a calibration adds to a cell's level for a point of that class at that distance."""
    if correction.shape[0] == 0:
        return 0.0
    held = min(max(decades, correction[c, clutter, NEAR]), correction[c, clutter, FAR])
    return float(correction[c, clutter, BIAS] + correction[c, clutter, SLOPE] * held)


@kernel
def _gather(ground: Ground, mast: Floats, point: Floats, distance_m: float, h: Floats, counts: Ints) -> int:
    """Put the heights between mast and point into `h`; return how many, 0 when one is unknown."""
    n = sample_count(distance_m, ground.step_m)
    counts[PATHS] += 1
    counts[POSTS] += n
    return n if profile_into(ground.terrain, mast[LON], mast[LAT], point[LON], point[LAT], n, h) else 0


@kernel
def _recall(known: tuple[Known, Known], p: int, m: int, c: int) -> tuple[bool, float, float]:
    """Return whether a path's loss was computed before, and what it was."""
    for layer in known:
        mast, radio = layer.mast_of[m], layer.radio_of[c]
        low, high = layer.first[p], layer.last[p]
        if mast < 0 or radio < 0 or low == high:
            continue
        last = high
        while low < high:
            middle = (low + high) // 2
            if layer.mast[middle] < mast or (layer.mast[middle] == mast and layer.radio[middle] < radio):
                low = middle + 1
            else:
                high = middle
        if low < last and layer.mast[low] == mast and layer.radio[low] == radio:
            return True, layer.loss_db[low], layer.diffraction_db[low]
    return False, 0.0, 0.0


@kernel
def _remember(fresh: Fresh, p: int, m: int, c: int, loss_db: float, diffraction_db: float) -> None:
    """Note a loss for the next run while there is room; another one computes again what had none."""
    at = fresh.filled[0]
    if at < fresh.point.size:
        fresh.point[at], fresh.mast[at], fresh.cell[at] = p, m, c
        fresh.loss_db[at], fresh.diffraction_db[at] = loss_db, diffraction_db
        fresh.filled[0] = at + 1


@kernel
def _keep(
    heard: Heard, p: int, k: int, c: int, rsrp: float, loss_db: float, diffraction_db: float, distance_m: float
) -> None:
    best = heard.best[p, k]
    if rsrp > best[RSRP] or (rsrp == best[RSRP] and c < heard.server[p, k]):
        best[RSRP], best[LOSS], best[DIFFRACTION], best[DISTANCE] = rsrp, loss_db, diffraction_db, distance_m
        heard.server[p, k] = c


@kernel
def _cover(
    ground: Ground, mast: Floats, point: Floats, n: int, d_km: float, work: Floats, zone: NDArray[np.int8]
) -> Soil:  # fmt: skip
    """Put what stands on the ground upon the terrain; return what the path lies over."""
    latitude_deg = (mast[LAT] + point[LAT]) / 2.0
    if ground.cover.frames.shape[0] == 0 or n == 0:
        return Soil(0.0, d_km, d_km, latitude_deg)
    h, g, d = work[0], work[1], work[2]
    cover_into(ground.cover, ground.height_m, mast[LON], mast[LAT], point[LON], point[LAT], n, g)
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
