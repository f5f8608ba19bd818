"""Loading poles through `load_file` against a bare COPY of the same rows.

Run by `HATANG_BENCH=1 pytest -n0 -s tests/benchmarks/test_load_poles.py`; HATANG_BENCH_ROWS scales it.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy.orm import Session

from app.database import engine, enter, session_scope, system
from app.intake.service import load_file
from app.kit.bulk import raw_connection

ROWS = int(os.environ.get("HATANG_BENCH_ROWS", "500000"))
RUNS = int(os.environ.get("HATANG_BENCH_RUNS", "3"))
BOUND = 3.0
_COLUMNS = "code, owner_id, material, height_m, cable_capacity, street, source, geom"
# Tables as durable as registry.pole: one with all its indexes and constraints but no triggers, one bare heap.
_FLOORS = """
CREATE TABLE registry.bench_pole (LIKE registry.pole INCLUDING ALL);
ALTER TABLE registry.bench_pole ADD FOREIGN KEY (owner_id) REFERENCES registry.organisation (id);
CREATE TABLE registry.bench_heap (LIKE registry.pole INCLUDING DEFAULTS INCLUDING IDENTITY);
GRANT INSERT, SELECT ON registry.bench_pole, registry.bench_heap TO hatang_app;
"""

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(not os.environ.get("HATANG_BENCH"), reason="a benchmark: set HATANG_BENCH=1 to run it"),
]


def _files(folder: Path) -> tuple[Path, Path]:
    """Write the poles as a person's CSV, and the same rows as COPY text."""
    rng = np.random.default_rng(254)
    lon, lat = 107.2 + 0.6 * rng.random(ROWS), 16.1 + 0.4 * rng.random(ROWS)
    height, capacity = rng.choice([7.5, 8.5, 10, 12], ROWS), rng.integers(4, 20, ROWS)
    people, copy = folder / "poles.csv", folder / "poles.copy"
    rows = list(zip(range(ROWS), height.tolist(), capacity.tolist(), lon.tolist(), lat.tolist(), strict=True))
    with people.open("w", encoding="utf-8") as out:
        out.write("code,owner,material,height_m,cable_capacity,street,lon,lat\n")
        out.writelines(f"P{i:07d},EVN,bê tông,{h},{c},Đường số {i % 500},{x:.7f},{y:.7f}\n" for i, h, c, x, y in rows)
    with copy.open("w", encoding="utf-8") as out:
        out.writelines(
            f"P{i:07d}\t1\tbê tông\t{h}\t{c}\tĐường số {i % 500}\tpoles.csv (0123456789ab)"
            f"\tSRID=4326;POINT({x:.7f} {y:.7f})\n"
            for i, h, c, x, y in rows
        )
    return people, copy


def _bare(session: Session, copy: Path, table: str) -> float:
    connection = raw_connection(session)
    start = time.perf_counter()
    with connection.cursor().copy(f"COPY registry.{table} ({_COLUMNS}) FROM STDIN") as target:
        with copy.open("rb") as source:
            while block := source.read(1 << 20):
                target.write(block)
    return time.perf_counter() - start


def test_load_is_at_most_three_times_a_bare_copy(own_database: str, tmp_path: Path) -> None:
    people, copy = _files(tmp_path)
    with psycopg.connect(os.environ["HATANG_OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(_FLOORS)
    times: dict[str, list[float]] = {"load": [], "constrained": [], "heap": []}
    for _ in range(RUNS):
        for name, table in (("constrained", "bench_pole"), ("heap", "bench_heap")):
            with Session(engine()) as session:
                session.connection().exec_driver_sql("SET statement_timeout = 0")
                times[name].append(_bare(session, copy, table))
        with Session(engine()) as session:
            enter(session, system())
            start = time.perf_counter()
            report = load_file(session, "poles", people)
            times["load"].append(time.perf_counter() - start)
            assert (report.accepted, report.loaded) == (True, ROWS)
    with session_scope() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM registry.pole").scalar() == 0
    low = {name: min(values) for name, values in times.items()}
    print(f"\n{ROWS:,} poles, {os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}")
    for name, values in times.items():
        print(f"  {name:12} {min(values):6.2f} s (of {', '.join(f'{v:.2f}' for v in values)})")
    ratio, heap = low["load"] / low["constrained"], low["load"] / low["heap"]
    print(f"  load / COPY into the same table without triggers: {ratio:.2f}; load / COPY into a bare heap: {heap:.2f}")
    assert ratio <= BOUND
