"""The co-location check against the bare nearest-neighbour SQL, on 10,000 sites and 1,000,000 poles.

Run by `HATANG_BENCH=1 pytest -n0 -s tests/benchmarks/test_colocation.py`; HATANG_BENCH_POLES scales the poles.
"""

from __future__ import annotations

import datetime as dt
import os
import platform

import numpy as np
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope
from app.kit.bulk import raw_connection
from app.licensing.service import check_colocation
from tests.benchmarks.timing import times_ms

POLES = int(os.environ.get("HATANG_BENCH_POLES", "1000000"))
SITES, QUESTIONS, BOUND, P95_MS = 10_000, 300, 3.0, 50.0
AS_OF = dt.date(2026, 11, 1)
FILL = """
INSERT INTO registry.unit (level, code, name, kind, geom, valid_from, source)
SELECT 'commune', 'B' || i, 'Xã SYNTHETIC ' || i, 'xã',
       ST_Multi(ST_MakeEnvelope(107.2 + (i % 8) * 0.075, 16.1 + (i / 8) * 0.08, 107.275 + (i % 8) * 0.075,
                                16.18 + (i / 8) * 0.08, 4326)), '2025-07-01', 'SYNTHETIC benchmark'
FROM generate_series(0, 39) i;
INSERT INTO registry.site (code, owner_id, geom, surveyed_on, source, synthetic)
SELECT 'S' || i, o.id, ST_SetSRID(ST_MakePoint(107.2 + 0.6 * random(), 16.1 + 0.4 * random()), 4326), '2026-01-01',
       'SYNTHETIC benchmark', true
FROM generate_series(1, {sites}) i
JOIN registry.organisation o ON o.code = (ARRAY['VNPT', 'VIETTEL', 'MOBIFONE'])[1 + i % 3];
INSERT INTO registry.structure (site_id, code, kind, height_m, tenant_capacity, owner_id, geom, source, synthetic)
SELECT id, code || '-S', 'mast', 30 + id % 20, CASE WHEN id % 5 > 0 THEN 1 + id % 4 END, owner_id, geom,
       'SYNTHETIC benchmark', true FROM registry.site;
INSERT INTO registry.base_station (site_id, structure_id, code, operator_id, technology, source, synthetic)
SELECT t.site_id, t.id, t.code || o.code || k, o.id, k, 'SYNTHETIC benchmark', true
FROM registry.structure t JOIN registry.organisation o ON o.id = t.owner_id OR o.code = 'VIETNAMOBILE' AND t.id % 8 = 0
CROSS JOIN unnest(ARRAY['3G', '4G']) k;
INSERT INTO registry.structure_occupancy (structure_id, tenant_id, component, source, synthetic)
SELECT DISTINCT b.structure_id, b.operator_id, 'mast', 'SYNTHETIC benchmark', true FROM registry.base_station b;
INSERT INTO registry.cell (base_station_id, code, azimuth_deg, antenna_height_m, source, synthetic)
SELECT b.id, b.code || a, a, 28, 'SYNTHETIC benchmark', true
FROM registry.base_station b CROSS JOIN unnest(ARRAY[0, 120, 240]) a;
INSERT INTO registry.pole (code, height_m, geom, source, synthetic)
SELECT 'P' || i, 8.5, ST_SetSRID(ST_MakePoint(107.2 + 0.6 * random(), 16.1 + 0.4 * random()), 4326),
       'SYNTHETIC benchmark', true FROM generate_series(1, {poles}) i;
"""
# What any answer has to read: the structures and the poles within the radius by true distance.
FLOOR = """
SELECT t.id, t.code, ST_Distance(t.geom::geography, p.geom::geography) AS d
FROM {table} t, (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS geom) p
WHERE t.geom && ST_Expand(p.geom, 0.005) AND ST_DWithin(t.geom::geography, p.geom::geography, 500) ORDER BY d
"""

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(not os.environ.get("HATANG_BENCH"), reason="a benchmark: set HATANG_BENCH=1 to run it"),
]


@pytest.fixture
def full(own_database: str) -> str:
    with session_scope() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        raw_connection(session).execute(FILL.format(sites=SITES, poles=POLES))
    with psycopg.connect(os.environ["HATANG_OWNER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ANALYZE")
    return own_database


def test_a_check_costs_at_most_three_times_its_reads(full: str) -> None:
    def check(session: Session, lon: float, lat: float) -> object:
        return check_colocation(
            session, lon=lon, lat=lat, operator="VIETTEL", height_m=42.0, radio=False, as_of=AS_OF
        )  # fmt: skip

    with session_scope() as session:
        raw = raw_connection(session)

        def floor(lon: float, lat: float) -> None:
            for table in ("structure", "pole"):
                raw.execute(FLOOR.format(table=table), (lon, lat)).fetchall()

        bare, checked = times_ms(QUESTIONS, floor, lambda lon, lat: check(session, lon, lat))
    ratio, p95 = float(np.median(checked) / np.median(bare)), float(np.percentile(checked, 95))
    print(f"\n{SITES:,} sites, {POLES:,} poles, {os.cpu_count()} cores {platform.machine()}: bare SQL "
          f"{np.median(bare):.2f} ms, check {np.median(checked):.2f} ms (p95 {p95:.1f}, limit {P95_MS:g}), "
          f"ratio {ratio:.2f} (limit {BOUND:g})")  # fmt: skip
    assert ratio <= BOUND
    assert p95 <= P95_MS
