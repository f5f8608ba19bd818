"""Geometries keep every bit on their way through GeoJSON; what is none is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.kit import geo
from app.objects.shapes import from_geojson, from_position, moved_m, to_geojson

LONLAT = st.tuples(st.floats(102, 118), st.floats(7, 24))
POINT = {"type": "Point", "coordinates": [107.5, 16.4]}


@given(st.lists(LONLAT, min_size=2, max_size=6))
def test_to_the_bit_and_back(vertices: list[tuple[float, float]]) -> None:
    for kind, shape in (
        ("POINT", shapely.Point(vertices[0])),
        ("LINESTRING", shapely.LineString(vertices)),
        ("MULTILINESTRING", shapely.multilinestrings([shapely.LineString(vertices)])),
    ):
        stored = shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True, byte_order=1)
        sent = json.loads(json.dumps(to_geojson(stored)))
        assert from_geojson(sent, kind, "geometry") == stored


def test_rings_run_by_the_right_hand_rule_and_single_parts_are_promoted() -> None:
    clockwise = [[107, 16], [107, 17], [108, 17], [108, 16], [107, 16]]
    stored = from_geojson({"type": "Polygon", "coordinates": [clockwise]}, "MULTIPOLYGON", "geometry")
    shown: Any = to_geojson(stored)
    assert shown["type"] == "MultiPolygon"
    assert shapely.LinearRing(shown["coordinates"][0][0]).is_ccw
    assert to_geojson(None) is None


@pytest.mark.parametrize(
    "value",
    [None, 5, "POINT(1 2)", [], {}, {"type": "Point"}, {"type": "Point", "coordinates": []},
     {"type": "Point", "coordinates": ["107", "16"]}, {"type": "Point", "coordinates": [float("nan"), 16]},
     {"type": "Point", "coordinates": [1e400, 16]}, {"type": "LineString", "coordinates": [[107, 16], [108, 17]]},
     {"type": "Nowhere", "coordinates": [1, 2]}, {"type": "Feature", "geometry": POINT},
     {"type": "GeometryCollection", "geometries": [POINT]}],
)  # fmt: skip
def test_what_is_no_point_is_refused(value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        from_geojson(value, "POINT", "geometry")
    assert caught.value.field == "geometry"


def test_heights_are_left_out() -> None:
    assert from_geojson({"type": "Point", "coordinates": [107.5, 16.4, 12]}, "POINT", "g") == from_geojson(
        POINT, "POINT", "g"
    )


def test_a_surveyed_position_keeps_its_coordinates() -> None:
    x, y = (float(v) for v in geo.from_wgs84(107.5, 16.4, "EPSG:9214"))
    found = from_position({"x": x, "y": y, "crs": "EPSG:9214"})
    assert (found["raw_x"], found["raw_y"], found["raw_crs"]) == (x, y, "EPSG:9214")
    moved = moved_m(found["geom"], from_geojson(POINT, "POINT", "g"))
    assert moved is not None
    assert moved < 0.01


@pytest.mark.parametrize(
    "value",
    [None, 7, {"x": 1, "y": 2}, {"x": "1", "y": 2, "crs": "EPSG:9214"}, {"x": float("nan"), "y": 2, "crs": "EPSG:9214"},
     {"x": True, "y": 2, "crs": "EPSG:9214"}, {"x": 1, "y": 2, "crs": "EPSG:0"}, {"x": 1, "y": 2, "crs": 9214},
     {"x": 1, "y": 2, "crs": "EPSG:9214", "z": 3}],
)  # fmt: skip
def test_what_is_no_position_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        from_position(value)


@given(LONLAT, LONLAT)
def test_points_move_along_the_geodesic(a: tuple[float, float], b: tuple[float, float]) -> None:
    one, other = (from_geojson({"type": "Point", "coordinates": p}, "POINT", "g") for p in (a, b))
    assert moved_m(one, one) == 0
    assert moved_m(one, other) == pytest.approx(float(geo.geodesic_m(*a, *b)), abs=1e-3)


def test_lines_move_by_their_largest_distance() -> None:
    def line(north: float) -> str:
        return from_geojson({"type": "LineString", "coordinates": [[107.5, 16.4], [107.5, north]]}, "LINESTRING", "g")

    expected = float(geo.geodesic_m(107.5, 16.41, 107.5, 16.42))
    assert moved_m(line(16.41), line(16.42)) == pytest.approx(expected, rel=1e-3)
    assert moved_m(None, line(16.41)) is None
    many = shapely.LineString(np.column_stack([np.linspace(107, 108, 3000), np.full(3000, 16.4)]))
    assert moved_m(shapely.to_wkb(many, hex=True), line(16.41)) is None
