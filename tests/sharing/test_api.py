"""Sharing over HTTP."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.sharing import registry


@pytest.fixture
def api(client: TestClient, session: Session) -> TestClient:
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    for i in range(3):
        registry.site(session, f"S-{i}", 107.51 + i / 100, 16.41, "VIETTEL VNPT", synthetic=True, source="SYNTHETIC")
    registry.site(session, "S-3", 107.55, 16.41, "VIETTEL")
    registry.pole(session, "P-0", 107.55, 16.41, "EVN:power;VNPT", owner="EVN")
    return client


def test_ratios_with_target_and_objects(api: TestClient) -> None:
    body = api.get("/api/sharing", params={"as_of": "2025-12-31", "by": "commune"}).json()
    assert body["as_of"] == "2025-12-31"
    assert [d["code"] for d in body["definitions"]] == ["S1", "S2", "S3", "S4", "P1", "P2", "P3", "D1", "D2", "D3"]
    assert all(d["title"]["vi"] and d["title"]["en"] and d["formula"] and d["citation"] for d in body["definitions"])
    s1 = body["ratios"][0]
    assert (s1["numerator"], s1["denominator"], s1["unknown"], s1["ratio"], s1["met"]) == (3, 4, 0, 75, True)
    assert (s1["target"]["value"], s1["target"]["year"]) == (30, 2025)
    assert body["ratios"][7]["ratio"] is None  # no ducts: null, not zero
    assert body["breakdown"][0]["scope_code"] == "90001"
    listed = api.get(s1["objects"]).json()
    assert listed["numberMatched"] == s1["numerator"]


def test_objects_are_paged_geojson(api: TestClient) -> None:
    body = api.get("/api/sharing/a3/objects", params={"limit": 2, "counted": "denominator"}).json()
    assert (body["type"], body["numberMatched"], body["numberReturned"]) == ("FeatureCollection", 4, 2)
    first = body["features"][0]
    assert first["geometry"] == {"type": "Point", "coordinates": [107.51, 16.41]}
    assert (first["properties"]["code"], first["properties"]["k"], first["properties"]["synthetic"]) == ("S-0", 2, True)
    following = next(link["href"] for link in body["links"] if link["rel"] == "next")
    rest = api.get(following).json()
    assert [f["properties"]["code"] for f in rest["features"]] == ["S-2", "S-3"]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/sharing?definition=Z9", 404, "definition"),
        ("/api/sharing?by=moon", 422, "by"),
        ("/api/sharing?as_of=31/12/2025", 422, "as_of"),
        ("/api/sharing/a9/objects", 422, "indicator"),
        ("/api/sharing/a3/objects?definition=P1", 422, "definition"),
        ("/api/sharing/a3/objects?counted=all", 422, "counted"),
        ("/api/sharing/a3/objects?commune=nowhere", 404, "commune"),
        ("/api/sharing/a3/objects?limit=0", 422, "limit"),
        ("/api/sharing/a3/objects?offset=-1", 422, "offset"),
    ],
)
def test_refusals_are_problems_in_two_languages(api: TestClient, path: str, status: int, field: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert body["field"] == field
    assert body["message"]["vi"]
    assert body["message"]["en"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_any_date_answers(api: TestClient, day: str) -> None:
    assert api.get("/api/sharing", params={"as_of": day}).status_code == 200
