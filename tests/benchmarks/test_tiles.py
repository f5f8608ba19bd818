"""The map's tiles: those of z14 against a bare asyncpg MVT of the same rows, low zooms, and 304 a second.

A tile is drawn once after a change and then given from memory, so both are told; the limit is for what is given.

Run by `make bench`. HATANG_BENCH_ROWS (default 500000) sets how many poles.
"""

from __future__ import annotations

import ast
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx2
import numpy as np
import pytest

from app.config import ROOT
from app.database import application_url, session_scope
from tests.accounts.people import bearer, make_person, token_of
from tests.benchmarks.test_export_poles import LINES, POLES
from tests.conftest import test_cluster as cluster_of_run
from tests.publish.test_tiles import address

pytestmark = [
    pytest.mark.benchmark_ratio,
    pytest.mark.skipif(
        os.environ.get("HATANG_BENCH") != "1", reason="minutes on half a million rows: HATANG_BENCH=1 or make bench"
    ),
]
ROWS = int(os.environ.get("HATANG_BENCH_ROWS", "500000"))
PLACES = 60
BARE = """
SELECT ST_AsMVT(f, 'poles', 4096, 'shape', 'id') FROM (
    SELECT p.id, p.code, p.owner_id, p.type_code, p.material, p.height_m, p.cable_capacity, p.street,
           string_agg(DISTINCT t.code, ',') AS occupants, count(DISTINCT t.id)::int AS organisations, p.synthetic,
           ST_AsMVTGeom(ST_Transform(p.geom, 3857), ST_TileEnvelope($1, $2, $3), 4096, 256) AS shape
    FROM registry.pole p
    LEFT JOIN registry.pole_occupancy x ON x.pole_id = p.id
    LEFT JOIN registry.organisation t ON t.id = x.tenant_id
    WHERE p.geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => 0.0625), 4326)
    GROUP BY p.id) f WHERE shape IS NOT NULL
"""
"""The same rows and attributes, as a superuser without policies, dates and levels."""


def wait_for(address: str) -> str:
    """Return the address as soon as something answers there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx2.get(address + "/healthz")
            return address
        except httpx2.ConnectError:
            assert time.monotonic() < deadline, f"nothing answers at {address}"
            time.sleep(0.1)


@pytest.fixture
def server(own_database: str) -> Iterator[str]:
    """Address of `hatang serve` in a process of its own, over `ROWS` poles."""
    name = own_database.split("/")[3].split("?")[0]
    with cluster_of_run().superuser(name) as connection:
        connection.execute(POLES, [ROWS])
        connection.execute(LINES)
        connection.execute("VACUUM ANALYZE registry.pole, registry.pole_occupancy")
    command = [str(Path(sys.executable).with_name("hatang")), "serve", "--port", "8793"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield wait_for("http://127.0.0.1:8793")
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def bare() -> Iterator[str]:
    """Address of a server that answers 304 to everything, without an application."""
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.load:bare", "--port", "8794", "--loop", "uvloop",
               "--http", "httptools", "--lifespan", "off", "--no-access-log", "--log-level", "warning"]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield wait_for("http://127.0.0.1:8794")
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def planner(server: str) -> dict[str, str]:
    with session_scope() as session:
        return bearer(token_of(session, make_person(session, "planner")[0]))


def rate(at: str, request: str, seconds: int = 5) -> dict[str, int]:
    """Return how many answers of which status line a server gives a second over 256 connections."""
    command = [sys.executable, "-m", "tests.benchmarks.load", "127.0.0.1", str(urlsplit(at).port), "256", str(seconds)]
    told = subprocess.run(command, cwd=ROOT, input=request.encode(), capture_output=True, check=True).stdout
    found: dict[str, int] = ast.literal_eval(told.decode())
    return found


async def bare_rate(place: str, seconds: float = 5) -> float:
    """Return how many bare tiles asyncpg gets a second over 8 connections, more than there are processors."""
    superuser = cluster_of_run().url("postgres", application_url().split("/")[3].split("?")[0])
    address = tuple(map(int, place.split("/")))
    end = time.monotonic() + seconds
    async with asyncpg.create_pool(superuser, min_size=8, max_size=8, server_settings={"jit": "off"}) as pool:

        async def ask() -> int:
            count = 0
            async with pool.acquire() as connection:
                while time.monotonic() < end:
                    await connection.fetchval(BARE, *address)
                    count += 1
            return count

        return sum(await asyncio.gather(*(ask() for _ in range(8)))) / seconds


def test_tiles_of_z14_against_bare_ones(server: str, planner: dict[str, str]) -> None:
    rng = np.random.default_rng(254)
    places = [address(lon, lat, 14) for lon, lat in zip(rng.uniform(107.1, 108.1, PLACES),
                                                        rng.uniform(16.1, 16.6, PLACES), strict=True)]  # fmt: skip
    drawn, sizes = [], []
    with httpx2.Client(headers=planner, timeout=60) as client:
        for place in dict.fromkeys(places):
            start = time.perf_counter()
            sizes.append(len(client.get(f"{server}/tiles/poles/{place}.mvt").content))
            drawn.append((time.perf_counter() - start) * 1000)
    signed = f"Authorization: {planner['Authorization']}"
    request = f"GET /tiles/poles/{places[0]}.mvt HTTP/1.1\r\nHost: hatang\r\n{signed}\r\nAccept-Encoding: gzip\r\n\r\n"
    bare, kept = asyncio.run(bare_rate(places[0])), rate(server, request)
    assert list(kept) == ["HTTP/1.1 200 OK"], kept
    ratio = kept["HTTP/1.1 200 OK"] / bare
    size, took = statistics.median(sizes), statistics.median(drawn)
    print(f"\n{ROWS} poles, z14 of {size:.0f} bytes, drawn in {took:.1f} ms over HTTP;"
          f" a second: bare {bare:.0f}, kept {kept['HTTP/1.1 200 OK']}, ratio {ratio:.2f} (limit 0.6)")  # fmt: skip
    assert ratio >= 0.6


def test_low_zooms(server: str, planner: dict[str, str]) -> None:
    with httpx2.Client(headers=planner, timeout=60) as client:
        for z in range(6, 14):
            path = f"{server}/tiles/poles/{address(107.6, 16.35, z)}.mvt"
            times, sizes = [], []
            for _ in range(20):
                start = time.perf_counter()
                answer = client.get(path)
                times.append((time.perf_counter() - start) * 1000)
                sizes.append(len(answer.content))
            print(f"z{z}: {sizes[0]} bytes, drawn {times[0]:.0f} ms, kept {statistics.median(times[1:]):.1f} ms")
            assert sizes[0] <= 100_000
            assert statistics.median(times[1:]) <= 50


def test_304_a_second(server: str, bare: str, planner: dict[str, str]) -> None:
    path = f"/tiles/poles/{address(107.6, 16.35, 12)}.mvt"
    etag = httpx2.get(server + path, headers=planner).headers["etag"]
    httpx2.get(server + path)  # the public's tile
    found = {}
    signed = f"Authorization: {planner['Authorization']}\r\n"
    for who, at, header in (("bare", bare, ""), ("public", server, ""), ("planner", server, signed)):
        tag = etag if header else "*"
        request = f"GET {path} HTTP/1.1\r\nHost: hatang\r\n{header}If-None-Match: {tag}\r\n\r\n"
        found[who] = rate(at, request)
        assert list(found[who]) == ["HTTP/1.1 304 Not Modified"], found
    print(f"\n304 a second over 256 connections: {found} (wanted 3000)")
    _, *ours = (sum(counts.values()) for counts in found.values())
    assert min(ours) >= 3000
