"""Workers of the tests, quick to notice what has happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from app import jobs
from app.database import Scope, session_scope
from app.jobs import queries
from app.jobs.running import Worker, beside
from app.jobs.schemas import JobState

KINDS = ("tests.jobs.kinds",)
PLANNER = Scope("system:tests", ("planner",))
"""No account: those of people are asked for their roles again before the work begins."""


def quick(**more: Any) -> Worker:
    return Worker(KINDS, **({"heartbeat_s": 0.3, "lost_after_s": 4, "grace_s": 5} | more))


@contextmanager
def working(**more: Any) -> Iterator[Worker]:
    worker = quick(**more)
    with beside(worker):
        yield worker


def drain(worker: Worker | None = None) -> None:
    """Do what is queued, and return; in a thread, since the browser's tests leave an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit((worker or quick(wait=False)).run).result()


def ask(kind: str, scope: Scope = PLANNER, **args: Any) -> int:
    """Commit the wish for work; the kinds are known once a worker was made."""
    quick()._books.close()
    with session_scope(scope) as session:
        return jobs.defer(session, kind, args)


def state(number: int) -> JobState:
    with session_scope() as session:
        return queries.job(session, number)


def wait_for(number: int, reached: Callable[[JobState], bool], timeout_s: float = 15) -> JobState:
    deadline = time.monotonic() + timeout_s
    while not reached(found := state(number)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def ended(found: JobState) -> bool:
    return found.finished_at is not None
