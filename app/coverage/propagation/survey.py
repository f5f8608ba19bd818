"""Median loss over profiles with equal steps, fast: what a coverage run computes (ITU-R P.1812-7 at p = pL = 50 %).

The same equations as `combination.path_db`, arranged so that one walk along a profile serves all frequencies on a mast,
divisions and roots come from tables over the post's number, and nothing is computed that p = 50 % does not need: at
the median no correction for focusing, no second effective Earth radius. The tests hold both to 1e-9 dB of each other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from app.coverage.compiled import kernel
from app.coverage.propagation.anomalous import ducting_db, least_ducting_db, troposcatter_db
from app.coverage.propagation.climate import Floats, anomalous_percent
from app.coverage.propagation.combination import either_db, free_space_db, modified_db, short_share, slant_km
from app.coverage.propagation.diffraction import delta_bullington_db

MEDIAN = 50.0


class Air(NamedTuple):
    """What the atmosphere does, the same for every path of a run."""

    ae_km: float
    """Median effective Earth radius."""
    n0: float
    """Refractivity at sea level, N-units."""


class Soil(NamedTuple):
    """What a path lies over (`climate.ground_shares`) and where; all of it land: 0, its length, its length."""

    sea_share: float
    land_km: float
    inland_km: float
    latitude_deg: float


class Survey(NamedTuple):
    """One profile between two antenna heights, whatever the frequency; heights in m, angles in mrad."""

    length_km: float
    slant_km: float
    nu: float
    """ν·√λ of the real path, and of the smooth one."""
    nu_smooth: float
    hte: float
    hre: float
    """Above the smooth surface, for diffraction."""
    theta_t: float
    theta_r: float
    theta: float
    dlt_km: float
    dlr_km: float
    hts: float
    hrs: float
    hte_duct: float
    hre_duct: float
    roughness_m: float


def tables(posts: int) -> Floats:
    """Return 1/i and 1/√i for i up to `posts`, shape (2, posts + 1); entry 0 is unused."""
    number = np.arange(1, posts + 1, dtype=np.float64)
    return np.vstack([np.concatenate([[0.0], 1.0 / number]), np.concatenate([[0.0], 1.0 / np.sqrt(number)])])


# Two lanes each: a sum or a maximum waits for the one before it, two of them wait at the same time. The larger of two
# numbers is the same in any order; the sums of heights differ from the reference by a billionth of a metre.


@kernel
def smooth_ends(h: Floats, n: int) -> tuple[float, float]:
    """Return the heights of the fitted smooth Earth at the two ends, steps being equal (Attachment 1, eq. 85-88)."""
    total, moment, other_total, other_moment = 0.0, 0.0, 0.0, 0.0
    for i in range(1, n - 2, 2):
        total += h[i]
        moment += h[i] * i
        other_total += h[i + 1]
        other_moment += h[i + 1] * (i + 1)
    if n % 2:
        total += h[n - 2]
        moment += h[n - 2] * (n - 2)
    last = n - 1.0
    v1 = 2.0 * (total + other_total) + h[0] + h[n - 1]
    v2 = 6.0 * (moment + other_moment) + h[0] + h[n - 1] * (3.0 * last - 1.0)
    return (2.0 * v1 * last - v2) / last**2, (v2 - v1 * last) / last**2


@kernel
def _steepest(h: Floats, n: int, start: int, step: int, eye: float, over: Floats, bend: float) -> tuple[float, float]:
    """Return the steepest rise in m per step seen from post `start`, on a flat Earth and on a bent one."""
    flat, bent, other_flat, other_bent = -math.inf, -math.inf, -math.inf, -math.inf
    for i in range(1, n - 2, 2):
        rise, other = (h[start + step * i] - eye) * over[i], (h[start + step * (i + 1)] - eye) * over[i + 1]
        flat = rise if rise > flat else flat
        other_flat = other if other > other_flat else other_flat
        rise, other = rise - bend * i, other - bend * (i + 1)
        bent = rise if rise > bent else bent
        other_bent = other if other > other_bent else other_bent
    if n % 2:
        rise = (h[start + step * (n - 2)] - eye) * over[n - 2]
        flat, bent = max(flat, rise), max(bent, rise - bend * (n - 2))
    return max(flat, other_flat), max(bent, other_bent)


@kernel
def _nearest_to_sight(
    h: Floats, n: int, hts: float, hrs: float, over: Floats, root: Floats, bend: float
) -> tuple[float, int]:
    """Return the largest ν·√(λ·step/2) of any post and its number (eq. 15)."""
    last = n - 1
    slope = (hrs - hts) * over[last]
    highest, at, other_highest, other_at = -math.inf, 1, -math.inf, 1
    for i in range(1, n - 2, 2):
        far = last - i
        above = (h[i] - hts - i * (slope - bend * far)) * (root[i] * root[far])
        other = (h[i + 1] - hts - (i + 1) * (slope - bend * (far - 1))) * (root[i + 1] * root[far - 1])
        if above > highest:
            highest, at = above, i
        if other > other_highest:
            other_highest, other_at = other, i + 1
    if n % 2:
        above = (h[n - 2] - hts - (n - 2) * (slope - bend)) * (root[n - 2] * root[1])
        if above > highest:
            highest, at = above, n - 2
    if other_highest > highest:
        highest, at = other_highest, other_at
    return highest / root[last], at


@kernel
def _smooth_nu(n: int, step_km: float, hte: float, hre: float, over: Floats, root: Floats, bend: float) -> float:
    """Return ν·√λ of the Bullington edge over the smooth Earth: as `diffraction.bullington_nu` over heights of 0.

    Notes
    -----
    Nothing is walked. The slope to a post at i steps is bend·(last - i) - hte/i, concave in i: the posts about its
    maximum are enough. In sight, with t² = i/(last - i), ν is K·t/(1 + t²) - hte/t - hre·t up to a factor. Its
    derivative falls as long as t² < 3, and beyond that it cannot rise above zero again: for t² >= 3 the derivative is
    at most (hte - 3/8·K)/t² - hre, which is under zero wherever it was so at t² = 3. So ν has one maximum, which
    halving finds.
    """
    last = n - 1
    slope = (hre - hte) * over[last]
    slope_t = _smooth_slope(last, hte, over, bend)
    if slope_t >= slope:
        return _edge_nu(slope_t, _smooth_slope(last, hre, over, bend), last, step_km, hte, hre)
    low, high = 1, last - 1
    while low < high:
        middle = (low + high) // 2
        if _smooth_edge(middle, last, hte, slope, root, bend) < _smooth_edge(middle + 1, last, hte, slope, root, bend):
            low = middle + 1
        else:
            high = middle
    return float(_smooth_edge(low, last, hte, slope, root, bend) / root[last] * math.sqrt(0.002 / step_km))


@kernel
def _smooth_edge(i: int, last: int, hte: float, slope: float, root: Floats, bend: float) -> float:
    far = last - i
    return float((bend * i * far - hte - slope * i) * (root[i] * root[far]))


@kernel
def _smooth_slope(last: int, height: float, over: Floats, bend: float) -> float:
    best = min(max(int(math.sqrt(max(height, 0.0) / bend)), 1), last - 1)
    slope = -math.inf
    for i in range(max(best - 1, 1), min(best + 2, last - 1) + 1):
        slope = max(slope, bend * (last - i) - height * over[i])
    return slope


@kernel
def _edge_nu(slope_t: float, slope_r: float, last: int, step_km: float, hts: float, hrs: float) -> float:
    """Return ν·√λ where the two steepest slopes, in m per step, meet (eq. 17-19)."""
    at = (hrs - hts + slope_r * last) / (slope_t + slope_r)
    far = last - at
    above = hts + slope_t * at - (hts * far + hrs * at) / last
    return float(above * math.sqrt(0.002 * last / (at * far * step_km)))


@kernel
def survey(
    h: Floats, g: Floats, bare: bool, n: int, step_km: float, htg: float, hrg: float, ends: tuple[float, float],
    table: Floats, ae_km: float,
) -> Survey:  # fmt: skip
    """Walk a profile of equal steps once.

    Parameters
    ----------
    h, g : float64 arrays, at least n long
        Terrain, and terrain with clutter.
    bare : bool
        g holds nothing but h.
    ends : tuple of float
        Of `smooth_ends`.
    table : float64 array
        Of `tables`, for n posts at least.
    """
    last = n - 1
    over, root = table[0], table[1]
    length, hts, hrs = last * step_km, h[0] + htg, h[last] + hrg
    bend = 500.0 * step_km * step_km / ae_km
    flat_t, bent_t = _steepest(h, n, 0, 1, hts, over, bend)
    flat_r, bent_r = _steepest(h, n, last, -1, hrs, over, bend)
    direct = (hrs - hts) * over[last]
    # Horizons, over bare terrain (eq. 77-83).
    theta_t = 1000.0 * math.atan((direct - bend * last) / step_km / 1000.0)
    theta_r = 1000.0 * math.atan((-direct - bend * last) / step_km / 1000.0)
    if bent_t > direct - bend * last:
        theta_t = 1000.0 * math.atan(bent_t / step_km / 1000.0)
        theta_r = 1000.0 * math.atan(bent_r / step_km / 1000.0)
        at, back = 1, last - 1
        while (h[at] - hts) * over[at] - bend * at < bent_t:
            at += 1
        while (h[back] - hrs) * over[last - back] - bend * (last - back) < bent_r:
            back -= 1
        highest = -math.inf
    else:
        highest, at = _nearest_to_sight(h, n, hts, hrs, over, root, bend)
        back = at
    # The real path's edge, over terrain and clutter (eq. 13-19).
    up, down = bent_t, bent_r
    if not bare:
        _, up = _steepest(g, n, 0, 1, hts, over, bend)
        _, down = _steepest(g, n, last, -1, hrs, over, bend)
    up, down = up + bend * last, down + bend * last
    if up < direct:
        if not bare:
            highest, _ = _nearest_to_sight(g, n, hts, hrs, over, root, bend)
        nu = highest * math.sqrt(0.002 / step_km)
    else:
        nu = _edge_nu(up, down, last, step_km, hts, hrs)
    # Heights above the smooth surface: for diffraction lowered under an obstruction (eq. 89-92), for ducting not.
    hst, hsr = ends
    lowered_t, lowered_r = hst, hsr
    if flat_t > direct:
        obstruction = 0.0
        for i in range(1, last):
            above = h[i] - hts - direct * i
            obstruction = above if above > obstruction else obstruction
        share_t = (flat_t - direct) / (flat_t + flat_r)
        lowered_t -= obstruction * share_t
        lowered_r -= obstruction * (1.0 - share_t)
    hte, hre = hts - min(lowered_t, h[0]), hrs - min(lowered_r, h[last])
    hst, hsr = min(hst, h[0]), min(hsr, h[last])
    tilt, rough = (hsr - hst) * over[last], -math.inf
    for i in range(at, back + 1):
        above = h[i] - hst - tilt * i
        rough = above if above > rough else rough
    return Survey(
        length, slant_km(length, hts, hrs), nu, _smooth_nu(n, step_km, hte, hre, over, root, bend), hte, hre, theta_t,
        theta_r, 1000.0 * length / ae_km + theta_t + theta_r, at * step_km, (last - back) * step_km, hts, hrs,
        hts - hst, hrs - hsr, rough,
    )  # fmt: skip


@kernel
def median_db(path: Survey, f_ghz: float, soil: Soil, air: Air) -> tuple[float, float]:
    """Return the median basic transmission loss, vertical polarisation, and the diffraction loss in it, dB."""
    length = path.length_km
    free = free_space_db(path.slant_km, f_ghz)
    diffraction = delta_bullington_db(
        length, path.nu, path.nu_smooth, path.hte, path.hre, air.ae_km, f_ghz, soil.sea_share, True
    )
    modified = median = free + diffraction
    # At the median everything but ducting gives free space and diffraction (Lminb0p = Lbd = Lbd50), and ducting that
    # loses more than these changes nothing (eq. 61): most paths need not ask for it.
    least = least_ducting_db(length, path.dlt_km, path.dlr_km, path.theta_t, path.theta_r, air.ae_km, f_ghz)
    if soil.sea_share >= 0.75 or least < median:
        beta0 = anomalous_percent(soil.land_km, soil.inland_km, soil.latitude_deg)
        ducting = ducting_db(
            length, path.dlt_km, path.dlr_km, path.theta_t, path.theta_r, path.hts, path.hrs, path.hte_duct,
            path.hre_duct, path.roughness_m, 500.0, 500.0, soil.sea_share, soil.inland_km, beta0, air.ae_km, f_ghz,
            MEDIAN,
        )  # fmt: skip
        modified = modified_db(length, path.theta, free, median, median, ducting)
    scatter = troposcatter_db(length, path.theta, f_ghz, MEDIAN, air.n0)
    loss = either_db(scatter, modified)
    # Eq. 69: never better than in sight.
    return max(free, free + short_share(length) * (loss - free)), diffraction
