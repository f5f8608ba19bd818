"""Open data: the public's view whoever asks, its licence, no sign-in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.publish.exports.formats import FORMATS
from tests.publish.callers import PUBLIC, as_caller, everybody
from tests.publish.province import build
from tests.registry import two_networks

OPEN = {"communes", "villages", "sites_blurred", "facilities", "village_coverage"}


@pytest.fixture
def province(session: Session) -> dict[str, Any]:
    return build(session)


def test_the_catalogue(client: TestClient, province: dict[str, Any]) -> None:
    body = client.get("/api/open/").json()
    assert {layer["name"] for layer in body["layers"]} == OPEN
    assert body["licence"]["id"] == "CC-BY-4.0"
    layers = {layer["name"]: layer for layer in body["layers"]}
    assert "connections" not in layers["facilities"]["fields"]
    assert layers["sites_blurred"]["grid_m"] == 1000
    assert layers["villages"]["count"] == 3
    for layer in body["layers"]:
        assert [link["format"] for link in layer["links"]] == list(FORMATS)
        for link in layer["links"]:
            answer = client.get(link["href"])
            assert answer.status_code == 200, link
            assert answer.headers["content-type"].startswith(link["type"])


def test_the_catalogue_for_portals(client: TestClient, province: dict[str, Any]) -> None:
    answer = client.get("/api/open/catalog.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    body = answer.json()
    assert (body["@type"], len(body["dcat:dataset"])) == ("dcat:Catalog", len(OPEN))
    assert body["dct:license"]["@id"].startswith("https://creativecommons.org/")
    assert body["dcat:dataset"][0]["dcat:distribution"][0]["dcat:downloadURL"]["@id"].startswith(
        "http://testserver/api/open/"
    )


def test_everybody_gets_the_same(session: Session) -> None:
    networks = two_networks.build(session)
    for layer in OPEN:
        seen = set()
        for scope in everybody(networks).values():
            with as_caller(session, scope) as client:
                body = client.get(f"/api/open/{layer}.geojson").json()
                body["metadata"].pop("generated_at")
                seen.add(json.dumps(body))
        assert len(seen) == 1, layer
        assert "SECRET" not in seen.pop()


def test_what_is_not_open(session: Session, province: dict[str, Any]) -> None:
    with as_caller(session, PUBLIC) as client:
        asked = (
            ("poles.csv", 404, "not_open_data"),
            ("sites.gpkg", 404, "not_open_data"),
            ("villages.dwg", 404, "unknown_format"),
            ("nothing.csv", 404, "not_open_data"),
        )
        for name, status, code in asked:
            answer = client.get(f"/api/open/{name}")
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert client.get("/api/open/villages.csv", params={"known_at": "2026-01-01T00:00:00Z"}).status_code == 422


def test_villages_with_their_verdict(client: TestClient, province: dict[str, Any]) -> None:
    features = client.get("/api/open/village_coverage.geojson", params={"as_of": "2026-06-01"}).json()["features"]
    found = {f["properties"]["code"]: f["properties"] for f in features}
    assert {k: v["verdict"] for k, v in found.items()} == {"V1": "covered", "V2": "not_covered", "V3": "unknown"}
    assert (found["V1"]["run"], found["V1"]["fibre"]) == (province["run"].id, "covered")
    listed = client.get("/api/villages", params={"as_of": "2026-06-01"}).json()["features"]
    assert {f["properties"]["code"]: f["properties"]["verdict"] for f in listed} == {
        k: v["verdict"] for k, v in found.items()
    }


def test_licence_and_caches(session: Session, province: dict[str, Any]) -> None:
    with as_caller(session, PUBLIC) as client:
        answer = client.get("/api/open/villages.geojson")
        assert answer.headers["cache-control"] == "public, max-age=3600"
        told = answer.json()["metadata"]
        assert (told["licence"]["id"], told["licence_note"], told["snapshot"]) == ("CC-BY-4.0", None, None)
    session.execute(text("UPDATE policy.parameter SET valid_to = '2020-01-01' WHERE kind = 'publication'"))
    with as_caller(session, PUBLIC) as client:
        told = client.get("/api/open/villages.geojson").json()["metadata"]
        assert told["licence"] is None
        assert "licence" in told["licence_note"]["en"]
