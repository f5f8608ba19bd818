"""Delta-Bullington against hand calculation and physics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage.propagation import diffraction, p1812
from app.coverage.propagation.climate import EARTH_RADIUS_KM, median_factor
from app.errors import AppError

AE_KM = EARTH_RADIUS_KM * median_factor(45.0)


def loss(d_km: object, h_m: object, **more: object) -> p1812.Loss:
    given_ = {"f_ghz": 1.8, "p": 50, "clutter_m": None, "zone": None, "htg_m": 30, "hrg_m": 1.5} | more
    return p1812.basic_transmission_loss(d_km=d_km, h_m=h_m, **given_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nu", "expected_db"),
    # ITU-R P.526-15 fig. 9 and eq. 31 by hand: J(0) = 6.9 + 20 lg(sqrt(1.01) - 0.1); tends to 13 + 20 lg ν.
    [(0.0, 6.0327), (1.0, 13.9254), (2.4, 20.5393), (-0.78, 0.0), (-3.0, 0.0)],
)
def test_knife_edge(nu: float, expected_db: float) -> None:
    by_hand = 6.9 + 20 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1) + nu - 0.1) if nu > -0.78 else 0.0
    assert diffraction.knife_edge_db(nu) == pytest.approx(by_hand)
    assert diffraction.knife_edge_db(nu) == pytest.approx(expected_db, abs=1e-3)


def test_knife_edge_tends_to_its_asymptote() -> None:
    assert diffraction.knife_edge_db(100.0) == pytest.approx(13 + 20 * math.log10(100), abs=0.1)
    assert diffraction.knife_edge_db(-0.7799) == pytest.approx(0, abs=0.05), "continuous at the cut"


def test_one_edge_by_hand() -> None:
    """A 200 m edge in the middle of 10 km: ν of P.526 eq. 26 with the Earth's bulge added, then eq. 21."""
    d = np.linspace(0, 10, 101)
    h = np.where(np.arange(101) == 50, 200.0, 0.0)
    wavelength_m = 0.2998 / 1.8
    above_m = 200 + 500 / AE_KM * 25 - (30 + 1.5) / 2
    nu = above_m * math.sqrt(0.002 * 10 / (wavelength_m * 25))
    edge_db = 6.9 + 20 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1) + nu - 0.1)
    expected_db = edge_db + (1 - math.exp(-edge_db / 6)) * (10 + 0.02 * 10)
    nu_found = diffraction.bullington_nu(d, h, 101, 30.0, 1.5, AE_KM) / math.sqrt(wavelength_m)
    assert nu_found == pytest.approx(nu, rel=1e-6)
    assert diffraction.bullington_db(nu_found, 10.0) == pytest.approx(expected_db, rel=1e-9)
    found = loss(d, h)
    assert not found.line_of_sight
    assert found.diffraction_db >= expected_db


def test_free_space_by_hand() -> None:
    d = np.linspace(0, 1, 35)
    high = loss(d, np.zeros(35), htg_m=300, hrg_m=300, f_ghz=1.0)
    assert high.line_of_sight
    assert high.diffraction_db == 0
    assert high.loss_db == pytest.approx(92.4)


def test_smooth_earth_beyond_the_horizon_is_the_spherical_loss() -> None:
    d = np.linspace(0, 60, 2001)
    found = loss(d, np.zeros(2001), htg_m=30, hrg_m=10, f_ghz=0.9)
    sphere_db = diffraction.spherical_db(60.0, 30.0, 10.0, AE_KM, 0.9, 0.0, True)
    assert 60 > math.sqrt(2 * AE_KM) * (math.sqrt(0.03) + math.sqrt(0.01)), "beyond the horizon"
    assert found.diffraction_db == pytest.approx(sphere_db, abs=0.01)
    sea = loss(d, np.zeros(2001), zone=np.ones(2001), htg_m=30, hrg_m=10, f_ghz=0.9)
    assert sea.diffraction_db != found.diffraction_db


def test_short_paths_say_so_and_meet_the_recommendation() -> None:
    """Free space up to 50 m, the whole loss from 250 m on, and no jump at either end."""

    def over_an_edge(length_km: float) -> p1812.Loss:
        return loss(np.linspace(0, length_km, 9), np.where(np.arange(9) == 4, 60.0, 0.0))

    bare = over_an_edge(0.05)
    assert bare.loss_db == pytest.approx(bare.free_space_db)
    assert "free space" in bare.model
    below, above = over_an_edge(0.2499999), over_an_edge(0.25)
    assert above.model == "ITU-R P.1812-7"
    assert above.loss_db - above.free_space_db > 20
    assert below.loss_db == pytest.approx(above.loss_db, abs=1e-3)
    assert over_an_edge(0.0501).loss_db == pytest.approx(bare.loss_db, abs=0.2)
    steps = [over_an_edge(km).loss_db for km in np.linspace(0.05, 0.4, 200)]
    assert np.abs(np.diff(steps)).max() < 1.5, "1.75 m a step: no jump"
    at_mast = loss(np.array([0.0, 1e-4, 2e-4]), np.zeros(3), htg_m=1.5)
    assert at_mast.loss_db == pytest.approx(92.4 + 20 * math.log10(1.8) - 40), "not under 10 m"


profiles = st.integers(3, 60).flatmap(
    lambda n: st.lists(st.floats(-5, 1500, width=32), min_size=n, max_size=n).map(np.array)
)


@settings(max_examples=150, deadline=None)
@given(profiles, st.floats(0.3, 60), st.floats(1, 200), st.floats(1, 200), st.floats(0.4, 6))
def test_reciprocal_and_never_negative(
    h: diffraction.Floats, length_km: float, a: float, b: float, f_ghz: float
) -> None:
    d = np.linspace(0, length_km, h.size)
    there = loss(d, h, htg_m=a, hrg_m=b, f_ghz=f_ghz)
    back = loss(d, h[::-1].copy(), htg_m=b, hrg_m=a, f_ghz=f_ghz)
    assert there.loss_db == pytest.approx(back.loss_db, abs=1e-6)
    assert there.diffraction_db >= 0
    assert math.isfinite(there.loss_db)


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 900), st.floats(1, 400), st.integers(5, 95))
def test_a_higher_edge_never_helps(edge_m: float, more_m: float, at: int) -> None:
    d = np.linspace(0, 12, 101)
    low, high = (np.where(np.arange(101) == at, e, 0.0) for e in (edge_m, edge_m + more_m))
    nu_low, nu_high = (diffraction.bullington_nu(d, h, 101, 30.0, 1.5, AE_KM) for h in (low, high))
    assert diffraction.bullington_db(nu_high, 12.0) >= diffraction.bullington_db(nu_low, 12.0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"h_m": [0, np.nan, 0]}, "profile_height"),
        ({"d_km": [0, 2, 1]}, "profile_distance"),
        ({"d_km": [0, 1], "h_m": [0, 0]}, "profile_shape"),
        ({"f_ghz": 7}, "frequency_range"),
        ({"htg_m": 0}, "antenna_height"),
        ({"pol": 3}, "polarisation"),
        ({"zone": [4, 9, 4]}, "zone"),
        ({"p": 0.5}, "time_percentage"),
        ({"p": 60}, "time_percentage"),
        ({"pL": 99.5}, "location_percentage"),
        ({"sigma_l": -1}, "location_sigma"),
        ({"dN": 200}, "dn_range"),
        ({"N0": 37}, "n0_range"),
        ({"hrg_m": np.nan}, "antenna_height"),
        ({"phi_t": 91}, "latitude"),
        ({"dct_km": -1}, "coast"),
        ({"d_km": [0, 2000, 4000]}, "path_too_long"),
    ],
)
def test_refusals(change: dict[str, object], code: str) -> None:
    with pytest.raises(AppError) as refused:
        loss(**({"d_km": [0, 1, 2], "h_m": [0, 0, 0]} | change))
    assert refused.value.code == code
