"""Reads measured levels and puts beside each the level that the model predicts of the cell that served it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.bands import BANDS, band_of
from app.coverage.calibration import Bools, Floats, Ints, Samples
from app.coverage.collected import IN_TIME
from app.coverage.engine import REASONS, Network, Progress, Receiver, compute
from app.coverage.inputs import Cells
from app.coverage.land_cover import CLASSES, LandCover
from app.coverage.models import LEVELS_DBM
from app.coverage.plan import F_GHZ
from app.coverage.terrain import Terrain

_PART = 20_000
"""Rows read at a time."""
# ruff: noqa: S608  the words are ours
_DROPPED = f"""
    SELECT count(*) FILTER (WHERE kind <> 'drive_test'),
           count(*) FILTER (WHERE kind = 'drive_test' AND rsrp_dbm IS NULL),
           count(*) FILTER (WHERE kind = 'drive_test' AND rsrp_dbm IS NOT NULL AND indoor), count(*)
    FROM signal_measurement WHERE {IN_TIME}
"""
_MEASURED = f"""
    SELECT operator_id, technology, cell_code, ST_X(point), ST_Y(point), rsrp_dbm, coalesce(frequency_mhz, 'NaN'),
           synthetic
    FROM signal_measurement
    WHERE {IN_TIME} AND kind = 'drive_test' AND rsrp_dbm IS NOT NULL AND NOT indoor ORDER BY id
"""
DROPPED = {
    "speed_test": ("đo tốc độ của người dùng: không rõ trong hay ngoài nhà", "users' speed tests: indoors or not"),
    "no_level": ("không có mức thu", "without a level"),
    "indoor": ("đo trong nhà", "taken indoors"),
    "no_cells": ("mạng chưa nộp trạm nào", "no station of the network is registered"),
    "other_band": ("mạng không có ô phát ở băng tần đã đo", "the network has no cell of the band measured"),
    "nothing_heard": ("mô hình không thấy ô phát nào", "the model hears no cell"),
    "restricted": ("trạm hạn chế công bố", "served by a restricted site"),
    "point_outside_terrain": ("điểm đo nằm ngoài địa hình đã nạp", "the sample lies outside the terrain loaded"),
    "site_outside_terrain": ("trạm nằm ngoài địa hình đã nạp", "the site lies outside the terrain loaded"),
    "path_crosses_unknown_terrain": (
        "đường truyền đi qua vùng không có độ cao",
        "the path crosses terrain of unknown height",
    ),
}
"""Why a sample is not used."""


@dataclass(frozen=True)
class Drive:
    """Levels of drive tests outdoors; arrays of shape (samples,)."""

    operator: Ints
    technology: list[str]
    cell_code: list[str | None]
    lon: Floats
    lat: Floats
    rsrp_dbm: Floats
    frequency_mhz: Floats
    """NaN where not recorded."""
    synthetic: bool
    total: int
    """Samples of every kind in time."""
    dropped: dict[str, int]


@dataclass(frozen=True)
class Matched:
    """Samples whose serving cell and its predicted level are known."""

    samples: Samples
    technology: list[str]
    synthetic: bool
    dropped: dict[str, int]
    """Samples by reason, one of `DROPPED`."""


def read_drive(session: Session, as_of: dt.date, days: int) -> Drive:
    """Read the samples taken in the `days` up to the end of `as_of`; users' speed tests may well be taken indoors."""
    bind = {"as_of": as_of, "days": days}
    speed, level, indoor, total = session.execute(text(_DROPPED), bind).one()
    rows = session.execute(text(_MEASURED), bind, execution_options={"yield_per": _PART})
    names: list[tuple[str, str | None]] = []
    parts = [np.empty((0, 6))]
    for part in rows.partitions(_PART):
        names += [(r[1], r[2]) for r in part]
        parts.append(np.array([(r[0], *r[3:8]) for r in part], np.float64))
    value = np.concatenate(parts)
    return Drive(
        value[:, 0].astype(np.int64), [n[0] for n in names], [n[1] for n in names], value[:, 1], value[:, 2],
        value[:, 3], value[:, 4], bool(value[:, 5].any()), int(total),
        {"speed_test": int(speed), "no_level": int(level), "indoor": int(indoor)},
    )  # fmt: skip


def match(
    terrain: Terrain, cover: LandCover, cells: Cells, receiver: Receiver, drive: Drive, floor_dbm: dict[str, float],
    progress: Progress | None = None,
) -> Matched:  # fmt: skip
    """Return the samples beside the model's levels, uncorrected, and how many could not be used, and why.

    Parameters
    ----------
    floor_dbm : dict of technology → level
        The least a receiver reports.

    Notes
    -----
    A sample belongs to the cell its instrument named, when the registry has a cell of that code in its network; else
    to the cell that the model hears best there, among those of the measured band when a frequency was recorded. Where
    a cell whose path is unknown might be heard better, nobody knows which served, and the sample is left out.
    """
    band = band_of(cells.network.cells[:, F_GHZ])
    group = _group_of(drive, cells)
    named = _named(drive, cells, group)
    served = _best(terrain, cover, cells, receiver, drive, group, band, progress)
    other = np.flatnonzero((named >= 0) & ((named != served.cell) | (served.why != "")))
    _ask_named(terrain, cover, cells.network, receiver, drive, other, named[other], served)
    why = served.why
    why[(why == "") & ~np.isfinite(served.rsrp_dbm)] = "nothing_heard"
    why[(named < 0) & ~served.possible] = "other_band"
    if cells.cell_id.size:
        why[(why == "") & cells.restricted[np.maximum(served.cell, 0)]] = "restricted"
    why[group < 0] = "no_cells"
    used = np.flatnonzero(why == "")
    cell = served.cell[used]
    codes = sorted(set(cells.site_code))
    numbered = {code: k for k, code in enumerate(codes)}
    technology = [drive.technology[k] for k in used]
    samples = Samples(
        np.array([numbered[c] for c in cells.site_code], np.int64)[cell], tuple(codes), band[cell],
        cover.classes(drive.lon[used], drive.lat[used]).astype(np.int64), CLASSES, served.km[used],
        served.rsrp_dbm[used], drive.rsrp_dbm[used], np.array([floor_dbm[t] for t in technology], np.float64),
    )  # fmt: skip
    synthetic = drive.synthetic or terrain.synthetic or cover.synthetic or bool(cells.synthetic[cell].any())
    counted = Counter(why[why != ""].tolist())
    return Matched(samples, technology, synthetic, drive.dropped | dict(sorted(counted.items())))


@dataclass(frozen=True)
class _Served:
    """Who serves each sample: arrays of shape (samples,), which `_ask_named` fills anew in part."""

    cell: Ints
    rsrp_dbm: Floats
    km: Floats
    why: NDArray[np.str_]
    """Why that is not known; empty where it is."""
    possible: Bools
    """The network has a cell of the band measured."""


def _best(
    terrain: Terrain, cover: LandCover, cells: Cells, receiver: Receiver, drive: Drive, group: Ints, band: Ints,
    progress: Progress | None,
) -> _Served:  # fmt: skip
    """Return the best of the cells that each sample may be of."""
    bands, groups, n = len(BANDS), len(cells.group_technology), len(group)
    if groups == 0:
        nothing = np.zeros(n)
        return _Served(np.full(n, -1), nothing, nothing, np.full(n, "", "U40"), nothing > 0)
    # A group a network and band: a sample that knows its frequency is not compared with another band's cell.
    by_band = replace(cells.network, group=cells.network.group * bands + band)
    # No level of a network that nobody measured matters.
    floor = np.full(groups * bands, np.inf)
    floor.reshape(groups, bands)[np.unique(group[group >= 0])] = LEVELS_DBM[0]
    places, at = np.unique(np.column_stack([drive.lon, drive.lat]), axis=0, return_inverse=True)
    heard = compute(
        terrain, by_band, places[:, 0], places[:, 1], floor, receiver, cover=cover, workers=settings().workers,
        progress=progress,
    )  # fmt: skip
    each, columns = np.arange(n), np.maximum(group, 0)[:, None] * bands + np.arange(bands)
    told = ~np.isnan(drive.frequency_mhz)
    wanted = np.ones((n, bands), bool)
    wanted[told] = np.arange(bands) == band_of(drive.frequency_mhz[told] / 1000)[:, None]
    there = np.zeros(groups * bands, bool)
    there[by_band.group] = True
    level = np.where(wanted, heard.rsrp_dbm[at[:, None], columns], -np.inf)
    bound = np.where(wanted, heard.unknown_bound_dbm[at[:, None], columns], -np.inf)
    best, masking = level.argmax(axis=1), bound.argmax(axis=1)
    column = columns[each, best]
    reason = np.array([r or "" for r in REASONS], "U40")[heard.reason[at, columns[each, masking]]]
    why = np.where(bound[each, masking] > level[each, best], reason, "")
    return _Served(heard.server[at, column], level[each, best], heard.distance_m[at, column] / 1000, why,
                   np.asarray((there[columns] & wanted).any(axis=1)))  # fmt: skip


def _group_of(drive: Drive, cells: Cells) -> Ints:
    """Return each sample's network, -1 when it has no cell in the registry."""
    index = {g: k for k, g in enumerate(zip(cells.group_operator.tolist(), cells.group_technology, strict=True))}
    pairs = zip(drive.operator.tolist(), drive.technology, strict=True)
    return np.array([index.get(pair, -1) for pair in pairs], np.int64)


def _named(drive: Drive, cells: Cells, group: Ints) -> Ints:
    """Return the cell that each sample's instrument named, -1 when it named none the registry knows."""
    pairs: Iterable[tuple[int, str | None]] = zip(cells.network.group.tolist(), cells.code, strict=True)
    index = {pair: k for k, pair in enumerate(pairs)}
    return np.array([index.get((g, c), -1) for g, c in zip(group.tolist(), drive.cell_code, strict=True)], np.int64)


def _ask_named(
    terrain: Terrain, cover: LandCover, network: Network, receiver: Receiver, drive: Drive, which: Ints, cell: Ints,
    served: _Served,
) -> None:  # fmt: skip
    """Fill in the samples that are of another cell than the best one; one sweep a cell, of which there are hundreds."""
    floor = np.array([float(LEVELS_DBM[0])])
    numbers = np.arange(len(network.cells))
    for c in np.unique(cell):
        at = which[cell == c]
        alone = replace(network.only(numbers == c), group=np.zeros(1, np.int64))
        heard = compute(terrain, alone, drive.lon[at], drive.lat[at], floor, receiver, cover=cover, workers=1)
        served.cell[at], served.rsrp_dbm[at] = c, heard.rsrp_dbm[:, 0]
        served.km[at] = heard.distance_m[:, 0] / 1000
        served.why[at] = np.array([r or "" for r in REASONS], "U40")[heard.reason[:, 0]]
