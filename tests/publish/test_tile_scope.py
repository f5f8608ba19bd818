"""Tiles by who asks: nothing of a competitor's network in any layer, blurred sites for who does not see all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import enter
from app.kit.geo import geodesic_m
from app.kit.page import today
from app.policy.models import Disclosure
from app.publish.tiles import RESTRICTABLE
from app.sites.models import Site
from tests.publish.callers import OTHER, PLANNER, PUBLIC, as_caller, everybody, export, looks, mvt, officer, operator
from tests.publish.province import point
from tests.publish.test_tiles import address
from tests.registry.two_networks import PLACES, Networks, build

THERE = PLACES["rented"]
"""In VNPT's network, of which VIETTEL uses one pole and one duct."""


@pytest.fixture
def networks(session: Session) -> Networks:
    found = build(session)
    session.execute(text("UPDATE registry.distribution_point SET ports_total = 16, ports_used = 9"))
    return found


def tile(client: TestClient, layer: str, lon: float, lat: float, z: int = 14, query: str = "") -> bytes:
    answer = client.get(f"/tiles/{layer}/{address(lon, lat, z)}.mvt{query}")
    assert answer.status_code in {200, 204}, answer.text
    assert {"Cookie", "Authorization", "Accept-Encoding"} <= set(answer.headers["vary"].split(", "))
    assert answer.headers["cache-control"].startswith("private")
    return answer.content


@pytest.mark.parametrize("layer", RESTRICTABLE)
def test_an_operator_finds_nothing_of_the_other(session: Session, networks: Networks, layer: str) -> None:
    places = PLACES.values()
    with as_caller(session, operator(networks)) as client:
        for lon, lat in places:
            for z in (14, 12, 8, 0):
                content = tile(client, layer, lon, lat, z).lower()
                for word in (b"vnpt-", b"secret"):
                    assert word not in content, (layer, z)
        rented = mvt(tile(client, layer, *THERE), layer)
        assert {f["code"] for f in rented} == ({f"rented-{layer[0].upper()}"} if layer in {"poles", "ducts"} else set())
        mine = mvt(tile(client, layer, *PLACES["viettel"]), layer)
        assert {f["code"].split("-")[0].lower() for f in mine} <= {"viettel", "shared"}
        assert mine
        counted = sum(f.get("count") or 1 for f in mvt(tile(client, layer, *THERE, 8), layer))
        assert counted == (2 if layer in {"poles", "ducts", "sites"} else 1), "counts are of what is seen"


@pytest.mark.parametrize("layer", RESTRICTABLE)
def test_the_public_finds_no_object_and_an_officer_the_communes(
    session: Session, networks: Networks, layer: str
) -> None:
    with as_caller(session, PUBLIC) as client:
        for z in (14, 8, 0):
            assert mvt(tile(client, layer, *PLACES["viettel"], z), layer) == []
    with as_caller(session, officer(networks)) as client:
        assert mvt(tile(client, layer, *PLACES["viettel"]), layer)
        assert mvt(tile(client, layer, *THERE), layer) == []
        assert b"secret" not in tile(client, layer, *PLACES["secret"]).lower()


@pytest.mark.parametrize("layer", RESTRICTABLE)
def test_the_department_sees_restricted_objects_marked_and_the_look_is_kept(
    session: Session, networks: Networks, layer: str
) -> None:
    with as_caller(session, OTHER) as client:
        assert b"secret" not in tile(client, layer, *PLACES["secret"]).lower()
    with as_caller(session, PLANNER) as client:
        tile(client, layer, *PLACES["vnpt"], 16)
        assert looks(session) == [], "this tile holds none"
        found = mvt(tile(client, layer, *PLACES["secret"]), layer)
    marked = {f["code"].lower()[:6]: bool(f["restricted"]) for f in found}
    assert marked["secret"]
    assert not any(mark for code, mark in marked.items() if code != "secret")
    assert looks(session) == [("user:2", "tile", layer, True)]


def test_who_shares_with_whom_is_not_told_to_a_tenant(session: Session, networks: Networks) -> None:
    with as_caller(session, operator(networks)) as client:
        (pole,) = mvt(tile(client, "poles", *THERE), "poles")
        assert (pole["state"], pole["occupants"], pole.get("organisations")) == ("unknown", "VIETTEL", None)
        sites = {f["code"]: f for f in mvt(tile(client, "sites", *PLACES["shared"], 10), "sites")}
        shared, own = sites["SHARED-SITE"], sites["VIETTEL-SITE"]
        assert (shared["state"], shared["operators"]) == ("unknown", "VIETTEL")
        assert np.isnan(shared["k"])
        assert (own["state"], own["k"]) == ("single", 1)
    with as_caller(session, operator(networks, "VNPT")) as client:
        found = {f["code"]: f for f in mvt(tile(client, "sites", *PLACES["shared"]), "sites")}
        assert (found["SHARED-SITE"]["state"], found["SHARED-SITE"]["operators"]) == ("shared", "VIETTEL,VNPT")


def test_levels_count_in_tiles_too(session: Session, networks: Networks) -> None:
    def ports(scope: Any) -> dict[str, Any]:
        with as_caller(session, scope) as client:
            found = mvt(tile(client, "distribution_points", *PLACES["viettel"]), "distribution_points")
        (box,) = [f for f in found if f["code"] in {"viettel-B", None}]
        return box

    assert ports(PLANNER)["ports_free"] == 7
    assert ports(operator(networks))["ports_free"] == 7
    assert "ports_free" not in ports(OTHER), "the owner's business"
    assert ports(OTHER)["ports_total"] == 16
    session.execute(text("UPDATE policy.disclosure SET level = 'owner' WHERE attribute IN ('code', 'occupants')"))
    with as_caller(session, OTHER) as client:
        (pole,) = [f for f in mvt(tile(client, "poles", *PLACES["viettel"]), "poles")]
        assert {"code", "occupants", "state", "organisations"}.isdisjoint(pole)
    session.execute(text("UPDATE policy.disclosure SET level = 'owner' WHERE attribute = 'geometry'"))
    with as_caller(session, OTHER) as client:
        for layer in RESTRICTABLE:
            for z in (14, 8):
                assert mvt(tile(client, layer, *PLACES["viettel"], z), layer) == []
    with as_caller(session, operator(networks)) as client:
        assert mvt(tile(client, "poles", *PLACES["viettel"]), "poles")


def test_an_etag_is_of_what_the_caller_sees(session: Session, networks: Networks) -> None:
    url = f"/tiles/sites/{address(*PLACES['viettel'], 12)}.mvt"
    etags = {}
    for name, scope in everybody(networks).items():
        with as_caller(session, scope) as client:
            etags[name] = client.get(url).headers["etag"]
    assert len({etags[n] for n in ("public", "viettel", "vnpt", "other", "planner")}) == 5
    assert etags["planner"] == etags["administrator"]
    with as_caller(session, PUBLIC) as client:
        assert client.get(url, headers={"if-none-match": etags["planner"]}).status_code == 200


def test_sites_are_blurred_to_the_stated_grid(session: Session, networks: Networks) -> None:
    session.add_all(Site(code=f"NEAR{i}", geom=point(107.52 + i * 1e-4, 16.42)) for i in range(3))
    session.flush()
    with as_caller(session, PUBLIC) as client:
        body = export(client, "sites_blurred")
        assert body["metadata"]["grid_m"] == 1000
        assert body["metadata"]["synthetic"] is True
        assert {frozenset(f["properties"]) for f in body["features"]} == {frozenset({"count", "synthetic", "grid_m"})}
        # Three sites and three more; the restricted one is in no cell.
        assert sum(f["properties"]["count"] for f in body["features"]) == 6
        drawn = mvt(tile(client, "sites", *PLACES["viettel"], 8), "sites_blurred")
        assert sum(f["count"] for f in drawn) == 6
        assert {f["grid_m"] for f in drawn} == {1000}
    true = [*(PLACES[n] for n in ("viettel", "shared", "vnpt")), *((107.52 + i * 1e-4, 16.42) for i in range(3))]
    centres = [f["geometry"]["coordinates"] for f in body["features"]]
    for lon, lat in true:
        away = min(float(geodesic_m(lon, lat, *centre)) for centre in centres)
        assert 1 < away <= 1000 / math.sqrt(2) + 1
    with as_caller(session, OTHER) as client:
        assert mvt(tile(client, "sites", *PLACES["viettel"], 10), "sites_blurred") == [], "it sees every site"


def test_no_box_narrows_a_blurred_site_down(session: Session, networks: Networks) -> None:
    with as_caller(session, PUBLIC) as client:
        whole = {f["id"]: f["properties"]["count"] for f in export(client, "sites_blurred")["features"]}
        lon, lat = PLACES["viettel"]
        seen = set()
        for step in range(40):
            west = lon - 0.02 + step * 0.001
            box = f"{west},{lat - 0.02},{west + 0.001},{lat + 0.02}"
            for f in export(client, "sites_blurred", bbox=box)["features"]:
                assert f["properties"]["count"] == whole[f["id"]], "a cell is whole or absent"
                seen.add(f["id"])
        assert seen, "the sweep met a cell"
    # As tiles ask: the function's own box.
    near = "SELECT id, count FROM publish.blurred_sites('2026-06-01', ST_MakeEnvelope(:w, 16.3, :e, 16.6, 4326))"
    met = set()
    for step in range(80):
        west = 107.45 + step * 0.004
        for cell, count in session.execute(text(near), {"w": west, "e": west + 0.004}):
            assert count == whole[cell]
            met.add(cell)
    assert met == whole.keys()


def test_an_officer_sets_the_grid_and_an_earlier_date_gives_no_finer_one(session: Session, networks: Networks) -> None:
    grid = "layer = 'sites' AND attribute = 'geometry'"
    session.execute(text(f"UPDATE policy.disclosure SET grid_m = 100, valid_to = :day WHERE {grid}"), {"day": today()})
    session.add(Disclosure(layer="sites", attribute="geometry", level="authority", grid_m=5000, citation="[A]",
                           valid_from=today()))  # fmt: skip
    session.flush()
    with as_caller(session, PUBLIC) as client:
        for as_of in ("2020-01-01", "2026-06-01"):
            body = export(client, "sites_blurred", as_of=as_of)
            assert body["metadata"]["grid_m"] == 5000
            assert {f["properties"]["grid_m"] for f in body["features"]} == {5000}


PLANS = {
    "site": "s.geom && :box", "pole": "s.geom && :box", "duct": "s.geom && :box", "manhole": "s.geom && :box",
    "distribution_point": "s.geom && :box", "village": "s.point && :box",
}  # fmt: skip


@pytest.mark.parametrize("table", PLANS)
def test_a_box_uses_the_index_whoever_asks(session: Session, networks: Networks, table: str) -> None:
    """Row scope must not turn a box into a scan of the table: PostGIS operators are not leakproof by nature."""
    session.execute(text("SET LOCAL enable_seqscan = off"))
    condition = PLANS[table].replace(":box", "ST_MakeEnvelope(107.5, 16.3, 107.52, 16.32, 4326)")
    for name, scope in everybody(networks).items():
        enter(session, scope)
        plan = "\n".join(session.scalars(text(f"EXPLAIN SELECT s.id FROM {table} s WHERE {condition}")))
        assert f"idx_{table}_" in plan, (name, plan)
