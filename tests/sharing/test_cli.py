"""`hatang sharing`: a table for people, one JSON document for programs."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.database import session_scope
from app.errors import AppError
from app.kit.console import out
from tests.sharing import registry


@pytest.fixture
def loaded(own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(out, "width", 200)
    with session_scope() as session:
        registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
        registry.site(session, "S-0", 107.51, 16.41, "VIETTEL VNPT")
        registry.site(session, "S-1", 107.52, 16.41, "VIETTEL")
        registry.site(session, "S-2", 107.53, 16.41)
    return own_database


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["sharing", "--as-of", "2025-12-31", *arguments])
    if isinstance(result.exception, AppError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_table_and_json_agree(loaded: str) -> None:
    body = json.loads(run("--json", "--definition", "s1", "--by", "commune"))
    (ratio,) = body["ratios"]
    assert (ratio["numerator"], ratio["denominator"], ratio["unknown"], ratio["ratio"]) == (1, 2, 1, 50)
    assert [(r["scope_code"], r["ratio"]) for r in body["breakdown"]] == [("90001", 50)]
    shown = run("--by", "operator")
    assert "50.00 %" in shown
    assert "33.33 … 66.67" in shown
    assert "30 % (2025)" in shown
    assert "VIETTEL" in shown


def test_refusals(loaded: str) -> None:
    with pytest.raises(AppError, match="S1, S2"):
        run("--definition", "Z9")
    with pytest.raises(AppError, match="no breakdown"):
        run("--by", "moon")
    assert CliRunner().invoke(app, ["sharing", "--as-of", "yesterday"]).exit_code == 2


def ran(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["sharing", *arguments])
    if isinstance(result.exception, AppError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_change_snapshot_and_objects(loaded: str, tmp_path: Path) -> None:
    kept = json.loads(ran("snapshot", "add", "Báo cáo 2025", "--as-of", "2025-12-31", "--json"))
    assert ran("snapshot", "list").count("Báo cáo 2025") == 1
    assert json.loads(ran("snapshot", "verify", str(kept["id"]), "--json"))["reproduced"] is True
    with session_scope() as session:
        registry.site(session, "S-3", 107.54, 16.41, "VIETTEL VNPT", valid_from=dt.date(2026, 1, 1))
    body = json.loads(ran("change", "--from-snapshot", str(kept["id"]), "--to", "2026-01-02", "--json"))
    assert [(p["part"], p["objects"]) for p in body["parts"] if p["objects"]] == [("built", 1)]
    shown = ran("change", "--from", "2025-12-31", "--to", "2026-01-02", "--commune", "xa thu", "--definition", "s1")
    assert "Xây mới" in shown
    assert "+16.667" in shown
    with pytest.raises(AppError, match="from or from_snapshot"):
        ran("change", "--to", "2026-01-02")
    with pytest.raises(AppError, match="no snapshot 99"):
        ran("snapshot", "verify", "99")
    with pytest.raises(AppError, match="1 to 200"):
        ran("snapshot", "add", " ")
    told = json.loads(ran("objects", "a3", "-o", str(tmp_path / "a3.csv"), "--counted", "denominator", "--json"))
    assert told["objects"] == 3
    assert (tmp_path / "a3.csv").read_text(encoding="utf-8-sig").count("\n") == 4
    with pytest.raises(AppError, match="choose from csv, geojson, xlsx"):
        ran("objects", "a3", "-o", str(tmp_path / "a3.shp"))
    assert ran("change", "--from", "yesterday", code=2)
