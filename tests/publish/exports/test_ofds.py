"""Ducts, cables and nodes as the Open Fibre Data Standard 0.3: valid, owner apart from users, for each caller."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.publish import files
from tests.publish.callers import as_caller, everybody
from tests.publish.province import build
from tests.registry import two_networks

SCHEMA = json.loads((Path(__file__).parent / "ofds_schema.json").read_text(encoding="utf-8"))


def package(client: TestClient, **params: str) -> dict[str, Any]:
    answer = client.get("/api/exports/fibre.ofds.json", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(body)
    for network in body["networks"]:
        nodes = {n["id"] for n in network.get("nodes", [])}
        spans = network.get("spans", [])
        assert len({s["id"] for s in spans}) == len(spans)
        organisations = {o["id"] for o in network.get("organisations", [])}
        phases = {p["id"] for p in network.get("phases", [])}
        for item in (*network.get("nodes", []), *spans):
            used = [item.get("physicalInfrastructureProvider"), *item.get("networkProviders", [])]
            assert {u["id"] for u in used if u} <= organisations
            assert "phase" not in item or item["phase"]["id"] in phases
        assert {s[end] for s in spans for end in ("start", "end") if end in s} <= nodes
    return body


def network(body: dict[str, Any], owner: str) -> dict[str, Any]:
    found: dict[str, Any] = next(n for n in body["networks"] if n["name"].endswith(owner))
    return found


def test_owner_apart_from_users(client: TestClient, session: Session) -> None:
    build(session)
    session.execute(text("UPDATE registry.duct SET position_accuracy_m = 0.5, survey_method = 'gnss_rtk',"
                         " valid_from = '2019-05-01'"))  # fmt: skip
    vnpt = network(package(client), "VNPT")
    duct = next(s for s in vnpt["spans"] if s["id"].startswith("duct-"))
    assert duct["physicalInfrastructureProvider"]["id"] == "VNPT"
    assert [p["id"] for p in duct["networkProviders"]] == ["VIETTEL", "VNPT"]
    assert (duct["deployment"], duct["route"]["type"]) == (["belowGround"], "LineString")
    assert duct["positionAccuracy"] == {"horizontalUncertaintyMetres": 0.5, "method": "gnss_rtk"}
    assert (duct["readyForServiceDate"], duct["phase"]["id"]) == ("2019-05-01", "2019")
    assert {n["id"].partition("-")[0] for n in vnpt["nodes"]} == {"manhole", "distribution_point"}
    roles = {o["id"]: o["roles"] for o in vnpt["organisations"]}
    assert roles == {"VIETTEL": ["networkProvider"], "VNPT": ["supportingInfrastructureOwner", "networkProvider"]}


def test_a_cable_of_pieces_is_as_many_spans(client: TestClient, session: Session) -> None:
    build(session)
    session.execute(text("UPDATE registry.cable SET geom = ST_GeomFromText('MULTILINESTRING((107.501 16.45,"
                         " 107.502 16.45), (107.6 16.4, 107.61 16.41))', 4326), laying = 'mixed'"))  # fmt: skip
    cables = [s for s in network(package(client), "VNPT")["spans"] if s["id"].startswith("cable-")]
    assert [c["id"].rsplit("-", 1)[1] for c in cables] == ["1", "2"]
    assert {c["transmissionMedium"][0] for c in cables} == {"fibre"}
    assert cables[0]["deployment"] == ["aboveGround", "belowGround"]


def test_nobody_known_empty_and_by_commune(client: TestClient, session: Session) -> None:
    assert package(client)["networks"] == []
    build(session)
    session.execute(text("UPDATE registry.duct SET owner_id = NULL"))
    assert network(package(client), "chưa rõ chủ sở hữu")["spans"]
    assert package(client, bbox="105,20,106,21")["networks"] == []
    assert package(client, commune="19774")["networks"]


def test_each_caller_gets_what_its_layers_tell(session: Session) -> None:
    networks = two_networks.build(session)
    for who, scope in everybody(networks).items():
        with as_caller(session, scope) as client:
            if who == "public":
                assert client.get("/api/exports/fibre.ofds.json").status_code == 401
                continue
            body = package(client)
            raw = json.dumps(body)
            assert "SECRET" not in raw, who
            for layer, kind in (("ducts", "duct"), ("cables", "cable"), ("manholes", "manhole")):
                features = client.get(f"/api/exports/{layer}.geojson").json()["features"]
                told = {f["properties"]["code"] for f in features}
                items = [i for n in body["networks"] for part in ("nodes", "spans") for i in n.get(part, [])]
                assert {i["name"] for i in items if i["id"].startswith(f"{kind}-")} == told, (who, layer)
                hidden = {f["properties"]["code"] for f in features if f["geometry"] is None}
                assert not [i for i in items if i["name"] in hidden and i["id"].startswith(f"{kind}-")
                            and {"route", "location"} & i.keys()], who  # fmt: skip


def test_the_command(session: Session, tmp_path: Path) -> None:
    build(session)
    done = files.write(session, "fibre", tmp_path / "x.ofds.json", as_of=dt.date(2026, 6, 1))
    assert done["features"] == 5
    jsonschema_rs.validator_for(SCHEMA).validate(json.loads((tmp_path / "x.ofds.json").read_text()))
    with pytest.raises(Invalid):
        files.write(session, "fibre", tmp_path / "x.gpkg", as_of=dt.date(2026, 6, 1))
