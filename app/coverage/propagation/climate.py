"""How often the air bends waves past the median, and along which ground: ITU-R P.1812-7 §4.1, eq. 2-7.

Distances in km, refractivity in N-units, percentages as they are written there (β0 = 8 means 8 % of an average year).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel

EARTH_RADIUS_KM = 6371.0
SEA, COASTAL, INLAND = 1, 3, 4
"""Radio-climatic zones (Table 2)."""
ANOMALOUS_FACTOR = 3.0
"""Effective Earth radius factor exceeded for β0 per cent of the time (§4.1)."""

Floats = NDArray[np.float64]
Bytes = NDArray[np.int8]


@kernel
def median_factor(dn: float) -> float:
    """Return k50, the median effective Earth radius factor for a lapse rate of `dn` N-units/km (eq. 6)."""
    return 157.0 / (157.0 - dn)


@kernel
def ground_shares(d: Floats, zone: Bytes, n: int) -> tuple[float, float, float]:
    """Return ω, dtm and dlm: the share over sea, the longest land and the longest inland stretch in km.

    A post stands for the half steps on both its sides.
    """
    sea_km, land_km, inland_km, longest_land, longest_inland = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        before = (d[i] - d[i - 1]) / 2.0 if i > 0 else 0.0
        after = (d[i + 1] - d[i]) / 2.0 if i < n - 1 else 0.0
        length = before + after
        if zone[i] == SEA:
            sea_km += length
            land_km, inland_km = 0.0, 0.0
            continue
        land_km += length
        longest_land = max(longest_land, land_km)
        inland_km = inland_km + length if zone[i] == INLAND else 0.0
        longest_inland = max(longest_inland, inland_km)
    return sea_km / d[n - 1], longest_land, longest_inland


@kernel
def tau(dlm_km: float) -> float:
    """Return τ for the longest inland stretch (eq. 3a)."""
    return 1.0 - math.exp(-4.12e-4 * dlm_km**2.41)


@kernel
def anomalous_percent(dtm_km: float, dlm_km: float, latitude_deg: float) -> float:
    """Return β0, the per cent of time the lapse rate passes 100 N-units/km low in the air (eq. 2-5).

    Parameters
    ----------
    dtm_km, dlm_km : float
        From `ground_shares`.
    latitude_deg : float
        Of the middle of the path.
    """
    t = tau(dlm_km)
    far = 10.0 ** (-dtm_km / (16.0 - 6.6 * t))
    near = 10.0 ** (-5.0 * (0.496 + 0.354 * t))
    mu1 = min(1.0, (far + near) ** 0.2)
    phi = abs(latitude_deg)
    if phi <= 70.0:
        mu4: float = 10.0 ** ((-0.935 + 0.0176 * phi) * math.log10(mu1))
        return float(10.0 ** (-0.015 * phi + 1.67) * mu1 * mu4)
    return float(4.17 * mu1 * 10.0 ** (0.3 * math.log10(mu1)))


@kernel
def inverse_normal(q: float) -> float:
    """Return I(q), the standard deviations exceeded with probability q, 1e-6 to 1 - 1e-6 (Attachment 2, eq. 96-97)."""
    x = min(max(q, 1e-6), 1.0 - 1e-6)
    if x > 0.5:
        return -inverse_normal_tail(1.0 - x)
    return inverse_normal_tail(x)


@kernel
def inverse_normal_tail(x: float) -> float:
    """Return I(x) for x up to one half."""
    t = math.sqrt(-2.0 * math.log(x))
    top = (0.010328 * t + 0.802853) * t + 2.515516698
    bottom = ((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0
    return t - top / bottom


def middle_latitude(phi_t: Floats, lam_t: Floats, phi_r: Floats, lam_r: Floats, d_km: Floats) -> Floats:
    """Return the latitude in degrees half the path's length from the transmitter along the great circle.

    Parameters
    ----------
    phi_t, lam_t, phi_r, lam_r : float64 arrays
        Latitude and longitude of the ends, degrees.
    d_km : float64 array
        Length of the path, on a sphere of `EARTH_RADIUS_KM`.
    """
    a, b, turn = np.radians(phi_t), np.radians(phi_r), np.radians(lam_r - lam_t)
    bearing = np.arctan2(np.sin(turn) * np.cos(b), np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(turn))
    angle = d_km / 2.0 / EARTH_RADIUS_KM
    return np.asarray(np.degrees(np.arcsin(np.sin(a) * np.cos(angle) + np.cos(a) * np.sin(angle) * np.cos(bearing))))
