"""One page of 1,500 village polygons by bbox, against its SQL alone.

Small enough for every test run, so it always runs; `make bench` prints it beside the others.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope
from app.kit.page import parse_bbox
from app.publish import queries, service
from app.publish.schemas import VillageFilter
from tests.conftest import test_cluster as cluster_of_run

ROWS = 1500
REPEATS = 15
BBOX = "107.0,16.0,108.0,17.0"
# Round polygons of 65 vertices on a grid, each in one of 40 communes, with a verdict of one run.
FILL = """
INSERT INTO registry.unit (level, code, name, valid_from, synthetic)
SELECT 'commune', 'C' || i, 'Xã ' || i, '2025-07-01', true FROM generate_series(0, 39) i;
INSERT INTO registry.village (code, name, population, households, point, geom, source, synthetic)
SELECT 'V' || i, 'Thôn ' || i, 900, 250, p, ST_Multi(ST_Buffer(p, 0.009, 16)), 'SYNTHETIC benchmark', true
  FROM generate_series(0, 1499) i,
       LATERAL (SELECT ST_SetSRID(ST_MakePoint(107.01 + 0.024 * (i % 40), 16.01 + 0.025 * (i / 40)), 4326) AS p) q;
INSERT INTO registry.village_unit (village_id, unit_id, valid_from)
SELECT v.id, u.id, '2025-07-01' FROM registry.village v JOIN registry.unit u ON u.code = 'C' || v.id % 40;
INSERT INTO registry.coverage_run (status, finished_at, as_of, rule, rule_version, rule_value, model, model_version,
                                   terrain_version, inputs_sha256)
VALUES ('done', now(), '2026-01-01', 'village-80', 1, '{}', 'SYNTHETIC', '1', '', '');
INSERT INTO registry.verdict (run_id, village_id, verdict, share, rsrp_dbm, margin_db)
SELECT r.id, v.id, 'covered', 0.91, -95.25, 14.75 FROM registry.coverage_run r, registry.village v;
ANALYZE registry.village, registry.village_unit, registry.verdict;
"""


@pytest.fixture
def villages(own_database: str) -> str:
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        connection.execute(FILL)
    return own_database


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.benchmark_ratio
def test_bbox_query(villages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HATANG_PAGE_LIMIT", str(ROWS))
    from app.config import settings

    settings.cache_clear()
    asked = VillageFilter(bbox=BBOX, limit=ROWS)

    def whole(session: Session) -> bytes:
        return service.villages(session, asked, "/api/villages")

    with session_scope() as session:
        wanted, _ = service.wanted_villages(session, asked)
        sql, values = queries.village_statement(wanted)
        box = parse_bbox(BBOX)._asdict()
        shapes = text(
            "SELECT ST_AsGeoJSON(geom, 7) FROM registry.village"
            " WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
        )
        assert len(orjson.loads(whole(session))["features"]) == ROWS
        runs = [
            (
                timed(lambda: whole(session)),
                timed(lambda: session.execute(text(sql), values).all()),
                timed(lambda: session.execute(shapes, box).all()),
            )
            for _ in range(REPEATS)
        ]
    settings.cache_clear()
    answer, bare, geometry = (statistics.median(r[i] for r in runs) * 1000 for i in range(3))
    spread = [f"{min(r[i] for r in runs) * 1000:.1f}-{max(r[i] for r in runs) * 1000:.1f}" for i in range(3)]
    print(
        f"\n{ROWS} villages by bbox: endpoint {answer:.1f} ms ({spread[0]}), its SQL {bare:.1f} ms ({spread[1]}), "
        f"ratio {answer / bare:.2f} (limit 3); geometry only {geometry:.1f} ms ({spread[2]})"
    )
    assert answer <= 3 * bare
