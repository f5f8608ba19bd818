"""The map's tiles: addresses, filters, counts that add up, heights that come back out of the PNG."""

from __future__ import annotations

import datetime as dt
import io
import math
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pyogrio import raw
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.coverage.terrain import add_array
from app.database import enter, system
from app.lines.models import Pole
from app.organisations.models import Organisation
from app.publish.terrain_tiles import filled, tile_heights
from app.publish.tiles import LAYERS, draw_layer
from app.sites.models import BaseStation, Site
from tests.publish import province as rows
from tests.publish.callers import OTHER, PLANNER, mvt, officer, operator
from tests.registry import two_networks as networks

Features = list[dict[str, Any]]


def address(lon: float, lat: float, z: int) -> str:
    """Return z/x/y of the tile that holds a position."""
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return f"{z}/{x}/{y}"


def read(client: TestClient, url: str, layer: str | None = None) -> Features:
    """Return the properties of one layer of a tile, as GDAL reads it."""
    response = client.get(url)
    if response.status_code == 204:
        return []
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    meta, _, _, columns = raw.read(response.content, layer=layer or url.split("/")[2])
    names = list(meta["fields"])
    return [dict(zip(names, values, strict=True)) for values in zip(*(c.tolist() for c in columns), strict=True)]


def by_code(found: Features) -> dict[str, dict[str, Any]]:
    return {feature["code"]: feature for feature in found}


@pytest.fixture
def province(session: Session) -> dict[str, Any]:
    return rows.build(session)


def test_every_layer_answers_an_empty_registry(client: TestClient) -> None:
    for layer in LAYERS:
        for z in (5, 10, 14):
            assert client.get(f"/tiles/{layer}/{address(107.5, 16.4, z)}.mvt").status_code == 204


def test_verdicts_follow_rule_operator_and_technology(client: TestClient, province: dict[str, Any]) -> None:
    url = f"/tiles/villages/{address(107.53, 16.44, 9)}.mvt"

    def verdicts(query: str) -> dict[str, str]:
        return {f["code"]: f["verdict"] for f in read(client, url + query, "village_points")}

    assert verdicts("") == {"V1": "covered", "V2": "not_covered", "V3": "unknown"}
    assert verdicts("?operator=VNPT") == {"V1": "not_covered", "V2": "unknown", "V3": "unknown"}
    assert verdicts("?technology=4G") == {"V1": "unknown", "V2": "covered", "V3": "unknown"}
    assert verdicts("?rule=ofcom") == {"V1": "unknown", "V2": "unknown", "V3": "unknown"}
    assert verdicts("?as_of=2025-09-01") == {"V1": "unknown", "V2": "unknown", "V3": "unknown", "V4": "unknown"}
    areas = by_code(read(client, url, "villages"))
    assert list(areas) == ["V1"], "only V1 has a polygon; the others are points"
    assert (areas["V1"]["commune"], areas["V1"]["share"], areas["V1"]["synthetic"]) == ("Phường Thuận Hóa", 0.912, True)


def test_communes_in_force_with_their_names(client: TestClient, province: dict[str, Any]) -> None:
    url = f"/tiles/communes/{address(107.53, 16.44, 8)}.mvt"
    assert {f["code"] for f in read(client, url)} == {"19774"}
    assert {f["name"] for f in read(client, url, "commune_labels")} == {"Phường Thuận Hóa", "Xã A Lưới 1"}
    assert not client.get(url + "?as_of=2019-01-01").content


def test_k_counts_radio_operators_and_unknown_is_not_empty(
    client: TestClient, session: Session, province: dict[str, Any]
) -> None:
    who = {o.code: o.id for o in session.scalars(select(Organisation))}
    here = rows.point(107.535, 16.435)
    session.add_all([
        Site(code="EMPTY", geom=here, surveyed_on=rows.START),
        Site(code="UNSEEN", geom=here),
        one := Site(code="ONE", geom=here),
        gone := Site(code="GONE", geom=here, surveyed_on=rows.START),
    ])  # fmt: skip
    session.flush()
    session.add_all([
        BaseStation(site_id=one.id, code="ONE-V", operator_id=who["VIETTEL"], technology="4G"),
        BaseStation(site_id=one.id, code="ONE-F", operator_id=who["FPT"], technology="4G"),  # no radio network
        BaseStation(site_id=gone.id, code="GONE-V", operator_id=who["VIETTEL"], technology="4G", valid_to=rows.END),
    ])  # fmt: skip
    session.flush()
    found = by_code(read(client, f"/tiles/sites/{address(107.53, 16.43, 12)}.mvt"))
    assert {code: (f["k"], f["state"]) for code, f in found.items()} == {
        "S1": (2, "shared"),
        "EMPTY": (0, "empty"),
        "UNSEEN": (0, "unknown"),
        "ONE": (1, "single"),
        "GONE": (0, "empty"),
        "S-SECRET": (0, "unknown"),
    }
    # A site that is not restricted bears no mark at all: the reader makes NaN of that.
    assert {code for code, f in found.items() if f["restricted"] == 1} == {"S-SECRET"}, "a planner"
    assert (found["S1"]["operators"], found["S1"]["technologies"]) == ("VIETTEL,VNPT", "3G,4G")
    assert found["S1"]["shared"] == 1
    assert found["S1"]["name"] == rows.NASTY


def test_poles_and_ducts_say_who_occupies_them(client: TestClient, province: dict[str, Any]) -> None:
    pole = by_code(read(client, f"/tiles/poles/{address(107.5123, 16.41, 14)}.mvt"))["P1"]
    assert (pole["state"], pole["owner"], pole["occupants"]) == ("shared", "EVN", "?,EVN,VIETTEL")
    bare = by_code(read(client, f"/tiles/poles/{address(107.7, 16.41, 14)}.mvt"))["P2"]
    assert bare["state"] == "unknown", "nobody has surveyed it"
    duct = by_code(read(client, f"/tiles/ducts/{address(107.5015, 16.45, 14)}.mvt"))["D1"]
    assert (duct["state"], duct["occupants"]) == ("shared", "VIETTEL,VNPT")
    assert duct["length_m"] == pytest.approx(106.8, abs=0.2)
    [far] = read(client, f"/tiles/ducts/{address(107.5015, 16.45, 10)}.mvt")
    assert (far["count"], far["length_m"], far["state"]) == (1, duct["length_m"], "shared")
    assert (
        by_code(read(client, f"/tiles/distribution_points/{address(107.52, 16.42, 13)}.mvt"))["B1"]["ports_free"] == 7
    )
    assert len(read(client, f"/tiles/manholes/{address(107.5015, 16.45, 13)}.mvt")) == 2


def test_counts_of_a_zoom_level_add_up_to_every_pole(
    client: TestClient, session: Session, province: dict[str, Any]
) -> None:
    count = 2000
    lon, lat = np.random.default_rng(254).uniform([[107.2], [16.1]], [[107.9], [16.6]], (2, count))
    session.add_all(
        Pole(code=f"G{i}", geom=rows.point(x, y))
        for i, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True))
    )
    session.flush()
    for z in (9, 11, 12):
        west, north = map(int, address(107.15, 16.65, z).split("/")[1:])
        east, south = map(int, address(107.95, 16.05, z).split("/")[1:])
        tiles = [f"/tiles/poles/{z}/{x}/{y}.mvt" for x in range(west, east + 1) for y in range(north, south + 1)]
        counted = [feature["count"] for url in tiles for feature in read(client, url)]
        assert sum(counted) == count + 2, "every pole is in exactly one cell"
        assert len(counted) < count


def test_a_tile_reads_poles_through_the_index(session: Session, province: dict[str, Any]) -> None:
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = session.scalars(
        text("""
        EXPLAIN SELECT p.id FROM registry.pole p
        WHERE p.geom && ST_Transform(ST_TileEnvelope(14, 13091, 7435), 4326)
        AND registry.in_force(p.valid_from, p.valid_to, date '2026-01-01')""")
    )
    assert "idx_pole_geom" in "\n".join(plan)


@pytest.mark.parametrize(
    ("url", "status", "field"),
    [
        ("/tiles/poles/23/0/0.mvt", 400, "z"),
        ("/tiles/poles/30/0/0.mvt", 400, "z"),
        ("/tiles/poles/99999999999999999999/0/0.mvt", 400, "z"),
        ("/tiles/poles/-1/0/0.mvt", 400, "z"),
        ("/tiles/poles/3/-1/0.mvt", 400, "x"),
        ("/tiles/poles/NaN/0/0.mvt", 422, "z"),
        ("/tiles/poles/3/0/0.mvt?as_of=NaN", 422, "as_of"),
        ("/tiles/poles/3/0/0.mvt?as_of=0000-00-00", 422, "as_of"),
        ("/tiles/poles/3/0/0.mvt?known_at=infinity", 422, "known_at"),
        ("/tiles/poles/3/8/0.mvt", 400, "x"),
        ("/tiles/poles/3/0/-1.mvt", 400, "y"),
        ("/tiles/poles/3/0/99999999999999999999.mvt", 400, "y"),
        ("/tiles/terrain/3/8/0.png", 400, "x"),
        ("/tiles/cells/3/0/0.mvt", 404, None),
        ("/tiles/poles'--/3/0/0.mvt", 404, None),
        ("/tiles/poles/a/0/0.mvt", 422, "z"),
        ("/tiles/poles/3/0/0.mvt?as_of=yesterday", 422, "as_of"),
        ("/tiles/poles/3/0/0.mvt?asof=2026-01-01", 422, "asof"),
        ("/tiles/villages/3/0/0.mvt?technology=6G", 422, "technology"),
        ("/tiles/villages/3/0/0.mvt?operator=NOBODY", 404, "operator"),
        ("/tiles/villages/3/0/0.mvt?rule=none", 404, "rule"),
    ],
)
def test_a_bad_address_is_a_problem_that_names_the_field(
    client: TestClient, url: str, status: int, field: str | None
) -> None:
    response = client.get(url)
    assert (response.status_code, response.json().get("field")) == (status, field)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["message"]["vi"] != response.json()["message"]["en"]


def test_a_tile_is_sent_again_only_when_it_changed(
    client: TestClient, session: Session, province: dict[str, Any]
) -> None:
    url = f"/tiles/poles/{address(107.5123, 16.41, 14)}.mvt"
    first = client.get(url, headers={"accept-encoding": "gzip"})
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get(url, headers={"if-none-match": f'"other", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    session.add(Pole(code="NEW", geom=rows.point(107.5124, 16.41)))
    session.flush()
    assert client.get(url, headers={"if-none-match": etag}).status_code == 200


def test_a_large_tile_is_compressed(client: TestClient, session: Session, province: dict[str, Any]) -> None:
    session.add_all(Pole(code=f"Z{i}", geom=rows.point(107.512 + i * 1e-5, 16.41)) for i in range(100))
    session.flush()
    url = f"/tiles/poles/{address(107.5123, 16.41, 14)}.mvt"
    assert client.get(url, headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get(url, headers={"accept-encoding": "identity"}).headers


def test_terrain_comes_back_out_of_the_picture(client: TestClient, session: Session) -> None:
    step = 1 / 1200
    lon = 107.4 + (np.arange(360) + 0.5) * step
    heights = np.tile(1000 * (lon - 107.4), (360, 1)).astype(np.float32)
    heights[:40, :40] = np.nan
    add_array(session, "slope", heights, 107.4, 16.7, step, step, source="SYNTHETIC test", synthetic=True)
    url = f"/tiles/terrain/{address(107.55, 16.55, 12)}.png"
    response = client.get(url)
    assert response.headers["content-type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(response.content))).astype(float)
    assert pixels.shape == (256, 256, 3)
    decoded = pixels @ [256, 1, 1 / 256] - 32768
    x = int(url.split("/")[4])
    expected = 1000 * ((x + (np.arange(256) + 0.5) / 256) / 2**12 * 360 - 180 - 107.4)
    assert np.abs(decoded - expected).max() < 0.5
    assert client.get(url, headers={"if-none-match": response.headers["etag"]}).status_code == 304
    assert client.get(f"/tiles/terrain/{address(100, 10, 12)}.png").status_code == 204


def test_paper_lies_where_no_height_is_known(client: TestClient, session: Session) -> None:
    heights = np.full((200, 200), 20.0, np.float32)
    heights[:, 100:] = np.nan
    add_array(session, "half", heights, 107.5, 16.6, 0.0005, 0.0005, source="SYNTHETIC test", synthetic=True)
    url = f"/tiles/terrain-unknown/{address(107.55, 16.55, 11)}.png"
    alpha = np.asarray(Image.open(io.BytesIO(client.get(url).content)))[..., 3]
    assert set(np.unique(alpha)) == {0, 255}
    far = client.get(f"/tiles/terrain-unknown/{address(100, 10, 12)}.png")
    assert np.asarray(Image.open(io.BytesIO(far.content)))[..., 3].min() == 255


def test_holes_take_the_nearest_known_height() -> None:
    holes = np.array([[np.nan, 1.0, np.nan, np.nan, 5.0], [np.nan] * 5, [7.0, np.nan, np.nan, np.nan, np.nan]])
    assert filled(holes).tolist() == [[1, 1, 1, 5, 5], [1, 1, 1, 5, 5], [7, 7, 7, 7, 7]]


def test_far_pixels_are_means_so_that_they_do_not_alias() -> None:
    class Comb:
        def heights(self, lon: np.ndarray[Any, Any], lat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            return np.where(np.arange(lon.shape[1]) % 2 == 0, 0.0, 100.0) * np.ones(lon.shape)

    assert np.allclose(tile_heights(Comb(), 8, 204, 116), 50)


HAMLETS, EACH = 60, 500
STREETS = """
INSERT INTO {table} (code, {owner}, geom, restricted, source, synthetic)
SELECT 'Z-' || i, (SELECT id FROM organisation WHERE code = (ARRAY['EVN', 'VIETTEL', 'VNPT'])[1 + i % 3]),
       ST_SetSRID(ST_MakePoint(lon + random() * 0.004, lat + random() * 0.004), 4326), i % 1000 = 0, 'SYNTHETIC', true
FROM (SELECT i, 107.1 + 0.9 * (mod(i, :hamlets) + 0.5) / :hamlets AS lon,
             15.95 + 0.7 * (mod(mod(i, :hamlets) * 7, :hamlets) + 0.5) / :hamlets AS lat
      FROM generate_series(0, :count) i) place
"""


@pytest.mark.parametrize(
    ("layer", "table", "owner"),
    [("poles", "pole", "owner_id"), ("manholes", "manhole", "owner_id"),
     ("distribution_points", "distribution_point", "operator_id")],
)  # fmt: skip
def test_nothing_is_cut_at_any_zoom(session: Session, layer: str, table: str, owner: str) -> None:
    """Tens of thousands of objects in a province's hamlets: each zoom shows or counts all the caller sees."""
    found = networks.build(session)
    session.execute(text(STREETS.format(table=table, owner=owner)), {"hamlets": HAMLETS, "count": HAMLETS * EACH - 1})
    callers = {"planner": PLANNER, "other": OTHER, "operator": operator(found), "officer": officer(found)}
    for name, scope in callers.items():
        enter(session, scope)
        box = "floor(({0} + 180) / 360 * 2 ^ 16)::int, floor((1 - asinh(tan(radians({1}))) / pi()) / 2 * 2 ^ 16)::int"
        places = session.execute(
            text(f"SELECT {box.format('ST_X(geom)', 'ST_Y(geom)')}, count(*) FROM {table} GROUP BY 1, 2")
        ).all()
        total = sum(row[2] for row in places)
        assert total > (10 if name == "officer" else 9_000)
        zooms = range(17) if name == "planner" else (0, 8, 12, 13, 16)
        for z in zooms:
            tiles = {(x >> (16 - z), y >> (16 - z)) for x, y, _ in places}
            drawn = [mvt(draw_layer(session, layer, z, x, y, dt.date(2026, 6, 1)), layer) for x, y in tiles]
            if z < 13:
                assert sum(f["count"] for tile in drawn for f in tile) == total, (name, z)
                assert max(len(tile) for tile in drawn) <= 256, "cells of 32 pixels"
            else:
                assert len({f["code"] for tile in drawn for f in tile}) == total, (name, z)
    enter(session, system())
