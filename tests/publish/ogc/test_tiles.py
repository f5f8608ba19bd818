"""Tiles at OGC addresses are the map's own."""

from __future__ import annotations

import pytest

from tests.permissions import tile
from tests.publish.callers import mvt
from tests.publish.ogc.serving import Service

_Z, _X, _Y = (int(v) for v in tile(14, "viettel").split("/"))
PLACE = (_Z, _X, _Y)


def address(z: int, x: int, y: int, layer: str = "villages") -> str:
    return f"/collections/{layer}/tiles/WebMercatorQuad/{z}/{y}/{x}"


def test_a_tile_is_that_of_the_map(service: Service) -> None:
    z, x, y = PLACE
    answer = service.get(address(z, x, y))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert answer.headers["cache-control"].startswith("private")
    assert mvt(answer.content, "villages")
    sites = service.get(address(10, x // 16, y // 16, "sites"), "planner")
    assert mvt(sites.content, "sites")


def test_the_tile_of_another_day(service: Service) -> None:
    z, x, y = PLACE
    low = address(10, x // 16 - 1, y // 16 + 1)

    def codes(when: str) -> set[str]:
        return {str(p["code"]) for p in mvt(service.get(low, datetime=when).content, "village_points")}

    assert codes("2025-09-01") - codes("2026-01-01") == {"V4"}
    refused = service.get(address(z, x, y), datetime="2020-01-01/2021-01-01")
    assert (refused.status_code, refused.json()["code"]) == (400, "datetime_interval")


@pytest.mark.parametrize("place", [(30, 0, 0), (23, 0, 0), (-1, 0, 0), (3, 8, 0), (3, 0, -1), (14, 10**12, 0)])
def test_places_there_are_none_of(service: Service, place: tuple[int, int, int]) -> None:
    answer = service.get(address(*place))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_tile_takes_no_filter(service: Service) -> None:
    answer = service.get(address(*PLACE), filter="set_config('a','b',false)='b'")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")


def test_tile_sets_lead_to_tiles(service: Service) -> None:
    links = service.get("/collections/villages").json()["links"]
    href = next(one["href"] for one in links if one["rel"].endswith("tilesets-vector"))
    (found,) = service.get(href.split("/ogc", 1)[1]).json()["tilesets"]
    assert found["dataType"] == "vector"
    template = next(one["href"] for one in found["links"] if one["rel"] == "item")
    z, x, y = PLACE
    filled = template.replace("{tileMatrix}", str(z)).replace("{tileRow}", str(y)).replace("{tileCol}", str(x))
    assert service.get(filled.split("/ogc", 1)[1]).status_code == 200
    scheme = next(one["href"] for one in found["links"] if one["rel"].endswith("tiling-scheme"))
    assert service.get(scheme.split("/ogc", 1)[1]).json()["id"] == "WebMercatorQuad"
