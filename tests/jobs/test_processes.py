"""Workers as processes: one that is killed, one that is asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.config import ROOT
from tests.accounts.people import as_owner
from tests.jobs.conftest import ask, ended, state, wait_for, working

WORKER = (
    "from tests.jobs.conftest import quick; from app.jobs.running import work_until_stopped as w; w(quick({}), print)"
)


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.communicate(timeout=10)


def test_work_of_a_killed_worker_is_finished_by_the_next(own_database: str) -> None:
    number = ask("test_hang_once")
    with process(sys.executable, "-c", WORKER.format("")) as first:
        found = wait_for(number, lambda s: s.done == 1)
        assert (found.status, found.attempts) == ("running", 1)
        first.send_signal(signal.SIGKILL)
        first.wait(5)
    with working():
        found = wait_for(number, ended)
    assert (found.status, found.attempts, found.result) == ("done", 2, {"attempt": 2})
    assert as_owner(own_database, "SELECT lost FROM jobs.work") == [(1,)]


def test_work_that_does_not_listen_is_queued_again_and_the_worker_ends(own_database: str) -> None:
    number = ask("test_hang_once")
    with process(sys.executable, "-c", WORKER.format("grace_s=0.5")) as worker:
        wait_for(number, lambda s: s.done == 1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(8) == 0
    assert (state(number).status, state(number).attempts) == ("queued", 1)


def test_the_command_stops_when_asked(own_database: str) -> None:
    with process(sys.executable, "-c", "from app.cli import main; main()", "worker", "--concurrency", "2") as worker:
        assert worker.stdout is not None
        assert "Ctrl+C" in worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=10)
    assert (worker.returncode, "Stopped" in out) == (0, True), err
    assert "Traceback" not in err
