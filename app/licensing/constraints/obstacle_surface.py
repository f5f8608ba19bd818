"""Obstacle limitation surface of an aerodrome as rings around its reference point; pure.

Heights are above the elevation of the aerodrome. Approach and take-off surfaces along the runway are not modelled:
they are lower near its ends, so a limit read here is never too strict there, and a person has to look.
Source: the rings are a dated rule of each aerodrome, recalled from ICAO Annex 14 in the domain notes, section 5 [M].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field


class Ring(BaseModel):
    """One surface, from the ring before it out to `to_m`.

    Attributes
    ----------
    to_m : float
        Outer edge, geodesic metres from the reference point; the edge itself belongs to this ring.
    height_m : float or None
        Height at its inner edge, metres above the aerodrome; None goes on where the ring before it ended.
    slope : float
        Rise in metres per metre outward, 0 for a horizontal surface.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    to_m: Annotated[float, Field(gt=0, le=100_000)]
    height_m: Annotated[float | None, Field(ge=0, le=1000)] = None
    slope: Annotated[float, Field(ge=0, le=1)] = 0.0


def max_height_m(distance_m: ArrayLike, rings: Sequence[Ring]) -> NDArray[np.float64]:
    """Return the height of the surface above the aerodrome at each distance.

    Parameters
    ----------
    distance_m : array_like of float
        Geodesic distances from the reference point, 0 or more; NaN stays NaN.
    rings : sequence of Ring
        Inner ones first; they never sink outward (`app.licensing.constraints.rules.Airport`).

    Returns
    -------
    ndarray of float64
        Metres, same shape; infinite beyond the last ring: no limit there.
    """
    distance = np.asarray(distance_m, np.float64)
    edge = np.array([r.to_m for r in rings])
    inner = np.concatenate([[0.0], edge[:-1]])
    slope = np.array([r.slope for r in rings])
    start = np.empty(len(rings))
    limit = np.nan
    for i, ring in enumerate(rings):
        start[i] = limit if ring.height_m is None else ring.height_m
        limit = start[i] + slope[i] * (edge[i] - inner[i])
    # side="left": a point on an edge belongs to the inner, lower ring.
    at = np.searchsorted(edge, distance, side="left")
    within = np.minimum(at, len(rings) - 1)
    height = start[within] + slope[within] * (distance - inner[within])
    return np.where(np.isnan(distance), np.nan, np.where(at < len(rings), height, np.inf))


def allowed_above_ground_m(
    distance_m: ArrayLike, ground_m: ArrayLike, elevation_m: float, rings: Sequence[Ring]
) -> NDArray[np.float64]:
    """Return how high something may stand above the ground: aerodrome + surface − ground.

    Parameters
    ----------
    ground_m : array_like of float
        Height of the ground above sea level; NaN is unknown and makes the answer unknown, except beyond all rings.

    Returns
    -------
    ndarray of float64
        Metres above ground, below 0 where the ground itself rises through the surface; infinite without a limit.
    """
    surface = max_height_m(distance_m, rings)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(surface), np.inf, elevation_m + surface - np.asarray(ground_m, np.float64))
