"""Constraints over HTTP and on the command line: asked, added, corrected, ended, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app
from app.database import PUBLIC, session_scope
from app.errors import AppError
from app.kit.console import out
from tests.conftest import client_in
from tests.licensing.constraints.conftest import LAT, LON, box, put

ASK: dict[str, Any] = {"lon": LON, "lat": LAT, "height_m": 30, "code": "A2b", "as_of": "2025-12-31"}
NEW: dict[str, Any] = {
    "kind": "heritage", "code": "H9", "name": "Lăng", "rule": {"buffer_m": 500}, "citation": "QĐ 9",
    "geometry": {"type": "Point", "coordinates": [LON, LAT]}, "reason": "thử", "valid_from": "2025-01-01",
}  # fmt: skip
AREAS = "/api/constraints/areas"


def test_the_public_is_told(place: Session) -> None:
    with client_in(place, PUBLIC) as client:
        body = client.get("/api/constraints", params=ASK).json()
        assert (body["status"], body["synthetic"]) == ("refuse", True)
        first = body["findings"][0]
        assert (first["kind"], first["status"], first["limit"], first["citation"]) == (
            "heritage", "refuse", "A1b", "QĐ H1",
        )  # fmt: skip
        assert "distance_urban" not in {f["kind"] for f in body["findings"]}
        page = client.get(AREAS, params={"limit": 2, "as_of": "2025-12-31"}).json()
        assert (page["numberMatched"], page["numberReturned"]) == (4, 2)
        assert client.get(page["links"][1]["href"]).json()["features"][0]["properties"]["kind"] == "planned_zone"
        one = client.get(AREAS, params={"kind": "airport", "bbox": "107.55,16.4,107.65,16.5"}).json()
        assert [f["properties"]["code"] for f in one["features"]] == ["VVPB"]
        assert client.get(AREAS, params={"bbox": "107.0,16.0,107.1,16.1"}).json()["numberMatched"] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lon": LAT, "lat": LON}, "lon"),
        ({"lon": "NaN"}, "lon"),
        ({"lat": 95}, "lat"),
        ({"height_m": 0}, "height_m"),
        ({"height_m": "inf"}, "height_m"),
        ({"code": "A9"}, "code"),
        ({"hieght": 3}, "hieght"),
        ({"as_of": "soon"}, "as_of"),
    ],
)
def test_questions_refused(client: TestClient, change: dict[str, Any], field: str) -> None:
    answer = client.get("/api/constraints", params=ASK | change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_added_corrected_ended_and_in_the_history(client: TestClient, session: Session) -> None:
    added = client.post(AREAS, json=NEW)
    assert added.status_code == 201, added.text
    assert added.json()["properties"]["rule"] == {"buffer_m": 500.0, "allowed_codes": ["A1b"]}
    where = added.headers["location"]
    assert client.post(AREAS, json=NEW).json()["code"] == "overlapping_validity"
    assert client.get("/api/constraints", params=ASK).json()["status"] == "refuse"

    wider = NEW | {"rule": {"buffer_m": 500, "allowed_codes": ["A1b", "A2b"]}, "reason": "đính chính"}
    assert client.put(where, json=wider).status_code == 428
    assert client.put(where, json=wider, headers={"If-Match": '"0"'}).status_code == 412
    corrected = client.put(where, json=wider, headers={"If-Match": added.headers["etag"]})
    assert corrected.status_code == 200, corrected.text
    heritage = {f["kind"]: f for f in client.get("/api/constraints", params=ASK).json()["findings"]}["heritage"]
    assert heritage["status"] == "ok"

    tag = {"If-Match": corrected.headers["etag"]}
    early = client.delete(where, params={"on": "2025-01-01", "reason": "x"}, headers=tag)
    assert early.json()["code"] == "ends_before_it_began"
    ended = client.delete(where, params={"on": "2025-06-01", "reason": "bãi bỏ"}, headers=tag)
    assert ended.json()["properties"]["valid_to"] == "2025-06-01"
    again = client.delete(where, params={"reason": "x"}, headers={"If-Match": "*"})
    assert again.json()["code"] == "already_ended"
    assert "heritage" not in {f["kind"] for f in client.get("/api/constraints", params=ASK).json()["findings"]}
    told = session.execute(
        text("SELECT operation, reason FROM audit.change WHERE table_name = 'registry.constraint_area' ORDER BY id")
    )
    assert [tuple(r) for r in told] == [("insert", "thử"), ("update", "đính chính"), ("update", "bãi bỏ")]
    assert client.put(f"{AREAS}/999999", json=wider, headers={"If-Match": "*"}).status_code == 404


CROSSED = {
    "type": "Polygon",
    "coordinates": [[[107.5, 16.4], [107.6, 16.5], [107.6, 16.4], [107.5, 16.5], [107.5, 16.4]]],
}


def line(*points: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(points)}


LINE: dict[str, Any] = {"kind": "underground_street", "rule": {"within_m": 20, "from": "2025-01-01"}}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"kind": "temple"}, None, "kind"),
        ({"rule": {}}, "constraint_rule", "rule.buffer_m"),
        ({"rule": {"buffer_m": -1}}, "constraint_rule", "rule.buffer_m"),
        ({"rule": {"buffer_m": 1, "allowed_codes": ["A9"]}}, "constraint_rule", "rule.allowed_codes.0"),
        ({"rule": {"buffer_m": 1, "colour": "red"}}, "constraint_rule", "rule.colour"),
        ({"citation": " "}, None, "citation"),
        ({"reason": ""}, None, "reason"),
        ({"valid_to": "2024-12-31"}, "ends_before_it_began", "valid_to"),
        ({"geometry": {"type": "Point", "coordinates": [LAT, LON]}}, "swapped_axes", "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [561476, 1821306]}}, "outside_world", "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [10, 50]}}, "outside_country", "geometry"),
        ({"geometry": {"type": "Point", "coordinates": []}}, "not_a_geometry", "geometry"),
        ({"geometry": {"type": "Circle"}}, "not_a_geometry", "geometry"),
        ({"geometry": line([107, 16], [107.1, 16])}, "wrong_geometry_type", "geometry"),
        ({"geometry": CROSSED}, "self_crossing", "geometry"),
        (LINE | {"geometry": line([107.5, 16.4], [107.5, 16.4])}, "zero_length", "geometry"),
        (LINE | {"geometry": line([107.5, 16.4], [107.6, 16.5], [107.6, 16.4], [107.5, 16.5])}, "self_crossing",
         "geometry"),
    ],
)  # fmt: skip
def test_rows_refused(client: TestClient, change: dict[str, Any], code: str | None, field: str) -> None:
    answer = client.post(AREAS, json=NEW | change)
    body = answer.json()
    assert answer.status_code == 422, body
    assert code in (None, body["code"]), body
    assert body["field"] == field, body


def test_commands(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "width", 220)
    with session_scope() as session:
        put(session, "heritage", "H1", shapely.Point(LON, LAT), {"buffer_m": 500, "allowed_codes": ["A1b"]})
        put(session, "planned_zone", "Z1", box(0.01), {"allowed_codes": ["A2b"]})
    run = CliRunner().invoke
    listed = run(app, ["constraints", "list", "--json"])
    assert json.loads(listed.output)["number_matched"] == 2
    assert "SYNTHETIC" in run(app, ["constraints", "list", "--kind", "heritage"]).output
    refused = run(app, ["constraints", "list", "--kind", "temple"]).exception
    assert isinstance(refused, AppError)
    assert refused.code == "unknown_constraint_kind"
    words = ["constraints", "at", "--lon", str(LON), "--lat", str(LAT), "--height-m", "50"]
    answer = json.loads(run(app, [*words, "--code", "A2b", "--json"]).output)
    assert {f["kind"]: f["status"] for f in answer["findings"]} == {
        "heritage": "refuse", "military_height": "needs_approval", "distance_urban": "ok", "planned_zone": "ok",
    }  # fmt: skip
    assert "needs approval" in run(app, words).output
    assert run(app, ["constraints", "at", "--lon", "107"]).exit_code == 2
