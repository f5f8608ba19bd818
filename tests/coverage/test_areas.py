"""Shares of a village's area: a grid over its polygon, judged like people."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.areas import area_points
from app.coverage.service import run_coverage
from app.errors import AppError
from app.kit.geo import from_wgs84
from tests.coverage.conftest import AS_OF, RIDGE_LON, Station, Village
from tests.coverage.test_service import verdicts

CRS = "EPSG:9214"


def test_points_are_the_middles_of_squares_inside() -> None:
    west, east = shapely.box(107.40, 16.40, 107.42, 16.42), shapely.box(107.42, 16.40, 107.43, 16.42)
    village, lon, lat = area_points(np.array([west, None, east], object), 25, CRS)
    assert (np.diff(village) >= 0).all()
    assert set(village.tolist()) == {0, 2}
    for number, shape in ((0, west), (2, east)):
        mine = village == number
        assert shapely.contains_xy(shape, lon[mine], lat[mine]).all()
        corners = np.array(shape.exterior.coords)
        x, y = from_wgs84(corners[:, 0], corners[:, 1], CRS)
        metres = shapely.Polygon(np.column_stack([x, y])).area
        assert mine.sum() == pytest.approx(metres / 25**2, rel=0.03)
    x, y = from_wgs84(lon, lat, CRS)
    assert np.abs((x % 25) - 12.5).max() < 0.01
    assert np.abs((y % 25) - 12.5).max() < 0.01


def test_a_village_smaller_than_the_grid_has_a_point() -> None:
    tiny = shapely.box(107.4001, 16.4001, 107.4002, 16.4002)
    village, lon, lat = area_points(np.array([None, tiny], object), 1000, CRS)
    assert village.tolist() == [1]
    assert shapely.contains_xy(tiny, lon, lat).all()
    assert [len(x) for x in area_points(np.array([None], object), 100, CRS)] == [0, 0, 0]


def bounded(session: Session, key: int, west: float, east: float) -> None:
    session.execute(
        text("""UPDATE registry.village SET geom = ST_Multi(ST_MakeEnvelope(:w, 16.495, :e, 16.505, 4326))
            WHERE id = :k"""), {"w": west, "e": east, "k": key},
    )  # fmt: skip


def rule(session: Session, **more: Any) -> str:
    session.execute(
        text("""INSERT INTO policy.parameter (kind, name, value, citation)
            SELECT kind, 'half', value || CAST(:more AS jsonb) - 'default', 'test' FROM policy.parameter
            WHERE kind = 'coverage_rule' AND name = 'berec'"""),
        {"more": json.dumps({"min_share": 0.5, "grid_m": 200} | more)},
    )
    return "half"


def test_the_share_of_area_decides(hilly: Session, village: Village, station: Station) -> None:
    """Before the ridge the land is served, behind it is not; nobody has to live there."""
    station("S1", 107.45, 16.5, eirp_dbm=45)
    bounded(hilly, village("OPEN", (107.47, 16.5, 0, 0)), 107.46, 107.48)
    bounded(hilly, village("BEHIND", (107.53, 16.5, 100, 9)), RIDGE_LON + 0.012, RIDGE_LON + 0.03)
    bounded(hilly, village("VOID", (107.62, 16.5, 100, 9)), 107.61, 107.63)
    village("BARE", (107.47, 16.5, 100, 9))
    run = run_coverage(hilly, as_of=AS_OF, rule=rule(hilly))
    found = verdicts(hilly, run)
    assert {code: row.verdict for code, row in found.items()} == {
        "OPEN": "covered", "BEHIND": "not_covered", "VOID": "unknown", "BARE": "unknown",
    }  # fmt: skip
    assert found["BARE"].why["reasons"] == ["no_polygon"]
    assert "diện tích" in found["OPEN"].why["vi"][0]
    assert found["OPEN"].share == 1.0
    assert found["VOID"].share_unknown == 1.0
    assert hilly.scalar(text("SELECT count(*) FROM registry.signal WHERE run_id = :r"), {"r": run.id}) == 0


def test_a_grid_no_rule_may_have_is_refused(hilly: Session) -> None:
    with pytest.raises(AppError) as refused:
        run_coverage(hilly, as_of=AS_OF, rule=rule(hilly, grid_m=1))
    assert refused.value.code == "malformed_rule"


def test_the_preset_of_rates_both_ways_runs(hilly: Session, village: Village, station: Station) -> None:
    """Strong enough to be heard is not strong enough to be answered; the reasons say that it is an estimate."""
    station("S1", 107.45, 16.5, eirp_dbm=62)
    near, far = village("NEAR", (107.46, 16.5, 9, 9)), village("FAR", (107.53, 16.5, 9, 9))
    bounded(hilly, near, 107.452, 107.46)
    bounded(hilly, far, RIDGE_LON + 0.012, RIDGE_LON + 0.03)
    found = verdicts(hilly, run_coverage(hilly, as_of=AS_OF, rule="fcc-bdc-4g"))
    assert {code: row.verdict for code, row in found.items()} == {"NEAR": "covered", "FAR": "not_covered"}
    assert any("tải lên 1 Mb/s: ước lượng" in s for s in found["NEAR"].why["vi"])
    assert any("1 Mb/s of uplink: an estimate" in s for s in found["NEAR"].why["en"])
    both = found["NEAR"].why["threshold_dbm"]
    hilly.execute(
        text("UPDATE policy.parameter SET value = value || '{\"uplink_mbps\": 20}' WHERE name = 'fcc-bdc-4g'")
    )
    asked = verdicts(hilly, run_coverage(hilly, as_of=AS_OF, rule="fcc-bdc-4g"))
    assert asked["NEAR"].why["threshold_dbm"] > both
