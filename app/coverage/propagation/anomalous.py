"""Ways round the horizon: tropospheric scatter (ITU-R P.1812-7 §4.4), ducting and layer reflection (§4.5)."""

from __future__ import annotations

import math

from app.coverage.compiled import kernel
from app.coverage.propagation.climate import tau


@kernel
def troposcatter_db(d_km: float, theta_mrad: float, f_ghz: float, p: float, n0: float) -> float:
    """Return the basic loss of tropospheric scatter (eq. 44-45).

    Parameters
    ----------
    theta_mrad : float
        Angular distance of the path.
    p : float
        Per cent of time, 1 to 50.
    n0 : float
        Refractivity at sea level in N-units, at the middle of the path.
    """
    f_term = 25.0 * math.log10(f_ghz) - 2.5 * math.log10(f_ghz / 2.0) ** 2
    time_term = 10.125 * math.log10(50.0 / p) ** 0.7 if p < 50.0 else 0.0
    return 190.1 + f_term + 20.0 * math.log10(d_km) + 0.573 * theta_mrad - 0.15 * n0 - time_term


@kernel
def ducting_db(
    d_km: float, dlt_km: float, dlr_km: float, theta_t: float, theta_r: float, hts: float, hrs: float, hte: float,
    hre: float, hm: float, dct_km: float, dcr_km: float, sea_share: float, dlm_km: float, beta0: float, ae_km: float,
    f_ghz: float, p: float,
) -> float:  # fmt: skip
    """Return the basic loss of ducting and layer reflection (eq. 46-58).

    Parameters
    ----------
    dlt_km, dlr_km, theta_t, theta_r : float
        Distance in km and angle in mrad of the horizons.
    hte, hre, hm : float
        Antenna heights above the smooth surface and the terrain's roughness, m.
    dct_km, dcr_km : float
        Distance over land from each end to the coast, towards the other; large when there is none.
    dlm_km, beta0 : float
        From `climate`.
    p : float
        Per cent of time, 1 to 50.
    """
    horizon_km = dlt_km + dlr_km
    low_f = 45.375 - 137.0 * f_ghz + 92.5 * f_ghz**2 if f_ghz < 0.5 else 0.0
    fixed_db = (
        102.45
        + 20.0 * math.log10(f_ghz)
        + 20.0 * math.log10(horizon_km)
        + low_f
        + _shielding_db(theta_t - 0.1 * dlt_km, f_ghz, dlt_km)
        + _shielding_db(theta_r - 0.1 * dlr_km, f_ghz, dlr_km)
        + _coast_db(dct_km, dlt_km, hts, sea_share)
        + _coast_db(dcr_km, dlr_km, hrs, sea_share)
    )
    alpha = max(-0.6 - 3.5e-9 * d_km**3.1 * tau(dlm_km), -3.4)
    mu2 = min(1.0, (500.0 / ae_km * d_km**2 / (math.sqrt(hte) + math.sqrt(hre)) ** 2) ** alpha)
    flat_km = min(d_km - horizon_km, 40.0)
    mu3 = 1.0 if hm <= 10.0 else math.exp(-4.6e-5 * (hm - 10.0) * (43.0 + 6.0 * flat_km))
    beta = beta0 * mu2 * mu3
    log_beta = math.log10(beta)
    gamma = (
        1.076
        / (2.0058 - log_beta) ** 1.012
        * math.exp(-(9.51 - 4.8 * log_beta + 0.198 * log_beta**2) * 1e-6 * d_km**1.13)
    )
    time_db = -12.0 + (1.2 + 3.7e-3 * d_km) * math.log10(p / beta) + 12.0 * (p / beta) ** gamma
    theta = 1000.0 * d_km / ae_km + min(theta_t, 0.1 * dlt_km) + min(theta_r, 0.1 * dlr_km)
    return float(fixed_db + 5e-5 * ae_km * f_ghz ** (1.0 / 3.0) * theta + time_db)


@kernel
def least_ducting_db(
    d_km: float, dlt_km: float, dlr_km: float, theta_t: float, theta_r: float, ae_km: float, f_ghz: float
) -> float:
    """Return what ducting loses at least at p = 50 % over land, whatever the climate: `ducting_db` without A(p).

    β is at most β0, and that at most 47 per cent: so p/β is over 1 and A(p) over -12 + 12 = 0.
    """
    horizon_km = dlt_km + dlr_km
    low_f = 45.375 - 137.0 * f_ghz + 92.5 * f_ghz**2 if f_ghz < 0.5 else 0.0
    theta = 1000.0 * d_km / ae_km + min(theta_t, 0.1 * dlt_km) + min(theta_r, 0.1 * dlr_km)
    return float(
        102.45
        + 20.0 * math.log10(f_ghz * horizon_km)
        + low_f
        + _shielding_db(theta_t - 0.1 * dlt_km, f_ghz, dlt_km)
        + _shielding_db(theta_r - 0.1 * dlr_km, f_ghz, dlr_km)
        + 5e-5 * ae_km * f_ghz ** (1.0 / 3.0) * theta
    )


@kernel
def _shielding_db(theta: float, f_ghz: float, horizon_km: float) -> float:
    """Return the loss by the site's own shielding (eq. 48-48a)."""
    if theta <= 0.0:
        return 0.0
    return float(
        20.0 * math.log10(1.0 + 0.361 * theta * math.sqrt(f_ghz * horizon_km)) + 0.264 * theta * f_ghz ** (1.0 / 3.0)
    )


@kernel
def _coast_db(coast_km: float, horizon_km: float, height_m: float, sea_share: float) -> float:
    """Return the gain of a station near the sea (eq. 49), negative."""
    if sea_share < 0.75 or coast_km > horizon_km or coast_km > 5.0:
        return 0.0
    return -3.0 * math.exp(-0.25 * coast_km**2) * (1.0 + math.tanh(0.07 * (50.0 - height_m)))
