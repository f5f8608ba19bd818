"""Fibre reach by hand: distance, free ports, unknown ports, dwellings."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import fibre
from app.coverage.service import run_coverage
from app.database import session_scope
from app.kit.geo import geodesic_m
from tests.coverage.conftest import AS_OF, Village

LAT = 16.5
STEP_DEG = 0.004  # 427 m at this latitude


def box(session: Session, code: str, lon: float, total: int | None, used: int | None, **more: Any) -> None:
    row = {"operator": "VNPT", "serving": None, "valid_to": None} | more
    session.execute(
        text("""INSERT INTO registry.distribution_point
            (code, operator_id, ports_total, ports_used, serving_distance_m, valid_to, geom, source)
            SELECT :code, id, :total, :used, :serving, :valid_to, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326),
                   'SYNTHETIC'
            FROM registry.organisation WHERE code = :operator"""),
        row | {"code": code, "lon": lon, "lat": LAT, "total": total, "used": used},
    )


def reach(session: Session, **options: Any) -> dict[str, Any]:
    run = run_coverage(session, as_of=AS_OF, **options)
    query = """SELECT v.code, f.*, d.code AS nearest, n.distance_m AS nearest_distance_m FROM registry.fibre_reach f
        JOIN registry.village v ON v.id = f.village_id
        LEFT JOIN registry.fibre_nearest n ON n.fibre_reach_id = f.id
        LEFT JOIN registry.distribution_point d ON d.id = n.point_id WHERE f.run_id = :run"""
    return {row.code: row for row in session.execute(text(query), {"run": run.id})}


def test_distance_ports_and_dwellings(session: Session, village: Village) -> None:
    box(session, "FREE", 107.40, 16, 3)
    box(session, "FULL", 107.45, 16, 16)
    box(session, "DUNNO", 107.50, None, None)
    box(session, "OLD", 107.55, 8, 0, valid_to="2026-01-01")
    box(session, "FAR", 107.60, 8, 0, serving=1000)
    village("IN", (107.40 + STEP_DEG, LAT, 100, 30))
    village("OUT", (107.40 + 1.5 * STEP_DEG, LAT, 100, 30))
    village("FULLV", (107.45, LAT, 100, 30))
    village("MAYBE", (107.50, LAT, 100, 30))
    village("GONE", (107.55, LAT, 100, 30))
    village("WIDE", (107.60 + 2 * STEP_DEG, LAT, 100, 30))
    village("HALF", (107.40, LAT, 50, 10), (107.45, LAT, 50, 10), households=40)
    village("THIRD", (107.40, LAT, 50, 10), (107.45, LAT, 50, 20))
    village("BARE_IN", (107.40, LAT, 0, 0))
    village("BARE_MIXED", (107.40, LAT, 0, 0), (107.45, LAT, 0, 0))
    village("EMPTY")
    found = reach(session)
    assert {code: row.verdict for code, row in found.items()} == {
        "IN": "covered", "OUT": "not_covered", "FULLV": "not_covered", "MAYBE": "unknown", "GONE": "not_covered",
        "WIDE": "covered", "HALF": "covered", "THIRD": "not_covered", "BARE_IN": "covered", "BARE_MIXED": "unknown",
        "EMPTY": "unknown",
    }  # fmt: skip
    assert (found["HALF"].households, found["HALF"].households_reached) == (40, 20)
    assert (found["THIRD"].households, found["THIRD"].households_reached) == (30, 10)
    assert found["EMPTY"].households_reached is None
    assert found["MAYBE"].why["reasons"] == ["ports_unknown"]
    assert found["MAYBE"].why["share_unknown"] == 1
    assert found["EMPTY"].why["reasons"] == ["no_demand_points"]
    assert found["IN"].nearest == "FREE"
    assert found["IN"].nearest_distance_m == pytest.approx(
        float(geodesic_m(107.4, LAT, 107.4 + STEP_DEG, LAT)), abs=0.01
    )
    assert found["FULLV"].nearest == "FREE", "a full box is not where to order"


def test_operator_filter_and_technology(session: Session, village: Village) -> None:
    box(session, "FREE", 107.40, 16, 3)
    village("IN", (107.40, LAT, 100, 30))
    assert reach(session, operator="VNPT")["IN"].verdict == "covered"
    assert reach(session, operator="FPT")["IN"].verdict == "not_covered"
    assert reach(session, technology="4G") == {}, "a run of one radio technology does not look at fibre"


def test_the_spatial_index_is_used_under_row_level_security(own_database: str) -> None:
    """Whoever computes: an expression beside the policy would keep the boxes from the index of the points."""
    values = {"run": 1, "as_of": AS_OF, "serving_m": 500.0, "min_share": 0.5, "operator": None}
    with session_scope() as session:  # of its own: rows others rolled back still count for the planner
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text("EXPLAIN " + fibre._STORE), values))
    assert "Index Cond: (point && b.area)" in plan
