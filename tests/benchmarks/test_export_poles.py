"""Exporting poles as GeoJSON against a bare COPY of ST_AsGeoJSON of the same rows, and as GeoPackage against the bare
Arrow route: the same SELECT by COPY, Arrow's CSV reader, GDAL. Memory of the exporting process.

Run by `make bench`. HATANG_BENCH_ROWS (default 500000) sets how many poles.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
import statistics
import subprocess
import sys

import pytest

from app.config import ROOT
from tests.conftest import test_cluster as cluster_of_run

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(
        os.environ.get("HATANG_BENCH") != "1", reason="minutes on half a million rows: HATANG_BENCH=1 or make bench"
    ),
]
ROWS = int(os.environ.get("HATANG_BENCH_ROWS", "500000"))
REPEATS = 5
POLES = """
INSERT INTO registry.pole (code, owner_id, height_m, material, cable_capacity, type_code, street, surveyed_on, geom,
                           raw_x, raw_y, raw_crs, position_accuracy_m, survey_method, source, synthetic)
SELECT 'C-' || i, (SELECT id FROM registry.organisation WHERE code = 'EVN'), 8.5, 'bê tông', 20, 'C2',
       'Đường số ' || mod(i, 900), '2025-06-30',
       ST_SetSRID(ST_MakePoint(107 + random() * 1.2, 16 + random() * 0.7), 4326),
       561476.79 + mod(i, 1000), 1821306.80, 'EPSG:9214', 0.5, 'synthetic', 'SYNTHETIC benchmark', true
  FROM generate_series(1, %s) i
"""
LINES = """
INSERT INTO registry.pole_occupancy (pole_id, tenant_id, service, source, synthetic)
SELECT p.id, t.id, 'telecom', 'SYNTHETIC benchmark', true
  FROM registry.pole p JOIN registry.organisation t ON t.code = 'VIETTEL' OR t.code = 'VNPT' AND p.id % 2 = 0
"""
# Runs in a process of its own, so that its peak memory is the export's.
PROGRAM = """
import datetime, json, re, sys, time
from app.database import session_scope
from app.kit.bulk import raw_connection
from app.publish import exports

def peak_mb():
    # Not ru_maxrss: Linux carries the parent's over exec.
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

began_mb = peak_mb()
size = 0
with session_scope() as session:
    raw_connection(session).execute("SELECT 1")
    start = time.perf_counter()
    if sys.argv[1] == "bare":
        query = "COPY (SELECT ST_AsGeoJSON(p.*) FROM registry.pole p) TO STDOUT"
        with open(sys.argv[2], "wb") as out, raw_connection(session).cursor() as cursor, cursor.copy(query) as copy:
            while row := copy.read():
                size += out.write(row)
    elif sys.argv[1] == "arrow":
        # The same SELECT, read by COPY and Arrow and handed to GDAL: no count, no metadata, no style.
        import pyarrow as pa
        import pyogrio
        from app.publish.exports import arrow
        rows = arrow.read(session, "poles", exports.Selection(datetime.date(2026, 1, 1)))
        pyogrio.write_arrow(pa.RecordBatchReader.from_batches(rows.schema, rows.batches()), sys.argv[2], layer="poles",
                            driver="GPKG", geometry_name="geometry", geometry_type="Point", crs="EPSG:4326",
                            dataset_options={"VERSION": "1.2"})
    elif sys.argv[1] == "gpkg":
        from pathlib import Path
        from app.publish.exports import task
        from app.publish.exports.formats import FORMATS
        work = task.begin(session, "poles", exports.Selection(datetime.date(2026, 1, 1)))
        FORMATS["gpkg"].write(work, Path(sys.argv[2]))
    else:
        with open(sys.argv[2], "wb") as out:
            for block in exports.stream(session, "poles", exports.Selection(datetime.date(2026, 1, 1))):
                size += out.write(block)
    seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "bytes": size, "peak_mb": peak_mb(), "began_mb": began_mb}))
"""


@pytest.fixture
def poles(own_database: str) -> str:
    # Filled as superuser, in whose hands no statement timeout applies; the planner then knows the tables.
    name = own_database.split("/")[3].split("?")[0]
    with cluster_of_run().superuser(name) as connection:
        connection.execute(POLES, [ROWS])
        connection.execute(LINES)
        connection.execute("VACUUM ANALYZE registry.pole, registry.pole_occupancy")
    return own_database


def measure(what: str, out: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what, out], cwd=ROOT, capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def test_export_of_poles(poles: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("export") / "poles.geojson"
    runs = [(measure("bare", str(path)), measure("export", str(path))) for _ in range(REPEATS)]
    bare, export = ([r[i]["seconds"] for r in runs] for i in (0, 1))
    ratio = statistics.median(export) / statistics.median(bare)
    peak = max(r[1]["peak_mb"] for r in runs)
    print(
        f"\n{ROWS} poles, {dt.date.today()}: bare {statistics.median(bare):.2f} s ({min(bare):.2f}-{max(bare):.2f}), "
        f"export {statistics.median(export):.2f} s ({min(export):.2f}-{max(export):.2f}), ratio {ratio:.2f} (limit 1.5)"
        f"; peak {peak:.0f} MB (limit 100; {runs[0][1]['began_mb']:.0f} MB before the first row), "
        f"{runs[0][1]['bytes'] / 1e6:.0f} MB written"
    )
    with path.open(encoding="utf-8") as handle:
        assert len(json.load(handle)["features"]) == ROWS
    assert ratio <= 1.5
    assert peak < 100


def test_geopackage_of_poles(poles: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("export")
    runs = [[measure(what, str(folder / f"{what}-{i}.gpkg")) for what in ("arrow", "gpkg")] for i in range(REPEATS)]
    bare, export = ([r[i]["seconds"] for r in runs] for i in (0, 1))
    ratio = statistics.median(export) / statistics.median(bare)
    peak = max(r[1]["peak_mb"] for r in runs)
    print(
        f"\n{ROWS} poles as GeoPackage, {dt.date.today()}: bare Arrow route {statistics.median(bare):.2f} s "
        f"({min(bare):.2f}-{max(bare):.2f}), export {statistics.median(export):.2f} s "
        f"({min(export):.2f}-{max(export):.2f}), ratio {ratio:.2f} (limit 1.2); peak {peak:.0f} MB (limit 400)"
    )
    with contextlib.closing(sqlite3.connect(folder / "gpkg-0.gpkg")) as file:
        assert file.execute("SELECT count(*) FROM poles").fetchone() == (ROWS,)
    assert ratio <= 1.2
    assert peak < 400
