"""A hundred questions at a time: nobody else waits, no connection is lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from app.database import engine
from app.publish.ogc import turns
from tests.publish.ogc.serving import Service

POLES = "/collections/poles/items"


def test_a_hundred_of_one_caller_leave_room_for_others(service: Service) -> None:
    with ThreadPoolExecutor(110) as pool:
        crowd = [pool.submit(service.get, POLES, "evn", limit=30, sortby="-height_m") for _ in range(100)]
        time.sleep(0.05)
        begun = time.monotonic()
        others = [pool.submit(service.get, "/collections/villages/items"), pool.submit(service.get, POLES, "planner")]
        assert [o.result().status_code for o in others] == [200, 200]
        waited = time.monotonic() - begun
        answers = [c.result() for c in crowd]
    codes = [a.status_code for a in answers]
    assert set(codes) <= {200, 429}
    assert codes.count(200) >= turns.AT_ONCE + turns.WAITING - 1
    assert waited < 10
    refused = next((a for a in answers if a.status_code == 429), None)
    if refused is not None:
        assert refused.json()["code"] == "too_many_questions"
        assert refused.headers["retry-after"] == "2"


def test_no_connection_is_lost(service: Service) -> None:
    def broken(i: int) -> int:
        asked = {"filter": "pg_sleep(9) IS NULL"} if i % 3 else {"filter": "height_m * 1e300 * 1e300 > 1"}
        return int(service.get(POLES, "evn", **asked).status_code)

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(broken, range(60))) <= {400, 429}
    deadline = time.monotonic() + 5
    pool_of_connections = engine().pool
    while pool_of_connections.checkedout() and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.02)
    assert pool_of_connections.checkedout() == 0  # type: ignore[attr-defined]
    assert turns._queues == {}
    assert service.get(POLES, "evn").status_code == 200
