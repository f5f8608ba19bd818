"""Solves in another process, so that a wish to end ends it at once.

HiGHS asks between the nodes of its search only: on the first relaxation of 20,000 rows it was not heard for 25 s, the
whole time limit. A process can be ended at any moment, and whoever follows is told the time meanwhile.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, cast

from app.config import ROOT
from app.kit.progress import Report
from app.licensing.programme import solver
from app.licensing.programme.solver import Limits, Programme, Solution

_INTERVAL_S = 0.25


def solve(programme: Programme, limits: Limits, *, report: Report | None = None, **how: Any) -> Solution:
    """Return what `solver.solve` does.

    Parameters
    ----------
    report : callable, optional
        Told the seconds gone, of the limit, four times a second; what it raises ends the solve and is raised again.
        Without it nobody can end the solve, and it stays in this process.
    how
        `start`, `maximise` and `cost` of `solver.solve`.
    """
    if report is None:
        return solver.solve(programme, limits, **how)
    began, total = time.monotonic(), max(int(limits.time_limit_s), 1)
    command = [sys.executable, "-m", "app.licensing.programme.apart"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    with (
        tempfile.TemporaryFile() as answer,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=answer, env=environment, cwd="/") as process,
    ):
        try:
            assert process.stdin is not None
            pickle.dump((programme, limits, how), process.stdin)
            process.stdin.flush()
            while process.poll() is None:
                report(min(int(time.monotonic() - began), total), total, "solving")
                _wait(process)
        finally:
            process.kill()
        if process.returncode != 0:
            raise RuntimeError(f"the solver's process ended with {process.returncode}")
        answer.seek(0)
        return cast("Solution", pickle.load(answer))  # noqa: S301 — of our own process


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_INTERVAL_S)
    except subprocess.TimeoutExpired:
        return


def _end_with_parent() -> None:
    # Nothing more is sent: reading returns when the parent has ended, however it did. Not by the buffered reader,
    # whose lock would be in the way of this process's own end.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _main() -> None:
    programme, limits, how = pickle.load(sys.stdin.buffer)  # noqa: S301 — of the process that started this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pickle.dump(solver.solve(programme, limits, **how), sys.stdout.buffer)


if __name__ == "__main__":
    _main()
