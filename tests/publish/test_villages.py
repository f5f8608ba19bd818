"""Villages and communes as GeoJSON, filtered, paged and dated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from shapely.geometry import shape
from sqlalchemy.orm import Session

from app.publish.schemas import CommuneCollection, VillageCollection, VillageFeature
from tests.publish.province import build


@pytest.fixture
def province(session: Session) -> dict[str, Any]:
    return build(session)


def ask(client: TestClient, **params: object) -> dict[str, Any]:
    answer = client.get("/api/villages", params={k: str(v) for k, v in params.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    VillageCollection.model_validate_json(answer.content)
    body: dict[str, Any] = answer.json()
    assert body["numberReturned"] == len(body["features"])
    return body


def codes(body: dict[str, Any]) -> list[str]:
    return [f["properties"]["code"] for f in body["features"]]


def test_an_empty_registry_has_no_villages(client: TestClient) -> None:
    body = ask(client)
    assert (body["numberMatched"], body["features"], body["run"]) == (0, [], None)


def test_verdicts_come_from_the_newest_run_of_the_rule(client: TestClient, province: dict[str, Any]) -> None:
    body = ask(client)
    properties = {f["properties"]["code"]: f["properties"] for f in body["features"]}
    assert {c: p["verdict"] for c, p in properties.items()} == {
        "V1": "covered",
        "V2": "not_covered",
        "V3": "unknown",  # the run did not see it
    }
    assert properties["V1"] == {
        "id": province["villages"][0].id, "code": "V1", "name": "Tổ dân phố 1", "kind": "to_dan_pho", "urban": True,
        "commune_code": "19774", "commune_name": "Phường Thuận Hóa", "population": 1200, "households": 300,
        "verdict": "covered", "evidence": "model", "share": 0.9123, "share_low": 0.6, "share_high": 1.0,
        "share_unknown": 0.0, "rsrp_dbm": -92.3, "margin_db": 17.7,
        "server": "S1-VIETTEL-4G-1", "fibre": "covered", "run_id": province["run"].id, "rule": "village-80",
        "synthetic": True,
    }  # fmt: skip
    assert body["run"]["id"] == province["run"].id


def test_without_a_run_everything_is_unknown(client: TestClient, province: dict[str, Any]) -> None:
    body = ask(client, rule="ofcom")
    assert body["run"] is None
    assert {f["properties"]["verdict"] for f in body["features"]} == {"unknown"}
    assert ask(client, rule="ofcom", verdict="unknown")["numberMatched"] == 3
    assert ask(client, as_of="2025-12-31")["run"] is None


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"verdict": "covered"}, ["V1"]),
        ({"verdict": "unknown"}, ["V3"]),
        ({"operator": "VNPT", "verdict": "not_covered"}, ["V1"]),
        ({"operator": "vnpt"}, ["V1", "V2", "V3"]),
        ({"technology": "4G", "verdict": "covered"}, ["V2"]),
        ({"operator": "VNPT", "technology": "4G", "verdict": "unknown"}, ["V1", "V2", "V3"]),
        ({"commune": "19774"}, ["V1", "V2"]),
        ({"commune": "phuong thuan hoa"}, ["V1", "V2"]),
        ({"commune": "Xã A Lưới 1"}, ["V3"]),
        ({"bbox": "107.1,16.1,107.3,16.3"}, ["V3"]),
        ({"bbox": "107.54,16.44,107.545,16.445"}, ["V1"]),  # by its polygon; its point is elsewhere
        ({"bbox": "107.56,16.46,107.58,16.48"}, ["V2"]),
        ({"q": "thủy yên"}, ["V2"]),
        ({"q": "THUY   YEN"}, ["V2"]),
        ({"q": "100%"}, ["V2"]),
        ({"q": "%"}, ["V2"]),
        ({"q": "_"}, ["V3"]),
        ({"q": "v3"}, ["V3"]),
        ({"q": "\\"}, []),
        ({"q": "đã giải thể"}, []),
        ({"q": "da giai the", "as_of": "2025-09-30"}, ["V4"]),
        ({"q": "da giai the", "as_of": "2025-10-01"}, []),
        ({"as_of": "2025-09-30"}, ["V1", "V2", "V3", "V4"]),
        ({"as_of": "2030-01-01"}, ["V1", "V2"]),
        ({"bbox": "", "commune": "", "rule": "", "verdict": "", "operator": "", "as_of": "", "q": ""},
         ["V1", "V2", "V3"]),
    ],
)  # fmt: skip
def test_filters(client: TestClient, province: dict[str, Any], params: dict[str, str], expected: list[str]) -> None:
    body = ask(client, **params)
    assert codes(body) == expected
    assert body["numberMatched"] == len(expected)


def test_pages_follow_their_links(client: TestClient, province: dict[str, Any]) -> None:
    first = ask(client, limit=2, q="", as_of="2025-09-30", bbox="107,16,108,17")
    seen, body = codes(first), first
    assert {link["rel"] for link in first["links"]} == {"self", "next"}
    while following := [link["href"] for link in body["links"] if link["rel"] == "next"]:
        assert following[0].startswith("/api/villages?")
        body = client.get(following[0]).json()
        seen += codes(body)
    assert seen == ["V1", "V2", "V3", "V4"]
    assert body["numberMatched"] == 4
    back = next(link["href"] for link in body["links"] if link["rel"] == "prev")
    assert codes(client.get(back).json()) == codes(first)
    beyond = ask(client, offset=1000)
    assert (beyond["numberMatched"], beyond["numberReturned"]) == (3, 0)


def test_geometry_follows_rfc_7946(client: TestClient, province: dict[str, Any]) -> None:
    polygon, dot = (f["geometry"] for f in ask(client)["features"][:2])
    assert shape(polygon).geoms[0].exterior.is_ccw
    assert dot == {"type": "Point", "coordinates": [107.57, 16.47]}
    ring = polygon["coordinates"][0][0]
    assert ring[0] == ring[-1]


def test_one_village(client: TestClient, province: dict[str, Any]) -> None:
    number = province["villages"][0].id
    answer = client.get(f"/api/villages/{number}", params={"as_of": "2026-06-01"})
    feature = VillageFeature.model_validate_json(answer.content)
    assert feature.properties.verdict == "covered"
    assert feature.run is not None
    assert feature.run.id == province["run"].id
    assert answer.json()["links"][1] == {
        "rel": "coverage",
        "href": f"/api/villages/{number}/coverage?as_of=2026-06-01",
    }


def test_a_village_that_ended_is_not_found_later(client: TestClient, province: dict[str, Any]) -> None:
    number = province["villages"][3].id
    assert client.get(f"/api/villages/{number}", params={"as_of": "2025-09-30"}).status_code == 200
    gone = client.get(f"/api/villages/{number}")
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_village")


def test_communes_on_a_date(client: TestClient, province: dict[str, Any]) -> None:
    body = CommuneCollection.model_validate_json(client.get("/api/communes").content)
    assert [(f.properties.code, f.properties.villages) for f in body.features] == [("19774", 2), ("20044", 1)]
    assert [f.geometry.type for f in body.features if f.geometry] == ["MultiPolygon", "Point"]
    before = client.get("/api/communes", params={"as_of": "2025-06-30"}).json()
    assert [(f["properties"]["code"], f["geometry"]) for f in before["features"]] == [("19753", None)]


def test_low_detail_has_fewer_vertices(client: TestClient, session: Session, province: dict[str, Any]) -> None:
    wavy = ", ".join(f"{107.5 + i / 10000:.4f} {16.4 + (i % 2) / 100000:.5f}" for i in range(1000))
    ring = f"{wavy}, 107.6 16.5, 107.5 16.5, 107.5 16.4"
    province["thuan_hoa"].geom = f"SRID=4326;MULTIPOLYGON((({ring})))"
    session.flush()
    full, low = (client.get("/api/communes", params={"detail": d}).content for d in ("full", "low"))
    assert len(low) < len(full) / 5
    assert shape(json.loads(low)["features"][0]["geometry"]).is_valid
