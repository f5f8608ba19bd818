"""How sure a share of covered people is: errors of the model and of the places, common and independent ones. Pure.

A predicted level is off by two independent normal errors. The model's (terrain, clutter, antennas as recorded) moves
the whole village: its paths come from the same masts over the same hills. That of the place (ITU-R P.1812 §4.7) differs
from house to house, and a populated point stands for many houses, so within a point it averages out. Given the model's
error X the share of people served is therefore

    s(X) = Σ w_i · Φ((m_i + X) / σ_location) / Σ w_i,        X ~ N(0, σ_model²)

with margins m_i over the level a phone needs. s rises with X, so its deciles are s at the deciles of X: no sampling.
Its mean is Σ w_i · Φ(m_i / √(σ_location² + σ_model²)) / Σ w_i.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOW, HIGH = 0.1, 0.9
DECILE = NormalDist().inv_cdf(HIGH)
"""Of the standard normal distribution, 1.2816: 80 % lie within ± this many deviations."""


@dataclass(frozen=True)
class Errors:
    """Standard deviations of a predicted level, dB."""

    location_db: float
    model_db: float
    default_db: tuple[float, ...] = ()
    """Added for each attribute of a cell that is a default, in the order of `app.coverage.inputs.DEFAULTED`."""

    def of_cells(self, defaulted: Ints) -> Floats:
        """Return the model's error for cells whose attributes `defaulted` (bits) are defaults, independent errors."""
        bits = np.asarray(defaulted)[..., None] >> np.arange(len(self.default_db)) & 1
        total: Floats = self.model_db**2 + bits @ np.square(np.array(self.default_db))
        return np.sqrt(total)

    @property
    def total_db(self) -> float:
        """Of both together, for one place: √(σ_location² + σ_model²)."""
        return math.hypot(self.location_db, self.model_db)


@dataclass(frozen=True)
class Shares:
    """Share of the weight that is served, one entry per village; NaN where the weights sum to 0."""

    expected: Floats
    low: Floats
    high: Floats


def probability(margin_db: Floats, sigma_db: float | Floats) -> Floats:
    """Return the probability that a place whose median lies `margin_db` over the level gets it.

    Parameters
    ----------
    margin_db : float64 array, any shape
        -inf is no signal at all: 0.
    sigma_db : float or float64 array of the same shape
        0 makes it a step at 0 dB.
    """
    margin = np.asarray(margin_db, np.float64)
    found = np.empty(margin.size)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scaled = np.where(np.equal(sigma_db, 0.0), np.where(margin >= 0, np.inf, -np.inf), margin / sigma_db)
    _normal_into(np.ascontiguousarray(scaled.ravel()), found)
    return found.reshape(margin.shape)


def serving(margin_db: Floats, operator: Ints, min_operators: int) -> tuple[Floats, Ints]:
    """Return per point margin and group of the `min_operators`-th best operator; -inf and -1 where there are fewer.

    A point is served by so many operators exactly when this margin is reached, for errors common to all of them.

    Parameters
    ----------
    margin_db : float64 array, shape (points, groups)
    operator : int array, shape (groups,)
    """
    codes, points = np.unique(operator), np.arange(margin_db.shape[0])
    if len(codes) < min_operators:
        return np.full(len(points), -np.inf), np.full(len(points), -1)
    groups = [np.flatnonzero(operator == code) for code in codes]
    first = np.column_stack([mine[margin_db[:, mine].argmax(axis=1)] for mine in groups])
    best = np.take_along_axis(margin_db, first, axis=1)
    place = len(codes) - min_operators
    chosen = np.argpartition(best, place, axis=1)[:, place]
    margin, group = best[points, chosen], first[points, chosen]
    return margin, np.where(margin > -np.inf, group, -1)


def shares(
    margin_db: Floats, possible: NDArray[np.bool_], village: Ints, villages: int, weight: Floats, location_db: float,
    model_db: Floats,
) -> Shares:  # fmt: skip
    """Return the share of people served, its mean and its deciles.

    Parameters
    ----------
    margin_db : float64 array, shape (points,)
        Median level over the one a phone needs, without the margin for a probability.
    possible : bool array, shape (points,)
        Points that something unknown might serve: nothing in `low`, all in `high`.
    village : int array, shape (points,)
        Index of each point's village.
    weight : float64 array, shape (points,)
    location_db : float
        Error of the place.
    model_db : float64 array, shape (points,)
        The model's own error for the cell that serves the point.

    Notes
    -----
    Levels more than 20 dB under every rule's threshold are not computed; they count as no signal here, which takes at
    most a seventh of such a point's people from `high`.
    """
    total = np.bincount(village, weight, villages)

    def share(served: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.clip(np.bincount(village, weight * served, villages) / total, 0.0, 1.0)

    shift = DECILE * model_db
    low = share(probability(margin_db - shift, location_db))
    high = share(np.where(possible, 1.0, probability(margin_db + shift, location_db)))
    return Shares(share(probability(margin_db, np.hypot(location_db, model_db))), low, high)


@kernel
def _normal_into(value: Floats, out: Floats) -> None:
    """Fill out with the normal distribution's Φ; erfc keeps its digits far down the tail."""
    for k in range(value.size):
        out[k] = 0.5 * math.erfc(-value[k] / math.sqrt(2.0))
