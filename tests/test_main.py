"""`hatang serve` and `hatang export` as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from app.config import ROOT
from app.database import session_scope
from tests.conftest import test_cluster as cluster_of_run
from tests.publish.province import build

HATANG = [sys.executable, "-c", "from app.cli import main; main()"]


def hatang(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HATANG, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_to_look_and_stops_when_asked(own_database: str, stop: signal.Signals) -> None:
    port = free_port()
    server = subprocess.Popen(
        [*HATANG, "serve", "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        # Line by line: communicate() does not see what readline() has already taken from the pipe.
        told = "".join(server.stdout.readline() for _ in range(6))
        assert f"http://127.0.0.1:{port}/" in told, server.communicate(timeout=30)
        assert "/api/docs" in told
        body = json.load(urlopen(f"http://127.0.0.1:{port}/readyz"))
        assert body["status"] == "ready"
        assert "server" not in {k.lower() for k in urlopen(f"http://127.0.0.1:{port}/api/meta").headers}
    finally:
        server.send_signal(stop)
        _, errors = server.communicate(timeout=30)
    assert server.returncode == 0, errors
    assert "Traceback" not in errors
    with pytest.raises(URLError):
        urlopen(f"http://127.0.0.1:{port}/readyz")


def test_serve_refuses_a_taken_port(own_database: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = hatang("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "đang được chương trình khác dùng" in done.stderr
    assert "is in use by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_refuses_a_foreign_address(own_database: str) -> None:
    for host in ("203.0.113.7", "no.such.host.invalid"):
        done = hatang("serve", "--host", host, "--port", str(free_port()))
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "Cannot listen" in done.stderr


def test_serve_refuses_tables_of_another_revision(own_database: str) -> None:
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '0002'")
    done = hatang("serve", "--port", str(free_port()))
    assert done.returncode == 1
    assert "hatang db migrate" in done.stderr


def test_serve_refuses_a_role_that_row_level_security_does_not_bind(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = own_database.split("/")[3].split("?")[0]
    for role in ("hatang_owner", "postgres"):
        monkeypatch.setitem(os.environ, "HATANG_DATABASE_URL", cluster_of_run().url(role, name))
        done = hatang("serve", "--port", str(free_port()))
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (1, "", False), done.stderr
        assert role in done.stderr
        assert "CREATE ROLE hatang_app" in done.stderr


def test_serve_refuses_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HATANG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    done = hatang("serve", "--port", str(free_port()))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "does not answer" in done.stderr


def test_export_from_the_command_line(own_database: str, tmp_path: Path) -> None:
    with session_scope() as session:
        build(session)
    path = tmp_path / "poles.geojson"
    done = hatang("export", "poles", "-o", str(path), "--as-of", "2026-06-01", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "layer": "poles", "file": str(path), "features": 2, "bytes": path.stat().st_size, "as_of": "2026-06-01",
    }  # fmt: skip
    assert len(json.loads(path.read_text())["features"]) == 2
    refused = hatang("export", "poles", "-o", str(tmp_path / "poles.dwg"), "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["code"] == "unknown_format"
    assert hatang("export", "poles").returncode == 2


def test_a_stopped_export_leaves_nothing(own_database: str, tmp_path: Path) -> None:
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        connection.execute(
            "INSERT INTO registry.pole (code, geom) SELECT 'X' || i, ST_SetSRID(ST_MakePoint(107.3, 16.3), 4326)"
            " FROM generate_series(1, 200000) i"
        )
    path = tmp_path / "poles.geojson"
    # A test run in the background of a shell inherits an ignored SIGINT; a person's terminal does not.
    export = subprocess.Popen(
        ["env", "--default-signal=INT", *HATANG, "export", "poles", "-o", str(path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".poles.geojson.*.part")):
        assert time.monotonic() < deadline
        assert export.poll() is None
        time.sleep(0.005)
    export.send_signal(signal.SIGINT)
    assert export.wait(timeout=30) != 0
    assert list(tmp_path.iterdir()) == []
