"""Features a page at a time: paging, what is told, headers."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from app.publish.ogc.collections import COLLECTIONS
from app.publish.ogc.properties import properties_of
from tests.accounts.people import bearer
from tests.publish.ogc.serving import Service

POLES = "/collections/poles/items"


def codes(body: dict[str, Any]) -> list[str]:
    return [f["properties"]["code"] for f in body["features"]]


def link(body: dict[str, Any], rel: str) -> str | None:
    return next((str(one["href"]) for one in body["links"] if one["rel"] == rel), None)


def follow(service: Service, body: dict[str, Any], role: str) -> dict[str, Any]:
    href = link(body, "next")
    assert href is not None
    found: dict[str, Any] = httpx2.get(href, headers=bearer(service.accounts[role][1])).json()
    return found


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_collection_answers_typed_properties(service: Service, name: str) -> None:
    answer = service.get(f"/collections/{name}/items", "planner")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["features"], "nothing to look at"
    kinds: dict[str, Any] = {"string": str, "date": str, "boolean": bool, "integer": int, "number": (int, float)}
    for feature in body["features"]:
        assert list(feature["properties"]) == list(properties_of(name))
        assert feature["geometry"]["coordinates"]
        for key, meaning in properties_of(name).items():
            value = feature["properties"][key]
            assert value is None or isinstance(value, kinds[meaning.kind]), key
            assert not meaning.values or value in meaning.values, key


def test_pages_by_identifier_give_each_object_once(service: Service) -> None:
    body = service.get(POLES, "evn", limit=4).json()
    seen = codes(body)
    assert "numberMatched" not in body
    while link(body, "next"):
        assert "after=" in str(link(body, "next"))
        body = follow(service, body, "evn")
        seen += codes(body)
    assert len(seen) == len(set(seen)) == 31
    assert seen == codes(service.get(POLES, "evn", limit=1000).json())


def test_a_filter_stays_on_the_next_page(service: Service) -> None:
    asked = {"limit": 3, "filter": "height_m < 9 AND code LIKE 'Q%'", "bbox": "107.0,16,108,17", "properties": "code"}
    body = service.get(POLES, "evn", **asked).json()
    seen = codes(body)
    while link(body, "next"):
        body = follow(service, body, "evn")
        assert all(list(f["properties"]) == ["code"] for f in body["features"])
        seen += codes(body)
    assert len(seen) == 9
    assert len(set(seen)) == 9


def test_another_order_pages_by_offset(service: Service) -> None:
    body = service.get(POLES, "evn", limit=10, sortby="-height_m,code").json()
    heights = [f["properties"]["height_m"] for f in body["features"]]
    assert heights == sorted(heights, reverse=True)
    assert "offset=10" in str(link(body, "next"))
    assert not set(codes(body)) & set(codes(follow(service, body, "evn")))


def test_too_large_a_limit_is_the_largest(service: Service) -> None:
    assert len(service.get(POLES, "evn", limit=10**9).json()["features"]) == 31


def test_what_matches_in_all_is_told_where_it_is_known(service: Service) -> None:
    assert service.get(POLES, "evn", limit=100).json()["numberMatched"] == 31
    assert service.get(POLES, "evn", limit=100, height_m=8.5).json()["numberMatched"] == 1


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"code": "P1"}, ["P1"]),
        ({"surveyed_on": "2025-01-03"}, ["Q2"]),
        ({"synthetic": "true", "code": "Q5"}, ["Q5"]),
        ({"height_m": "8.5", "owner": "EVN"}, ["P1"]),
        ({"owner": "VNPT"}, []),
    ],
)
def test_a_property_is_a_parameter(service: Service, params: dict[str, str], found: list[str]) -> None:
    assert codes(service.get(POLES, "evn", **params).json()) == found


def test_one_feature(service: Service) -> None:
    first = service.get(POLES, "evn", limit=1).json()["features"][0]
    answer = service.get(f"{POLES}/{first['id']}", "evn")
    body = answer.json()
    assert body.pop("links")
    assert body == first
    assert answer.headers["content-type"] == "application/geo+json"
    for other in ("987654321", "x", "-1", "9" * 40):
        assert service.get(f"{POLES}/{other}", "evn").status_code == 404, other


def test_headers_and_304(service: Service) -> None:
    answer = service.get(POLES, "evn")
    assert answer.headers["cache-control"].startswith("private")
    assert "Authorization" in answer.headers["vary"]
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    token = bearer(service.accounts["evn"][1])
    again = httpx2.get(f"{service.address}/ogc{POLES}", headers=token | {"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = httpx2.get(
        f"{service.address}/ogc{POLES}?limit=1", headers=token | {"If-None-Match": answer.headers["etag"]}
    )
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["", "/", "/conformance", "/collections", "/api", "/collections/villages/items"])
def test_head_answers_like_get(service: Service, path: str) -> None:
    got = service.get(path)
    head = httpx2.head(f"{service.address}/ogc{path}")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "etag", "cache-control"):
        assert head.headers.get(name) == got.headers.get(name), name


def test_links_follow_the_host_that_was_asked(service: Service) -> None:
    answer = httpx2.get(f"{service.address}/ogc/collections", headers={"Host": "gis.example.vn"})
    hrefs = [one["href"] for c in answer.json()["collections"] for one in c["links"]]
    assert hrefs
    assert all(h.startswith("http://gis.example.vn/ogc/") for h in hrefs)


def test_the_coverage_of_a_village_is_flat(service: Service) -> None:
    found = {f["properties"]["code"]: f["properties"] for f in
             service.get("/collections/coverage/items").json()["features"]}  # fmt: skip
    assert set(found) == {"V1", "V2", "V3"}
    assert found["V1"]["verdict"] == "covered"
    assert found["V1"]["operators_not_covered"] == "VNPT"
    assert found["V1"]["households_reached"] == 290
    assert (found["V2"]["verdict"], found["V2"]["verdict_4g"]) == ("not_covered", "covered")
    assert (found["V3"]["verdict"], found["V3"]["verdict_4g"], found["V3"]["fibre"]) == ("unknown",) * 3
    assert {p["rule"] for p in found.values()} == {"village-80"}


def test_before_there_was_a_rule_the_verdict_is_unknown(service: Service) -> None:
    body = service.get("/collections/coverage/items", datetime="1990-01-01").json()
    assert {f["properties"]["verdict"] for f in body["features"]} == {"unknown"}


def test_only_what_is_served_is_claimed(service: Service) -> None:
    claimed = service.get("/conformance").json()["conformsTo"]
    assert len(claimed) == len(set(claimed))
    assert [c for c in claimed if c.endswith(("/html", "/simple-query"))] == []


def test_the_public_is_told_of_blurred_sites_and_asked_to_sign_in_for_others(service: Service) -> None:
    listed = {c["id"] for c in service.get("/collections").json()["collections"]}
    assert listed == {"communes", "villages", "sites_blurred", "facilities", "coverage"}
    assert service.get("/collections/sites_blurred/items").json()["features"][0]["properties"]["count"] == 1
    refused = service.get("/collections/sites/items")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_required")
    assert {c["id"] for c in service.get("/collections", "evn").json()["collections"]} == set(COLLECTIONS)
