"""What the checks of poles and constraints cost beside the bare nearest-neighbour question on the same rows.

Run by `HATANG_BENCH=1 pytest -n0 -s tests/benchmarks/test_line_checks.py`; HATANG_BENCH_POLES scales it.
"""

from __future__ import annotations

import datetime as dt
import os
import platform

import numpy as np
import psycopg
import pytest
import shapely
from sqlalchemy import text

from app.database import Scope, session_scope
from app.licensing.constraints import queries as constraints
from app.licensing.lines import queries
from tests.benchmarks.timing import times_ms

POLES = int(os.environ.get("HATANG_BENCH_POLES", "1000000"))
AREAS, REPEATS = 1000, 300
RATIO_BOUND, P95_BOUND_MS, AREAS_BOUND_MS = 3.0, 50.0, 5.0
DAY = dt.date(2026, 1, 1)
READER = Scope("user:3", ("other_department",))
FILL = """
INSERT INTO registry.pole (code, owner_id, cable_capacity, surveyed_on, geom, source, synthetic)
SELECT 'P' || i, (SELECT id FROM registry.organisation WHERE code = 'EVN'), 6, '2025-01-01',
       ST_SetSRID(ST_MakePoint(107.2 + 0.6 * random(), 16.1 + 0.4 * random()), 4326), 'SYNTHETIC benchmark', true
FROM generate_series(1, {rows}) i
"""
TENANTS = """
INSERT INTO registry.pole_occupancy (pole_id, tenant_id, line_count, source, synthetic)
SELECT p.id, o.id, 1, 'SYNTHETIC benchmark', true FROM registry.pole p, registry.organisation o
WHERE o.code IN ('VIETTEL', 'VNPT') AND p.id % 2 = 0
"""
AREA = """
INSERT INTO registry.constraint_area (kind, code, name, citation, rule, geom, source, synthetic)
SELECT 'planned_zone', 'Z' || i, 'Z', 'SYNTHETIC', '{"allowed_codes": ["A2b"]}',
       ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(107.2 + 0.6 * random(), 16.1 + 0.4 * random()), 4326), 0.01)),
       'SYNTHETIC benchmark', true
FROM generate_series(1, {rows}) i
"""
# The same poles with what is on them, as one would ask by hand: nearest first, no row scope, no dates.
NEAREST = """
SELECT p.id, p.code, p.cable_capacity, n.metres, x.lines, x.tenants
FROM (SELECT q.id, ST_Distance(q.geom::geography, h.geom::geography) AS metres
      FROM (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS geom) h
      CROSS JOIN LATERAL (SELECT id, geom FROM registry.pole ORDER BY geom <-> h.geom LIMIT 20) q) n
JOIN registry.pole p ON p.id = n.id
CROSS JOIN LATERAL (SELECT sum(y.line_count) AS lines, array_agg(t.code) AS tenants
    FROM registry.pole_occupancy y JOIN registry.organisation t ON t.id = y.tenant_id WHERE y.pole_id = p.id) x
WHERE n.metres <= 50
"""

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(not os.environ.get("HATANG_BENCH"), reason="a benchmark: set HATANG_BENCH=1 to run it"),
]


def owner() -> psycopg.Connection:
    return psycopg.connect(os.environ["HATANG_OWNER_DATABASE_URL"], autocommit=True)


def test_poles_around_a_place(own_database: str) -> None:
    with session_scope() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(FILL.format(rows=POLES)))
        session.execute(text(TENANTS))
    with owner() as connection:
        connection.execute("ANALYZE registry.pole, registry.pole_occupancy")
    with owner() as connection, session_scope(READER) as session:

        def along(lon: float, lat: float) -> object:
            row = shapely.LineString([(lon, lat), (lon + 0.005, lat + 0.005)])
            return queries.poles_near(session, row, 50, DAY)

        bare, ours, row = times_ms(
            REPEATS,
            lambda lon, lat: connection.execute(NEAREST, (lon, lat)).fetchall(),
            lambda lon, lat: queries.poles_near(session, shapely.Point(lon, lat), 50, DAY),
            along,
        )
    ratio, p95 = float(np.median(ours) / np.median(bare)), float(np.percentile(ours, 95))
    print(f"\n{POLES:,} poles, {os.cpu_count()} cores {platform.machine()}: bare {np.median(bare):.2f} ms, "
          f"poles_near {np.median(ours):.2f} ms, ratio {ratio:.2f} (limit {RATIO_BOUND}), p95 {p95:.1f} ms; "
          f"along 770 m {np.median(row):.2f} ms, p95 {np.percentile(row, 95):.1f} ms")  # fmt: skip
    assert ratio <= RATIO_BOUND
    assert p95 <= P95_BOUND_MS


def test_constraints_around_a_place(own_database: str) -> None:
    with session_scope() as session:
        session.execute(text(AREA.replace("{rows}", str(AREAS))))
    with owner() as connection:
        connection.execute("ANALYZE registry.constraint_area")
    with session_scope(READER) as session:
        (ours,) = times_ms(REPEATS, lambda lon, lat: constraints.around(session, lon, lat, None, DAY))
    print(f"\n{AREAS:,} zones: {np.median(ours):.2f} ms, p95 {np.percentile(ours, 95):.2f} ms")
    assert np.median(ours) <= AREAS_BOUND_MS
