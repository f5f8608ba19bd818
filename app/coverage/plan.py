"""What the kernel of a run reads and fills: the tables and their columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.coverage.grid import Grids
from app.coverage.propagation.survey import Air

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
    """Classes of what stands on the ground; no grid: bare."""
    height_m: Floats
    """Representative height of every class, negative over the sea."""
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
    base: Floats
    """Shape (cells,): level of each cell less free space over 1 km, `base_db` of the cells."""
    correction: Floats
    """Shape (cells, classes, 4), added to levels: BIAS in dB, SLOPE in dB a decade of the distance in km, held between
    NEAR and FAR, which are log10(km), by the clutter class of the point. No rows: nothing is added."""


class Known(NamedTuple):
    """Losses computed before; `app.coverage.losses` keeps them.

    Attributes
    ----------
    first, last : int64 arrays, shape (points,)
        The entries of each point, in order of mast and radio.
    mast, radio : int32 arrays, shape (entries,)
        Of each entry, in numbers of their own.
    loss_db, diffraction_db : float64 arrays, shape (entries,)
        NaN: the path is unknown.
    mast_of, radio_of : int64 arrays, shapes (masts,), (cells,)
        Those numbers of the plan's masts and cells, -1 where nothing is known.
    """

    first: Ints
    last: Ints
    mast: NDArray[np.int32]
    radio: NDArray[np.int32]
    loss_db: Floats
    diffraction_db: Floats
    mast_of: Ints
    radio_of: Ints


class Fresh(NamedTuple):
    """Losses computed now, as many as there is room for; NaN where the path is unknown."""

    point: Ints
    """Index in the block, and after it in the run."""
    mast: Ints
    cell: Ints
    loss_db: Floats
    diffraction_db: Floats
    filled: Ints
    """Shape (1,): how many there are."""

    def used(self, start: int) -> Fresh:
        """Return a copy of what there is, the block beginning at point `start` of the run."""
        n = int(self.filled[0])
        return Fresh(self.point[:n] + start, self.mast[:n].copy(), self.cell[:n].copy(), self.loss_db[:n].copy(),
                     self.diffraction_db[:n].copy(), self.filled)  # fmt: skip


def room_for(losses: int) -> Fresh:
    """Return room for so many losses."""
    point, mast, cell = (np.empty(losses, np.int64) for _ in range(3))
    return Fresh(point, mast, cell, np.empty(losses), np.empty(losses), np.zeros(1, np.int64))


class Paper(NamedTuple):
    """Room for one profile; the caller's, since what a kernel makes itself it frees when it last names it.

    Attributes
    ----------
    work : float64 array, shape (3, posts)
    zone : int8 array, shape (posts,)
    """

    work: Floats
    zone: NDArray[np.int8]


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


def base_db(cells: Floats) -> Floats:
    """Return the level of each cell less free space over 1 km, dBm (ITU-R P.1812-7 eq. 7)."""
    base: Floats = cells[:, LEVEL] - 92.4 - 20.0 * np.log10(cells[:, F_GHZ])
    return base
