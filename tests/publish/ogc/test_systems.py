"""Part 2: coordinates in CRS84, EPSG:4326 (latitude first) and EPSG:9214, and boxes given in them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from app.kit.geo import from_wgs84
from app.publish.ogc.systems import northing_first
from tests.publish.ogc.serving import Service
from tests.publish.ogc.test_clients import gdal, run

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
P1 = (107.5123457, 16.41)


def p1(service: Service, **params: Any) -> Any:
    answer = service.get("/collections/poles/items", "evn", code="P1", **params)
    assert answer.status_code == 200, answer.text
    (feature,) = answer.json()["features"]
    return answer, feature


def test_systems_are_listed(service: Service) -> None:
    body = service.get("/collections/poles", "evn").json()
    assert body["crs"] == [CRS84, EPSG + "4326", EPSG + "9214"]
    assert body["storageCrs"] == CRS84
    assert service.get("/conformance").json()["conformsTo"].count(
        "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs") == 1  # fmt: skip


def test_latitude_comes_first_in_4326_and_easting_in_9214(service: Service) -> None:
    answer, feature = p1(service, crs=EPSG + "4326")
    assert answer.headers["content-crs"] == f"<{EPSG}4326>"
    assert feature["geometry"]["coordinates"] == [P1[1], P1[0]]
    assert not northing_first(EPSG + "9214")
    answer, feature = p1(service, crs=EPSG + "9214")
    assert answer.headers["content-crs"] == f"<{EPSG}9214>"
    assert feature["geometry"]["coordinates"] == pytest.approx(
        [float(v) for v in from_wgs84(*P1, "EPSG:9214")], abs=0.02)  # fmt: skip
    _, plain = p1(service)
    assert feature["properties"] == plain["properties"]
    assert feature["id"] == plain["id"]


def test_one_feature_and_text_that_looks_like_ours(service: Service) -> None:
    body = service.get("/collections/sites/items", "planner", crs=EPSG + "9214").json()
    (site,) = body["features"]
    assert "DROP TABLE" in site["properties"]["name"]
    one = service.get(f"/collections/sites/items/{site['id']}", "planner", crs=EPSG + "9214")
    assert one.json()["geometry"] == site["geometry"]
    assert one.headers["content-crs"] == f"<{EPSG}9214>"


def test_polygons_and_lines_are_written_whole(service: Service) -> None:
    for name in ("communes", "villages", "ducts", "cables"):
        plain = service.get(f"/collections/{name}/items", "planner").json()["features"]
        metres = service.get(f"/collections/{name}/items", "planner", crs=EPSG + "9214").json()["features"]
        assert [f["geometry"]["type"] for f in metres] == [f["geometry"]["type"] for f in plain]
        for one, other in zip(plain, metres, strict=True):
            text = json.dumps(one["geometry"]), json.dumps(other["geometry"])
            assert text[0].count("[") == text[1].count("[")


def test_a_box_in_each_system_finds_the_same(service: Service) -> None:
    def count(bbox: str, crs: str) -> int:
        answer = service.get("/collections/poles/items", "evn", bbox=bbox, bbox_crs=crs)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["features"])

    (west, east), (south, north) = from_wgs84([107.60050, 107.61050], [16.399, 16.401], "EPSG:9214")
    assert count("107.6005,16.399,107.6105,16.401", CRS84) == 10
    assert count("16.399,107.6005,16.401,107.6105", EPSG + "4326") == 10
    assert count(f"{west},{south},{east},{north}", EPSG + "9214") == 10


@gdal
def test_gdal_reads_the_metric_system(service: Service) -> None:
    """GDAL 3.6 knows no Part 2 of OAPIF: the answer itself is read as GeoJSON in the system it is in."""
    url = f"{service.address}/ogc/collections/poles/items?code=P1&crs={EPSG}9214"
    fetched = subprocess.run(
        ["curl", "-sf", "-u", ":".join(service.basic("evn")), url], capture_output=True, check=True
    )
    x, y = json.loads(fetched.stdout)["features"][0]["geometry"]["coordinates"]
    told = run("gdaltransform", "-s_srs", "EPSG:9214", "-t_srs", "EPSG:4326", "-output_xy", "-coord", str(x), str(y))
    assert [float(v) for v in told.split()] == pytest.approx([P1[0], P1[1]], abs=1e-6)
