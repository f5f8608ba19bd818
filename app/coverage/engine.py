"""Runs the sweep over blocks of points, on threads or on a cluster; plain arrays in, plain arrays out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.coverage import plan as tables_of
from app.coverage import sweep
from app.coverage.executors import Lent, lent
from app.coverage.grid import sample_count
from app.coverage.land_cover import BARE, LandCover
from app.coverage.losses import Losses, empty, known
from app.coverage.propagation.climate import EARTH_RADIUS_KM, median_factor
from app.coverage.propagation.survey import Air, tables
from app.coverage.terrain import Terrain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[int, int, str], None]

REASONS = (None, "point_outside_terrain", "site_outside_terrain", "path_crosses_unknown_terrain")
NO_TERRAIN = "no_terrain"
MAX_STEP_M = 30.0
ROOM = 3000
"""New losses a point of a block may bring on average; what finds no room is computed again another time."""
AT_ONCE = 2_000_000
"""New losses that are kept together while a run goes on."""
_BLOCK = 512


@dataclass(frozen=True)
class Receiver:
    """Of policy radio/receiver."""

    height_m: float
    delta_n: float
    """Median lapse rate of refractivity, N-units/km."""
    n0: float
    """Refractivity at sea level, N-units."""
    sigma_model_db: float
    max_distance_km: float


@dataclass(frozen=True)
class Network:
    """Masts and what radiates from them; see `sweep.sweep_into` for the columns."""

    mast_lon: Floats
    mast_lat: Floats
    first_cell: Ints
    cells: Floats
    group: Ints
    correction: Floats = field(default_factory=lambda: np.empty((0, 0, 4)))
    """Of a calibration, by cell and clutter class; see `app.coverage.plan.Plan`. No rows: not calibrated."""

    def only(self, kept: NDArray[np.bool_]) -> Network:
        """Return the network of some of the cells, in their order, without the masts that then carry none."""
        mast = np.repeat(np.arange(len(self.mast_lon)), np.diff(self.first_cell))[kept]
        count = np.bincount(mast, minlength=len(self.mast_lon))
        masts = count > 0
        return Network(
            self.mast_lon[masts], self.mast_lat[masts], np.append(0, np.cumsum(count[masts])).astype(np.int64),
            self.cells[kept], self.group[kept], self.correction[kept] if len(self.correction) else self.correction,
        )  # fmt: skip


@dataclass(frozen=True)
class Signals:
    """Best known signal by point and group, shape (points, groups); -inf dBm where none reaches the floor."""

    rsrp_dbm: Floats
    loss_db: Floats
    diffraction_db: Floats
    distance_m: Floats
    server: Ints
    """Index of the cell in the network, -1 none."""
    unknown_bound_dbm: Floats
    """What a cell of unknown path could reach at most; -inf when that changes nothing."""
    reason: Ints
    """Index into REASONS."""
    terrain_known: bool
    paths: int
    losses: int
    posts: int

    def reason_code(self, point: int, group: int) -> str | None:
        """Return why a better signal may exist that is not known; None when nothing is missing."""
        if self.unknown_bound_dbm[point, group] == -np.inf:
            return None
        return REASONS[self.reason[point, group]] if self.terrain_known else NO_TERRAIN


def compute(
    terrain: Terrain,
    network: Network,
    lon: Floats,
    lat: Floats,
    floor_dbm: Floats,
    receiver: Receiver,
    *,
    cover: LandCover = BARE,
    losses: Losses | None = None,
    workers: int = 2,
    on: Lent | None = None,
    prune: bool = True,
    block: int = _BLOCK,
    progress: Progress | None = None,
) -> Signals:
    """Return the best signal of each group at each point.

    Parameters
    ----------
    lon, lat : float64 arrays, shape (points,)
        Degrees, EPSG:4326.
    floor_dbm : float64 array, shape (groups,)
        Levels below it are reported as none; keep it under every threshold asked later.
    cover : LandCover
        What stands on the ground between masts and points; bare without. The class of a point also says which of
        `network.correction` is its own.
    losses : Losses
        Path losses of earlier runs over the same ground to the same receiver; what is computed anew is kept there.
        The results are the same to the bit. Left alone on a cluster, whose workers would have to be sent them.
    workers : int
        Threads, unless a cluster is set. The kernel releases the GIL, and a point does not see the others, so the
        result depends neither on the number of threads or workers nor on the block size.
    on : Lent
        Workers borrowed for several calls; what they share is sent to a cluster once.
    prune : bool
        False computes every cell in reach, for the test that pruning changes nothing.
    """
    order = _along_a_curve(lon, lat)
    clutter = cover.classes(lon, lat).astype(np.float64)
    points: Floats = np.column_stack([lon, lat, terrain.heights(lon, lat), clutter])[order]
    masts = np.column_stack([network.mast_lon, network.mast_lat, terrain.heights(network.mast_lon, network.mast_lat)])
    shape = (len(points), len(floor_dbm))
    best, server, reason = np.empty((*shape, 5)), np.empty(shape, np.int64), np.empty(shape, np.int64)
    reach_m, step_m = receiver.max_distance_km * 1000, min(MAX_STEP_M, terrain.step_m)
    floor = np.asarray(floor_dbm, np.float64) if prune else np.full(len(floor_dbm), -np.inf)
    plan = tables_of.Plan(
        masts, network.first_cell, network.cells, network.group, floor, receiver.height_m, reach_m, prune,
        Air(EARTH_RADIUS_KM * median_factor(receiver.delta_n), receiver.n0), tables(sample_count(reach_m, step_m) + 1),
        tables_of.base_db(network.cells), network.correction,
    )  # fmt: skip
    total = np.zeros(3, np.int64)
    with nullcontext(on) if on else lent(workers) as (executor, share):
        ground, above, what = share(terrain), share(cover), share(plan, once=True)
        remembered = losses if isinstance(executor, ThreadPoolExecutor) else None
        layers = remembered.layers if remembered is not None else [empty(), empty()]
        kept = share(known(layers, points, masts, network.cells), once=True)
        room = block * ROOM if remembered is not None else 0
        parts = {
            executor.submit(hear_block, ground, above, what, step_m, points, slice(at, at + block), kept, room): at
            for at in range(0, len(points), block)
        }
        fresh: list[tables_of.Fresh] = []
        try:
            for done, future in enumerate(as_completed(list(parts)), start=1):
                start = parts.pop(future)  # so that what it found is not kept twice
                heard, anew = future.result()
                fresh.append(anew)
                if remembered is not None and sum(len(f.point) for f in fresh) > AT_ONCE:
                    remembered.keep(fresh, points, masts, network.cells)
                    fresh.clear()
                part = order[start : start + block]
                best[part], server[part], reason[part] = heard.best, heard.server, heard.reason
                total += heard.counts
                if progress:
                    progress(min(done * block, len(points)), len(points), "signals")
        finally:
            for future in parts:  # cancelled or failed: what has not begun does not begin
                future.cancel()
            if remembered is not None:
                remembered.keep(fresh, points, masts, network.cells)
    return Signals(
        best[..., tables_of.RSRP],
        best[..., tables_of.LOSS],
        best[..., tables_of.DIFFRACTION],
        best[..., tables_of.DISTANCE],
        server,
        best[..., tables_of.UNKNOWN_BOUND],
        reason,
        terrain.bounds is not None,
        int(total[tables_of.PATHS]),
        int(total[tables_of.LOSSES]),
        int(total[tables_of.POSTS]),
    )


def _along_a_curve(lon: Floats, lat: Floats) -> Ints:
    """Return an order in which neighbours follow each other (Z-order): a block's paths then read the same terrain."""
    x = np.clip((lon - 100.0) * 2000, 0, 0xFFFF).astype(np.uint64)
    y = np.clip((lat - 5.0) * 2000, 0, 0xFFFF).astype(np.uint64)
    code = np.zeros(len(x), np.uint64)
    for bit in range(16):
        place = np.uint64(bit)
        code |= ((x >> place) & np.uint64(1)) << np.uint64(2 * bit)
        code |= ((y >> place) & np.uint64(1)) << np.uint64(2 * bit + 1)
    return np.argsort(code, kind="stable")


def hear_block(
    terrain: Terrain, cover: LandCover, plan: tables_of.Plan, step_m: float, points: Floats, part: slice,
    known: tuple[tables_of.Known, tables_of.Known], room: int,
) -> tuple[tables_of.Heard, tables_of.Fresh]:  # fmt: skip
    """Return what a part of the points, shape (n, 4), hears, and up to `room` losses that were not known.

    Runs in a thread here or on a worker of a cluster.
    """
    points = points[part]
    older, newer = (layer._replace(first=layer.first[part], last=layer.last[part]) for layer in known)
    shape = (len(points), len(plan.floor))
    best = np.full((*shape, 5), np.nan)
    best[..., tables_of.RSRP] = best[..., tables_of.UNKNOWN_BOUND] = -np.inf
    heard = tables_of.Heard(best, np.full(shape, -1, np.int64), np.zeros(shape, np.int64), np.zeros(3, np.int64))
    fresh = tables_of.room_for(room)
    ground = tables_of.Ground(terrain.posts, cover.cells, cover.height_m, step_m)
    posts = sample_count(plan.reach_m, step_m) + 1
    paper = tables_of.Paper(np.zeros((3, posts)), np.zeros(posts, np.int8))
    sweep.sweep_into(ground, plan, points, (older, newer), heard, fresh, paper)
    return heard, fresh.used(part.start or 0)
