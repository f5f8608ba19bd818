"""What a client learns first, and the state of the service."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Unavailable
from app.publish import service
from tests.publish.province import build


def test_meta_of_an_empty_registry(client: TestClient) -> None:
    body = client.get("/api/meta").json()
    assert body["run"] is None
    assert body["bbox"] is None
    assert body["synthetic"] is False
    assert body["terrain"] == {"tiles": 0, "bounds": None}
    assert [r["name"] for r in body["rules"] if r["default"]] == ["village-80"]
    assert "default" not in body["rules"][0]["value"]
    assert {o["code"]: o["has_radio"] for o in body["operators"]}["FPT"] is False
    assert "EVN" not in {o["code"] for o in body["operators"]}
    assert body["technologies"] == ["2G", "3G", "4G", "5G"]
    assert {"indicator": "a3", "year": 2025, "value": 30.0, "unit": "%", "document": "254/KH-UBND"} in body["targets"]


def test_meta_says_what_is_there(client: TestClient, session: Session) -> None:
    run = build(session)["run"]
    body = client.get("/api/meta").json()
    assert body["synthetic"] is True
    assert body["bbox"] == [107.2, 16.2, 107.6, 16.5]
    assert (body["run"]["id"], body["run"]["counts"]) == (run.id, {"covered": 1})
    before = client.get("/api/meta", params={"as_of": "2025-12-31"}).json()
    assert before["run"] is None, "a run for a later date does not answer for an earlier one"


def test_health_needs_no_database_and_readiness_does(client: TestClient, session: Session) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ready"


def test_another_revision_is_not_ready(own_database: str) -> None:
    from app.database import session_scope
    from tests.conftest import test_cluster as cluster_of_run

    name = own_database.split("/")[3].split("?")[0]
    with cluster_of_run().superuser(name) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '0001'")
    with session_scope() as session, pytest.raises(Unavailable, match="hatang db migrate") as refused:
        service.require_schema(session)
    assert refused.value.code == "schema_not_migrated"
    with cluster_of_run().superuser(name) as connection:
        connection.execute("DROP TABLE public.alembic_version")
    with session_scope() as session, pytest.raises(Unavailable, match="empty"):
        service.require_schema(session)


def test_metrics_count_by_route_template(client: TestClient) -> None:
    for path in ("/api/villages/77", "/api/villages/78", "/no/such/page", "/healthz"):
        client.get(path)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    counter = "hatang_http_requests_total"
    assert f'{counter}{{method="GET",route="/api/villages/{{village_id}}",status="404"}} 2' in lines
    assert f'{counter}{{method="GET",route="unmatched",status="404"}} 1' in lines
    assert any(line.startswith("hatang_build_info{version=") for line in lines)
    duration = 'hatang_http_request_duration_seconds_bucket{method="GET",route="/healthz",le="+Inf"} 1'
    assert duration in lines


def test_session_speaks_to_the_test_database(session: Session) -> None:
    assert service.require_schema(session) == session.execute(text("SELECT version_num FROM alembic_version")).scalar()
