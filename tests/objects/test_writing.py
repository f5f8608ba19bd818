"""Who may write what: own objects, the columns one may write, references one sees; and what a refusal tells."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.objects.kinds import KINDS, LAYERS
from tests.objects.conftest import As, patched, read
from tests.registry.two_networks import Networks

HERE = {"type": "Point", "coordinates": [107.521, 16.421]}
LINE = {"type": "LineString", "coordinates": [[107.521, 16.421], [107.523, 16.421]]}
WRITTEN = tuple(k for k in LAYERS if KINDS[k].written)


def new(networks: Networks, layer: str, name: str = "viettel") -> dict[str, Any]:
    """Return the body of a new object that is part of the object called `name`."""
    rows = networks.rows
    bodies: dict[str, dict[str, Any]] = {
        "sites": {"code": "NEW", "name": "Trạm mới", "geometry": HERE},
        "structures": {"code": "NEW", "site_id": rows["site"][name], "geometry": HERE, "height_m": 42.5},
        "base_stations": {"code": "NEW", "site_id": rows["site"][name], "technology": "5G"},
        "cells": {"code": "NEW", "base_station_id": rows["base_station"][name], "azimuth_deg": 240},
        "structure_occupancies": {"structure_id": rows["structure"][name], "tenant_id": networks.organisations["FPT"],
                                  "price_vnd_month": 1e6},
        "poles": {"code": "NEW", "geometry": HERE, "height_m": 8},
        "pole_occupancies": {"pole_id": rows["pole"][name], "tenant_id": networks.organisations["FPT"]},
        "manholes": {"code": "NEW", "geometry": HERE},
        "ducts": {"code": "NEW", "geometry": LINE, "from_manhole_id": rows["manhole"][name]},
        "duct_occupancies": {"duct_id": rows["duct"][name], "tenant_id": networks.organisations["FPT"]},
        "bores": {"duct_id": rows["duct"][name], "number": 7},
        "cables": {"code": "NEW", "geometry": LINE, "fibre_count": 48},
        "distribution_points": {"code": "NEW", "geometry": HERE, "ports_total": 16},
    }  # fmt: skip
    return bodies[layer]


OPERATED = ("sites", "structures", "base_stations", "cells", "structure_occupancies", "poles", "pole_occupancies",
            "manholes", "ducts", "duct_occupancies", "bores", "cables", "distribution_points")  # fmt: skip
PARTS = ("structures", "base_stations", "cells", "structure_occupancies", "pole_occupancies", "ducts",
         "duct_occupancies", "bores")  # fmt: skip


def last_change(session: Session) -> Any:
    return session.execute(text("SELECT * FROM audit.change ORDER BY id DESC LIMIT 1")).one()


@pytest.mark.parametrize("layer", OPERATED)
def test_an_operator_adds_its_own(acting: As, networks: Networks, session: Session, layer: str) -> None:
    body = new(networks, layer)
    answer = acting("viettel").post(f"/api/objects/{layer}", json={**body, "reason": "mở rộng", "batch": "b-1"})
    assert answer.status_code == 201, answer.text
    feature = answer.json()
    assert answer.headers["Location"] == f"/api/objects/{layer}/{feature['id']}"
    assert read(acting("viettel"), answer.headers["Location"]) == (answer.headers["ETag"], feature)
    kind = KINDS[layer]
    if kind.organisation and not kind.tenant:
        assert feature["properties"][kind.organisation] == networks.organisations["VIETTEL"]
        assert feature["properties"][kind.organisation.removesuffix("_id")] == "VIETTEL"
    for name, value in body.items():
        if name != "geometry":
            assert feature["properties"][name] == value
    written = last_change(session)
    assert (written.table_name, written.row_id) == (f"registry.{kind.table.name}", feature["id"])
    assert (written.operation, written.actor, written.before) == ("insert", "user:1", None)
    assert (written.reason, written.batch) == ("mở rộng", "b-1")


@pytest.mark.parametrize("layer", PARTS)
@pytest.mark.parametrize("name", ["vnpt", "secret"])
def test_a_part_of_anothers_object_answers_like_a_part_of_none(
    acting: As, networks: Networks, session: Session, layer: str, name: str
) -> None:
    mine, theirs = new(networks, layer), new(networks, layer, name)
    column = next(n for n in mine if mine[n] != theirs[n])
    before = session.scalar(text("SELECT count(*) FROM audit.change"))
    refused = acting("viettel").post(f"/api/objects/{layer}", json=theirs)
    absent = acting("viettel").post(f"/api/objects/{layer}", json={**mine, column: 9999999})
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["field"]) == ("unknown_reference", column)
    assert refused.content == absent.content
    assert session.scalar(text("SELECT count(*) FROM audit.change")) == before


ESCAPES = [
    ("structures", "structure", "site_id", "site"),
    ("base_stations", "base_station", "site_id", "site"),
    ("base_stations", "base_station", "structure_id", "structure"),
    ("cells", "cell", "base_station_id", "base_station"),
    ("structure_occupancies", "structure_occupancy", "structure_id", "structure"),
    ("pole_occupancies", "pole_occupancy", "pole_id", "pole"),
    ("duct_occupancies", "duct_occupancy", "duct_id", "duct"),
    ("duct_occupancies", "duct_occupancy", "cable_id", "cable"),
    ("duct_occupancies", "duct_occupancy", "bore_id", "bore"),
    ("ducts", "duct", "to_manhole_id", "manhole"),
    ("ducts", "duct", "trench_id", "trench"),
    ("bores", "bore", "duct_id", "duct"),
]


@pytest.mark.parametrize(("layer", "table", "column", "target"), ESCAPES)
@pytest.mark.parametrize("name", ["vnpt", "secret"])
def test_an_object_cannot_be_moved_to_anothers(
    acting: As, networks: Networks, session: Session, layer: str, table: str, column: str, target: str, name: str
) -> None:
    path = f"/api/objects/{layer}/{networks.rows[table]['viettel']}"
    version, feature = read(acting("viettel"), path)
    held = {"If-Match": version}
    refused = acting("viettel").patch(path, json={column: networks.rows[target][name]}, headers=held)
    absent = acting("viettel").patch(path, json={column: 9999999}, headers=held)
    assert refused.json()["code"] == "unknown_reference"
    assert refused.content == absent.content
    assert read(acting("viettel"), path) == (version, feature)


def test_what_has_to_fit_together(acting: As, networks: Networks) -> None:
    rows, client = networks.rows, acting("planner")
    body = new(networks, "base_stations") | {"structure_id": rows["structure"]["vnpt"], "reason": "x",
                                             "operator_id": networks.organisations["VNPT"]}  # fmt: skip
    answer = client.post("/api/objects/base_stations", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "structure_id")
    path = f"/api/objects/base_stations/{rows['base_station']['vnpt']}"
    version, _ = read(client, path)
    moved = client.patch(path, json={"site_id": rows["site"]["viettel"], "reason": "x"}, headers={"If-Match": version})
    assert (moved.status_code, moved.json()["field"]) == (422, "structure_id")


@pytest.mark.parametrize("layer", OPERATED)
def test_mass_assignment(acting: As, networks: Networks, session: Session, layer: str) -> None:
    kind, vnpt = KINDS[layer], networks.organisations["VNPT"]
    forbidden: dict[str, Any] = {"id": 1, "restricted": True, "synthetic": False, "source": "x", "raw_x": 1.0,
                                 "length_m": 1, "name_key": "x", "geom": "x", "valid_to": "2030-01-01",
                                 "actor": "user:9", "__class__": "x", "table_name": "x"}  # fmt: skip
    if kind.organisation and not kind.tenant:
        forbidden[kind.organisation] = vnpt
        forbidden["owner"] = "VNPT"
    path = f"/api/objects/{layer}/{networks.rows[kind.table.name]['viettel']}"
    version, feature = read(acting("viettel"), path)
    for name, value in forbidden.items():
        added = acting("viettel").post(f"/api/objects/{layer}", json={**new(networks, layer), name: value})
        changed = acting("viettel").patch(path, json={name: value}, headers={"If-Match": version})
        for answer in (added, changed):
            assert answer.status_code == 422, (name, answer.text)
            assert answer.json()["code"] in {"not_writable", "unknown_attribute"}
            assert answer.json()["field"] == name
    started = acting("viettel").patch(path, json={"valid_from": "1990-01-01"}, headers={"If-Match": version})
    assert started.json()["code"] in {"not_writable", "unknown_attribute"}
    assert read(acting("viettel"), path) == (version, feature)


@pytest.mark.parametrize("layer", WRITTEN)
@pytest.mark.parametrize("caller", ["viettel", "officer", "other"])
def test_nobody_changes_what_is_not_theirs(
    acting: As, networks: Networks, session: Session, layer: str, caller: str
) -> None:
    """Whatever is seen and not one's own: 403; what is not seen: 404; nothing is written either way."""
    kind, client = KINDS[layer], acting(caller)
    before = session.scalar(text("SELECT count(*) FROM audit.change"))
    own = {"viettel": {"viettel"}, "officer": {"here", "office"}, "other": set()}[caller]
    if layer == "base_stations":
        own |= {"viettel at shared"}  # its own station on a rented mast
    writes = bool((caller == "viettel" and kind.operated) or (caller == "officer" and kind.officer))
    for name in networks.rows[kind.table.name].keys() - own:
        path = f"/api/objects/{layer}/{networks.rows[kind.table.name][name]}"
        seen = client.get(path)
        headers = {"If-Match": seen.headers.get("ETag", '"x"')}
        answers = [
            client.patch(path, json={}, headers=headers),
            client.delete(path, params={"reason": "x"}, headers=headers),
            client.post(f"{path}/restore", json={"change_id": 1, "reason": "x"}, headers=headers),
        ]
        expected = 404 if writes and seen.status_code == 404 else 403
        assert {a.status_code for a in answers} == {expected}, (name, [a.text for a in answers])
    assert session.scalar(text("SELECT count(*) FROM audit.change")) == before


@pytest.mark.parametrize("layer", [k for k in LAYERS if not KINDS[k].written])
def test_areas_and_organisations_are_only_read(acting: As, networks: Networks, layer: str) -> None:
    for answer in (
        acting("administrator").post(f"/api/objects/{layer}", json={"code": "X"}),
        acting("administrator").patch(f"/api/objects/{layer}/1", json={"code": "X"}, headers={"If-Match": "*"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "layer_not_writable")


def test_an_officer_keeps_the_figures_of_its_villages(acting: As, networks: Networks, session: Session) -> None:
    village = networks.rows["village"]
    path = f"/api/objects/villages/{village['here']}"
    feature = patched(acting("officer"), path, population=321, households=80, kind="ban", name="Bản Mới",
                      reason="điều tra dân số")  # fmt: skip
    assert (feature["properties"]["population"], feature["properties"]["name"]) == (321, "Bản Mới")
    assert (last_change(session).actor, last_change(session).reason) == ("user:3", "điều tra dân số")
    version, _ = read(acting("officer"), path)
    for name, value in (
        ("code", "X"),
        ("geometry", None),
        ("point", HERE),
        ("urban", True),
        ("valid_to", "2030-01-01"),
    ):
        answer = acting("officer").patch(path, json={name: value}, headers={"If-Match": version})
        assert answer.json()["code"] == "not_writable", name
    ended = acting("officer").delete(path, params={"reason": "x"}, headers={"If-Match": version})
    assert (ended.status_code, ended.json()["code"]) == (409, "cannot_end")
    elsewhere = f"/api/objects/villages/{village['there']}"
    other, _ = read(acting("officer"), elsewhere)
    refused = acting("officer").patch(elsewhere, json={"population": 1}, headers={"If-Match": other})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")


def test_an_officer_keeps_the_facilities_of_its_commune(acting: As, networks: Networks) -> None:
    client, body = acting("officer"), {"code": "TH-1", "name": "Trường", "kind": "school"}
    unit = networks.rows["unit"]
    added = client.post("/api/objects/facilities", json={**body, "geometry": HERE, "unit_id": unit["here"]})
    assert added.status_code == 201, added.text
    there = {"type": "Point", "coordinates": [107.75, 16.45]}
    for refused in ({"geometry": there}, {"geometry": HERE, "unit_id": unit["there"]}):
        answer = client.post("/api/objects/facilities", json={**body, "code": "TH-2", **refused})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    path = added.headers["Location"]
    moved = client.patch(path, json={"geometry": there}, headers={"If-Match": added.headers["ETag"]})
    assert moved.status_code == 403
    assert client.post("/api/objects/facilities", json={**body, "restricted": True}).status_code == 422
    ended = client.delete(path, params={"reason": "sáp nhập", "on": "2099-01-01"},
                          headers={"If-Match": added.headers["ETag"]})  # fmt: skip
    assert ended.json()["properties"]["valid_to"] == "2099-01-01"


def test_the_department_says_why_and_chooses_the_owner(acting: As, networks: Networks, session: Session) -> None:
    client, path = acting("planner"), f"/api/objects/manholes/{networks.rows['manhole']['vnpt']}"
    version, _ = read(client, path)
    vnpt, viettel = networks.organisations["VNPT"], networks.organisations["VIETTEL"]
    for answer in (
        client.patch(path, json={"owner_id": viettel}, headers={"If-Match": version}),
        client.patch(path, json={"owner_id": viettel, "reason": "  "}, headers={"If-Match": version}),
        client.post("/api/objects/manholes", json=new(networks, "manholes") | {"owner_id": vnpt}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "reason_required")
    assert client.delete(path, headers={"If-Match": version}).status_code == 422
    sold = patched(client, path, owner_id=viettel, restricted=False, reason="bàn giao")
    assert sold["properties"]["owner"] == "VIETTEL"
    assert (last_change(session).actor, last_change(session).organisation_id) == ("user:5", viettel)
    assert acting("vnpt").get(path).status_code == 404
    hidden = patched(client, path, restricted=True, reason="an ninh")
    assert hidden["properties"]["restricted"] is True
    assert acting("viettel").get(path).status_code == 404


def test_an_account_of_two_organisations_says_for_which(session: Session, networks: Networks) -> None:
    from app.database import Scope
    from tests.conftest import client_in

    who = networks.organisations
    scope = Scope("user:8", ("operator",), (who["VIETTEL"], who["FPT"]))
    with client_in(session, scope) as client:
        body = new(networks, "poles")
        assert client.post("/api/objects/poles", json=body).json()["code"] == "whose_object"
        assert client.post("/api/objects/poles", json=body | {"owner_id": who["VNPT"]}).json()["code"] == "whose_object"
        added = client.post("/api/objects/poles", json=body | {"owner_id": who["FPT"]})
        assert added.json()["properties"]["owner"] == "FPT"


def test_codes_of_others_may_be_used_and_a_taken_own_code_tells_no_row(acting: As, networks: Networks) -> None:
    for code in ("vnpt-P", "secret-P"):
        added = acting("viettel").post("/api/objects/poles", json=new(networks, "poles") | {"code": code})
        assert added.status_code == 201
    again = acting("viettel").post("/api/objects/poles", json=new(networks, "poles") | {"code": "viettel-P"})
    assert (again.status_code, again.json()["code"]) == (409, "duplicate")
    assert "detail" not in again.json()
    assert "viettel-P" not in again.text


def test_ending(acting: As, networks: Networks, session: Session) -> None:
    client, rows = acting("viettel"), networks.rows
    path = f"/api/objects/poles/{rows['pole']['viettel']}"
    version, _ = read(client, path)
    patched_to = {"If-Match": version}
    assert client.delete(path, params={"on": "2026-13-01", "reason": "x"}, headers=patched_to).status_code == 422
    ended = client.delete(path, params={"on": "2026-05-01", "reason": "xe đâm", "batch": "b"}, headers=patched_to)
    assert (ended.status_code, ended.json()["properties"]["valid_to"]) == (200, "2026-05-01")
    change = last_change(session)
    assert (change.operation, change.reason, change.batch) == ("update", "xe đâm", "b")
    assert change.before["valid_to"] is None
    assert session.scalar(text("SELECT count(*) FROM registry.pole WHERE id = :id"), {"id": rows["pole"]["viettel"]})
    again = client.delete(path, params={"reason": "x"}, headers={"If-Match": ended.headers["ETag"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")
    bore = f"/api/objects/bores/{rows['bore']['viettel']}"
    answer = client.delete(bore, params={"reason": "x"}, headers={"If-Match": read(client, bore)[0]})
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_end")
    added = client.post("/api/objects/poles", json=new(networks, "poles") | {"valid_from": "2026-03-01"})
    early = client.delete(added.headers["Location"], params={"reason": "x", "on": "2026-03-01"},
                          headers={"If-Match": added.headers["ETag"]})  # fmt: skip
    assert (early.status_code, early.json()["code"]) == (422, "ends_before_it_begins")


def test_villages_come_with_their_commune_from_a_file(acting: As) -> None:
    answer = acting("planner").post("/api/objects/villages", json={"code": "X", "name": "X", "point": HERE})
    assert (answer.status_code, answer.json()["code"]) == (403, "layer_not_writable")


def test_a_department_moves_a_village(acting: As, networks: Networks) -> None:
    path = f"/api/objects/villages/{networks.rows['village']['here']}"
    ring = [[107.5, 16.4], [107.6, 16.4], [107.6, 16.5], [107.5, 16.4]]
    feature = patched(acting("planner"), path, geometry={"type": "Polygon", "coordinates": [ring]}, point=HERE)
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["properties"]["point"] == HERE
