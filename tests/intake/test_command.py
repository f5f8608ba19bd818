"""`hatang load` as a person or a program runs it: exit codes, one JSON document, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.database import session_scope


def hatang(*arguments: object) -> tuple[int, str, str]:
    program = Path(sys.executable).with_name("hatang")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def load_json(*arguments: object) -> tuple[int, Any]:
    status, out, _ = hatang("load", *arguments, "--json")
    return status, json.loads(out)


def count(table: str) -> int:
    with session_scope() as session:
        return int(session.execute(text(f"SELECT count(*) FROM registry.{table}")).scalar_one())


def test_load_refuse_and_report(own_database: str, tmp_path: Path) -> None:
    path = tmp_path / "Cột Huế.csv"
    path.write_text("Mã cột,X,Y,Chiều cao (m)\nA,561476.79,1821306.80,8\nB,561476.79,1821306.80,-8\n", encoding="utf-8")
    status, report = load_json("poles", path, "--crs", "EPSG:9214")
    assert status == 1
    assert (report["accepted"], report["loaded"], report["rows_read"]) == (False, 0, 2)
    (finding,) = report["findings"]
    assert (finding["row"], finding["column"], finding["value"], finding["code"], finding["severity"]) == (
        3, "Chiều cao (m)", "-8", "negative", "error",
    )  # fmt: skip
    assert set(finding["message"]) == {"vi", "en"}
    assert count("pole") == 0

    status, out, _ = hatang("load", "poles", path, "--crs", "EPSG:9214")
    assert status == 1
    assert "negative" in out

    path.write_text("field,X,Y\nA,561476.79,1821306.80\n", encoding="utf-8")
    status, report = load_json("poles", path, "--crs", "EPSG:9214", "--map", "field=code", "--set", "owner=EVN")
    assert (status, report["loaded"], report["findings"]) == (0, 1, [])
    assert count("pole") == 1
    status, out, _ = hatang("load", "poles", path, "--crs", "EPSG:9214", "--map", "code=field", "--update")
    assert status == 0
    assert "1 cập nhật" in out


def test_refusals_name_the_field(own_database: str, tmp_path: Path) -> None:
    html = tmp_path / "a.geojson"
    html.write_text("<!doctype html><html></html>")
    for arguments, code, field in (
        (("poles", html), "file_format", "file"),
        (("poles", tmp_path / "nowhere.csv"), "file_missing", "file"),
        (("towers", html), "unknown_layer", "layer"),
        (("poles", html, "--map", "x"), "bad_option", "--map"),
    ):
        status, problem = load_json(*arguments)
        assert (status, problem["code"], problem["field"]) == (1, code, field)
    assert hatang("load", "poles")[0] == 2


def test_markup_in_names_is_text(own_database: str, tmp_path: Path) -> None:
    path = tmp_path / "[red]cột[bold].csv"
    status, _, error = hatang("load", "poles", path)
    assert status == 1
    assert "[red]cột[bold].csv" in error.replace("\n", "")
    path.write_text("code,lon,lat,owner\nA,107.5,16.4,[bold]\n")
    status, out, _ = hatang("load", "poles", path)
    assert status == 1
    assert "[bold]" in out
