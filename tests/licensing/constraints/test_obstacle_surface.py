"""The obstacle limitation surface: worked heights, and what holds for every set of rings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.licensing.constraints.obstacle_surface import Ring, allowed_above_ground_m, max_height_m
from app.licensing.constraints.rules import Airport

RINGS = (Ring(to_m=4000, height_m=45), Ring(to_m=6000, slope=0.05), Ring(to_m=15000, height_m=150))


@st.composite
def continued(draw: st.DrawFn) -> tuple[Ring, ...]:
    """Rings of which each goes on where the one before it ended."""
    widths = draw(st.lists(st.floats(10, 5000), min_size=1, max_size=6))
    slopes = draw(st.lists(st.floats(0, 0.2), min_size=len(widths), max_size=len(widths)))
    start = draw(st.floats(0, 100))
    edges = np.cumsum(widths).tolist()
    return tuple(
        Ring(to_m=e, slope=s, height_m=start if i == 0 else None)
        for i, (e, s) in enumerate(zip(edges, slopes, strict=True))
    )


@pytest.mark.parametrize(
    ("distance_m", "height_m"),
    [(0, 45), (4000, 45), (5000, 95), (6000, 145), (6000.001, 150), (15000, 150), (15000.001, np.inf)],
)
def test_worked(distance_m: float, height_m: float) -> None:
    assert max_height_m(distance_m, RINGS) == height_m


def test_what_is_unknown_stays_unknown() -> None:
    assert np.isnan(max_height_m(np.nan, RINGS))
    ground = np.array([np.nan, 20.0, np.nan])
    found = allowed_above_ground_m([1000, 1000, 20000], ground, 15.0, RINGS)
    np.testing.assert_array_equal(found, [np.nan, 40.0, np.inf])
    assert allowed_above_ground_m(0, 300.0, 15.0, RINGS) == -240, "a hill stands through the surface"


@given(continued(), st.lists(st.floats(0, 40_000), min_size=2, max_size=50))
def test_it_never_sinks_outward(rings: tuple[Ring, ...], distances: list[float]) -> None:
    heights = max_height_m(np.sort(distances), rings)
    assert (heights[1:] >= heights[:-1]).all()
    assert (heights >= max_height_m(0, rings)).all()


@given(continued())
def test_it_is_continuous_at_the_edges(rings: tuple[Ring, ...]) -> None:
    for ring, outer in pairwise(rings):
        step = 1e-6 * ring.to_m
        below, above = max_height_m([ring.to_m - step, min(ring.to_m + step, outer.to_m)], rings)
        assert above - below <= 2 * step * 0.2 + 1e-9


@given(continued(), st.floats(0, 40_000), st.floats(-50, 2000), st.floats(-50, 2000), st.floats(0, 500))
def test_higher_ground_allows_less(
    rings: tuple[Ring, ...], distance: float, ground: float, other: float, elevation: float
) -> None:
    low, high = sorted((ground, other))
    assert allowed_above_ground_m(distance, high, elevation, rings) <= allowed_above_ground_m(
        distance, low, elevation, rings
    )


@pytest.mark.parametrize(
    "surfaces",
    [
        [],
        [{"to_m": 4000}],
        [{"to_m": 4000, "height_m": 45}, {"to_m": 4000, "height_m": 50}],
        [{"to_m": 4000, "height_m": 45, "slope": 0.1}, {"to_m": 6000, "height_m": 100}],
        [{"to_m": 4000, "height_m": 45}, {"to_m": 6000, "slope": -0.1}],
        [{"to_m": float("nan"), "height_m": 45}],
        [{"to_m": 4000, "height_m": "high"}],
        [{"to_m": 4000, "height_m": 45, "radius": 3}],
    ],
)
def test_rings_that_are_none(surfaces: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError):
        Airport.model_validate({"elevation_m": 10, "surfaces": surfaces})
