"""A hundred exports at once, and readers who leave: others are answered, nothing is left behind."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import urlopen

from sqlalchemy import QueuePool, text

from app.config import settings
from app.database import engine, session_scope
from app.publish.exports import slots
from tests.conftest import department_app
from tests.publish.live import running
from tests.publish.province import build


def status(address: str) -> tuple[int, str | None]:
    try:
        with urlopen(address) as answer:
            answer.read()
            return answer.status, None
    except HTTPError as refused:
        body = json.loads(refused.read())
        assert body["code"] == "exports_busy", body
        return refused.code, refused.headers["Retry-After"]


def left_early(address: str) -> bool:
    try:
        with urlopen(address) as answer:
            answer.read(1000)
    except HTTPError as refused:
        return refused.code != 503
    return True


def test_a_hundred_at_once_and_readers_who_leave(own_database: str) -> None:
    with session_scope() as session:
        build(session)
        session.execute(
            text(
                "INSERT INTO registry.pole (code, geom) SELECT 'X' || i,"
                " ST_SetSRID(ST_MakePoint(107.3, 16.3), 4326) FROM generate_series(1, 40000) i"
            )
        )
    suffixes = ("gpkg", "geojson", "csv", "fgb", "parquet")
    with running(department_app()) as address, ThreadPoolExecutor(100) as pool, ThreadPoolExecutor(1) as other:
        asked = [pool.submit(status, f"{address}/api/exports/poles.{suffixes[i % 5]}") for i in range(100)]
        others = [other.submit(lambda: urlopen(f"{address}/api/communes", timeout=30).status) for _ in range(5)]
        assert [o.result() for o in others] == [200] * 5
        answers = Counter(a.result() for a in asked)
        assert set(answers) <= {(200, None), (503, str(slots.RETRY_AFTER_S))}, answers
        assert answers[(200, None)] >= slots.MAX_EXPORTS
        for suffix in suffixes * 2:  # more than there are places: each must be given back
            while not left_early(f"{address}/api/exports/poles.{suffix}"):
                time.sleep(0.1)  # the last reader's leaving is not noticed yet
        deadline = time.monotonic() + 30
        pool_of_engine = engine().pool
        assert isinstance(pool_of_engine, QueuePool)
        while (list((settings().var_dir / "exports").glob("*")) or pool_of_engine.checkedout()) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.05)
        assert list((settings().var_dir / "exports").glob("*")) == []
        assert pool_of_engine.checkedout() == 0
        assert status(f"{address}/api/exports/poles.gpkg") == (200, None)
