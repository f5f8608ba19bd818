"""`hatang sharing`: a table for people, one JSON document for programs."""

from __future__ import annotations

import json

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
