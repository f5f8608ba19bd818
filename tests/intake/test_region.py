"""Inside the province, two kilometres around it included."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.intake.region import in_country, region
from app.kit.geo import geodesic_m

EAST, LAT = 107.8, 16.4
AREA = region([shapely.box(107.4, 16.2, 107.6, 16.6), shapely.box(107.6, 16.2, EAST, 16.6)])


@pytest.mark.parametrize(("beyond_m", "inside"), [(-1, True), (0, True), (1900, True), (2300, False), (50_000, False)])
def test_tolerance_east_of_the_border(beyond_m: float, inside: bool) -> None:
    metres_per_degree = float(geodesic_m(EAST, LAT, EAST + 0.01, LAT)) * 100
    assert AREA.inside([EAST + beyond_m / metres_per_degree], [LAT]).tolist() == [inside]


def test_tolerance_north_of_the_border() -> None:
    metres_per_degree = float(geodesic_m(107.6, 16.6, 107.6, 16.61)) * 100
    lat = 16.6 + np.array([1900.0, 2300.0]) / metres_per_degree
    assert AREA.inside([107.6, 107.6], lat).tolist() == [True, False]


def test_without_communes_the_country_decides() -> None:
    nowhere = region([])
    assert nowhere.inside([105.8, 2.35], [21.0, 48.8]).tolist() == [True, False]


def test_unknown_positions_are_nowhere() -> None:
    assert AREA.inside([np.nan, np.inf], [LAT, LAT]).tolist() == [False, False]
    assert in_country([np.nan, np.inf], [LAT, LAT]).tolist() == [False, False]
