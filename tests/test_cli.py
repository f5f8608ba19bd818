"""The command as a program: exit codes, both languages, no traceback for a refusal."""

import json
import os
import subprocess
import sys
from pathlib import Path

HATANG = Path(sys.executable).with_name("hatang")


def hatang(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HATANG, *arguments], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_wrong_usage_is_2() -> None:
    done = hatang("nonsense")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_lists_the_contract() -> None:
    text = hatang("--help").stdout
    for command in ("db", "demo", "load", "terrain", "coverage", "sharing", "colocation", "export", "serve"):
        assert command in text


def test_refusal_is_1_in_both_languages_and_as_json(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    done = hatang("sharing", "--json", HATANG_DATABASE_URL=url, HATANG_OWNER_DATABASE_URL=url)
    assert done.returncode == 1
    problem = json.loads(done.stdout)
    assert problem["code"] == "database_unavailable"
    assert set(problem["message"]) == {"vi", "en"}
    assert "Traceback" not in done.stderr


def test_reset_never_touches_a_database_of_ones_own() -> None:
    done = hatang("db", "reset", "--yes", HATANG_DATABASE_URL="postgresql://x@/y")
    assert done.returncode == 1
    assert "HATANG_DATABASE_URL" in done.stderr


def test_private_cluster_from_nothing_to_status(tmp_path: Path) -> None:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="hatang-var-"))
    folder.chmod(0o755)
    own = {"HATANG_VAR_DIR": str(folder), "HATANG_DATABASE_URL": "", "HATANG_OWNER_DATABASE_URL": ""}
    try:
        assert hatang("db", "migrate", **own).returncode == 0
        assert json.loads(hatang("db", "status", "--json", **own).stdout)["running"] is True
        assert hatang("db", "reset", "--yes", **own).returncode == 0
        assert "stopped" in hatang("db", "stop", **own).stdout
    finally:
        hatang("db", "stop", **own)
        shutil.rmtree(folder)


def test_status_of_a_given_database_hides_its_password(own_database: str) -> None:
    url = own_database.replace("hatang_app@", "hatang_app:secret@")
    done = hatang("db", "status", "--json", HATANG_DATABASE_URL=url)
    assert json.loads(done.stdout)["running"] is True
    assert "secret" not in done.stdout
