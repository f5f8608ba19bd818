"""What row scope and history cost: the same load, bbox and nearest-neighbour question with and without them.

Run by `HATANG_BENCH=1 pytest -n0 -s tests/benchmarks/test_row_scope.py`; HATANG_BENCH_ROWS scales it.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import Scope, engine, enter, session_scope, system
from app.intake.service import load_file
from tests.benchmarks.test_load_poles import ROWS, RUNS, _files

LOAD_BOUND, READ_BOUND, REPEATS = 2.0, 1.3, 1000
OFF = """
ALTER TABLE registry.pole DISABLE ROW LEVEL SECURITY;
ALTER TABLE registry.pole DISABLE TRIGGER history_insert;
"""
ON = """
ALTER TABLE registry.pole ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry.pole ENABLE TRIGGER history_insert;
"""
# A third each for two operators and the electricity company, on one grid of about 65 km x 45 km.
FILL = """
INSERT INTO registry.pole (code, owner_id, height_m, geom, source, synthetic)
SELECT 'P' || i, (SELECT id FROM registry.organisation WHERE code = (ARRAY['EVN', 'VIETTEL', 'VNPT'])[1 + i % 3]), 8.5,
       ST_SetSRID(ST_MakePoint(107.2 + 0.6 * random(), 16.1 + 0.4 * random()), 4326), 'SYNTHETIC benchmark', true
FROM generate_series(1, {rows}) i
"""
TENANTS = """
INSERT INTO registry.pole_occupancy (pole_id, tenant_id, source, synthetic)
SELECT p.id, o.id, 'SYNTHETIC benchmark', true FROM registry.pole p, registry.organisation o
WHERE o.code = 'VIETTEL' AND p.id % 3 = 0
"""
BBOX = "SELECT id, code, ST_AsBinary(geom) FROM pole WHERE geom && ST_MakeEnvelope(107.5, 16.3, 107.518, 16.318, 4326)"
NEAREST = (
    "SELECT id, code, geom <-> ST_SetSRID(ST_MakePoint(107.5, 16.3), 4326) AS d FROM pole"
    " ORDER BY geom <-> ST_SetSRID(ST_MakePoint(107.5, 16.3), 4326) LIMIT 20"
)

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(not os.environ.get("HATANG_BENCH"), reason="a benchmark: set HATANG_BENCH=1 to run it"),
]


def owner() -> psycopg.Connection:
    return psycopg.connect(os.environ["HATANG_OWNER_DATABASE_URL"], autocommit=True)


def machine() -> str:
    return f"{ROWS:,} poles, {os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"


def test_a_load_costs_at_most_twice_as_much(own_database: str, tmp_path: Path) -> None:
    people, _ = _files(tmp_path)
    times: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(RUNS):
        for name, switch in (("off", OFF), ("on", ON)):
            with owner() as connection:
                connection.execute(switch)
            with Session(engine()) as session:
                enter(session, system())
                start = time.perf_counter()
                assert load_file(session, "poles", people).loaded == ROWS
                times[name].append(time.perf_counter() - start)
    low = {name: min(values) for name, values in times.items()}
    spread = {name: ", ".join(f"{v:.1f}" for v in values) for name, values in times.items()}
    print(f"\nload of {machine()}: off {low['off']:.1f} s ({spread['off']}), on {low['on']:.1f} s ({spread['on']}), "
          f"ratio {low['on'] / low['off']:.2f} (limit {LOAD_BOUND})")  # fmt: skip
    assert low["on"] <= LOAD_BOUND * low["off"]


@pytest.fixture
def poles(own_database: str) -> int:
    with session_scope() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(FILL.format(rows=ROWS)))
        session.execute(text(TENANTS))
        viettel = session.scalar(text("SELECT id FROM organisation WHERE code = 'VIETTEL'"))
    with owner() as connection:
        connection.execute("ANALYZE registry.pole, registry.pole_occupancy")
    return int(viettel or 0)


def median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


@pytest.mark.parametrize("question", [BBOX, NEAREST], ids=["bbox", "nearest"])
def test_a_read_costs_at_most_a_third_more(poles: int, question: str) -> None:
    operator = Scope("user:1", ("operator",), (poles,))
    # What the operator's answer costs when the same rows are asked for by hand.
    by_hand = question.replace("FROM pole", "FROM pole WHERE").replace("WHERE WHERE", "WHERE")
    mine = (
        "(owner_id = {0} OR EXISTS (SELECT FROM pole_occupancy x"
        " WHERE x.pole_id = ANY (ARRAY[pole.id]) AND x.tenant_id = {0}))"
    )
    by_hand = (
        by_hand.replace("WHERE geom", f"WHERE {mine.format(poles)} AND geom")
        if question is BBOX
        else by_hand.replace("WHERE", f"WHERE {mine.format(poles)}")
    )
    found: dict[str, float] = {}
    for name, scope, statement in (
        ("off", None, question), ("planner", Scope("user:1", ("planner",)), question),
        ("by hand", None, by_hand), ("operator", operator, question),
    ):  # fmt: skip
        with owner() as connection:
            connection.execute(f"ALTER TABLE registry.pole {'ENABLE' if scope else 'DISABLE'} ROW LEVEL SECURITY")
            connection.execute(
                f"ALTER TABLE registry.pole_occupancy {'ENABLE' if scope else 'DISABLE'} ROW LEVEL SECURITY"
            )
        with session_scope(scope) as session:
            raw = session.connection().connection.driver_connection
            assert raw is not None
            rows = len(raw.execute(statement).fetchall())
            found[name] = median_ms(lambda raw=raw, statement=statement: raw.execute(statement).fetchall())  # type: ignore[misc]
            print(f"\n  {name:9} {rows:4} rows {found[name]:.2f} ms", end="")
    print(f"\n{machine()}: planner / off {found['planner'] / found['off']:.2f}, operator / the same rows by hand "
          f"{found['operator'] / found['by hand']:.2f} (limit {READ_BOUND})")  # fmt: skip
    assert found["planner"] <= READ_BOUND * found["off"]
    assert found["operator"] <= READ_BOUND * found["by hand"]
