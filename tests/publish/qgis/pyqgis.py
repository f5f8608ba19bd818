"""QGIS itself in the tests: a job for tests/publish/qgis/in_qgis.py, run by the Python that has PyQGIS."""

from __future__ import annotations

import json
import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("in_qgis.py")
TIMEOUT_S = 180


@lru_cache
def installed() -> bool:
    """Say whether the system's Python has PyQGIS."""
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, check=False).returncode == 0


def ask(job: dict[str, Any], home: Path) -> dict[str, Any]:
    """Return what QGIS says to a job; skips the test where it is not installed."""
    if not installed():
        pytest.skip("PyQGIS is not installed: apt-get install python3-qgis qgis-providers")
    home.mkdir(mode=0o700, exist_ok=True)
    # Nothing of our own environment: PYTHONPATH and libraries of the virtual environment are another Python's.
    env = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8",
           "PATH": os.environ["PATH"]}  # fmt: skip
    done = subprocess.run([PYTHON, str(SCRIPT)], input=json.dumps(job), capture_output=True, text=True, env=env,
                          timeout=TIMEOUT_S, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
