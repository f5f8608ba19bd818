"""ogctests: the abstract tests of OGC API – Features, part 1, against a real server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from app.config import ROOT
from tests.publish.ogc.serving import Service

PYTHON = Path(os.environ.get("HATANG_OGCTESTS", ROOT / ".venv" / "ogctests")) / "bin" / "python"
"""An environment of its own: ogctests pins other versions of our libraries."""


@pytest.mark.skipif(not PYTHON.exists(), reason=f"no environment with ogctests at {PYTHON.parent.parent.name}")
def test_abstract_tests_of_core(service: Service, tmp_path: Path) -> None:
    assert service.get("/api").status_code == 200  # made once; ogctests waits five seconds for anything
    program = (
        "import sys; from ogctests.main import run_ogctests as r; sys.exit(r('features/core', flags=sys.argv[1:]))"
    )
    # Not this repository's own settings, above which the environment lies.
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    settings = ["-c", str(tmp_path / "pytest.ini"), "--rootdir", str(tmp_path)]
    flags = [*settings, "-p", "no:cacheprovider", "-q", "-rA", "-W", "ignore"]
    environment = {"INSTANCE_URL": f"{service.address}/ogc", "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run([str(PYTHON), "-c", program, *flags], capture_output=True, text=True, timeout=300,
                          cwd=tmp_path, env=environment, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
