"""Stretches of a route by the ducts beside it: worked by hand in metres, and what holds for every layout."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.licensing.lines.duct_screening import DuctNear, Limits, Route, screen_ducts
from app.licensing.lines.pole_screening import Dig
from tests.licensing.lines.conftest import segment

LIMITS = Limits(tolerance_m=15, min_overlap_m=5, full_share=0.95, partly_share=0.1)


def route(*points: tuple[float, float]) -> Route:
    line = shapely.LineString(points)
    steps = np.hypot(*np.diff(np.array(points), axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    return Route(line, at, at * 2)  # true lengths twice the projected ones, so that a mix-up shows


STRAIGHT = route((0, 0), (1000, 0))
FULL = segment("F", bores_occupied=4)
DARK = segment("U", bores_total=None)


def lines(*parts: Any) -> Any:
    found = np.empty(len(parts), object)
    found[:] = [shapely.LineString(p) for p in parts]
    return found


def told(found: Any) -> list[tuple[float, float, str]]:
    return [(round(s.from_m, 6), round(s.to_m, 6), s.state) for s in found.stretches]


@pytest.mark.parametrize(
    ("more", "usable", "free", "state"),
    [
        ({}, 4, 3, "free"),
        ({"bores_unusable": 3}, 1, 0, "full"),
        ({"bores_doubtful": 1}, 3, 2, "free"),
        ({"bores_doubtful": 3}, 1, None, "unknown"),
        ({"bores_doubtful": 3, "bores_unusable": 1}, 0, None, "unknown"),
        ({"bores_total": None}, None, None, "unknown"),
        ({"bores_occupied": None}, 4, None, "unknown"),
        ({"bores_occupied": 9}, 4, 0, "full"),
        ({"bores_total": 0, "bores_occupied": 0}, 0, 0, "full"),
    ],
)
def test_bores(more: dict[str, Any], usable: int | None, free: int | None, state: str) -> None:
    duct = segment(**more)
    assert (duct.bores_usable, duct.free, duct.state) == (usable, free, state)


def test_stretches_by_hand() -> None:
    ducts = [segment("A"), FULL, DARK]
    beside = lines([(0, 5), (300, 5)], [(200, -5), (600, -5)], [(500, 10), (700, 10)])
    found = screen_ducts(ducts, beside, STRAIGHT, "FPT", LIMITS)
    assert told(found) == [
        (0, 600, "free"), (600, 1000, "full"), (1000, 1400, "unknown"), (1400, 2000, "none"),
    ]  # fmt: skip
    assert [(d.duct, start, round(metres, 6)) for d, start, metres in found.ducts] == [
        ("A", 0, 600), ("F", 400, 800), ("U", 1000, 400),
    ]  # fmt: skip
    assert found.advice == "partly"
    assert found.metres("free") == pytest.approx(600)


@pytest.mark.parametrize(
    ("ducts", "beside", "advice"),
    [
        ([segment()], [[(0, 1), (960, 1)]], "use_existing"),
        ([segment()], [[(0, 1), (940, 1)]], "partly"),
        ([segment()], [[(0, 1), (90, 1)]], "build_shared"),
        ([segment()], [[(0, 16), (1000, 16)]], "build_shared"),
        ([FULL], [[(0, 1), (1000, 1)]], "build_shared"),
        ([DARK], [[(0, 1), (1000, 1)]], "needs_a_person"),
        ([segment(restricted=True)], [[(0, 1), (1000, 1)]], "build_shared"),
        ([], [], "build_shared"),
    ],
)
def test_advice(ducts: list[DuctNear], beside: list[Any], advice: str) -> None:
    found = screen_ducts(ducts, lines(*beside), STRAIGHT, "FPT", LIMITS)
    assert found.advice == advice
    assert screen_ducts(ducts, lines(*beside), STRAIGHT, "FPT", LIMITS, place_checked=False).advice == "needs_a_person"


def test_a_duct_that_crosses_serves_nothing() -> None:
    found = screen_ducts([segment()], lines([(500, -200), (500, 200)]), STRAIGHT, "FPT", LIMITS)
    assert (found.ducts, told(found)) == ((), [(0, 2000, "none")])


def test_a_route_that_comes_back_past_itself() -> None:
    """A duct across both arms of a hairpin, 20 m apart, is not taken to serve the loop between them."""
    hairpin = route((0, 0), (500, 0), (500, 20), (0, 20))
    across = screen_ducts([segment()], lines([(100, -20), (100, 40)]), hairpin, "FPT", LIMITS)
    assert across.metres("free") < 0.05 * hairpin.length_m


def test_a_closed_route_is_not_covered_by_what_passes_its_start() -> None:
    ring = route((0, 0), (400, 0), (400, 400), (0, 400), (0, 0))
    found = screen_ducts([segment()], lines([(0, 100), (0, 0), (100, 0)]), ring, "FPT", LIMITS)
    assert found.metres("free") == pytest.approx(400, rel=0.1)  # 200 m projected, true lengths are twice that


def test_reasons() -> None:
    dig = Dig("D9", None, "VNPT", None, "2026-03-01", 4.0)
    ducts = [segment("A", tenants=("FPT",)), DARK]
    beside = lines([(0, 5), (300, 5)], [(300, 5), (700, 5)])
    found = screen_ducts(ducts, beside, STRAIGHT, "FPT", LIMITS, [dig])
    assert [r.code for r in found.reasons] == ["along", "bores_unknown", "operator_already_here", "parallel_dig"]


_XY = st.tuples(st.floats(-50, 1050), st.floats(-30, 30))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the machine, not the strategy
@given(
    st.lists(st.tuples(_XY, _XY, st.sampled_from([segment(), FULL, DARK, segment(restricted=True)])), max_size=6),
)
def test_stretches_are_the_whole_route_once(layout: list[tuple[Any, Any, DuctNear]]) -> None:
    layout = [(a, b, d) for a, b, d in layout if a != b]
    found = screen_ducts([d for *_, d in layout], lines(*([a, b] for a, b, _ in layout)), STRAIGHT, "FPT", LIMITS)
    cut = found.stretches
    assert cut[0].from_m == 0
    assert cut[-1].to_m == pytest.approx(STRAIGHT.length_m)
    assert all(a.to_m == b.from_m and a.state != b.state for a, b in pairwise(cut))
    free = sum(metres for d, _, metres in found.ducts if d.state == "free")
    assert found.metres("free") <= free + 1e-6
    assert all(metres >= LIMITS.min_overlap_m - 1e-6 for _, _, metres in found.ducts) or not found.ducts
    if not any(d.state == "free" and not d.restricted for *_, d in layout):
        assert found.metres("free") == 0
