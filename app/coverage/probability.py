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


def probability(margin_db: Floats, sigma_db: float) -> Floats:
    """Return the probability that a place whose median lies `margin_db` over the level gets it.

    Parameters
    ----------
    margin_db : float64 array, any shape
        -inf is no signal at all: 0.
    sigma_db : float
        0 makes it a step at 0 dB.
    """
    margin = np.asarray(margin_db, np.float64)
    if sigma_db <= 0:
        return (margin >= 0).astype(np.float64)
    found = np.empty(margin.size)
    with np.errstate(over="ignore"):
        _normal_into(np.ascontiguousarray(margin.ravel() / sigma_db), found)
    return found.reshape(margin.shape)


def serving_margin(margin_db: Floats, operator: Ints, min_operators: int) -> Floats:
    """Return per point the margin of the `min_operators`-th best operator, -inf where there are fewer.

    A point is served by so many operators exactly when this margin is reached, for errors common to all of them.

    Parameters
    ----------
    margin_db : float64 array, shape (points, groups)
    operator : int array, shape (groups,)
    """
    codes = np.unique(operator)
    if len(codes) < min_operators:
        return np.full(margin_db.shape[0], -np.inf)
    best = np.column_stack([margin_db[:, operator == code].max(axis=1) for code in codes])
    return np.partition(best, len(codes) - min_operators, axis=1)[:, len(codes) - min_operators]


def shares(
    margin_db: Floats, possible: NDArray[np.bool_], village: Ints, villages: int, weight: Floats, errors: Errors
) -> Shares:
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

    Notes
    -----
    Levels more than 20 dB under every rule's threshold are not computed; they count as no signal here, which takes at
    most a seventh of such a point's people from `high`.
    """
    total = np.bincount(village, weight, villages)

    def share(served: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.clip(np.bincount(village, weight * served, villages) / total, 0.0, 1.0)

    shift = DECILE * errors.model_db
    low = share(probability(margin_db - shift, errors.location_db))
    high = share(np.where(possible, 1.0, probability(margin_db + shift, errors.location_db)))
    return Shares(share(probability(margin_db, errors.total_db)), low, high)


@kernel
def _normal_into(value: Floats, out: Floats) -> None:
    """Fill out with the normal distribution's Φ; erfc keeps its digits far down the tail."""
    for k in range(value.size):
        out[k] = 0.5 * math.erfc(-value[k] / math.sqrt(2.0))
