"""Basic transmission loss after ITU-R P.1812-7, 30 MHz to 6 GHz, 0.25 to 3,000 km, every part of its §4.

Free space with multipath and focusing (§4.2), delta-Bullington diffraction (§4.3), tropospheric scatter (§4.4),
ducting and layer reflection (§4.5), their combination (§4.6), representative clutter along the path (§3.2),
location variability (§4.7-4.8). Entry into buildings (§4.9) belongs to the coverage rule. ΔN and N0 are arguments:
the ITU's maps may not be passed on; about 45 and 370 in Vietnam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.coverage.compiled import kernel
from app.coverage.propagation.climate import (
    COASTAL,
    INLAND,
    SEA,
    Bytes,
    Floats,
    inverse_normal,
    middle_latitude,
)
from app.coverage.propagation.combination import MIN_PATH_KM, path_db
from app.errors import Invalid

MODEL = "ITU-R P.1812-7"
MODEL_VERSION = "2"
SHORT_PATH = "free space over at least 10 m; P.1812's loss beyond it comes in from 50 m to 250 m"

HORIZONTAL, VERTICAL = 1, 2
NO_COAST_KM = 500.0
MAX_PATH_KM = 3000.0


@dataclass(frozen=True)
class Losses:
    """One entry per path, dB."""

    loss_db: Floats
    """Basic transmission loss not exceeded for p % of the time and pL % of the places."""
    line_of_sight_db: Floats
    """Free space with multipath and focusing (Lb0p)."""
    diffraction_db: Floats
    """Loss by diffraction for p % of the time (Ldp)."""
    line_of_sight: NDArray[np.bool_]


@dataclass(frozen=True)
class Loss:
    """Loss of one path in dB and what it is made of."""

    loss_db: float
    free_space_db: float
    diffraction_db: float
    line_of_sight: bool
    model: str


@kernel
def _losses_into(
    offset: NDArray[np.int64], d: Floats, h: Floats, clutter: Floats, zone: Bytes, htg: Floats, hrg: Floats,
    f_ghz: Floats, p: Floats, vertical: NDArray[np.bool_], latitude: Floats, dn: Floats, n0: Floats, dct: Floats,
    dcr: Floats, found: Floats, sight: NDArray[np.bool_],
) -> None:  # fmt: skip
    longest = 0
    for k in range(offset.size - 1):
        longest = max(longest, offset[k + 1] - offset[k])
    zero, g = np.zeros(longest), np.empty(longest)
    for k in range(offset.size - 1):
        a, b = offset[k], offset[k + 1]
        n = b - a
        for i in range(n):
            g[i] = h[a + i] + (clutter[a + i] if 0 < i < n - 1 else 0.0)
        found[k, 0], found[k, 1], found[k, 2], sight[k] = path_db(
            d[a:b], h[a:b], g, zone[a:b], zero, n, htg[k], hrg[k], f_ghz[k], p[k], vertical[k], latitude[k], dn[k],
            n0[k], dct[k], dcr[k],
        )  # fmt: skip


def path_losses(
    f_ghz: ArrayLike,
    p: ArrayLike,
    offset: ArrayLike,
    d_km: ArrayLike,
    h_m: ArrayLike,
    clutter_m: ArrayLike | None,
    zone: ArrayLike | None,
    htg_m: ArrayLike,
    hrg_m: ArrayLike,
    pol: ArrayLike = VERTICAL,
    phi_t: ArrayLike = 16.4,
    phi_r: ArrayLike = 16.4,
    lam_t: ArrayLike = 107.6,
    lam_r: ArrayLike = 107.6,
    *,
    pL: ArrayLike = 50.0,
    sigma_l: ArrayLike = 0.0,
    dN: ArrayLike = 45.0,
    N0: ArrayLike = 370.0,
    dct_km: ArrayLike = NO_COAST_KM,
    dcr_km: ArrayLike = NO_COAST_KM,
) -> Losses:
    """Return the basic transmission loss of many paths (ITU-R P.1812-7).

    Parameters
    ----------
    f_ghz : array_like, shape (paths,) or scalar, like all but the profiles
        0.03 to 6 GHz.
    p : array_like
        Per cent of an average year for which the loss is not exceeded, 1 to 50.
    offset : array_like of int, shape (paths + 1,)
        Path k has the posts offset[k]:offset[k+1].
    d_km, h_m, clutter_m, zone : array_like, shape (posts,)
        Distance from the transmitter, terrain height above sea level, representative clutter height (None: bare),
        radio-climatic zone 1 sea, 3 coastal, 4 inland (None: inland).
    htg_m, hrg_m : array_like
        Antenna heights above ground.
    pol : array_like of int
        1 horizontal, 2 vertical.
    phi_t, phi_r, lam_t, lam_r : array_like
        Latitude and longitude of the ends, degrees; only the latitude of the middle matters, and little.
    pL, sigma_l : array_like
        Per cent of places, 1 to 99, and the standard deviation over places in dB; none over the sea (§4.7).
    dN, N0 : array_like
        Median lapse rate of refractivity in N-units/km and its sea-level value in N-units.
    dct_km, dcr_km : array_like
        Distance over land from each end to the coast, along the path.

    Raises
    ------
    Invalid
        A value outside the Recommendation's range, an unknown height.
    """
    offsets = np.ascontiguousarray(offset, np.int64)
    d, h = np.ascontiguousarray(d_km, np.float64), np.ascontiguousarray(h_m, np.float64)
    clutter = np.zeros_like(h) if clutter_m is None else np.ascontiguousarray(clutter_m, np.float64)
    zones = np.full(h.size, INLAND, np.int8) if zone is None else np.ascontiguousarray(zone, np.int8)
    _check_profiles(offsets, d, h, clutter, zones)
    names = ("f_ghz", "p", "htg_m", "hrg_m", "pol", "phi_t", "lam_t", "phi_r", "lam_r", "pL", "sigma_l", "dN", "N0",
             "dct_km", "dcr_km")  # fmt: skip
    given = (f_ghz, p, htg_m, hrg_m, pol, phi_t, lam_t, phi_r, lam_r, pL, sigma_l, dN, N0, dct_km, dcr_km)
    paths = offsets.size - 1
    each = {
        name: np.ascontiguousarray(np.broadcast_to(np.asarray(value, np.float64), (paths,)))
        for name, value in zip(names, given, strict=True)
    }
    _check_values(each)
    last = offsets[1:] - 1
    latitude = middle_latitude(each["phi_t"], each["lam_t"], each["phi_r"], each["lam_r"], d[last])
    found, sight = np.empty((paths, 3)), np.empty(paths, np.bool_)
    _losses_into(
        offsets, d, h, clutter, zones, each["htg_m"], each["hrg_m"], each["f_ghz"], each["p"],
        each["pol"] == VERTICAL, latitude, each["dN"], each["N0"], each["dct_km"], each["dcr_km"], found, sight,
    )  # fmt: skip
    deviates = np.where(zones[last] == SEA, 0.0, each["sigma_l"])
    over_places = -np.array([inverse_normal(q / 100.0) for q in each["pL"]]) * deviates
    # Eq. 69: places may be better than the median, never better than in sight.
    return Losses(np.maximum(found[:, 1], found[:, 0] + over_places), found[:, 1], found[:, 2], sight)


def basic_transmission_loss(
    f_ghz: float,
    p: float,
    d_km: ArrayLike,
    h_m: ArrayLike,
    clutter_m: ArrayLike | None,
    zone: ArrayLike | None,
    htg_m: float,
    hrg_m: float,
    pol: int = VERTICAL,
    phi_t: float = 16.4,
    phi_r: float = 16.4,
    lam_t: float = 107.6,
    lam_r: float = 107.6,
    *,
    pL: float = 50.0,
    sigma_l: float = 0.0,
    dN: float = 45.0,
    N0: float = 370.0,
    dct_km: float = NO_COAST_KM,
    dcr_km: float = NO_COAST_KM,
) -> Loss:
    """Return the loss of one path; parameters as `path_losses`, `d_km` from 0 to the path's length."""
    found = path_losses(
        f_ghz, p, [0, np.asarray(d_km).size], d_km, h_m, clutter_m, zone, htg_m, hrg_m, pol, phi_t, phi_r, lam_t,
        lam_r, pL=pL, sigma_l=sigma_l, dN=dN, N0=N0, dct_km=dct_km, dcr_km=dcr_km,
    )  # fmt: skip
    model = MODEL if float(np.asarray(d_km, np.float64)[-1]) >= MIN_PATH_KM else SHORT_PATH
    return Loss(
        float(found.loss_db[0]),
        float(found.line_of_sight_db[0]),
        float(found.diffraction_db[0]),
        bool(found.line_of_sight[0]),
        model,
    )


def _check_profiles(offset: NDArray[np.int64], d: Floats, h: Floats, clutter: Floats, zone: Bytes) -> None:
    counts = np.diff(offset)
    shape = offset[0] == 0 and offset[-1] == d.size == h.size == clutter.size == zone.size and (counts >= 3).all()
    _require(bool(shape), "profile_shape", "hồ sơ cần ít nhất 3 điểm, các cột dài bằng nhau",
             "a profile needs three posts or more and columns of one length", "d_km")  # fmt: skip
    inner = np.ones(d.size, bool)
    inner[offset[:-1]] = False
    rising = (np.diff(d, prepend=0.0)[inner] > 0).all() and (d[offset[:-1]] == 0).all() and np.isfinite(d).all()
    _require(bool(rising), "profile_distance", "khoảng cách phải tăng dần từ 0", "distances must rise from 0", "d_km")
    _require(bool((d[offset[1:] - 1] <= MAX_PATH_KM).all()), "path_too_long", "tuyến dài hơn 3000 km",
             "the path is longer than 3,000 km", "d_km")  # fmt: skip
    known = np.isfinite(h).all() and np.isfinite(clutter).all() and (clutter >= 0).all()
    _require(bool(known), "profile_height", "độ cao trên tuyến chưa biết", "a height on the path is unknown", "h_m")
    _require(bool(np.isin(zone, (SEA, COASTAL, INLAND)).all()), "zone", "vùng là 1, 3 hoặc 4",
             "zone is 1 sea, 3 coastal or 4 inland", "zone")  # fmt: skip


_LIMITS = (
    ("f_ghz", 0.03, 6.0, "frequency_range", "tần số phải từ 0,03 đến 6 GHz", "frequency must be 0.03 to 6 GHz"),
    ("p", 1.0, 50.0, "time_percentage", "p phải từ 1 đến 50 %", "p must be 1 to 50 %"),
    ("htg_m", 1e-9, 3000.0, "antenna_height", "chiều cao ăng-ten phải trên 0 đến 3000 m",
     "antenna heights must be above 0 and up to 3000 m"),
    ("hrg_m", 1e-9, 3000.0, "antenna_height", "chiều cao ăng-ten phải trên 0 đến 3000 m",
     "antenna heights must be above 0 and up to 3000 m"),
    ("pL", 1.0, 99.0, "location_percentage", "pL phải từ 1 đến 99 %", "pL must be 1 to 99 %"),
    ("sigma_l", 0.0, 30.0, "location_sigma", "σL phải từ 0 đến 30 dB", "sigma_l must be 0 to 30 dB"),
    ("dN", 1.0, 156.0, "dn_range", "ΔN phải từ 1 đến 156", "ΔN must be 1 to 156 N-units/km"),
    ("N0", 200.0, 500.0, "n0_range", "N0 phải từ 200 đến 500", "N0 must be 200 to 500 N-units"),
    ("phi_t", -90.0, 90.0, "latitude", "vĩ độ phải từ -90 đến 90", "latitudes must be -90 to 90"),
    ("phi_r", -90.0, 90.0, "latitude", "vĩ độ phải từ -90 đến 90", "latitudes must be -90 to 90"),
    ("lam_t", -180.0, 360.0, "longitude", "kinh độ phải từ -180 đến 360", "longitudes must be -180 to 360"),
    ("lam_r", -180.0, 360.0, "longitude", "kinh độ phải từ -180 đến 360", "longitudes must be -180 to 360"),
    ("dct_km", 0.0, 40_000.0, "coast", "khoảng cách tới bờ phải từ 0", "distances to the coast start at 0"),
    ("dcr_km", 0.0, 40_000.0, "coast", "khoảng cách tới bờ phải từ 0", "distances to the coast start at 0"),
)  # fmt: skip


def _check_values(each: dict[str, Floats]) -> None:
    for name, low, high, code, vi, en in _LIMITS:
        # Written so that NaN is outside.
        _require(bool(((each[name] >= low) & (each[name] <= high)).all()), code, vi, en, name)
    _require(bool(np.isin(each["pol"], (HORIZONTAL, VERTICAL)).all()), "polarisation", "phân cực là 1 hoặc 2",
             "polarisation is 1 (horizontal) or 2 (vertical)", "pol")  # fmt: skip


def _require(holds: bool, code: str, vi: str, en: str, field: str) -> None:
    if not holds:
        raise Invalid(code, vi, en, field=field)
