"""Hostile and mistaken questions get a problem with a code, two languages and the field; never a 500."""

from __future__ import annotations

import json
import logging
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.accounts import access
from app.main import create_app
from tests.publish.province import build

INJECTIONS = [
    "'; DROP TABLE registry.village; --",
    "' OR '1'='1",
    '" OR ""="',
    "1); SELECT pg_sleep(10); --",
    "%(name)s",
    ":as_of",
    "{as_of}",
    "$1",
    "\\'; SELECT 1; --",
    "x' || pg_sleep(10) || '",
]


def problem(answer: Any, status: int) -> dict[str, Any]:
    """Check the shape every refusal has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"] == f"urn:hatang:problem:{body['code']}"
    assert body["message"]["vi"]
    assert body["message"]["en"]
    assert body["message"]["vi"] != body["message"]["en"]
    for word in ("Traceback", "psycopg", "sqlalchemy", "registry.village v"):
        assert word not in answer.text
    return body


def test_sql_in_a_value_stays_a_value(client: TestClient, session: Session) -> None:
    build(session)
    for evil in INJECTIONS:
        answer = client.get("/api/villages", params={"q": evil})
        assert (answer.status_code, answer.json()["numberMatched"]) == (200, 0), evil
        for field in ("commune", "operator", "rule"):
            assert problem(client.get("/api/villages", params={field: evil}), 404)["field"] == field
        problem(client.get("/api/exports/poles.geojson", params={"commune": evil}), 404)
    assert session.scalar(text("SELECT count(*) FROM registry.village")) == 4


def test_sql_in_a_layer_name_is_an_unknown_layer(client: TestClient) -> None:
    for evil in INJECTIONS:
        refused = problem(client.get(f"/api/exports/{evil}.geojson"), 404)
        assert refused["code"] in {"unknown_layer", "unknown_format", "not_found"}


BOXES = [
    ("16,107,17,108", "bbox_swapped"),
    ("107,16,108", "bbox_not_four_numbers"),
    ("107,16,108,17,18", "bbox_not_four_numbers"),
    ("a,b,c,d", "bbox_not_four_numbers"),
    ("NaN,16,108,17", "bbox_not_four_numbers"),
    ("107,16,inf,17", "bbox_not_four_numbers"),
    ("107,16,1e400,17", "bbox_outside_world"),
    ("107,16,1e308,17", "bbox_outside_world"),
    ("107,16,1e999,17", "bbox_outside_world"),
    ("561476.79,1821306.80,561500,1821400", "bbox_outside_world"),
    ("108,16,107,17", "bbox_empty"),
    ("107,17,108,16", "bbox_empty"),
    ("107,16,107,17", "bbox_empty"),
    ("-181,16,108,17", "bbox_outside_world"),
    ("107,-91,108,17", "bbox_outside_world"),
    ("1_0,16,108,17", "bbox_not_four_numbers"),
    ("１０７,16,108,17", "bbox_not_four_numbers"),
    ("9" * 199, "bbox_not_four_numbers"),
    ("9" * 30_000, "invalid_request"),
]


def test_boxes_that_cannot_be(client: TestClient) -> None:
    for bbox, code in BOXES:
        for path in ("/api/villages", "/api/exports/poles.geojson"):
            body = problem(client.get(path, params={"bbox": bbox}), 422)
            assert (body["code"], body["field"]) == (code, "bbox"), bbox


VALUES = [
        {"limit": "0"}, {"limit": "-1"}, {"limit": "1001"}, {"limit": str(10**9)}, {"limit": "1" * 5000},
        {"limit": "ten"}, {"limit": "1.5"}, {"limit": "NaN"}, {"offset": "-1"}, {"offset": str(2**63)},
        {"verdict": "maybe"}, {"technology": "6G"}, {"technology": "4g "}, {"as_of": "yesterday"},
        {"as_of": "2026-02-30"}, {"as_of": "1700000000"}, {"as_of": "2026-1-1"}, {"as_of": "0000-01-01"},
        {"as_of": "2026-01-01T00:00:00"}, {"as_of": "infinity"}, {"q": "x" * 101}, {"commune": "x" * 61},
        {"operater": "VNPT"},
]  # fmt: skip


def test_values_that_cannot_be(client: TestClient) -> None:
    for params in VALUES:
        body = problem(client.get("/api/villages", params=params), 422)
        assert body["field"] == next(iter(params)), params
        assert [e["field"] for e in body["errors"]] == [body["field"]]


def test_all_errors_are_listed(client: TestClient) -> None:
    body = problem(client.get("/api/villages?limit=0&verdict=maybe&bbox=1"), 422)
    assert {e["field"] for e in body["errors"]} == {"limit", "verdict", "bbox"}
    assert all(e["vi"] and e["en"] for e in body["errors"])


def test_nul_and_broken_utf8(client: TestClient) -> None:
    for query in ["q=%00", "q=a%00b", "commune=%00", "%00=1", "q=%ED%A0%80", "q=%FF", "q=%C0%80"]:
        assert problem(client.get(f"/api/villages?{query}"), 422)["code"] == "unreadable_text"


def test_nul_in_a_path(client: TestClient) -> None:
    assert problem(client.get("/api/exports/po%00les.geojson"), 422)["code"] == "unreadable_text"


def test_numbers_of_villages_that_cannot_be(client: TestClient) -> None:
    for number in ["0", "-1", str(2**63), "9" * 400, "9" * 5000, "1e3", "abc", "1.5", "%F0%9F%9A%80"]:
        assert problem(client.get(f"/api/villages/{number}"), 422)["field"] == "village_id", number


def test_the_largest_number_is_only_unknown(client: TestClient) -> None:
    assert problem(client.get(f"/api/villages/{2**63 - 1}"), 404)["code"] == "unknown_village"


def test_unknown_names_come_with_suggestions(client: TestClient, session: Session) -> None:
    build(session)
    body = problem(client.get("/api/villages?operator=VIETEL"), 404)
    assert body["code"] == "unknown_operator"
    assert body["suggestions"][0].startswith("VIETTEL")
    body = problem(client.get("/api/villages?commune=thuan hao"), 404)
    assert body["suggestions"][0] == "19774 Phường Thuận Hóa"
    body = problem(client.get("/api/villages?rule=village80"), 404)
    assert "village-80" in body["message"]["vi"]
    assert problem(client.get("/api/villages?commune=19753"), 404)["code"] == "unknown_commune"  # ended
    assert problem(client.get("/api/exports/poels.geojson"), 404)["suggestions"][0] == "poles Poles"


def test_export_by_a_commune_without_boundary_is_refused(client: TestClient, session: Session) -> None:
    build(session)
    body = problem(client.get("/api/exports/poles.geojson?commune=20044"), 409)
    assert body["code"] == "commune_without_boundary"


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/api/villages/", "/api/villages/1/2/3", "//", "/api"])
def test_unknown_address(client: TestClient, path: str) -> None:
    assert problem(client.get(f"http://testserver{path}"), 404)["code"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_wrong_method(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/villages")
    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET"


def test_security_headers_everywhere(client: TestClient) -> None:
    for path in ("/api/meta", "/nothing", "/api/villages?limit=0", "/healthz"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"]
    assert client.get("/api/villages").headers["cache-control"].startswith("private")


class Note(BaseModel):
    """A body for the tests."""

    note: str


@pytest.fixture
def prepared(session: Session) -> FastAPI:
    """The application with routes that go wrong on purpose."""
    app = create_app()
    app.dependency_overrides[access.request_session] = lambda: session

    @app.get("/test/bug")
    def bug() -> None:
        raise ZeroDivisionError("secret detail")

    @app.get("/test/down")
    def down() -> None:
        raise OperationalError("SELECT 1", {}, psycopg.OperationalError("connection refused by secret-host"))

    @app.get("/test/slow")
    def slow(s: access.DbSession) -> None:
        s.execute(text("SET LOCAL statement_timeout = 50"))
        s.execute(text("SELECT pg_sleep(5)"))

    @app.get("/test/sql")
    def wrong_sql(s: access.DbSession) -> None:
        s.execute(text("SELECT no_such_column FROM registry.village"))

    @app.get("/test/constraint")
    def constraint(s: access.DbSession) -> None:
        s.execute(text("INSERT INTO registry.organisation (code, name, kind) VALUES ('x', 'x', 'other')"))

    @app.post("/test/note")
    def note(body: Note, s: access.DbSession) -> str:
        return str(s.scalar(text("SELECT CAST(:n AS text)"), {"n": body.note}))

    return app


def test_a_bug_is_an_incident_and_leaks_nothing(prepared: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="hatang.http"), TestClient(prepared) as client:
        answer = client.get("/test/bug")
    body = problem(answer, 500)
    assert "secret" not in answer.text
    assert body["incident"] in caplog.text
    assert "ZeroDivisionError: secret detail" in caplog.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/test/down", 503, "database_unavailable"),
        ("/test/slow", 503, "too_slow"),
        ("/test/sql", 500, "internal_error"),
        ("/test/constraint", 422, "out_of_range"),
    ],
)
def test_what_the_database_says(prepared: FastAPI, path: str, status: int, code: str) -> None:
    with TestClient(prepared) as client:
        answer = client.get(path)
    assert problem(answer, status)["code"] == code
    assert "secret" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"note": 5}', 422),
        (b'{"note": "\\u0000"}', 422),
        (b'{"note": "\\ud800"}', 422),
        (b"\xff\xfe", 422),
        (b'{"note": "' + b"[" * 100_000 + b'"}', 200),
        (b"[" * 100_000, 400),
        (json.dumps({"note": "x" * 1_100_000}).encode(), 413),
    ],
)
def test_bodies(prepared: FastAPI, body: bytes, status: int) -> None:
    with TestClient(prepared) as client:
        answer = client.post("/test/note", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == status, answer.text
        if status >= 400:
            problem(answer, status)


def test_a_body_that_hides_its_size_is_cut(prepared: FastAPI) -> None:
    with TestClient(prepared) as client:
        pieces = (b" " * 100_000 for _ in range(20))
        answer = client.post("/test/note", content=pieces, headers={"content-type": "application/json"})
    assert problem(answer, 413)["code"] == "body_too_large"


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, worker_database: str) -> None:
    from tests.conftest import use_database

    use_database("no_such_database")
    try:
        with TestClient(create_app()) as client:
            for path in ("/readyz", "/api/villages", "/api/exports/poles.geojson"):
                assert problem(client.get(path), 503)["code"] == "database_unavailable"
            assert client.get("/healthz").status_code == 200
    finally:
        use_database(worker_database)
