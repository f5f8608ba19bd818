"""Fitting and reporting without a database; every sample is SYNTHETIC."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage.bands import BANDS, band_of
from app.coverage.calibration import (
    UNCLASSIFIED,
    Fitted,
    Limits,
    Samples,
    corrected,
    fit,
    is_fitted,
    split,
    table,
)
from app.coverage.calibration_report import Asked, report
from app.coverage.probability import Errors
from app.errors import Invalid

LIMITS = Limits(0.7, 5, 3, 100, 5, 0.2, 30, 3, 40.0, 20.0, 3.0)
CODES = tuple(f"SITE-{n}" for n in range(40))
FITTED = np.array([is_fitted(code, 0.7) for code in CODES])
ERRORS = Errors(5.5, 11.0)
seeds = st.integers(0, 2**31)


def made(seed: int, n: int = 2000, noise_db: float = 0.0, classes: tuple[str, ...] = (UNCLASSIFIED,),
         bias: Any = 0.0, slope: Any = 0.0) -> Samples:  # fmt: skip
    """Samples whose residual is bias + slope·log10(km) + noise; bias and slope by (band, class) or for all."""
    random = np.random.default_rng(seed)
    band, clutter = random.integers(0, len(BANDS), n), random.integers(0, len(classes), n)
    km = 10 ** random.uniform(-1, 1, n)
    shape = (len(BANDS), len(classes))
    b, s = (np.broadcast_to(np.asarray(v, float), shape)[band, clutter] for v in (bias, slope))
    predicted = random.uniform(-100, -60, n)
    measured = predicted + b + s * np.log10(km) + random.normal(0, 1, n) * noise_db
    return Samples(random.integers(0, len(CODES), n), CODES, band, clutter, classes, km, predicted, measured,
                   np.full(n, -140.0))  # fmt: skip


def numbers(found: Fitted) -> list[tuple[float, ...]]:
    return [c.row() for c in (found.overall, *found.corrections)]


def test_bands_by_frequency() -> None:
    assert [BANDS[b] for b in band_of([0.7, 0.9, 1.0, 1.8, 2.0, 2.6, 3.0, 3.5])] == [
        *["below_1_ghz"] * 2, *["1_to_2_ghz"] * 2, *["2_to_3_ghz"] * 2, *["above_3_ghz"] * 2,
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(-15, 15), st.floats(-15, 15))
def test_a_known_bias_and_slope_come_back(seed: int, bias: float, slope: float) -> None:
    samples = made(seed, bias=bias, slope=slope)
    found = fit(samples, LIMITS)
    assert {c.basis for c in found.corrections} == {"bias_and_slope"}
    for c in (found.overall, *found.corrections):
        assert (c.bias_db, c.slope_db_per_decade) == pytest.approx((bias, slope), abs=1e-8)
    assert corrected(samples, found) == pytest.approx(samples.measured_dbm, abs=15 * 0.3), "beyond what was fitted"


def test_every_band_and_class_has_its_own() -> None:
    bias = np.array([[0, -5], [3, 8], [-2, 1], [6, -9]])
    slope = np.array([[2, -3], [0, 4], [-6, 5], [1, 0]])
    samples = made(1, 6000, 2.0, ("open", "forest"), bias, slope)
    found = fit(samples, LIMITS)
    of = {(c.band, c.clutter): c for c in found.corrections}
    for b, band in enumerate(BANDS):
        for c, name in enumerate(samples.classes):
            assert of[band, name].bias_db == pytest.approx(bias[b, c], abs=0.5)
            assert of[band, name].slope_db_per_decade == pytest.approx(slope[b, c], abs=0.8)
    rows = table(found.overall, found.corrections, ("forest", "never seen"))
    assert tuple(rows[1, 0]) == of[BANDS[1], "forest"].row()
    assert tuple(rows[1, 1]) == of[BANDS[1], None].row()


@settings(max_examples=20, deadline=None)
@given(seeds, seeds)
def test_the_order_of_samples_does_not_matter(seed: int, order: int) -> None:
    samples = made(seed, 1500, 8.0, ("open", "forest"))
    turned = samples.take(np.random.default_rng(order).permutation(1500))
    assert numbers(fit(turned, LIMITS)) == numbers(fit(samples, LIMITS)), "to the bit"


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(-200, 200), st.booleans())
def test_a_held_out_site_never_influences_the_fit(seed: int, shift: float, gone: bool) -> None:
    samples = made(seed, 1500, 8.0)
    held = ~FITTED[samples.site]
    # A few stay as they are, so that the sites are still there.
    moved = held & (np.random.default_rng(seed).random(1500) < 0.9)
    other = replace(samples, measured_dbm=samples.measured_dbm + np.where(moved, shift, 0.0))
    if gone:
        other = other.take(~moved)
    assert numbers(fit(other, LIMITS)) == numbers(fit(samples, LIMITS))


def test_the_split_is_of_sites_and_always_the_same() -> None:
    assert 0.5 < FITTED.mean() < 0.9
    many = [is_fitted(f"TRAM-{n}", 0.7) for n in range(20_000)]
    assert np.mean(many) == pytest.approx(0.7, abs=0.01)
    assert [is_fitted(code, 0.7) for code in ("HUE-0003", "HUE-0004", "HUE-0005")] == [True, True, False], "for ever"
    mine, fitted, held = split(made(0), LIMITS)
    assert (fitted, held) == (FITTED.sum(), (~FITTED).sum())
    assert (mine == FITTED[made(0).site]).all()


def test_few_samples_take_what_is_wider_and_say_so() -> None:
    samples = made(3, 3000, 1.0, ("open", "forest", "water"), 4.0, 2.0)
    rank = np.zeros(3000, int)
    for b in range(4):
        for c in range(3):
            these = (samples.band == b) & (samples.class_code == c)
            rank[these] = np.arange(these.sum())
    # Band 0: forest 100 samples (some 70 fitted), water 10; band 3 none at all.
    few = (samples.band != 3) & ~((samples.band == 0) & (rank >= np.array([9999, 100, 10])[samples.class_code]))
    found = fit(samples.take(few), LIMITS)
    of = {(c.band, c.clutter): c for c in found.corrections}
    low, high = BANDS[0], BANDS[3]
    assert [of[low, c].basis for c in ("open", "forest", "water")] == ["bias_and_slope", "bias", "band"]
    assert of[low, "forest"].slope_db_per_decade == 0
    assert of[low, "water"].row() == of[low, None].row()
    assert "cần 30 của 3" in of[low, "water"].why["vi"]
    assert "below 1 GHz" in of[low, "water"].why["en"]
    assert [of[high, c].basis for c in (None, "open", "water")] == ["overall"] * 3
    assert of[high, None].row() == found.overall.row()
    assert "all bands" in of[high, "open"].why["en"]
    alike = replace(samples, distance_km=np.full(3000, 2.0))
    assert {c.basis for c in fit(alike, LIMITS).corrections} == {"bias"}, "one distance has no slope"


def test_outliers_are_cut_and_counted() -> None:
    samples = made(4, 2000, 3.0, bias=5.0)
    wild = np.zeros(2000, bool)
    wild[:200] = True
    found = fit(replace(samples, measured_dbm=samples.measured_dbm - np.where(wild, 70.0, 0.0)), LIMITS)
    assert found.outliers == FITTED[samples.site[:200]].sum()
    assert found.overall.bias_db == pytest.approx(5.0, abs=0.3)


def test_a_floor_biases_nothing() -> None:
    samples = made(5, 8000, 8.0, bias=-6.0)
    floor = np.full(8000, -95.0)
    found = fit(replace(samples, floor_dbm=floor, measured_dbm=np.maximum(samples.measured_dbm, floor)), LIMITS)
    assert found.near_floor == (samples.predicted_dbm < -75).sum()
    assert 0 < found.at_floor < found.fitted / 50
    assert found.overall.bias_db == pytest.approx(-6.0, abs=0.4)


def test_too_few_sites_is_refused_and_says_how_many() -> None:
    samples = made(6)
    with pytest.raises(Invalid) as caught:
        fit(samples.take(samples.site < 4), LIMITS)
    assert caught.value.code == "calibration_too_few_sites"
    assert caught.value.extra["needed"] == {"fit": 5, "held_out": 3}
    assert "5" in caught.value.vi
    with pytest.raises(Invalid) as caught:
        fit(samples.take(np.arange(2000) >= 1970), LIMITS)
    assert caught.value.code in ("calibration_too_few_samples", "calibration_too_few_sites")
    near = replace(samples, floor_dbm=np.full(2000, -60.0))
    with pytest.raises(Invalid, match="0 and 0"):
        fit(near, LIMITS)


def test_rates_counted_by_hand() -> None:
    """Ten held-out samples about a level of -100 dBm, beside fitted ones that are 10 dB under the prediction."""
    held = np.flatnonzero(~FITTED)[:3]
    fitted = np.flatnonzero(FITTED)
    predicted = np.array([-80, -85, -90, -95, -99, -101, -105, -112, -115, -120.0])
    measured = np.array([-90, -98, -101, -104, -98, -99, -103, -130, -122, -140.0])
    n = 200
    site = np.concatenate([held[np.arange(10) % 3], fitted[np.arange(n) % len(fitted)]])
    km = np.concatenate([np.full(10, 1.0), np.full(n, 1.0)])
    samples = Samples(
        site, CODES, np.ones(10 + n, int), np.zeros(10 + n, int), (UNCLASSIFIED,), km,
        np.concatenate([predicted, np.full(n, -80.0)]), np.concatenate([measured, np.full(n, -90.0)]),
        np.full(10 + n, -140.0),
    )  # fmt: skip
    found = fit(samples, LIMITS)
    assert found.overall.row() == (-10.0, 0.0, 0.0, 0.0)
    needed = np.full(10 + n, -100.0)
    needed[6] = np.nan  # of a technology the rule does not know
    told = report(samples, found, Asked(needed, 0.0), ERRORS, LIMITS).total
    before, after = told.before, told.after
    # Predicted -80 to -99: covered, of which -101 and -104 were measured. Uncovered: -101, -112, -115, -120; one of
    # them was served.
    assert (before.predicted_covered, before.false_covered, before.false_covered_rate) == (5, 2, 0.4)
    assert (before.predicted_uncovered, before.false_uncovered, before.false_uncovered_rate) == (4, 1, 0.25)
    # 10 dB less: -90, -95 and -100 stay covered, the last one wrongly; of the rest -98 and -99 were served.
    assert (after.predicted_covered, after.false_covered) == (3, 1)
    assert (after.predicted_uncovered, after.false_uncovered) == (6, 2)
    # All but the one predicted on the floor's margin: -120 itself is 20 dB above it.
    error = measured - predicted
    assert (before.samples, before.sites) == (10, 3)
    assert before.bias_db == pytest.approx(error.mean())
    assert before.rmse_db == pytest.approx(np.sqrt((error**2).mean()))
    assert after.bias_db == pytest.approx(error.mean() + 10)
    assert after.std_db == pytest.approx(error.std())
    # With a margin of one standard deviation, √(11² + 5.5²) = 12.3 dB: -80, -85 stay, both were served.
    strict = report(samples, found, Asked(needed, 1.0), ERRORS, LIMITS).total.before
    assert (strict.predicted_covered, strict.false_covered) == (2, 0)


def test_what_the_model_is_off_by_is_what_the_place_does_not_explain() -> None:
    samples = made(7, 20_000, 8.0, bias=4.0)
    found = fit(samples, LIMITS)
    told = report(samples, found, Asked(np.full(20_000, np.nan), 0.0), ERRORS, LIMITS)
    assert told.total.after.rmse_db == pytest.approx(8.0, abs=0.2)
    assert told.total.before.bias_db == pytest.approx(4.0, abs=0.3)
    assert told.sigma_model_db == pytest.approx(np.sqrt(8.0**2 - 5.5**2), abs=0.4)
    assert told.total.after.false_covered_rate is None, "no technology of the rule"
    assert [(r.band, r.clutter) for r in told.rows] == [
        (None, None), *((b, None) for b in BANDS), *((b, UNCLASSIFIED) for b in BANDS),
    ]  # fmt: skip
    still = made(8, bias=1.0)
    quiet = report(still, fit(still, LIMITS), Asked(np.full(2000, np.nan), 0.0), ERRORS, LIMITS)
    assert quiet.sigma_model_db == 3.0, "the policy's least"
