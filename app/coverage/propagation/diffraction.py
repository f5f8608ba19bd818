"""Diffraction loss by the delta-Bullington method: ITU-R P.1812-7 §4.3 (the same as ITU-R P.526-15 §4.5).

Equation numbers are those of P.1812-7. Distances are in km, heights in m above sea level unless the name
says otherwise, frequency in GHz, loss in dB. The part that walks along the profile does not depend on
frequency: ν is the stored geometric maximum divided by the root of the wavelength, so one walk serves every
frequency on a mast.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.coverage.compiled import kernel

Floats = NDArray[np.float64]

SPEED_OF_LIGHT_M_PER_NS = 0.2998
"""Wavelength in m is this over the frequency in GHz; the rounded value both reference implementations use."""

LAND = (22.0, 0.003)
SEA = (80.0, 5.0)
"""Relative permittivity and conductivity in S/m (§4.3.3)."""


@kernel
def knife_edge_db(nu: float) -> float:
    """Return J(ν), the loss of a single knife edge; zero below ν = -0.78 (eq. 12)."""
    if nu <= -0.78:
        return 0.0
    return 6.9 + 20.0 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)


@kernel
def bullington_db(nu: float, d_km: float) -> float:
    """Return the Bullington loss of an equivalent edge of parameter ν on a path of `d_km` (eq. 16, 20, 21)."""
    edge_db = knife_edge_db(nu)
    return edge_db + (1.0 - math.exp(-edge_db / 6.0)) * (10.0 + 0.02 * d_km)


@kernel
def bullington_nu(d: Floats, g: Floats, n: int, hts: float, hrs: float, ae_km: float) -> float:
    """Return ν·√λ of the equivalent Bullington edge (eq. 13-15 line of sight, 17-19 beyond).

    Parameters
    ----------
    d, g : float64 arrays, at least n long
        Distance and height (terrain plus clutter) of the posts; the two ends are not obstacles.
    hts, hrs : float
        Antenna heights above sea level.
    ae_km : float
        Effective Earth radius.
    """
    d_path = d[n - 1]
    bulge = 500.0 / ae_km
    slope_tr = (hrs - hts) / d_path
    slope_t = -math.inf
    for i in range(1, n - 1):
        slope_t = max(slope_t, (g[i] + bulge * d[i] * (d_path - d[i]) - hts) / d[i])
    if slope_t < slope_tr:
        nu = -math.inf
        for i in range(1, n - 1):
            d_far = d_path - d[i]
            above = g[i] + bulge * d[i] * d_far - (hts * d_far + hrs * d[i]) / d_path
            nu = max(nu, above * math.sqrt(0.002 * d_path / (d[i] * d_far)))
        return nu
    slope_r = -math.inf
    for i in range(1, n - 1):
        d_far = d_path - d[i]
        slope_r = max(slope_r, (g[i] + bulge * d[i] * d_far - hrs) / d_far)
    d_edge = (hrs - hts + slope_r * d_path) / (slope_t + slope_r)
    d_far = d_path - d_edge
    above = hts + slope_t * d_edge - (hts * d_far + hrs * d_edge) / d_path
    return float(above * math.sqrt(0.002 * d_path / (d_edge * d_far)))


@kernel
def smooth_surface(d: Floats, h: Floats, n: int) -> tuple[float, float]:
    """Return the heights of the fitted smooth Earth at the two ends (Attachment 1 §5.6.1, eq. 85-88)."""
    v1, v2 = 0.0, 0.0
    for i in range(1, n):
        step = d[i] - d[i - 1]
        v1 += step * (h[i] + h[i - 1])
        v2 += step * (h[i] * (2.0 * d[i] + d[i - 1]) + h[i - 1] * (d[i] + 2.0 * d[i - 1]))
    d_path = d[n - 1]
    return (2.0 * v1 * d_path - v2) / d_path**2, (v2 - v1 * d_path) / d_path**2


@kernel
def effective_heights(
    d: Floats, h: Floats, n: int, hts: float, hrs: float, hst: float, hsr: float
) -> tuple[float, float]:
    """Return antenna heights above the smooth surface, for diffraction (§5.6.2, eq. 89-92; then eq. 38-39)."""
    d_path = d[n - 1]
    obstruction, slope_t, slope_r = -math.inf, -math.inf, -math.inf
    for i in range(1, n - 1):
        d_far = d_path - d[i]
        above = h[i] - (hts * d_far + hrs * d[i]) / d_path
        obstruction = max(obstruction, above)
        slope_t = max(slope_t, above / d[i])
        slope_r = max(slope_r, above / d_far)
    if obstruction > 0.0:
        share_t = slope_t / (slope_t + slope_r)
        hst -= obstruction * share_t
        hsr -= obstruction * (1.0 - share_t)
    return hts - min(hst, h[0]), hrs - min(hsr, h[n - 1])


@kernel
def first_term_db(
    d_km: float, hte: float, hre: float, ad_km: float, f_ghz: float, vertical: bool, eps: float, sigma: float
) -> float:
    """Return the first term of the residue series over one kind of ground (§4.3.3, eq. 30-37)."""
    ground = math.hypot(eps - 1.0, 18.0 * sigma / f_ghz)
    k: float = 0.036 * (ad_km * f_ghz) ** (-1.0 / 3.0) * ground**-0.5
    if vertical:
        k *= math.hypot(eps, 18.0 * sigma / f_ghz)
    beta = (1.0 + 1.6 * k**2 + 0.67 * k**4) / (1.0 + 4.5 * k**2 + 1.53 * k**4)
    x = 21.88 * beta * (f_ghz / ad_km**2) ** (1.0 / 3.0) * d_km
    scale = 0.9575 * beta * (f_ghz**2 / ad_km) ** (1.0 / 3.0)
    if x >= 1.6:
        distance_term = 11.0 + 10.0 * math.log10(x) - 17.6 * x
    else:
        distance_term = -20.0 * math.log10(x) - 5.6488 * x**1.425
    floor = 2.0 + 20.0 * math.log10(k)
    gain_t = max(_height_gain_db(beta * scale * hte), floor)
    gain_r = max(_height_gain_db(beta * scale * hre), floor)
    return float(-distance_term - gain_t - gain_r)


@kernel
def _height_gain_db(b: float) -> float:
    """Return G(Y) of eq. 35-36 for B = β·Y."""
    if b > 2.0:
        return 17.6 * math.sqrt(b - 1.1) - 5.0 * math.log10(b - 1.1) - 8.0
    return 20.0 * math.log10(b + 0.1 * b**3)


@kernel
def spherical_db(
    d_km: float, hte: float, hre: float, ae_km: float, f_ghz: float, sea_share: float, vertical: bool
) -> float:
    """Return the spherical-Earth loss (§4.3.2, eq. 22-28), never negative.

    Parameters
    ----------
    hte, hre : float
        Antenna heights in m above the smooth surface, positive.
    sea_share : float
        Share of the path over sea (ω).
    """
    horizon_km = math.sqrt(2.0 * ae_km) * (math.sqrt(0.001 * hte) + math.sqrt(0.001 * hre))
    if d_km >= horizon_km:
        return max(0.0, _mixed_db(d_km, hte, hre, ae_km, f_ghz, sea_share, vertical))
    c = (hte - hre) / (hte + hre)
    m = 250.0 * d_km**2 / (ae_km * (hte + hre))
    inside = 1.5 * c * math.sqrt(3.0 * m / (m + 1.0) ** 3)
    b = 2.0 * math.sqrt((m + 1.0) / (3.0 * m)) * math.cos(math.pi / 3.0 + math.acos(min(1.0, max(-1.0, inside))) / 3.0)
    d1 = d_km / 2.0 * (1.0 + b)
    d2 = d_km - d1
    clearance = ((hte - 500.0 * d1**2 / ae_km) * d2 + (hre - 500.0 * d2**2 / ae_km) * d1) / d_km
    required = 17.456 * math.sqrt(d1 * d2 * SPEED_OF_LIGHT_M_PER_NS / f_ghz / d_km)
    if clearance > required:
        return 0.0
    touching_km = 500.0 * (d_km / (math.sqrt(hte) + math.sqrt(hre))) ** 2
    loss_db = _mixed_db(d_km, hte, hre, touching_km, f_ghz, sea_share, vertical)
    return max(0.0, (1.0 - clearance / required) * loss_db)


@kernel
def _mixed_db(
    d_km: float, hte: float, hre: float, ad_km: float, f_ghz: float, sea_share: float, vertical: bool
) -> float:
    """Return the first-term loss over land and sea in proportion (eq. 29)."""
    loss_db = 0.0
    if sea_share < 1.0:
        loss_db += (1.0 - sea_share) * first_term_db(d_km, hte, hre, ad_km, f_ghz, vertical, LAND[0], LAND[1])
    if sea_share > 0.0:
        loss_db += sea_share * first_term_db(d_km, hte, hre, ad_km, f_ghz, vertical, SEA[0], SEA[1])
    return loss_db


@kernel
def walk(
    d: Floats, h: Floats, g: Floats, n: int, zero: Floats, hts: float, hrs: float, hst: float, hsr: float, ae_km: float
) -> tuple[float, float, float, float]:
    """Return what one walk along the profile gives every frequency: ν√λ real, ν√λ smooth, hte, hre.

    Parameters
    ----------
    h, g : float64 arrays
        Terrain, and terrain plus clutter.
    zero : float64 array
        Zeros, at least n long: the smooth path's profile.
    hst, hsr : float
        From `smooth_surface`; they do not depend on the antennas.
    """
    hte, hre = effective_heights(d, h, n, hts, hrs, hst, hsr)
    return bullington_nu(d, g, n, hts, hrs, ae_km), bullington_nu(d, zero, n, hte, hre, ae_km), hte, hre


@kernel
def delta_bullington_db(
    d_km: float,
    nu_real: float,
    nu_smooth: float,
    hte: float,
    hre: float,
    ae_km: float,
    f_ghz: float,
    sea_share: float,
    vertical: bool,
) -> float:
    """Return the diffraction loss from the results of `walk` (§4.3.4, eq. 40), never negative."""
    root = math.sqrt(SPEED_OF_LIGHT_M_PER_NS / f_ghz)
    real_db = bullington_db(nu_real / root, d_km)
    smooth_db = bullington_db(nu_smooth / root, d_km)
    sphere_db = spherical_db(d_km, hte, hre, ae_km, f_ghz, sea_share, vertical)
    return real_db + max(sphere_db - smooth_db, 0.0)
