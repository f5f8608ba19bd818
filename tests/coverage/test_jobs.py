"""Coverage runs in the background: asked for, followed, cancelled, and gone on with after a kill."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.config import settings
from app.coverage import parts
from app.database import session_scope
from app.jobs.running import Worker, beside
from app.jobs.schemas import JobState
from tests.accounts.people import bearer, make_person, token_of
from tests.conftest import Hatang
from tests.coverage.test_cli import answer, province
from tests.jobs.conftest import drain, ended, state, wait_for
from tests.jobs.test_processes import process

__all__ = ["province"]
KINDS = ("app.coverage.jobs",)
WORKER = (
    "from app.coverage import parts; from app.jobs.running import Worker, work_until_stopped as w; "
    "from tests.coverage.test_jobs import slowed; parts._part = slowed(parts._part); "
    "w(Worker(('app.coverage.jobs',), heartbeat_s=0.3, lost_after_s=4), print)"
)


def worker(**more: Any) -> Worker:
    return Worker(KINDS, **({"heartbeat_s": 0.3, "lost_after_s": 4, "grace_s": 5} | more))


def slowed(quick: Callable[..., parts.Part]) -> Callable[..., parts.Part]:
    """Let a block take as long as one of a real province, so that there is a middle of the run."""

    def slow(*of: Any) -> parts.Part:
        time.sleep(0.25)
        return quick(*of)

    return slow


def blocks() -> dict[str, int]:
    """Name and inode of every finished block: another inode is another computation."""
    return {p.name: p.stat().st_ino for p in (settings().var_dir / "coverage" / "parts").glob("*.npz")}


def mapped(found: JobState) -> bool:
    return found.stage == "raster" and found.done >= 2


def runs() -> int:
    with session_scope() as session:
        return session.scalar(text("SELECT count(*) FROM registry.coverage_run")) or 0


@pytest.fixture
def planner(province: Path, hatang: Hatang) -> Iterator[TestClient]:
    """A planner's client over a province with terrain."""
    from app.main import create_app

    assert hatang("terrain", "add", str(province))[0] == 0
    with session_scope() as session:
        token = token_of(session, make_person(session, "planner")[0], scopes=["read", "write"])
    with TestClient(create_app(), headers=bearer(token)) as client:
        yield client


def ask(client: TestClient, **more: Any) -> int:
    found = client.post("/api/coverage/runs", json={"as_of": "2026-11-01"} | more)
    assert found.status_code == 202, found.text
    assert found.headers["location"] == f"/api/jobs/{found.json()['job']}"
    return int(found.json()["job"])


def test_a_run_is_asked_for_followed_and_stored(planner: TestClient) -> None:
    number = ask(planner)
    drain(worker(wait=False))
    told = planner.get(f"/api/jobs/{number}").json()
    assert (told["status"], told["kind"], told["stage"]) == ("done", "coverage_run", "verdicts")
    assert told["result"]["villages"] == 1
    [run] = planner.get("/api/coverage/runs").json()["runs"]
    assert run["id"] == told["result"]["run"]


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [({"rule": "nobody's"}, 422, "rule"), ({"rule": "none"}, 404, None), ({"operator": "NOBODY"}, 422, "operator"),
     ({"resolution_m": 3}, 422, "resolution_m"), ({"technology": "6G"}, 422, "technology"), ({"x": 1}, 422, "x")],
)  # fmt: skip
def test_what_no_run_can_be_is_refused_at_once(
    planner: TestClient, asked: dict[str, Any], status: int, field: str | None
) -> None:
    found = planner.post("/api/coverage/runs", json=asked)
    assert found.status_code == status
    assert field is None or field in found.json()["field"]
    assert planner.get("/api/jobs").json()["matched"] == 0


def test_a_cancelled_run_leaves_no_row_and_what_it_computed(
    planner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_part", slowed(parts._part))
    number = ask(planner, resolution_m=100)
    with beside(worker()):
        wait_for(number, mapped)
        assert planner.post(f"/api/jobs/{number}/cancel").status_code == 200
        found = wait_for(number, ended)
        assert (found.status, runs()) == ("cancelled", 0)
        before = blocks()
        assert before
        again = wait_for(ask(planner, resolution_m=100), ended, 60)
    assert (again.status, runs()) == ("done", 1)
    assert {name: inode for name, inode in blocks().items() if name in before} == before
    assert not any(name.startswith("map_") for name in again.result or {}), "no path of the server is told"


def test_a_killed_worker_loses_at_most_the_block_it_was_at(planner: TestClient) -> None:
    number = ask(planner, resolution_m=100)
    with process(sys.executable, "-c", WORKER) as first:
        wait_for(number, mapped, 60)
        first.send_signal(signal.SIGKILL)
        first.wait(5)
    before = blocks()
    assert len(before) >= 1
    assert runs() == 0
    with beside(worker()):
        found = wait_for(number, ended, 90)
    assert (found.status, found.attempts, runs()) == ("done", 2, 1)
    after = blocks()
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before, "what was finished is not computed again"


def test_the_command_leaves_a_run_to_a_worker(planner: TestClient, hatang: Hatang) -> None:
    told = answer(hatang, "coverage", "run", "--background", "--as-of", "2026-11-01")
    assert state(told["job"]).status == "queued"
    drain(worker(wait=False))
    assert state(told["job"]).status == "done"
    code, _, err = hatang("coverage", "run", "--background", "--resolution", "3")
    assert (code, "1,000 m" in err or "1000 m" in err) == (1, True)
