"""Smooth seeded noise: cubic B-splines through random lattices, evaluated on grids or at points."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream `name` of `seed`: each part of the province has its own, so parts stay independent."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def spline_weights(t: Floats, count: int) -> Singles:
    """Return the dense weights (len(t), count) of uniform cubic B-splines at lattice coordinates `t`.

    `t` runs from 0 to count - 3; row i holds the four weights of the lattice nodes around t[i].
    """
    cell = np.clip(np.floor(t).astype(np.int64), 0, count - 4)
    weights = np.zeros((len(t), count), np.float32)
    rows = np.arange(len(t))
    for k, w in enumerate(_cubic(t - cell)):
        weights[rows, cell + k] = w
    return weights


def _cubic(u: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    v = 1 - u
    return v**3 / 6, (3 * u**3 - 6 * u**2 + 4) / 6, (3 * v**3 - 6 * v**2 + 4) / 6, u**3 / 6


@dataclass(frozen=True)
class Lattice:
    """Noise of one wavelength over a box; values have mean 0 and standard deviation about 1."""

    values: Singles
    west: float
    south: float
    step: float

    @classmethod
    def random(cls, rng: np.random.Generator, box: tuple[float, float, float, float], step: float) -> Lattice:
        """Draw the lattice that covers `box` (west, south, east, north) with nodes `step` apart."""
        west, south, east, north = box
        shape = (int((north - south) / step) + 5, int((east - west) / step) + 5)
        # A cubic B-spline averages its neighbours: 2.087 restores the spread of the drawn values.
        return cls((rng.standard_normal(shape) * 2.087).astype(np.float32), west, south, step)

    def grid(self, x: Floats, y: Floats) -> Singles:
        """Return values (len(y), len(x)) on the rectangular grid of axes `x` and `y`."""
        rows, columns = self.values.shape
        wy = spline_weights((y - self.south) / self.step, rows)
        wx = spline_weights((x - self.west) / self.step, columns)
        return np.asarray((wy @ self.values) @ wx.T, np.float32)

    def at(self, x: Floats, y: Floats) -> Floats:
        """Return values at points `x`, `y` (same shape)."""
        rows, columns = self.values.shape
        tx, ty = (x - self.west) / self.step, (y - self.south) / self.step
        j = np.clip(np.floor(tx).astype(np.int64), 0, columns - 4)
        i = np.clip(np.floor(ty).astype(np.int64), 0, rows - 4)
        result = np.zeros(np.shape(x))
        for a, wy in enumerate(_cubic(ty - i)):
            for b, wx in enumerate(_cubic(tx - j)):
                result += wy * wx * self.values[i + a, j + b]
        return result


@dataclass(frozen=True)
class Warp:
    """A smooth displacement of the plane in metres: what is drawn straight comes out natural, without gaps."""

    layers: tuple[tuple[float, Lattice, Lattice], ...]

    @classmethod
    def random(
        cls, rng: np.random.Generator, box: tuple[float, float, float, float], layers: list[tuple[float, float]]
    ) -> Warp:
        """Draw displacements for `layers` of (wavelength_m, amplitude_m)."""
        return cls(tuple((a, Lattice.random(rng, box, w), Lattice.random(rng, box, w)) for w, a in layers))

    def forward(self, xy: Floats) -> Floats:
        """Return points (n, 2) displaced."""
        x, y = xy[:, 0], xy[:, 1]
        moved = xy.astype(np.float64, copy=True)
        for amplitude, along, across in self.layers:
            moved[:, 0] += amplitude * along.at(x, y)
            moved[:, 1] += amplitude * across.at(x, y)
        return moved

    def inverse(self, xy: Floats) -> Floats:
        """Return the points (n, 2) that `forward` takes to `xy`, to a millimetre."""
        guess = xy.astype(np.float64, copy=True)
        for _ in range(60):  # damped: plain fixed-point steps overshoot where the noise is steep
            guess += 0.7 * (xy - self.forward(guess))
        return guess
