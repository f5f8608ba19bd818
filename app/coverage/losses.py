"""Path losses kept between runs, so that one changed tower costs its own paths alone.

A file's name stands for what all its losses depend on: ground, receiver and model. Within, a loss is found by the
places of mast and point, the antenna's height and the frequency. Who owns a cell, its power, tilt or azimuth do not
matter. Entries stand in order of point, mast and radio (a height and a frequency). There are two files at most: a large
one, and a small one of what came later, which is merged into it when it has grown.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from app.coverage.plan import F_GHZ, HEIGHT, Fresh, Known
from app.kit.files import remove_abandoned, remove_if_unused, whole

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MERGE_SHARE = 0.2
"""A later file larger than this share of the first is merged into it."""
KEPT_FILES = 6
"""Files of other grounds, receivers and models that stay; the oldest go."""
IN_USE_S = 86_400
MAX_LOSSES = 8_000_000
"""Kept in all, 200 MB; with more, those of earlier runs are given up, and the rest of this one is not kept."""
log = logging.getLogger("hatang.coverage")


@dataclass(frozen=True)
class Layer:
    """One file: places as complex longitude + i·latitude, each table in ascending order."""

    point: NDArray[np.complex128]
    mast: NDArray[np.complex128]
    radio: NDArray[np.complex128]
    """Antenna height in metres + i·GHz."""
    first: Ints
    """Shape (points + 1,): entries first[p]:first[p + 1] are those of point p, in order of mast and radio."""
    entry_mast: NDArray[np.int32]
    entry_radio: NDArray[np.int32]
    loss_db: Floats
    """NaN: the path crosses unknown terrain."""
    diffraction_db: Floats

    def known(self, points: Floats, masts: Floats, cells: Floats) -> Known:
        """Return it as the kernel reads it, for the points, masts and cells of a run."""
        at = _find(self.point, _places(points))
        start = np.where(at >= 0, self.first[at], 0)
        end = np.where(at >= 0, self.first[at + 1], 0)
        return Known(
            start, end, self.entry_mast, self.entry_radio, self.loss_db, self.diffraction_db,
            _find(self.mast, _places(masts)), _find(self.radio, _radios(cells)),
        )  # fmt: skip


def empty() -> Layer:
    """Return a layer that knows nothing."""
    none, nowhere = np.empty(0), np.empty(0, np.complex128)
    small = np.empty(0, np.int32)
    return Layer(nowhere, nowhere, nowhere, np.zeros(1, np.int64), small, small, none, none)


def known(layers: Sequence[Layer], points: Floats, masts: Floats, cells: Floats) -> tuple[Known, Known]:
    """Return two layers as the kernel reads them; rows of points and masts begin with longitude and latitude."""
    first, second = (layer.known(points, masts, cells) for layer in layers)
    return first, second


class Losses:
    """The losses kept under one key, at most two layers.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    *inputs : object
        What all of them depend on; arrays and values whose repr says what they are.
    """

    def __init__(self, folder: Path, *inputs: object) -> None:
        key = hashlib.sha256()
        for part in inputs:
            key.update((part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode()) + b"|")
        self._paths = [folder / f"{key.hexdigest()[:16]}-{number}.npz" for number in (1, 2)]
        self.layers = [_read(path) for path in self._paths]
        self._renewed = False

    def keep(self, fresh: Sequence[Fresh], points: Floats, masts: Floats, cells: Floats) -> int:
        """Keep what a run computed anew; return how many losses those were.

        Notes
        -----
        A file appears whole or not at all. Of two runs that end at once the later one's file stays: what the other
        had computed is computed again some day.
        """
        new = _layer(fresh, points, masts, cells)
        count = len(new.loss_db)
        if count:
            try:
                self._keep(new)
            except OSError as error:  # a full disk costs the next run time, this one nothing
                log.warning("path losses are not kept: %s", error)
        return count

    def _keep(self, new: Layer) -> None:
        older, newer = self.layers
        if len(older.loss_db) + len(newer.loss_db) + len(new.loss_db) > MAX_LOSSES:
            if self._renewed:  # as much as is kept is this run's own
                return
            older, newer = empty(), empty()  # what is still asked for comes again
        self._renewed = True
        newer = _merged(newer, new)
        if len(newer.loss_db) > MERGE_SHARE * len(older.loss_db):
            older, newer = _merged(older, newer), empty()
            _write(self._paths[0], older)
            self._paths[1].unlink(missing_ok=True)
        else:
            _write(self._paths[1], newer)
        self.layers = [older, newer]
        _forget(self._paths[0].parent)


def _places(rows: Floats) -> NDArray[np.complex128]:
    return rows[:, 0] + 1j * rows[:, 1]


def _radios(cells: Floats) -> NDArray[np.complex128]:
    return cells[:, HEIGHT] + 1j * cells[:, F_GHZ]


def _find(table: NDArray[np.complex128], wanted: NDArray[np.complex128]) -> Ints:
    """Return the index of each in an ascending table, -1 where it is not."""
    if not len(table):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return np.where(table[at] == wanted, at, -1)


def _layer(fresh: Sequence[Fresh], points: Floats, masts: Floats, cells: Floats) -> Layer:
    """Return what the kernel computed as a layer of its own."""
    point, mast, cell = (
        np.concatenate([np.empty(0, np.int64), *(getattr(f, name)[: f.filled[0]] for f in fresh)])
        for name in ("point", "mast", "cell")
    )
    loss, diffraction = (
        np.concatenate([np.empty(0), *(getattr(f, name)[: f.filled[0]] for f in fresh)])
        for name in ("loss_db", "diffraction_db")
    )
    return _sorted(_places(points)[point], _places(masts)[mast], _radios(cells)[cell], loss, diffraction)


def _sorted(
    point: NDArray[np.complex128], mast: NDArray[np.complex128], radio: NDArray[np.complex128], loss: Floats,
    diffraction: Floats,
) -> Layer:  # fmt: skip
    """Return entries as a layer; of equal ones the first stays."""
    (points, p), (masts, m), (radios, r) = (np.unique(v, return_inverse=True) for v in (point, mast, radio))
    key = (p.astype(np.int64) * len(masts) + m) * len(radios) + r
    key, order = np.unique(key, return_index=True)
    first = np.searchsorted(key, np.arange(len(points) + 1) * (len(masts) * len(radios)))
    return Layer(points, masts, radios, first, m[order].astype(np.int32), r[order].astype(np.int32), loss[order],
                 diffraction[order])  # fmt: skip


def _merged(one: Layer, other: Layer) -> Layer:
    if not len(other.loss_db):
        return one
    if not len(one.loss_db):
        return other
    both = [_entries(layer) for layer in (one, other)]
    point, mast, radio, loss, diffraction = (np.concatenate(pair) for pair in zip(*both, strict=True))
    return _sorted(point, mast, radio, loss, diffraction)


def _entries(layer: Layer) -> tuple[NDArray[Any], ...]:
    point = np.repeat(layer.point, np.diff(layer.first))
    return point, layer.mast[layer.entry_mast], layer.radio[layer.entry_radio], layer.loss_db, layer.diffraction_db


def _read(path: Path) -> Layer:
    """Return a file's layer; a missing or damaged one knows nothing, so everything is computed again."""
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as kept:
            found = Layer(*(kept[field.name] for field in fields(Layer)))
        os.utime(path)  # used: not the oldest
    except FileNotFoundError:
        return empty()
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        log.warning("path losses in %s cannot be read, and are computed again: %s", path, error)
        return empty()
    return found


def _write(path: Path, layer: Layer) -> None:
    with whole(path) as handle:
        np.savez(handle, **{field.name: getattr(layer, field.name) for field in fields(Layer)})


def _forget(folder: Path) -> None:
    """Remove all but the files used last, none that was used within the last day."""
    remove_abandoned(folder)
    files = sorted(folder.glob("*.npz"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in files[KEPT_FILES:]:
        remove_if_unused(path, IN_USE_S)
