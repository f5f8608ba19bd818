"""Another's rows and withheld attributes are told neither plainly nor through filter, order or paging."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import enter, system
from tests.publish.callers import OTHER, PLANNER, PUBLIC, as_caller, everybody, looks, operator
from tests.registry.two_networks import Networks, build

TABLES = {"sites": "site", "structures": "structure", "poles": "pole", "manholes": "manhole", "ducts": "duct",
          "cables": "cable", "distribution_points": "distribution_point"}  # fmt: skip


@pytest.fixture
def networks(session: Session) -> Networks:
    return build(session)


def items(client: Any, layer: str, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/ogc/collections/{layer}/items", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["features"]
    return found


@pytest.mark.parametrize("layer", TABLES)
def test_an_operator_finds_its_own_and_what_it_uses(session: Session, networks: Networks, layer: str) -> None:
    rows = networks.rows[TABLES[layer]]
    with as_caller(session, operator(networks)) as client:
        assert {f["id"] for f in items(client, layer)} == {
            rows[n] for n in networks.viettel_sees.get(TABLES[layer], {"viettel"})
        }


@pytest.mark.parametrize("layer", TABLES)
def test_restricted_objects_are_nobodys(session: Session, networks: Networks, layer: str) -> None:
    secret = networks.rows[TABLES[layer]]["secret"]
    for name, scope in everybody(networks).items():
        if name == "public":
            continue
        with as_caller(session, scope) as client:
            assert secret not in {f["id"] for f in items(client, layer, limit=1000)}, name
            assert client.get(f"/ogc/collections/{layer}/items/{secret}").status_code == 404, name
            assert items(client, layer, filter=f"id = {secret}") == [], name


@pytest.mark.parametrize("layer", TABLES)
def test_ogc_tells_what_the_export_tells(session: Session, networks: Networks, layer: str) -> None:
    for name, scope in everybody(networks).items():
        if name == "public":
            continue
        with as_caller(session, scope) as client:
            exported = client.get(f"/api/exports/{layer}.geojson").json()["features"]
            served = items(client, layer, limit=1000)
        assert [(f["id"], f["properties"], f["geometry"]) for f in served] == [
            (f["id"], f["properties"], f["geometry"]) for f in exported
        ], name


def test_a_withheld_attribute_is_null_and_a_filter_does_not_tell_it(session: Session, networks: Networks) -> None:
    session.execute(text("UPDATE structure SET load_capacity_kg = 500 + id % 7"))
    session.flush()
    for scope, told in ((PLANNER, True), (OTHER, False), (operator(networks, "VNPT"), True)):
        with as_caller(session, scope) as client:
            loads = {f["properties"]["load_capacity_kg"] for f in items(client, "structures")}
            assert (loads == {None}) is not told
            assert bool(items(client, "structures", filter="load_capacity_kg >= 500")) is told
            assert bool(items(client, "structures", filter="load_capacity_kg IS NULL")) is not told
            assert bool(items(client, "structures", filter="NOT (load_capacity_kg = 1)")) is told
            assert bool(items(client, "structures", filter="load_capacity_kg * 0 = 0")) is told


def test_the_order_does_not_tell_a_withheld_attribute(session: Session, networks: Networks) -> None:
    session.execute(text("UPDATE structure SET load_capacity_kg = 50000 - id % 40000"))
    session.flush()
    with as_caller(session, OTHER) as client:
        up = [f["id"] for f in items(client, "structures", sortby="load_capacity_kg")]
        assert up == [f["id"] for f in items(client, "structures", sortby="-load_capacity_kg")] == sorted(up)


def test_a_tenant_is_told_of_anothers_pole_what_authorities_are(session: Session, networks: Networks) -> None:
    rented, own = networks.rows["pole"]["rented"], networks.rows["pole"]["viettel"]
    session.execute(
        text("UPDATE policy.disclosure SET level = 'owner' WHERE layer = 'poles' AND attribute = 'height_m'")
    )
    session.execute(text("UPDATE pole SET height_m = 9"))
    session.flush()
    with as_caller(session, operator(networks)) as client:
        told = {f["id"]: f["properties"]["height_m"] for f in items(client, "poles")}
        assert told == {rented: None, own: 9}
        assert [f["id"] for f in items(client, "poles", filter="height_m = 9")] == [own]


def test_an_object_whose_position_is_withheld_is_no_feature(session: Session, networks: Networks) -> None:
    session.execute(
        text("UPDATE policy.disclosure SET level = 'owner' WHERE layer = 'poles' AND attribute = 'geometry'")
    )
    session.flush()
    with as_caller(session, operator(networks)) as client:
        assert [f["id"] for f in items(client, "poles")] == [networks.rows["pole"]["viettel"]]


def test_without_its_settings_a_view_tells_nothing(session: Session, networks: Networks) -> None:
    enter(session, PLANNER)
    assert session.execute(text("SELECT * FROM publish.poles")).all() == []
    enter(session, system())


def test_the_transaction_is_what_it_was(session: Session, networks: Networks) -> None:
    session.execute(text("UPDATE pole SET height_m = 7"))
    with as_caller(session, PLANNER) as client:
        items(client, "poles")
        overflow = client.get("/ogc/collections/poles/items", params={"filter": "height_m * 1e300 * 1e300 > 1"})
        assert (overflow.status_code, overflow.json()["code"]) == (400, "value_refused")
        session.execute(text("UPDATE pole SET height_m = 8"))
    assert session.scalar(text("SELECT current_setting('transaction_read_only')")) == "off"
    assert session.scalar(text("SELECT nullif(current_setting('hatang.withheld', true), '')")) is None


def test_who_looks_at_the_networks_is_written_down(session: Session, networks: Networks) -> None:
    with as_caller(session, PLANNER) as client:
        items(client, "poles")
        items(client, "villages")
    with as_caller(session, operator(networks)) as client:
        items(client, "poles")
    assert looks(session) == [("user:2", "export", "poles", False)]
    with as_caller(session, PUBLIC) as client:
        assert client.get("/ogc/collections/poles/items").status_code == 401
