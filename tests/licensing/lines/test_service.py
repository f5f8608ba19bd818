"""The checks of poles and ducts against a real registry: distance, capacity, validity, who is told, refusals."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app
from app.database import PUBLIC, Scope, session_scope, system
from app.errors import AppError
from app.kit.console import out
from app.kit.geo import geodesic_m
from app.licensing.lines import queries
from tests.conftest import client_in
from tests.conftest import test_cluster as cluster_of_run
from tests.licensing.conftest import operator
from tests.licensing.constraints.conftest import put
from tests.licensing.lines.conftest import LAT, LON, count_lines
from tests.sharing import registry
from tests.sharing.registry import DAY

POLE: dict[str, Any] = {"operator": "FPT", "lon": LON, "lat": LAT, "as_of": DAY.isoformat()}
SURVEYED: dict[str, Any] = {"surveyed_on": dt.date(2025, 1, 1), "synthetic": True}


def line(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(p) for p in points]}


ROUTE = line((LON, LAT), (LON + 0.01, LAT))
DUCT: dict[str, Any] = {"operator": "FPT", "geometry": ROUTE, "as_of": DAY.isoformat()}


def metres(degrees: float) -> float:
    return float(geodesic_m(LON, LAT, LON + degrees, LAT))


def along(start: float, end: float, north: float = 0.00005) -> str:
    return f"{LON + start} {LAT + north}, {LON + end} {LAT + north}"


def build(session: Session) -> None:
    """Poles at 11, 21, 32, 43 m and beyond reach; ducts free to 0.004°, full to 0.006°, unknown to 0.008°."""
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    capacity = {"cable_capacity": 3} | SURVEYED
    registry.pole(session, "FREE", LON + 0.0002, LAT, "EVN:power;VNPT", owner="EVN", **capacity)
    registry.pole(session, "FULL", LON + 0.0001, LAT, "EVN:power;VNPT;VIETTEL", owner="EVN", **capacity)
    registry.pole(session, "DARK", LON + 0.0003, LAT, owner="VNPT", cable_capacity=3)
    registry.pole(session, "MINE", LON + 0.0004, LAT, "FPT;VNPT;VIETTEL", owner="VNPT", **capacity)
    registry.pole(session, "FAR", LON + 0.0010, LAT, owner="EVN", **capacity)
    gone: dict[str, Any] = {"valid_to": dt.date(2025, 6, 1)} | capacity
    registry.pole(session, "GONE", LON, LAT, owner="EVN", **gone)
    registry.pole(session, "HUSH", LON, LAT + 0.0001, owner="EVN", restricted=True, **capacity)
    count_lines(session)


def lay(session: Session) -> None:
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử") if not session.scalar(
        text("SELECT count(*) FROM registry.unit")
    ) else None
    registry.duct(session, "A", along(0, 0.004), "VNPT", owner_id=who(session, "VNPT"), bore_count=3, **SURVEYED)
    registry.duct(session, "B", along(0.004, 0.006), "VNPT;VIETTEL", bore_count=2, **SURVEYED)
    registry.duct(session, "C", along(0.006, 0.008), "VNPT", **SURVEYED)
    registry.duct(session, "X", f"{LON + 0.009} {LAT - 0.002}, {LON + 0.009} {LAT + 0.002}", bore_count=9, **SURVEYED)
    hidden: dict[str, Any] = {"bore_count": 9, "restricted": True} | SURVEYED
    registry.duct(session, "HUSH", along(0, 0.01), **hidden)
    registry.duct(session, "SOON", along(0.008, 0.01), owner_id=who(session, "VIETTEL"), bore_count=4,
                  valid_from=dt.date(2026, 6, 1), synthetic=True, trench="T9")  # fmt: skip
    registry.duct(session, "LATE", along(0.008, 0.01), bore_count=4, valid_from=dt.date(2028, 6, 1))


def who(session: Session, code: str) -> int:
    return registry.organisation(session, code)


def test_poles(client: TestClient, session: Session) -> None:
    build(session)
    body = client.post("/api/licensing/poles", json=POLE).json()
    assert [(p["pole"], p["spare_state"], p["spare"]) for p in body["poles"]] == [
        ("FREE", "free", 1), ("DARK", "unknown", None), ("FULL", "full", 0), ("MINE", "full", 0),
    ]  # fmt: skip
    for pole in body["poles"]:
        assert pole["distance_m"] == pytest.approx(float(geodesic_m(LON, LAT, pole["lon"], pole["lat"])), abs=0.01)
    assert (body["poles"][0]["tenants"], body["poles"][0]["owner"]["code"]) == (["EVN", "VNPT"], "EVN")
    assert body["poles"][3]["operator_already_here"]
    assert body["advice"]["code"] == "use_existing"
    assert [p["pole"] for p in body["restricted"]["poles"]] == ["HUSH"]
    assert (body["synthetic"], "[A]" in body["citation"]) == (True, True)
    wider = client.post("/api/licensing/poles", json=POLE | {"reach_m": 120}).json()
    assert "FAR" in {p["pole"] for p in wider["poles"]}
    before = client.post("/api/licensing/poles", json=POLE | {"as_of": "2025-05-31"}).json()
    assert "GONE" in {p["pole"] for p in before["poles"]}
    assert before["advice"]["code"] == "needs_a_person", "no boundaries were in force then"


def test_a_row_of_poles(client: TestClient, session: Session) -> None:
    build(session)
    row = POLE | {"lon": None, "lat": None, "geometry": line((LON, LAT), (LON + 0.0006, LAT))}
    body = client.post("/api/licensing/poles", json=row).json()
    assert body["length_m"] == pytest.approx(metres(0.0006), abs=0.01)
    at = {p["pole"]: p["along_m"] for p in body["poles"]}
    assert at["FREE"] == pytest.approx(metres(0.0002), abs=0.01)
    # FREE at 21.4 m carries both ends: 21.4 m back and 42.7 m on, both under the span of 50 m.
    assert (body["carried_m"], body["advice"]["code"]) == (body["length_m"], "use_existing")
    longer = client.post("/api/licensing/poles", json=row | {"geometry": line((LON, LAT), (LON + 0.00075, LAT))}).json()
    assert longer["carried_m"] == pytest.approx(metres(0.0002), abs=0.01)
    assert longer["advice"]["code"] == "needs_a_person", "DARK would close the gap, if it has room"


def test_poles_on_a_street_that_is_underground(client: TestClient, session: Session) -> None:
    build(session)
    street = shapely.LineString([(LON - 0.001, LAT), (LON + 0.002, LAT)])
    put(session, "underground_street", "S1", street, {"within_m": 20, "from": "2025-06-01"})
    body = client.post("/api/licensing/poles", json=POLE).json()
    assert body["advice"]["code"] == "bury"
    assert [(f["kind"], f["status"], f["citation"]) for f in body["constraints"]] == [
        ("underground_street", "refuse", "QĐ S1"),
    ]  # fmt: skip
    lay(session)
    assert client.post("/api/licensing/poles", json=POLE).json()["advice"]["code"] == "bury"
    end = POLE | {"lon": LON + 0.0099, "reach_m": 20}
    assert client.post("/api/licensing/poles", json=end).json()["advice"]["code"] == "joint_trench"


def test_ducts(client: TestClient, session: Session) -> None:
    lay(session)
    body = client.post("/api/licensing/ducts", json=DUCT).json()
    assert [(s["state"], s["length_m"]) for s in body["stretches"]] == [
        ("free", pytest.approx(metres(0.004), abs=0.11)), ("full", pytest.approx(metres(0.002), abs=0.11)),
        ("unknown", pytest.approx(metres(0.002), abs=0.11)), ("none", pytest.approx(metres(0.002), abs=0.11)),
    ]  # fmt: skip
    assert body["length_m"] == pytest.approx(metres(0.01), abs=0.01)
    assert sum(body[f"{s}_m"] for s in ("free", "unknown", "full", "none")) == pytest.approx(body["length_m"], abs=0.05)
    assert body["free_share"] == pytest.approx(0.4, abs=0.001)
    found = {d["duct"]: (d["bores_total"], d["bores_occupied"], d["bores_free"], d["state"]) for d in body["ducts"]}
    assert found == {"A": (3, 1, 2, "free"), "B": (2, 2, 0, "full"), "C": (None, 1, None, "unknown")}
    assert body["advice"]["code"] == "partly"
    assert [d["duct"] for d in body["restricted"]] == ["HUSH"]
    assert [(d["duct"], d["owner_code"], d["begins"], d["trench"]) for d in body["parallel_digs"]] == [
        ("SOON", "VIETTEL", "2026-06-01", "T9"),
    ]  # fmt: skip
    lon = [p[0] for s in body["stretches"] for p in (s["geometry"]["coordinates"][0], s["geometry"]["coordinates"][-1])]
    assert lon == pytest.approx(LON + np.array([0, 0.004, 0.004, 0.006, 0.006, 0.008, 0.008, 0.01]), abs=2e-6)
    assert client.post("/api/licensing/ducts", json=DUCT | {"operator": "VIETTEL"}).json()["parallel_digs"] == []


def test_bores_on_record(client: TestClient, session: Session) -> None:
    registry.commune(session, "90001", 107.5, 16.4)
    made = registry.duct(session, "A", along(0, 0.01), "VNPT", bore_count=4, **SURVEYED)
    for number, usable in ((1, True), (2, False), (3, None), (4, True)):
        session.execute(
            text("INSERT INTO registry.bore (duct_id, number, usable) VALUES (:d, :n, :u)"),
            {"d": made.id, "n": number, "u": usable},
        )
    (duct,) = client.post("/api/licensing/ducts", json=DUCT).json()["ducts"]
    assert (duct["bores_total"], duct["bores_usable"], duct["bores_occupied"], duct["bores_free"]) == (4, 2, 1, 1)


def test_who_is_told(session: Session) -> None:
    build(session)
    lay(session)
    asks = {"/api/licensing/poles": POLE, "/api/licensing/ducts": DUCT}
    for scope in (operator(session, "VIETTEL"), PUBLIC):
        with client_in(session, scope) as client:
            for path, body in asks.items():
                refused = client.post(path, json=body)
                assert (refused.status_code, refused.json()["code"]) == (403, "ask_privately")
    looked = "SELECT count(*) FROM audit.view_log WHERE action LIKE 'check-%' AND restricted"
    with client_in(session, Scope("user:3", ("other_department",))) as client:
        told = {path: client.post(path, json=body) for path, body in asks.items()}
    assert all("HUSH" not in answer.text for answer in told.values())
    assert session.scalar(text(looked)) == 0
    with client_in(session, Scope("user:1", ("planner",))) as client:
        for path, body in asks.items():
            full = client.post(path, json=body).json()
            assert "HUSH" in json.dumps(full.pop("restricted"))
            assert full["advice"] == told[path].json()["advice"]
            assert full["reasons"] == told[path].json()["reasons"], "a restricted one changes no advice"
            assert "HUSH" not in json.dumps(full)
    assert session.scalar(text(looked)) == 3, "who looked is on record"


CROSSED = line((LON, LAT), (LON + 0.01, LAT + 0.01), (LON + 0.01, LAT), (LON, LAT + 0.01))
LONG = line((107.51, 16.41), (107.59, 16.49))


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"geometry": line((LAT, LON), (LAT, LON + 0.01))}, "swapped_axes", "geometry"),
        ({"geometry": line((561476, 1821306), (561486, 1821306))}, "outside_world", "geometry"),
        ({"geometry": line((10, 50), (10, 51))}, "outside_country", "geometry"),
        ({"geometry": line((LON, LAT), (LON + 0.5, LAT))}, "route_too_long", "geometry"),
        ({"geometry": line((107.3, LAT), (107.31, LAT))}, "outside_province", "lon"),
        ({"geometry": line((LON, LAT), (LON, LAT))}, "zero_length", "geometry"),
        ({"geometry": line((LON, LAT))}, "not_a_geometry", "geometry"),
        ({"geometry": CROSSED}, "self_crossing", "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [LON, LAT]}}, "wrong_geometry_type", "geometry"),
        ({"geometry": {"type": "LineString", "coordinates": "x"}}, "not_a_geometry", "geometry"),
        ({"operator": "NOBODY"}, "unknown_operator", "operator"),
        ({"operator": "'; DROP TABLE duct; --"}, "unknown_operator", "operator"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/licensing/poles", "/api/licensing/ducts"])
def test_routes_refused(
    client: TestClient, session: Session, path: str, change: dict[str, Any], code: str, field: str
) -> None:
    registry.commune(session, "90001", 107.5, 16.4)
    answer = client.post(path, json=DUCT | change)
    body = answer.json()
    assert (answer.status_code, body["code"], body["field"]) == (422, code, field), body
    assert body["message"]["vi"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lon": LAT, "lat": LON}, "swapped_axes"),
        ({"lon": 107.3}, "outside_province"),
        ({"lat": 91}, "outside_world"),
        ({"reach_m": 0}, "out_of_range"),
        ({"reach_m": 501}, "out_of_range"),
        ({"lat": None}, "one_place"),
        ({"geometry": ROUTE}, "one_place"),
    ],
)
def test_places_refused(client: TestClient, session: Session, change: dict[str, Any], code: str) -> None:
    registry.commune(session, "90001", 107.5, 16.4)
    answer = client.post("/api/licensing/poles", json=POLE | change)
    assert answer.status_code == 422
    assert code in answer.text, answer.text
    wide = client.post("/api/licensing/ducts", json=DUCT | {"tolerance_m": 101})
    assert (wide.json()["code"], wide.json()["field"]) == ("out_of_range", "tolerance_m")


def test_commands(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "width", 200)
    with session_scope() as session:
        build(session)
        lay(session)
    file = tmp_path / "route.geojson"
    file.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": ROUTE}))
    run = CliRunner().invoke
    day = ["--as-of", DAY.isoformat()]
    poles = ["check", "poles", "--operator", "fpt", "--lon", str(LON), "--lat", str(LAT), *day]
    assert json.loads(run(app, [*poles, "--json"]).output)["advice"]["code"] == "use_existing"
    shown = run(app, poles).output
    assert "FREE (SYNTHETIC)" in shown
    assert "build none" in shown
    ducts = ["check", "ducts", str(file), "--operator", "FPT", *day]
    assert json.loads(run(app, [*ducts, "--json"]).output)["advice"]["code"] == "partly"
    assert "A (SYNTHETIC)" in run(app, ducts).output
    row = run(app, ["check", "poles", "--operator", "FPT", "--route", str(file), "--json", *day])
    assert json.loads(row.output)["length_m"] == pytest.approx(metres(0.01), abs=0.01)
    assert run(app, ["check", "poles", "--operator", "FPT", "--lon", "107"]).exit_code == 2
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": g} for g in (ROUTE, LONG)]}))  # fmt: skip
    two = run(app, ducts).exception
    assert isinstance(two, AppError)
    assert two.code == "one_line_needed"


def test_the_indexes_are_used(own_database: str) -> None:
    """Of 100,000 poles a question touches the few along the line, for whoever asks."""
    fill = """
        INSERT INTO registry.pole (code, geom, synthetic)
        SELECT 'P' || i, ST_SetSRID(ST_MakePoint(107.2 + (i % 1000) * 0.0006, 16.1 + (i / 1000) * 0.004), 4326), true
        FROM generate_series(0, 99999) i
    """
    tenants = """
        INSERT INTO registry.pole_occupancy (pole_id, tenant_id, line_count)
        SELECT p.id, o.id, 1 FROM registry.pole p, registry.organisation o WHERE o.code = 'VIETTEL'
    """
    with session_scope() as session:
        session.execute(text(fill))
        session.execute(text(tenants))
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        connection.execute("ANALYZE registry.pole, registry.pole_occupancy")
    diagonal = shapely.LineString([(107.3, 16.2), (107.36, 16.26)])
    for scope in (system(), Scope("user:3", ("other_department",))):
        with session_scope(scope) as session:
            values = queries._values(diagonal, 50, DAY)
            plan = str(session.execute(text(f"EXPLAIN (FORMAT JSON) {queries._POLES}"), values).scalar_one())
            assert "idx_pole_geom" in plan, scope
            assert "ix_pole_occupancy_pole_id" in plan, scope
            assert "'Node Type': 'Seq Scan', 'Parent Relationship': 'Outer', 'Parallel Aware': False, "\
                   "'Async Capable': False, 'Relation Name': 'pole'" not in plan  # fmt: skip
            found = queries.poles_near(session, diagonal, 50, DAY)
            assert {p.tenants for p in found} == {("VIETTEL",)}
