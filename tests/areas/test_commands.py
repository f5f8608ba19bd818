"""`hatang units` and `hatang sharing --by district --boundaries`, on a database of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.database import session_scope
from app.errors import AppError
from tests.areas.province import build
from tests.sharing.registry import pole


@pytest.fixture
def registry(own_database: str) -> None:
    with session_scope() as session:
        build(session)
        pole(session, "P1", 107.05, 16.05, "VIETTEL;VNPT")


def hatang(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, AppError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def read(*arguments: str) -> Any:
    return json.loads(hatang(*arguments, "--json"))


def test_the_commands(registry: None) -> None:
    found = read("units", "find", "thuy xuan")
    assert [(u["code"], u["successors"][0]["name"]) for u in found["units"]] == [("19A", "Thủy Bằng")]
    assert read("units", "find", "19D", "--as-of", "2025-03-01")["units"][0]["name"] == "Phú Đa Mới"
    assert "Thủy Bằng" in hatang("units", "find", "thuỷ")
    pairs = read("units", "crosswalk", "--from", "2024-12-31", "--to", "2025-07-01")["pairs"]
    assert [(p["old"]["code"], p["new"]["code"], p["share"]) for p in pairs] == [
        ("19A", "19A", 1), ("19B", "19A", 1), ("19C", "19N", 1), ("19D", "19D", 1),
    ]  # fmt: skip
    assert "went nowhere" in hatang("units", "crosswalk", "--from", "2025-06-30", "--to", "2025-07-01",
                                    "--level", "district")  # fmt: skip
    shared = ("sharing", "--definition", "P1", "--by", "district")
    rows = read(*shared, "--as-of", "2025-12-31", "--boundaries", "2025-06-30")["breakdown"]
    assert [(r["scope_code"], r["denominator"]) for r in rows] == [("90E", 0), ("90W", 1)]
    with pytest.raises(AppError) as refused:
        read(*shared, "--as-of", "2025-12-31")
    assert refused.value.code == "no_units"
    with pytest.raises(AppError) as refused:
        read("units", "find", "x", "--level", "canton")
    assert refused.value.code == "unknown_level"
