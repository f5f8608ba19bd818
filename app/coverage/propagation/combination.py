"""Line of sight (ITU-R P.1812-7 §4.2) and the combination of all mechanisms of one path (§4.6): the kernels."""

from __future__ import annotations

import math

from app.coverage.compiled import kernel
from app.coverage.propagation.anomalous import ducting_db, troposcatter_db
from app.coverage.propagation.climate import (
    ANOMALOUS_FACTOR,
    EARTH_RADIUS_KM,
    Bytes,
    Floats,
    anomalous_percent,
    ground_shares,
    inverse_normal,
    median_factor,
)
from app.coverage.propagation.diffraction import delta_bullington_db, smooth_surface, walk
from app.coverage.propagation.horizon import horizons, roughness_m

MIN_PATH_KM = 0.25
"""Shortest path of the Recommendation (Table 1)."""
MIN_DISTANCE_KM = 0.01
BARE_KM = 0.05
"""Up to here a short path is free space alone."""

FOCUS_DB = 2.6
BLEND_DB = 2.5
SLOPE_MRAD, SLOPE_XI = 0.3, 0.8
FAR_KM, FAR_KAPPA = 20.0, 0.5
"""Constants of eq. 9-10, 60 (η), 58 (Θ, ξ) and 59 (dsw, κ)."""


@kernel
def free_space_db(d_km: float, f_ghz: float) -> float:
    """Return free-space loss over the slant distance `d_km`, taken as 10 m at least (§4.2, eq. 8)."""
    return 92.4 + 20.0 * math.log10(f_ghz) + 20.0 * math.log10(max(d_km, MIN_DISTANCE_KM))


@kernel
def slant_km(d_km: float, hts: float, hrs: float) -> float:
    """Return the distance between the antennas from the distance along the ground (eq. 8a)."""
    return math.hypot(d_km, (hts - hrs) / 1000.0)


@kernel
def short_share(d_km: float) -> float:
    """Return how much of P.1812's loss beyond free space a path of `d_km` keeps.

    1 from 0.25 km on, where the Recommendation starts; 0 up to 50 m; between them rising with the logarithm of
    the distance, so that nothing jumps at the seam.
    """
    if d_km >= MIN_PATH_KM:
        return 1.0
    if d_km <= BARE_KM:
        return 0.0
    return math.log(d_km / BARE_KM) / math.log(MIN_PATH_KM / BARE_KM)


@kernel
def _focus_db(horizon_km: float, percent: float) -> float:
    """Return the correction for multipath and focusing, negative under 50 per cent (eq. 9-10)."""
    return FOCUS_DB * (1.0 - math.exp(-0.1 * horizon_km)) * math.log10(percent / 50.0)


@kernel
def _smooth_step(x: float) -> float:
    """Return 1 far below x = 0 and 0 far above it (form of eq. 58-59)."""
    return 1.0 - 0.5 * (1.0 + math.tanh(3.0 * x))


@kernel
def modified_db(
    d_km: float, theta: float, free_p_db: float, diffracted_db: float, least_db: float, ducting_db: float
) -> float:
    """Return the loss by diffraction and ducting together, Lbam (eq. 58-62).

    Parameters
    ----------
    theta : float
        Angular distance, mrad.
    free_p_db, diffracted_db : float
        Lb0p and Lbd.
    least_db : float
        Lminb0p.
    ducting_db : float
        Lba.
    """
    low, high = min(ducting_db, free_p_db), max(ducting_db, free_p_db)
    # η·ln(exp(a/η) + exp(b/η)), written so that no exponential overflows.
    enhanced = high + BLEND_DB * math.log1p(math.exp((low - high) / BLEND_DB))
    over = diffracted_db
    if enhanced <= diffracted_db:
        over = enhanced + (diffracted_db - enhanced) * _smooth_step(FAR_KAPPA * (d_km - FAR_KM) / FAR_KM)
    return over + (least_db - over) * _smooth_step(SLOPE_XI * (theta - SLOPE_MRAD) / SLOPE_MRAD)


@kernel
def either_db(scatter_db: float, modified: float) -> float:
    """Return -5·lg(10^(-0.2·Lbs) + 10^(-0.2·Lbam)), written so that nothing underflows (eq. 63)."""
    nearer, farther = min(scatter_db, modified), max(scatter_db, modified)
    return nearer - 5.0 * math.log10(1.0 + 10.0 ** (-0.2 * (farther - nearer)))


@kernel
def path_db(
    d: Floats, h: Floats, g: Floats, zone: Bytes, zero: Floats, n: int, htg: float, hrg: float, f_ghz: float, p: float,
    vertical: bool, latitude_deg: float, dn: float, n0: float, dct_km: float, dcr_km: float,
) -> tuple[float, float, float, bool]:  # fmt: skip
    """Return loss, line-of-sight loss, diffraction loss of p per cent of the time, and whether terrain is clear.

    Parameters
    ----------
    d, h, g : float64 arrays, at least n long
        Distance in km from the transmitter, terrain height, terrain with clutter (bare at the ends).
    zone : int8 array
        1 sea, 3 coastal, 4 inland.
    zero : float64 array
        Zeros, at least n long.

    Notes
    -----
    Horizons are those of the bare terrain, diffraction is over terrain and clutter: so compute both implementations
    the validation cases come from.
    """
    length, hts, hrs = d[n - 1], h[0] + htg, h[n - 1] + hrg
    sea_share, dtm, dlm = ground_shares(d, zone, n)
    beta0 = anomalous_percent(dtm, dlm, latitude_deg)
    ae_km = EARTH_RADIUS_KM * median_factor(dn)
    hst, hsr = smooth_surface(d, h, n)
    nu, nu_smooth, hte, hre = walk(d, h, g, n, zero, hts, hrs, hst, hsr, ae_km)
    median_loss = delta_bullington_db(length, nu, nu_smooth, hte, hre, ae_km, f_ghz, sea_share, vertical)
    diffraction, time_share = median_loss, 0.0
    if p < 50.0:
        # Eq. 41-43: between the median and β0 per cent the loss follows the normal law, under β0 it stays.
        time_share = inverse_normal(p / 100.0) / inverse_normal(beta0 / 100.0) if p > beta0 else 1.0
        far_km = EARTH_RADIUS_KM * ANOMALOUS_FACTOR
        nu_b, smooth_b, hte_b, hre_b = walk(d, h, g, n, zero, hts, hrs, hst, hsr, far_km)
        rare = delta_bullington_db(length, nu_b, smooth_b, hte_b, hre_b, far_km, f_ghz, sea_share, vertical)
        diffraction = median_loss + time_share * (rare - median_loss)
    at, back, theta_t, theta_r, theta = horizons(d, h, n, hts, hrs, ae_km)
    dlt, dlr = d[at], length - d[back]
    free = free_space_db(slant_km(length, hts, hrs), f_ghz)
    free_p = free + _focus_db(dlt + dlr, p)
    hst, hsr = min(hst, h[0]), min(hsr, h[n - 1])
    ducting = ducting_db(
        length, dlt, dlr, theta_t, theta_r, hts, hrs, hts - hst, hrs - hsr,
        roughness_m(d, h, n, at, back, hst, hsr), dct_km, dcr_km, sea_share, dlm, beta0, ae_km, f_ghz, p,
    )  # fmt: skip
    # Lminb0p (eq. 60): under β0 per cent diffraction counts over land alone.
    diffracted, over_land = free_p + diffraction, (1.0 - sea_share) * diffraction
    if p < beta0:
        least = free_p + over_land
    else:
        least = free + median_loss
        least += (free + _focus_db(dlt + dlr, beta0) + over_land - least) * time_share
    loss = either_db(
        troposcatter_db(length, theta, f_ghz, p, n0), modified_db(length, theta, free_p, diffracted, least, ducting)
    )
    return free_p + short_share(length) * (loss - free_p), free_p, diffraction, nu < 0.0
