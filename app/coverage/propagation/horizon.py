"""What the profile says beside diffraction: horizons, angles, roughness (ITU-R P.1812-7 Attachment 1 §4-5).

Distances in km, heights in m above sea level, angles in mrad.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel

Floats = NDArray[np.float64]


@kernel
def horizons(
    d: Floats, h: Floats, n: int, hts: float, hrs: float, ae_km: float
) -> tuple[int, int, float, float, float]:
    """Return the horizon posts it and ir, their angles θt and θr, and the path's own angle θ (eq. 77-83).

    Parameters
    ----------
    d, h : float64 arrays, at least n long
        Distance and height of the posts; the two ends are no obstacles.

    Notes
    -----
    On a path in sight both horizons are the post of the largest ν.
    """
    d_path = d[n - 1]
    theta_td = 1000.0 * math.atan((hrs - hts) / (1000.0 * d_path) - d_path / (2.0 * ae_km))
    theta_rd = 1000.0 * math.atan((hts - hrs) / (1000.0 * d_path) - d_path / (2.0 * ae_km))
    slope, at = -math.inf, 1
    for i in range(1, n - 1):
        above = (h[i] - hts) / (1000.0 * d[i]) - d[i] / (2.0 * ae_km)
        if above > slope:
            slope, at = above, i
    theta_t = 1000.0 * math.atan(slope)
    if theta_t > theta_td:
        slope, back = -math.inf, 1
        for i in range(1, n - 1):
            d_far = d_path - d[i]
            above = (h[i] - hrs) / (1000.0 * d_far) - d_far / (2.0 * ae_km)
            if above >= slope:
                slope, back = above, i
        theta_r = 1000.0 * math.atan(slope)
    else:
        theta_t, theta_r = theta_td, theta_rd
        highest = -math.inf
        for i in range(1, n - 1):
            d_far = d_path - d[i]
            above = h[i] + 500.0 * d[i] * d_far / ae_km - (hts * d_far + hrs * d[i]) / d_path
            nu = above * math.sqrt(d_path / (d[i] * d_far))  # ν up to a factor
            if nu > highest:
                highest, at = nu, i
        back = at
    return at, back, theta_t, theta_r, 1000.0 * d_path / ae_km + theta_t + theta_r


@kernel
def roughness_m(d: Floats, h: Floats, n: int, at: int, back: int, hst: float, hsr: float) -> float:
    """Return hm, the greatest height over the smooth surface between the horizons (eq. 95)."""
    tilt = (hsr - hst) / d[n - 1]
    highest = -math.inf
    for i in range(at, back + 1):
        highest = max(highest, h[i] - (hst + tilt * d[i]))
    return highest
