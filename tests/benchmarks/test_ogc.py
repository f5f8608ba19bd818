"""/ogc against a bare asyncpg answer of the same poles, both over HTTP from one server in one run.

Run by `make bench`. HATANG_BENCH_ROWS (default 500000) sets how many poles.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx2
import numpy as np
import pytest

from app.config import ROOT
from app.database import session_scope
from tests.accounts.people import bearer, make_person, token_of
from tests.benchmarks.test_export_poles import LINES, POLES, ROWS
from tests.benchmarks.timing import times_ms
from tests.conftest import test_cluster as cluster_of_run

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(
        os.environ.get("HATANG_BENCH") != "1", reason="minutes on half a million rows: HATANG_BENCH=1 or make bench"
    ),
]
PAGE, SMALL = 0.034, 0.012
"""Sides of boxes in degrees: about 700 poles of half a million, as in the benchmark of row scope, and about 90."""
REPEATS = 150
# Bare: the same attributes for the owner of the rows: no row-level security, no disclosure, no links, one statement.
PROGRAM = """
import sys, asyncpg, uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from app.main import create_app
dsn, port = sys.argv[1], int(sys.argv[2])
BOX = '''SELECT string_agg(ST_AsGeoJSON(r.*, 'geom', 7), ',') FROM (
    SELECT p.*, w.code AS owner, (
        SELECT string_agg(t.code, ';' ORDER BY t.code) FROM registry.pole_occupancy x
        LEFT JOIN registry.organisation t ON t.id = x.tenant_id WHERE x.pole_id = p.id) AS occupants
    FROM registry.pole p LEFT JOIN registry.organisation w ON w.id = p.owner_id
    WHERE p.geom && ST_MakeEnvelope($1, $2, $3, $4, 4326) ORDER BY p.id LIMIT $5) r'''
pool = None
app = create_app()
async def serve(scope, receive, send):
    global pool
    if scope['type'] != 'http' or not scope['path'].startswith('/bare'):
        return await app(scope, receive, send)
    pool = pool or await asyncpg.create_pool(dsn, min_size=1, max_size=4)
    asked = Request(scope).query_params
    box = [float(v) for v in asked['bbox'].split(',')]
    async with pool.acquire() as connection:
        found = await connection.fetchval(BOX, *box, int(asked['limit']))
    body = '{"type":"FeatureCollection","features":[' + (found or '') + ']}'
    answer = Response(body, media_type='application/geo+json')
    await answer(scope, receive, send)
uvicorn.run(serve, host='127.0.0.1', port=port, loop='uvloop', http='httptools', lifespan='off', log_level='error')
"""


@pytest.fixture
def served(own_database: str) -> Iterator[tuple[str, dict[str, str]]]:
    name = own_database.split("/")[3].split("?")[0]
    with cluster_of_run().superuser(name) as connection:
        connection.execute(POLES, [ROWS])
        connection.execute(LINES)
        connection.execute("VACUUM ANALYZE registry.pole, registry.pole_occupancy")
    with session_scope() as session:
        who = {"planner": make_person(session, "planner"), "EVN": make_person(session, "operator", "EVN")}
        tokens = {role: token_of(session, person) for role, (person, _) in who.items()}
    port = 18_254
    server = subprocess.Popen([sys.executable, "-c", PROGRAM, cluster_of_run().url("hatang_owner", name), str(port)],
                              cwd=ROOT)  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert httpx2.get(f"{address}/healthz").status_code == 200
                break
            except httpx2.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield address, tokens
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.parametrize(("side", "floor"), [(PAGE, 0.35), (SMALL, 0.15)])
def test_items_of_a_box(served: tuple[str, dict[str, str]], side: float, floor: float) -> None:
    address, tokens = served
    with httpx2.Client(base_url=address, headers={"Accept-Encoding": "identity"}) as client:
        counts: list[int] = []

        def ask(path: str, token: str = "") -> Callable[[float, float], None]:
            def one(lon: float, lat: float) -> None:
                box = f"{lon},{lat},{lon + side},{lat + side}"
                answer = client.get(path, params={"bbox": box, "limit": 1000}, headers=bearer(token) if token else {})
                assert answer.status_code == 200
                counts.append(answer.content.count(b'"Feature"'))

            return one

        poles = "/ogc/collections/poles/items"
        times = times_ms(REPEATS, ask("/bare"), ask(poles, tokens["planner"]), ask(poles, tokens["EVN"]))
    bare, planner, operator = (float(v) for v in np.median(times, axis=1))
    print(
        f"\n{ROWS} poles, boxes of {np.median(counts):.0f}: bare {bare:.2f} ms, planner {planner:.2f} ms, ratio "
        f"{bare / planner:.2f} ({floor}); operator {operator:.2f} ms, ratio {bare / operator:.2f}"
    )
    assert bare / planner >= floor


def test_five_thousand_features_and_deep_pages(served: tuple[str, dict[str, str]]) -> None:
    address, tokens = served
    token = bearer(tokens["planner"]) | {"Accept-Encoding": "identity"}
    whole = {"bbox": "106,15,109,18", "limit": 5000}
    poles = f"{address}/ogc/collections/poles/items"

    def ms(path: str, **params: object) -> float:
        begun = time.perf_counter()
        answer = httpx2.get(path, params=params, headers=token, timeout=120)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        assert answer.content.count(b'"Feature"') == params["limit"]
        return (time.perf_counter() - begun) * 1000

    rounds = [(ms(f"{address}/bare", **whole), ms(poles, **whole), ms(poles, limit=100),
               ms(poles, limit=100, after=ROWS - 200)) for _ in range(12)][2:]  # fmt: skip
    bare, features, first, deep = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"\n5,000 of {ROWS} poles: bare {bare:.0f} ms, /ogc {features:.0f} ms, ratio {bare / features:.2f} (0.15);"
        f" first page {first:.1f} ms, last {deep:.1f} ms"
    )
    assert bare / features >= 0.15
    assert deep < 2 * first + 5
