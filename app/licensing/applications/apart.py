"""Examines a file in another process, with bounded time and memory: no file hangs or fills a worker of the server."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict

from app.config import ROOT
from app.errors import Invalid
from app.licensing.applications.inspection import Inspected, Limits, inspect

MEMORY_BYTES = 2_000_000_000
"""Address space of the examination; a picture of a hundred million pixels takes 300 MB."""


def examine(content: bytes, limits: Limits, seconds: int) -> Inspected:
    """Return what `inspect` says of the file, found in a process of its own.

    Raises
    ------
    Invalid
        What `inspect` refuses, and `file_too_costly`: it took more time or memory than it may.
    """
    command = [sys.executable, "-m", "app.licensing.applications.apart", json.dumps(asdict(limits)), str(seconds)]
    # No settings, credentials or proxies of ours: whoever takes over the parser finds nothing in its environment.
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=seconds + 10, env=environment, cwd="/", check=False
        )
    except subprocess.TimeoutExpired as late:
        raise _too_costly() from late
    if done.returncode != 0:
        raise _too_costly()
    told = json.loads(done.stdout)
    if "code" in told:
        raise Invalid(told["code"], told["message"]["vi"], told["message"]["en"], field="body")
    return Inspected(**told)


def _too_costly() -> Invalid:
    return Invalid(
        "file_too_costly",
        "Không kiểm tra được tệp trong thời gian và bộ nhớ cho phép",
        "The file could not be examined within the time and memory allowed",
        field="body",
    )


def _main() -> None:
    limits, seconds = Limits(**json.loads(sys.argv[1])), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # writes no file
    content = sys.stdin.buffer.read()
    try:
        told = asdict(inspect(content, limits))
    except Invalid as refused:
        told = refused.problem()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    _main()
