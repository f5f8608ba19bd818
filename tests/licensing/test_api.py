"""The co-location check over HTTP and on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app
from app.database import PUBLIC, Scope, session_scope
from app.errors import AppError
from app.kit.console import out
from app.main import create_app
from tests.conftest import client_in
from tests.licensing.conftest import operator, surroundings
from tests.sharing import registry

MAST = {"height_m": 45.0, "tenant_capacity": 2}
ASK: dict[str, Any] = {"lon": 107.55, "lat": 16.45, "operator": "VIETTEL", "height_m": 42, "as_of": "2025-12-31"}


def fill(session: Session) -> None:
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    registry.site(
        session, "FREE", 107.552, 16.45, "VNPT", owner="VNPT", structure=MAST, synthetic=True, source="SYNTHETIC"
    )


def test_answer(client: TestClient, session: Session) -> None:
    fill(session)
    answer = client.post("/api/colocation", json=ASK | {"technologies": ["4G", "5G"]})
    assert answer.status_code == 200
    body = answer.json()
    (candidate,) = body["candidates"]
    assert (candidate["site"], candidate["spare"], candidate["synthetic"]) == ("FREE", 1, True)
    assert candidate["technologies"] == ["4G"]
    assert body["advice"]["code"] == "share"
    assert "FREE-S" in body["advice"]["vi"]
    assert body["effect"]["S1"]["after"] == 100
    assert "[A]" in body["citation"]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"lon": 107.0}, 422, "lon"),
        ({"lon": 16.45, "lat": 107.55}, 422, "lon"),
        ({"height_m": -1}, 422, "height_m"),
        ({"radius_m": 0}, 422, "radius_m"),
        ({"operator": "NOBODY"}, 422, "operator"),
        ({"technologies": ["9G"]}, 422, "technologies"),
        ({"lat": "north"}, 422, "lat"),
        ({"hieght": 3}, 422, "hieght"),
        ({"as_of": "tomorrow"}, 422, "as_of"),
        ({"height_m": True}, 422, "height_m"),
        ({"radius_m": "5"}, 422, "radius_m"),
    ],
)
def test_refusals(client: TestClient, session: Session, change: dict[str, Any], status: int, field: str) -> None:
    fill(session)
    answer = client.post("/api/colocation", json=ASK | change)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.json()["message"]["vi"]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(client: TestClient, session: Session, word: str) -> None:
    fill(session)
    body = json.dumps(ASK).replace("107.55", word)
    answer = client.post("/api/colocation", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (422, "lon")


def test_who_is_told_the_map(session: Session) -> None:
    """Authorities are; an operator is sent to the private question; restricted structures stay in the department."""
    surroundings(session)
    viettel = operator(session, "VIETTEL")
    for scope in (viettel, PUBLIC):
        with client_in(session, scope) as client:
            refused = client.post("/api/colocation", json=ASK)
        assert (refused.status_code, refused.json()["code"]) == (403, "ask_privately")
        assert refused.json()["address"] == "/api/sharing-question"
        assert "VN" not in refused.text
    looked = "SELECT count(*) FROM audit.view_log WHERE action = 'colocation' AND restricted"
    with client_in(session, Scope("user:3", ("other_department",))) as client:
        answer = client.post("/api/colocation", json=ASK)
    told = answer.json()
    assert [c["site"] for c in told["candidates"]] == ["VNROOM", "VNDARK", "VTOWN"]
    assert told["restricted"] == []
    assert "HUSH" not in answer.text
    assert session.scalar(text(looked)) == 0
    with client_in(session, Scope("user:1", ("planner",))) as client:
        full = client.post("/api/colocation", json=ASK).json()
    assert [c["site"] for c in full.pop("restricted")] == ["HUSH"]
    assert full["candidates"] == told["candidates"]
    assert (full["advice"], full["reasons"]) == (told["advice"], told["reasons"]), "a restricted one changes no advice"
    assert "HUSH" not in json.dumps(full)
    assert session.scalar(text(looked)) == 1, "who looked is on record"


def test_the_public_is_asked_to_sign_in() -> None:
    with TestClient(create_app()) as client:
        for answer in (
            client.post("/api/colocation", json=ASK),
            client.post("/api/sharing-question", json={"lon": 107.55, "lat": 16.45, "radius_m": 500}),
            client.get("/api/sharing-questions"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")


def test_command(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "width", 200)
    with session_scope() as session:
        fill(session)
    words = "colocation --lon 107.55 --lat 16.45 --operator viettel --height-m 42 --as-of 2025-12-31".split()
    result = CliRunner().invoke(app, [*words, "--technology", "4G", "--radius-m", "900", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["candidates"][0]["structure"] == "FREE-S"
    shown = CliRunner().invoke(app, words).output
    assert "Share FREE-S" in shown
    assert "SYNTHETIC" in shown
    refused = CliRunner().invoke(app, [*words, "--radius-m", "0"])
    assert isinstance(refused.exception, AppError)
    assert CliRunner().invoke(app, ["colocation", "--lon", "107"]).exit_code == 2
