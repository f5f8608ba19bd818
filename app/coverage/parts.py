"""The maps of a run block by block: each block a file named after all it depends on, so none is computed twice.

A run that was killed goes on with the blocks it finds, and loses the one it was at. A run after one tower changed
computes the blocks within that tower's reach; the others it finds by their names. Blocks nobody asked for lately are
removed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import Geometry

from app.config import settings
from app.coverage.engine import Floats, Ints, Network, Progress, Receiver, compute
from app.coverage.executors import Lent, lent
from app.coverage.land_cover import LandCover
from app.coverage.propagation.p1812 import MODEL, MODEL_VERSION
from app.coverage.raster_store import METRES_PER_DEGREE
from app.coverage.surface import NO_SIGNAL, OUTSIDE, UNKNOWN, Block, Frame, Levels, projected
from app.coverage.terrain import Terrain
from app.kit.files import remove_abandoned, remove_if_unused, whole

PIXELS = 64
"""Of a block's side: a tower of 20 km reach touches 45 blocks of 100 m pixels, 0.2 million of them."""
TOGETHER = 64
"""Pixels that go to a thread or a worker at a time."""
KEPT_FILES = 8192
"""Blocks that stay, those used last; about 50 kB each."""
IN_USE_S = 86_400


@dataclass(frozen=True)
class Radio:
    """What the maps are computed of."""

    terrain: Terrain
    cover: LandCover
    network: Network
    cell_id: Ints
    """Row id of each cell of the network."""
    groups: tuple[tuple[int, str], ...]
    """Operator's row id and technology."""
    floor_dbm: Floats
    receiver: Receiver

    @property
    def technologies(self) -> list[str]:
        """Those of the groups, in order."""
        return sorted({technology for _, technology in self.groups})

    def within_reach(self, lon: Floats, lat: Floats) -> Radio:
        """Return it with the masts alone that any of the points may hear."""
        x, y = np.array([lon.min(), lon.max()]), np.array([lat.min(), lat.max()])
        squeeze = float(np.cos(np.radians(np.abs(y).max())))
        network = self.network
        east = np.maximum(0, np.maximum(x[0] - network.mast_lon, network.mast_lon - x[1])) * squeeze
        north = np.maximum(0, np.maximum(y[0] - network.mast_lat, network.mast_lat - y[1]))
        # One part in a hundred for what a flat degree is off by.
        near = np.hypot(east, north) * METRES_PER_DEGREE <= self.receiver.max_distance_km * 1010
        kept = np.repeat(near, np.diff(network.first_cell))
        return replace(self, cell_id=self.cell_id[kept], network=network.only(kept))

    def digest(self, *more: object) -> str:
        """Return the name of what it gives at a place; equal names mean equal maps."""
        network, receiver = self.network, self.receiver
        total = hashlib.sha256()
        for part in (
            MODEL, MODEL_VERSION, self.terrain.version, self.cover.version, self.cover.height_m, self.groups,
            self.floor_dbm, receiver.height_m, receiver.delta_n, receiver.n0, receiver.max_distance_km,
            network.mast_lon, network.mast_lat, network.first_cell, network.cells, network.group, network.correction,
            self.cell_id, *more,
        ):  # fmt: skip
            total.update((part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode()) + b"|")
        return total.hexdigest()[:24]


@dataclass(frozen=True)
class Part:
    """One block: levels by group and the best cell by technology."""

    levels: Levels
    """Shape (groups, rows, columns), tenths of a dBm."""
    server: NDArray[np.int32]
    """Shape (technologies, rows, columns), row id of the best cell, 0 none."""


def compute_parts(
    folder: Path, grid: Frame, area: Geometry, radio: Radio, progress: Progress | None = None
) -> list[tuple[Block, Path]]:
    """Compute every block that `folder` does not hold yet; return the file of each.

    Parameters
    ----------
    area : Geometry
        In degrees; pixels it does not touch stay outside the map.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inside = rasterize([projected(area, grid.crs)], (grid.height, grid.width), transform=grid.transform,
                       all_touched=True, dtype="uint8").astype(bool)  # fmt: skip
    blocks, files = list(grid.blocks(PIXELS)), []
    with lent(settings().workers) as workers:
        for number, block in enumerate(blocks):
            files.append((block, _file(folder, grid, block, inside[block], radio, workers)))
            if progress:
                progress(number + 1, len(blocks), "raster")
    return files


def forget(folder: Path, used: Sequence[Path]) -> None:
    """Remove all but the blocks used last; none of today's, which another run may be about to read."""
    remove_abandoned(folder)
    ours = {path.name for path in used}
    others = [path for path in folder.glob("*.npz") if path.name not in ours]
    others.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for path in others[max(0, KEPT_FILES - len(ours)) :]:
        remove_if_unused(path, IN_USE_S)


def read_part(path: Path) -> Part:
    """Return a finished block."""
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as kept:
        return Part(kept["levels"], kept["server"])


def _file(
    folder: Path, grid: Frame, block: Block, wanted: NDArray[np.bool_], radio: Radio, workers: Lent
) -> Path:  # fmt: skip
    """Return the file of a block, computed unless it is there."""
    if wanted.any():
        lon, lat = (values[wanted] for values in grid.centres(*block))
        radio = radio.within_reach(lon, lat)
    else:
        lon = lat = np.empty(0)
    corner = (
        grid.crs,
        grid.step_m,
        grid.west + block[1].start * grid.step_m,
        grid.north - block[0].start * grid.step_m,
    )
    target = folder / f"{radio.digest(*corner, wanted.shape, wanted) if lon.size else _nothing(radio, wanted)}.npz"
    if target.exists():
        os.utime(target)
        return target
    part = _part(wanted, lon, lat, radio, workers)
    with whole(target) as handle:
        np.savez_compressed(handle, levels=part.levels, server=part.server)
    return target


def _nothing(radio: Radio, wanted: NDArray[np.bool_]) -> str:
    return f"outside-{len(radio.groups)}-{len(radio.technologies)}-{wanted.shape[0]}-{wanted.shape[1]}"


def _part(wanted: NDArray[np.bool_], lon: Floats, lat: Floats, radio: Radio, workers: Lent) -> Part:
    technology = np.array([radio.technologies.index(t) for _, t in radio.groups], np.int64)
    levels = np.full((len(radio.groups), *wanted.shape), OUTSIDE, np.int16)
    server = np.zeros((len(radio.technologies), *wanted.shape), np.int32)
    if not lon.size:
        return Part(levels, server)
    found = compute(
        radio.terrain, radio.network, lon, lat, radio.floor_dbm, radio.receiver, cover=radio.cover, on=workers,
        block=TOGETHER,
    )  # fmt: skip
    tenths = np.where(np.isfinite(found.rsrp_dbm), np.clip(np.round(found.rsrp_dbm * 10), -3000, 3000), NO_SIGNAL)
    # A cell of unknown path that could be heard: what is there is not known.
    tenths[~np.isfinite(found.rsrp_dbm) & np.isfinite(found.unknown_bound_dbm)] = UNKNOWN
    levels[:, wanted] = tenths.T.astype(np.int16)
    ids = np.append(radio.cell_id, 0)  # index -1, none, reads the 0 at the end
    for number in range(len(radio.technologies)):
        mine = np.flatnonzero(technology == number)
        best = mine[found.rsrp_dbm[:, mine].argmax(axis=1)]
        server[number, wanted] = ids[found.server[np.arange(len(lon)), best]]
    return Part(levels, server)
