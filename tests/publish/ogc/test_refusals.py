"""What cannot be is a 400 with a reason, never a 422 or a 500."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.publish.ogc.serving import Service

ITEMS = "/collections/villages/items"
NINE = "http://www.opengis.net/def/crs/EPSG/0/9214"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("bbox", {"bbox": "1,2,3"}, "bbox_not_four_numbers"),
    ("bbox", {"bbox": "a,b,c,d"}, "bbox_not_four_numbers"),
    ("bbox", {"bbox": "107,16,NaN,17"}, "bbox_not_four_numbers"),
    ("bbox", {"bbox": "107,16,inf,17"}, "bbox_not_four_numbers"),
    ("bbox", {"bbox": "1,2,3,4,5"}, "bbox_not_four_numbers"),
    ("bbox", {"bbox": "107,17,108,16"}, "bbox_empty"),
    ("bbox", {"bbox": "108,16,107,17"}, "bbox_empty"),
    ("bbox", {"bbox": "16,107,17,108"}, "bbox_swapped"),
    ("bbox", {"bbox": "-181,0,10,10"}, "bbox_outside_world"),
    ("bbox", {"bbox": "561476,1821306,561999,1821999"}, "bbox_outside_world"),
    ("bbox", {"bbox": "1,2,3,4", "bbox_crs": NINE.replace("9214", "4326")}, ""),
    ("bbox", {"bbox": "100,0,200,1", "bbox_crs": NINE.replace("9214", "4326")}, "bbox_outside_world"),
    ("bbox", {"bbox": "NaN,0,1,1", "bbox_crs": NINE}, "bbox_not_four_numbers"),
    ("bbox", {"bbox": "561999,1821306,561000,1821999", "bbox_crs": NINE}, "bbox_empty"),
    ("bbox-crs", {"bbox": "1,2,3,4", "bbox_crs": "EPSG:32648"}, "unknown_crs"),
    ("crs", {"crs": "http://www.opengis.net/def/crs/EPSG/0/3857"}, "unknown_crs"),
    ("filter-crs", {"filter": "code='a'", "filter_crs": "x"}, "unknown_crs"),
    ("datetime", {"datetime": "yesterday"}, "not_a_datetime"),
    ("datetime", {"datetime": "2025-13-01"}, "not_a_datetime"),
    ("datetime", {"datetime": "2025-02-30T00:00:00Z"}, "not_a_datetime"),
    ("datetime", {"datetime": "2025-01-01T00:00:00"}, "not_a_datetime"),
    ("datetime", {"datetime": "2025-01-01/2024-01-01"}, "datetime_order"),
    ("datetime", {"datetime": "../.."}, "not_a_datetime"),
    ("datetime", {"datetime": "a/b/c"}, "not_a_datetime"),
    ("limit", {"limit": "0"}, "invalid_request"),
    ("limit", {"limit": "-5"}, "invalid_request"),
    ("limit", {"limit": "unlimited"}, "invalid_request"),
    ("offset", {"offset": "-1"}, "invalid_request"),
    ("offset", {"offset": 10**9}, "invalid_request"),
    ("after", {"after": 10**30}, "invalid_request"),
    ("after", {"after": 1, "sortby": "code"}, "after_with_sortby"),
    ("ooga", {"ooga": "booga"}, "unknown_parameter"),
    ("height_m", {"height_m": "8"}, "unknown_parameter"),
    ("properties", {"properties": "code,secret"}, "unknown_property"),
    ("sortby", {"sortby": "+code,nothing"}, "unknown_property"),
    ("population", {"population": "many"}, "invalid_value"),
    ("urban", {"urban": "maybe"}, "invalid_value"),
    ("valid_from", {"valid_from": "maybe"}, "filter_date"),
    ("f", {"f": "html"}, "invalid_request"),
    ("filter-lang", {"filter": "code='a'", "filter_lang": "sql"}, "invalid_request"),
    ("known_at", {"known_at": "once"}, "not_an_instant"),
]


@pytest.mark.parametrize(("field", "params", "code"), REFUSED, ids=lambda v: str(v)[:40])
def test_a_parameter_that_cannot_be(service: Service, field: str, params: dict[str, Any], code: str) -> None:
    answer = service.get(ITEMS, "planner", **params)
    if not code:
        assert answer.status_code == 200
        return
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["field"]) == (code, field)
    assert body["message"]["vi"] != body["message"]["en"]


@pytest.mark.parametrize(
    "path",
    ["/collections/nothing", "/collections/nothing/items", "/collections/nothing/queryables", "/collections/x/items/1",
     "/collections/publish.poles/items", "/collections/cables/tiles", "/tileMatrixSets/Nothing", "/nothing",
     "/collections/poles/tiles/WorldCRS84Quad", "/collections/poles/tiles/WorldCRS84Quad/1/0/0",
     "/collections/cables/tiles/WebMercatorQuad/1/0/0"],
)  # fmt: skip
def test_what_is_not_there_is_404(service: Service, path: str) -> None:
    answer = service.get(path, "planner")
    assert answer.status_code in (404, 400) if "tileMatrixSets" in path else answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/collections", ITEMS, "/collections/villages/queryables", "/conformance"])
def test_a_format_there_is_none_of_is_406(service: Service, path: str) -> None:
    def status(accept: str) -> int:
        return int(httpx2.get(f"{service.address}/ogc{path}", headers={"Accept": accept}).status_code)

    assert status("application/xml") == 406
    assert status("text/html, application/xhtml+xml, */*;q=0.8") == 200
    assert status("application/json") == 200


@pytest.mark.parametrize("path", ["/", "/collections", "/collections/villages", "/collections/villages/queryables"])
def test_documents_take_no_other_parameters(service: Service, path: str) -> None:
    answer = service.get(path, ooga="booga")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")


def test_a_box_over_the_antimeridian_is_two(service: Service) -> None:
    assert service.get(ITEMS, bbox="170,10,-170,20").json()["features"] == []
    assert len(service.get(ITEMS, bbox="100,10,-170,20").json()["features"]) == 3


def test_a_box_may_be_a_point_and_have_heights(service: Service) -> None:
    assert len(service.get(ITEMS, bbox="107.52,16.42,107.52,16.42").json()["features"]) == 1
    assert len(service.get(ITEMS, bbox="107.0,16,0,108,17,100").json()["features"]) == 3


def test_credentials_that_are_none(service: Service) -> None:
    address = f"{service.address}/ogc{ITEMS}"
    assert httpx2.get(address, headers={"Authorization": "Bearer ht_wrong"}).status_code == 401
    name, token = service.basic("evn")
    assert httpx2.get(address, auth=(name, token)).status_code == 200
    assert httpx2.get(address, auth=("somebody.else", token)).status_code == 401
    assert httpx2.get(f"{service.address}/ogc/", headers={"Authorization": "Bearer ht_wrong"}).status_code == 401
    assert httpx2.post(address).status_code == 405
