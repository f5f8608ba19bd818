"""Basic transmission loss after ITU-R P.1812-7: today its free-space and diffraction parts (§4.2.1, §4.3).

What is left out is refused or named, never guessed: time percentages other than 50 %, location variability,
tropospheric scatter (§4.4), ducting (§4.5). Clutter heights in the profile are obeyed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.coverage.compiled import kernel
from app.coverage.propagation.diffraction import delta_bullington_db, smooth_surface, walk
from app.errors import Invalid

MODEL = "free-space + delta-Bullington (ITU-R P.1812-7 §4.2.1, §4.3)"
MODEL_VERSION = "1"
SHORT_PATH = "free space, distance not under 10 m (3GPP TR 38.901 minimum), below 0.25 km"

EARTH_RADIUS_KM = 6371.0
MIN_PATH_KM = 0.25
"""Shortest path of the Recommendation (Table 1)."""
MIN_DISTANCE_KM = 0.01

SEA, COASTAL, INLAND = 1, 3, 4
HORIZONTAL, VERTICAL = 1, 2

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """Loss of one path in dB and what it is made of."""

    loss_db: float
    free_space_db: float
    diffraction_db: float
    line_of_sight: bool
    model: str


def effective_radius_km(dn: float = 45.0) -> float:
    """Return the median effective Earth radius for a lapse rate of `dn` N-units/km (§4.1, eq. 7: k = 157/(157-ΔN))."""
    if not 0 < 157.0 - dn:
        raise Invalid("dn_range", "ΔN phải nhỏ hơn 157", "ΔN must be under 157 N-units/km", field="dN")
    return EARTH_RADIUS_KM * 157.0 / (157.0 - dn)


@kernel
def free_space_db(d_km: float, f_ghz: float) -> float:
    """Return free-space loss over the slant distance `d_km`, taken as 10 m at least (§4.2.1, eq. 8)."""
    return 92.4 + 20.0 * math.log10(f_ghz) + 20.0 * math.log10(max(d_km, MIN_DISTANCE_KM))


@kernel
def slant_km(d_km: float, hts: float, hrs: float) -> float:
    """Return the distance between the antennas from the distance along the ground (eq. 8a)."""
    return math.hypot(d_km, (hts - hrs) / 1000.0)


@kernel
def _losses_into(
    offset: NDArray[np.int64], d: Floats, h: Floats, clutter: Floats, sea_share: Floats, f_ghz: Floats,
    htg: Floats, hrg: Floats, vertical: NDArray[np.bool_], ae_km: Floats, free_db: Floats, diffraction: Floats,
    sight: NDArray[np.bool_],
) -> None:  # fmt: skip
    longest = 0
    for k in range(offset.size - 1):
        longest = max(longest, offset[k + 1] - offset[k])
    zero, g = np.zeros(longest), np.empty(longest)
    for k in range(offset.size - 1):
        a, b = offset[k], offset[k + 1]
        n = b - a
        dk, hk = d[a:b], h[a:b]
        hts, hrs = hk[0] + htg[k], hk[n - 1] + hrg[k]
        free_db[k] = free_space_db(slant_km(dk[n - 1], hts, hrs), f_ghz[k])
        diffraction[k], sight[k] = 0.0, True
        if dk[n - 1] < MIN_PATH_KM:
            continue
        for i in range(n):
            g[i] = hk[i] + (clutter[a + i] if 0 < i < n - 1 else 0.0)
        hst, hsr = smooth_surface(dk, hk, n)
        nu, nu_smooth, hte, hre = walk(dk, hk, g, n, zero, hts, hrs, hst, hsr, ae_km[k])
        sight[k] = nu < 0.0
        diffraction[k] = delta_bullington_db(
            dk[n - 1], nu, nu_smooth, hte, hre, ae_km[k], f_ghz[k], sea_share[k], vertical[k]
        )


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
    *,
    pL: ArrayLike = 50.0,
    dN: ArrayLike = 45.0,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return free-space loss, diffraction loss (dB) and line of sight of many paths.

    Parameters
    ----------
    f_ghz, p, htg_m, hrg_m, pol, pL, dN : array_like, shape (paths,) or scalar
        Frequency 0.03-6 GHz; time percentage; antenna heights above ground; 1 horizontal, 2 vertical;
        location percentage; lapse rate of refractivity in N-units/km.
    offset : array_like of int, shape (paths + 1,)
        Path k has the posts offset[k]:offset[k+1].
    d_km, h_m, clutter_m, zone : array_like, shape (posts,)
        Distance from the transmitter, terrain height, representative clutter height (None: bare),
        radio-climatic zone 1 sea, 3 coastal, 4 inland (None: inland).

    Returns
    -------
    free_space_db, diffraction_db : float64 arrays, shape (paths,)
    line_of_sight : bool array, shape (paths,)

    Raises
    ------
    Invalid
        A value outside the Recommendation's range, an unknown height, a percentage this version does not model.
    """
    offsets = np.ascontiguousarray(offset, np.int64)
    d, h = np.ascontiguousarray(d_km, np.float64), np.ascontiguousarray(h_m, np.float64)
    clutter = np.zeros_like(h) if clutter_m is None else np.ascontiguousarray(clutter_m, np.float64)
    zones = np.full(h.size, INLAND) if zone is None else np.asarray(zone)
    paths = offsets.size - 1

    def each(value: ArrayLike) -> Floats:
        return np.ascontiguousarray(np.broadcast_to(np.asarray(value, np.float64), (paths,)))

    f, htg, hrg, dn = each(f_ghz), each(htg_m), each(hrg_m), each(dN)
    _check(f, each(p), each(pL), offsets, d, h, clutter, zones, htg, hrg, each(pol), dn)
    free_db, diffraction_db, sight = np.empty(paths), np.empty(paths), np.empty(paths, np.bool_)
    ae_km = EARTH_RADIUS_KM * 157.0 / (157.0 - dn)
    _losses_into(
        offsets, d, h, clutter, _sea_share(offsets, d, zones), f, htg, hrg, each(pol) == VERTICAL, ae_km,
        free_db, diffraction_db, sight,
    )  # fmt: skip
    return free_db, diffraction_db, sight


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
    *,
    pL: float = 50.0,
    dN: float = 45.0,
) -> Loss:
    """Return the loss of one path; parameters as `path_losses`, `d_km` from 0 to the path's length.

    Positions of the ends (φt, λt, φr, λr) and N0 enter the Recommendation only through §4.4 and §4.5,
    which are not part of this version; so they are not asked for.
    """
    offset = [0, np.asarray(d_km).size]
    free_db, diffraction_db, sight = path_losses(
        f_ghz, p, offset, d_km, h_m, clutter_m, zone, htg_m, hrg_m, pol, pL=pL, dN=dN
    )
    model = MODEL if float(np.asarray(d_km, np.float64)[-1]) >= MIN_PATH_KM else SHORT_PATH
    total = float(free_db[0] + diffraction_db[0])
    return Loss(total, float(free_db[0]), float(diffraction_db[0]), bool(sight[0]), model)


def _sea_share(offset: NDArray[np.int64], d: Floats, zone: NDArray[np.generic]) -> Floats:
    """Return ω: a step between two posts is half of each post's zone."""
    sea = (zone == SEA).astype(np.float64)
    steps = np.diff(d, prepend=d[0])
    steps[offset[:-1]] = 0.0
    weighted = steps * (sea + np.concatenate([sea[:1], sea[:-1]])) / 2
    return np.add.reduceat(weighted, offset[:-1]) / d[offset[1:] - 1]


def _check(
    f: Floats, p: Floats, p_location: Floats, offset: NDArray[np.int64], d: Floats, h: Floats, clutter: Floats,
    zone: NDArray[np.generic], htg: Floats, hrg: Floats, pol: Floats, dn: Floats,
) -> None:  # fmt: skip
    counts = np.diff(offset)
    shape = offset[0] == 0 and offset[-1] == d.size == h.size == clutter.size == zone.size and (counts >= 3).all()
    _require(bool(shape), "profile_shape", "hồ sơ cần ít nhất 3 điểm, các cột dài bằng nhau",
             "a profile needs three posts or more and columns of one length", "d_km")  # fmt: skip
    inner = np.ones(d.size, bool)
    inner[offset[:-1]] = False
    rising = (np.diff(d, prepend=0.0)[inner] > 0).all() and (d[offset[:-1]] == 0).all() and np.isfinite(d).all()
    _require(bool(rising), "profile_distance", "khoảng cách phải tăng dần từ 0", "distances must rise from 0", "d_km")
    known = np.isfinite(h).all() and np.isfinite(clutter).all() and (clutter >= 0).all()
    _require(bool(known), "profile_height", "độ cao trên tuyến chưa biết", "a height on the path is unknown", "h_m")
    _require(bool(((f >= 0.03) & (f <= 6.0)).all()), "frequency_range", "tần số phải từ 0,03 đến 6 GHz",
             "frequency must be 0.03 to 6 GHz", "f_ghz")  # fmt: skip
    heights = (htg > 0) & (htg <= 3000) & (hrg > 0) & (hrg <= 3000)
    _require(bool(heights.all()), "antenna_height", "chiều cao ăng-ten phải từ 0 đến 3000 m",
             "antenna heights must be above 0 and up to 3000 m", "htg_m")  # fmt: skip
    _require(bool(np.isin(pol, (HORIZONTAL, VERTICAL)).all()), "polarisation", "phân cực là 1 hoặc 2",
             "polarisation is 1 (horizontal) or 2 (vertical)", "pol")  # fmt: skip
    _require(bool(np.isin(zone, (SEA, COASTAL, INLAND)).all()), "zone", "vùng là 1, 3 hoặc 4",
             "zone is 1 sea, 3 coastal or 4 inland", "zone")  # fmt: skip
    _require(bool((dn < 157).all()), "dn_range", "ΔN phải nhỏ hơn 157", "ΔN must be under 157 N-units/km", "dN")
    median = (p == 50) & (p_location == 50)
    _require(bool(median.all()), "not_yet_supported", "phiên bản này chỉ tính trung vị (p = 50 %, pL = 50 %)",
             "this version models the median only (p = 50 %, pL = 50 %)", "p")  # fmt: skip


def _require(holds: bool, code: str, vi: str, en: str, field: str) -> None:
    if not holds:
        raise Invalid(code, vi, en, field=field)
