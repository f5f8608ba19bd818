"""ITU-R P.1812 in full: published profiles, cases of two other implementations, our own sheets, each part by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from app.config import ROOT
from app.coverage.paths import check_profiles
from app.coverage.propagation import anomalous, climate, horizon
from app.coverage.propagation.p1812 import Loss, basic_transmission_loss
from app.coverage.vectors import read_vectors
from app.errors import Invalid

SHARED = ROOT.parent / "shared" / "data" / "p1812"
OURS = Path(__file__).parent / "sheets"
beside = pytest.mark.skipif(not SHARED.exists(), reason="the validation profiles are not beside this checkout")


@beside
@pytest.mark.parametrize(("name", "cases"), [("", 63), ("mobile_cases.npz", 1499), ("rburg_urban_with_clutter.csv", 6)])
def test_against_validation_profiles(name: str, cases: int) -> None:
    found = check_profiles(SHARED / name)
    assert found["cases"] == cases
    assert found["max_abs_deviation_db"] < 1e-6


def test_against_our_own_sheets() -> None:
    """SYNTHETIC hills, coast and town; losses written when the model met the published profiles to 1e-7 dB."""
    found = check_profiles(OURS)
    assert found["cases"] == 27
    assert found["max_abs_deviation_db"] < 1e-6


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (lambda text: text.replace("{End of Profile}", ""), "profiles_unreadable"),
        (lambda text: text.replace("Tx LAT", "Tx"), "profiles_unreadable"),
        (lambda text: text.replace("1800,", "x,", 1), "profiles_unreadable"),
        (lambda text: text.replace("1800,", "18000,", 1), "frequency_range"),
        (lambda _: "", "profiles_unreadable"),
    ],
)
def test_a_broken_sheet_is_refused(tmp_path: Path, broken: object, code: str) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(broken((OURS / "hills.csv").read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(Invalid) as refused:
        check_profiles(sheet)
    assert refused.value.code == code


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.npz").write_bytes(b"PK no")
    (tmp_path / "empty").mkdir()
    for name, code in (
        ("cases.npz", "profiles_unreadable"),
        ("none.csv", "profiles_format"),
        ("empty", "profiles_format"),
    ):
        with pytest.raises(Invalid) as refused:
            read_vectors(tmp_path / name)
        assert refused.value.code == code


def over(d_km: np.ndarray, h_m: np.ndarray, **more: object) -> Loss:
    given = {"f_ghz": 0.9, "p": 50, "clutter_m": None, "zone": None, "htg_m": 30, "hrg_m": 1.5} | more
    return basic_transmission_loss(d_km=d_km, h_m=h_m, **given)  # type: ignore[arg-type]


def test_rare_times_and_good_places_lose_less() -> None:
    d, h = np.linspace(0, 35, 600), 120 * np.abs(np.sin(np.linspace(0, 9, 600)))
    losses = [over(d, h, p=p).loss_db for p in (1, 2, 5, 10, 20, 50)]
    assert losses == sorted(losses)
    assert losses[0] < losses[-1] - 3
    places = [over(d, h, pL=q, sigma_l=5.5).loss_db for q in (1, 16, 50, 84, 99)]
    assert places == sorted(places)
    # I(0.16) = 0.994458: one standard deviation, nearly.
    assert places[3] - places[2] == pytest.approx(0.994458 * 5.5, abs=1e-3)
    at_sea = np.r_[np.full(599, 4), 1]
    assert over(d, h, zone=at_sea, pL=99, sigma_l=5.5).loss_db == over(d, h, zone=at_sea).loss_db


def test_clutter_on_the_way_costs_and_at_the_ends_does_not() -> None:
    d, h = np.linspace(0, 5, 168), np.zeros(168)
    wood = np.full(168, 15.0)
    ends = np.r_[15.0, np.zeros(166), 15.0]
    assert over(d, h, clutter_m=wood).loss_db > over(d, h).loss_db + 10
    assert over(d, h, clutter_m=ends).loss_db == over(d, h).loss_db


def test_how_often_the_air_bends_waves_by_hand() -> None:
    """A path all inland, 10 km at 16.4°: eq. 2-5 written out."""
    d, zone = np.linspace(0, 10, 101), np.full(101, 4, np.int8)
    assert climate.ground_shares(d, zone, 101) == pytest.approx((0, 10, 10))
    tau = 1 - math.exp(-4.12e-4 * 10**2.41)
    mu1 = (10 ** (-10 / (16 - 6.6 * tau)) + 10 ** (-5 * (0.496 + 0.354 * tau))) ** 0.2
    mu4 = 10 ** ((-0.935 + 0.0176 * 16.4) * math.log10(mu1))
    expected = 10 ** (-0.015 * 16.4 + 1.67) * mu1 * mu4
    assert climate.anomalous_percent(10.0, 10.0, 16.4) == pytest.approx(expected)
    assert climate.anomalous_percent(10.0, 10.0, 75.0) == pytest.approx(4.17 * mu1 * 10 ** (0.3 * math.log10(mu1)))


def test_stretches_of_ground() -> None:
    d = np.array([0.0, 1, 2, 3, 4, 5])
    zone = np.array([1, 1, 3, 4, 4, 3], np.int8)
    # Sea: posts 0 and 1 stand for 0.5 + 1 km; land: 3.5 km, of which 2 km inland.
    assert climate.ground_shares(d, zone, 6) == pytest.approx((1.5 / 5, 3.5, 2.0))


@pytest.mark.parametrize(("q", "deviations"), [(0.5, 0.0), (0.1, 1.2816), (0.01, 2.3263), (0.95, -1.6449)])
def test_normal_law(q: float, deviations: float) -> None:
    assert climate.inverse_normal(q) == pytest.approx(deviations, abs=6e-4)


def test_troposcatter_by_hand() -> None:
    # 190.1 + 25 lg f - 2.5 lg²(f/2) + 20 lg d + 0.573 θ - 0.15 N0 - 10.125 lg(50/p)^0.7
    by_hand = 190.1 + 0 - 2.5 * math.log10(0.5) ** 2 + 40 + 0.573 * 20 - 0.15 * 370
    assert anomalous.troposcatter_db(100.0, 20.0, 1.0, 50.0, 370.0) == pytest.approx(by_hand)
    rare = by_hand - 10.125 * math.log10(50) ** 0.7
    assert anomalous.troposcatter_db(100.0, 20.0, 1.0, 1.0, 370.0) == pytest.approx(rare)


def test_horizons_of_one_edge() -> None:
    d, h = np.linspace(0, 10, 101), np.where(np.arange(101) == 30, 200.0, 0.0)
    at, back, theta_t, theta_r, theta = horizon.horizons(d, h, 101, 30.0, 1.5, 8930.0)
    assert (at, back) == (30, 30)
    assert theta_t == pytest.approx(1000 * math.atan(170 / 3000 - 3 / 2 / 8930), rel=1e-9)
    assert theta_r == pytest.approx(1000 * math.atan(198.5 / 7000 - 7 / 2 / 8930), rel=1e-9)
    assert theta == pytest.approx(10_000 / 8930 + theta_t + theta_r)
    low = np.where(np.arange(101) == 60, 5.0, 0.0)
    at, back, theta_t, _, theta = horizon.horizons(d, low, 101, 100.0, 100.0, 8930.0)
    assert at == back == 60, "in sight: the post nearest to the line"
    assert theta == pytest.approx(0, abs=1e-6)
