"""The fast walk of a coverage run against the Recommendation as written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage.propagation.climate import EARTH_RADIUS_KM, ground_shares, median_factor
from app.coverage.propagation.p1812 import path_losses
from app.coverage.propagation.survey import Air, Soil, median_db, smooth_ends, survey, tables

TABLE = tables(900)
AIR = Air(EARTH_RADIUS_KM * median_factor(45.0), 370.0)
KM_PER_DEGREE = EARTH_RADIUS_KM * np.pi / 180


def both(
    h: np.ndarray, clutter: np.ndarray, zone: np.ndarray, length_km: float, htg: float, hrg: float, f: float
) -> tuple[float, float, float, float]:
    n = h.size
    d = np.arange(n, dtype=np.float64) * (length_km / (n - 1))
    north = 16.0 + length_km / KM_PER_DEGREE
    exact = path_losses(f, 50, [0, n], d, h, clutter, zone, htg, hrg, 2, 16.0, north, 107.5, 107.5)
    g = h + np.where((np.arange(n) == 0) | (np.arange(n) == n - 1), 0, clutter)
    sea, dtm, dlm = ground_shares(d, zone, n)
    soil = Soil(sea, dtm, dlm, 16.0 + length_km / 2 / KM_PER_DEGREE)
    path = survey(h, g, not clutter.any(), n, length_km / (n - 1), htg, hrg, smooth_ends(h, n), TABLE, AIR.ae_km)
    loss, diffraction = median_db(path, f, soil, AIR)
    return loss, float(exact.loss_db[0]), diffraction, float(exact.diffraction_db[0])


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(3, 800), st.floats(0.05, 45), st.sampled_from([0.0, 0.5, 8.0, 40.0]),
    st.booleans(), st.booleans(), st.floats(1, 90), st.floats(1, 12), st.floats(0.4, 6),
)  # fmt: skip
def test_the_same_to_a_billionth(
    seed: int, n: int, length_km: float, rough: float, built: bool, sea: bool, htg: float, hrg: float, f: float
) -> None:
    random = np.random.default_rng(seed)
    h = np.abs(np.cumsum(random.normal(0, rough, n)))
    clutter = np.where(random.random(n) < 0.3, 15.0, 0.0) if built else np.zeros(n)
    zone = np.where((np.arange(n) > n // 3) & sea, 1, 4).astype(np.int8)
    loss, exact, diffraction, exactly = both(h, clutter, zone, length_km, htg, hrg, f)
    assert loss == pytest.approx(exact, abs=1e-9)
    assert diffraction == pytest.approx(exactly, abs=1e-9)


def test_flat_ground_and_level_antennas() -> None:
    zero = np.zeros(101)
    loss, exact, _, _ = both(zero, zero, np.full(101, 4, np.int8), 3.0, 10.0, 10.0, 1.8)
    assert loss == pytest.approx(exact, abs=1e-9)
