"""How sure a share is: by hand, against numerical integration, and as properties."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.coverage.probability import Errors, Floats, probability, serving, shares

PHI = NormalDist().cdf
NOWHERE = np.zeros(1, bool)
ONE = np.zeros(1, np.int64)


def test_total_error_is_the_root_of_the_squares() -> None:
    assert Errors(6.0, 8.0).total_db == 10.0
    found = probability(np.array([10.0, 0.0, -10.0, -np.inf]), 10.0)
    assert found == pytest.approx([0.841345, 0.5, 0.158655, 0.0], abs=1e-6)
    assert probability(np.array([0.0, -1e-9]), 0.0).tolist() == [1.0, 0.0]


def test_one_point_by_hand() -> None:
    found = shares(np.zeros(1), NOWHERE, ONE, 1, np.array([100.0]), 6.0, np.array([8.0]))
    # The deciles of the model's error are ± 1.28155 · 8 = ± 10.2524 dB: Φ(± 10.2524 / 6) = Φ(± 1.70874).
    assert (found.expected[0], found.low[0], found.high[0]) == pytest.approx((0.5, 0.043749, 0.956251), abs=1e-6)
    sure = shares(np.zeros(1), np.ones(1, bool), ONE, 1, np.array([100.0]), 6.0, np.array([8.0]))
    assert sure.high[0] == 1.0, "what an unknown cell might serve counts in the upper bound"


def test_two_points_move_together_and_weigh_by_people() -> None:
    margin, weight = np.array([3.0, -20.0]), np.array([30.0, 10.0])
    found = shares(margin, np.zeros(2, bool), np.zeros(2, np.int64), 1, weight, 5.5, np.full(2, 11.0))
    shift = 1.2815515655446004 * 11
    assert found.low[0] == pytest.approx((30 * PHI((3 - shift) / 5.5) + 10 * PHI((-20 - shift) / 5.5)) / 40)
    assert found.high[0] == pytest.approx((30 * PHI((3 + shift) / 5.5) + 10 * PHI((-20 + shift) / 5.5)) / 40)
    total = np.hypot(5.5, 11)
    assert found.expected[0] == pytest.approx((30 * PHI(3 / total) + 10 * PHI(-20 / total)) / 40)


def test_deciles_are_those_of_the_distribution() -> None:
    """The share of people is a rising function of one normal error: its deciles by brute force over that error."""
    margin, weight = np.array([8.0, 1.0, -6.0]), np.array([5.0, 2.0, 3.0])
    found = shares(margin, np.zeros(3, bool), np.zeros(3, np.int64), 1, weight, 5.5, np.full(3, 11.0))
    ranks = (np.arange(20_000) + 0.5) / 20_000
    x = np.array([NormalDist(0, 11).inv_cdf(r) for r in ranks])
    share = (probability(margin[None, :] + x[:, None], 5.5) * weight).sum(axis=1) / 10
    assert (found.low[0], found.high[0]) == pytest.approx(np.quantile(share, [0.1, 0.9]), abs=1e-3)
    assert found.expected[0] == pytest.approx(share.mean(), abs=1e-4)


def test_the_second_best_operator_decides_for_two() -> None:
    margin = np.array([[5.0, -3.0, 2.0], [1.0, -np.inf, -9.0]])
    operator = np.array([7, 7, 9])
    found = {least: [x.tolist() for x in serving(margin, operator, least)] for least in (1, 2, 3)}
    assert found[1] == [[5.0, 1.0], [0, 0]]
    assert found[2] == [[2.0, -9.0], [2, 2]]
    assert found[3] == [[-np.inf, -np.inf], [-1, -1]]
    none = serving(np.empty((2, 0)), np.empty(0, np.int64), 1)
    assert [x.tolist() for x in none] == found[3]


def test_defaults_widen_the_error_of_the_cell_that_has_them() -> None:
    errors = Errors(5.5, 12.0, (3.0, 4.0))
    assert errors.of_cells(np.array([0, 1, 2, 3])).tolist() == pytest.approx([12, 12.3693, 12.6491, 13.0], abs=1e-4)
    place, people = np.array([3.0, 3.0]), np.array([1.0, 1.0])
    found = shares(place, np.zeros(2, bool), np.array([0, 1]), 2, people, 5.5, errors.of_cells(np.array([0, 3])))
    assert found.low[1] < found.low[0] < found.expected[0] < found.high[0] < found.high[1]


def test_nobody_lives_there() -> None:
    found = shares(np.zeros(1), NOWHERE, ONE, 2, np.zeros(1), 5.5, np.array([11.0]))
    assert np.isnan([found.expected, found.low, found.high]).all()


margins = arrays(np.float64, 8, elements=st.floats(-60, 60) | st.just(-np.inf))
people = arrays(np.float64, 8, elements=st.floats(0.1, 1000))
VILLAGE = np.repeat(np.arange(4), 2)


@given(margins, people, arrays(np.bool_, 8), st.floats(0, 10), st.floats(0, 15), st.floats(0, 30))
def test_shares_are_shares_in_order_and_rise_with_the_signal(
    margin: Floats, weight: Floats, possible: Any, place_db: float, model_db: float, more_db: float
) -> None:
    errors = place_db, np.full(8, model_db)
    before, after = (shares(m, possible, VILLAGE, 4, weight, *errors) for m in (margin, margin + more_db))
    for found in (before, after):
        assert ((found.low >= 0) & (found.high <= 1)).all()
        assert (found.low <= found.high + 1e-12).all()
    assert (after.low >= before.low - 1e-12).all()
    assert (after.high >= before.high - 1e-12).all()
    nothing = shares(np.full(8, -np.inf), np.zeros(8, bool), VILLAGE, 4, weight, *errors)
    assert (nothing.high == 0).all()
