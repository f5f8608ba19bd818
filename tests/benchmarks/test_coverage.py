"""Coverage of a province's points against reading the same profiles and computing nothing."""

from __future__ import annotations

import os

import pytest

from app.coverage import benchmark

RATIO = 2.5
"""At most this many times the bare reading of the posts it reads (measured 1.2)."""
SECONDS = 60.0
"""For the demo province's size, on two cores."""


@pytest.mark.benchmark_ratio
@pytest.mark.skipif(os.environ.get("HATANG_BENCH") != "1", reason="run by `make bench`")
def test_a_province_against_gathering_alone() -> None:
    found = benchmark.run(points=11_000, masts=1500, workers=2)
    print(found)
    assert found["points"] == 11_000
    assert found["ratio_to_gather_only"] < RATIO
    assert found["seconds"] < SECONDS
