"""The toy province of README.md: files in, numbers out, held against what was computed by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from fastapi.testclient import TestClient
from rasterio import Affine
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.service import run_coverage
from app.coverage.terrain import add_files
from app.intake.service import load_file
from app.licensing.lines.schemas import DuctsRequest, PolesRequest
from app.licensing.lines.service import check_ducts, check_poles
from app.licensing.programme.service import question, run
from app.licensing.service import check_colocation
from app.sharing.change_answer import described, objects_of
from app.sharing.definitions import definition
from app.sharing.explaining import Side, change
from app.sharing.service import sharing_on
from app.sharing.snapshots import freeze

HERE = Path(__file__).parent
EXPECTED: dict[str, Any] = yaml.safe_load((HERE / "expected.yaml").read_text(encoding="utf-8"))
DAY = dt.date(2025, 12, 31)
FILES = (
    ("organisations", "organisations.csv", 2),
    ("areas", "communes.geojson", 2),
    ("villages", "villages.csv", 12),
    ("demand_points", "demand_points.csv", 4),
    ("sites", "sites.csv", 20),
    ("poles", "poles.csv", 60),
    ("ducts", "ducts.geojson", 8),
    ("distribution_points", "distribution_points.csv", 11),
)


def write_terrain(path: Path) -> Path:
    """Flat ground at 10 m from 106.98 to 107.36 E, and a wall 310 m high between S03 and V05."""
    step, west, north, columns, rows = 0.0005, 106.98, 16.12, 760, 480
    heights = np.full((rows, columns), 10, np.int16)
    lon = west + (np.arange(columns) + 0.5) * step
    lat = north - (np.arange(rows) + 0.5) * step
    wall = ((lat > 15.99) & (lat < 16.01))[:, None] & ((lon > 107.1465) & (lon < 107.1485))[None, :]
    heights[wall] = 310
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": "int16", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=Affine(step, 0, west, 0, -step, north), **profile) as target:
        target.write(heights, 1)
    return path


@pytest.fixture
def province(session: Session, tmp_path: Path) -> Session:
    for layer, name, rows in FILES:
        report = load_file(session, layer, HERE / name)
        assert report.accepted, report.as_dict()
        assert report.loaded + report.updated == rows, (layer, report.as_dict())
    add_files(session, [write_terrain(tmp_path / "golden.tif")])
    return session


def close(value: Any) -> Any:
    """Hand arithmetic keeps four or five figures; lengths are to the half metre."""
    if value is None:
        return None
    return pytest.approx(value, abs=0.5) if value > 1000 else pytest.approx(value, rel=2e-5, abs=1e-3)


@pytest.mark.parametrize("code", list(EXPECTED["ratios"]))
def test_ratios(province: Session, code: str) -> None:
    ratio = sharing_on(province, DAY, wanted=code)["ratios"][0]
    parts = ("numerator", "denominator", "unknown", "ratio", "ratio_low", "ratio_high")
    assert [ratio[p] for p in parts] == [close(v) for v in EXPECTED["ratios"][code]]


def test_ratios_on_other_days(province: Session) -> None:
    for day, (numerator, denominator, unknown) in EXPECTED["s1_on_other_days"].items():
        ratio = sharing_on(province, day, wanted="S1")["ratios"][0]
        assert (ratio["numerator"], ratio["denominator"], ratio["unknown"]) == (numerator, denominator, unknown)


_STATION = """
    INSERT INTO registry.base_station (site_id, code, operator_id, technology, valid_from, source, synthetic)
    SELECT s.id, s.code || '-' || o.code, o.id, '4G', :since, 'SYNTHETIC', true
    FROM registry.site s, registry.organisation o WHERE s.code = :site AND o.code = :who
"""


def test_change_explained(province: Session) -> None:
    known = province.scalar(text("SELECT clock_timestamp()"))
    province.execute(text(_STATION), {"site": "S03", "who": "MOBIFONE", "since": None})
    province.execute(text(_STATION), {"site": "S02", "who": "VNPT", "since": dt.date(2025, 9, 1)})
    start, end, about = dt.date(2025, 5, 31), dt.date(2026, 1, 1), definition("S1")
    answer = change(province, Side(start, known, about, start), Side(end, None, about, end))
    body = described(answer)
    assert [body[side][k] for side in ("from", "to") for k in ("numerator", "denominator")] == [3, 17, 5, 17]
    parts = {p["part"]: p for p in body["parts"] if p["objects"]}
    assert parts.keys() == EXPECTED["change"].keys()
    for name, (numerator, denominator, points, codes) in EXPECTED["change"].items():
        part = parts[name]
        assert (part["numerator"], part["denominator"]) == (numerator, denominator)
        assert part["points"] == pytest.approx(points, abs=5e-6)
        features, _ = objects_of(province, answer, name, 10, 0)
        assert [f["properties"]["code"] for f in features] == codes


def test_breakdowns_and_snapshot(province: Session) -> None:
    frozen = freeze(province, DAY, "golden")
    stored = {(r["definition"], r["scope_kind"], r["scope_code"]): r for r in frozen.results}
    for code, values in EXPECTED["ratios"].items():
        whole = stored[code, "province", None]
        assert [whole[p] for p in ("numerator", "denominator", "unknown")] == [close(v) for v in values[:3]]
    for commune, definitions in EXPECTED["by_commune"].items():
        for code, values in definitions.items():
            part = stored[code, "commune", commune]
            assert [part["numerator"], part["denominator"], part["unknown"]] == values
    for operator, values in EXPECTED["by_operator"].items():
        part = stored["S1", "operator", operator]
        assert [part["numerator"], part["denominator"]] == values


_VERDICTS = """
    SELECT v.code, d.verdict, d.share, d.rsrp_dbm, f.verdict, f.households_reached
    FROM registry.village v
    JOIN registry.verdict d
        ON d.village_id = v.id AND d.run_id = :run AND d.operator_id IS NULL AND d.technology IS NULL
    JOIN registry.fibre_reach f ON f.village_id = v.id AND f.run_id = :run
"""


def test_village_verdicts_and_fibre(province: Session) -> None:
    run = run_coverage(province, as_of=DAY)
    found = {code: rest for code, *rest in province.execute(text(_VERDICTS), {"run": run.id})}
    assert found.keys() == EXPECTED["villages"].keys()
    for code, (verdict, share, level, fibre, households) in EXPECTED["villages"].items():
        got = found[code]
        assert (code, got[0], got[3]) == (code, verdict, fibre)
        if households is not None:
            assert (code, got[4]) == (code, households)
        if share is not None:
            assert (code, got[1]) == (code, pytest.approx(share))
        if level is not None:
            assert (code, got[2]) == (code, pytest.approx(level, abs=0.005))
        elif verdict == "not_covered":
            assert got[2] is None or got[2] < -110, code


def test_households_nobody_counted_stay_unknown(province: Session) -> None:
    run = run_coverage(province, as_of=DAY)
    found = {code: households for code, *_, households in province.execute(text(_VERDICTS), {"run": run.id})}
    assert (EXPECTED["villages"]["V09"][4], found["V09"]) == (None, None)


def test_villages_on_other_days(province: Session) -> None:
    """V11 loses its tower on 1 Jun 2025; V10 waits for one until 1 Jan 2026."""
    for day, v10, v11 in (("2025-05-31", "not_covered", "covered"), ("2026-01-01", "covered", "not_covered")):
        run = run_coverage(province, as_of=dt.date.fromisoformat(day))
        found = {code: verdict for code, verdict, *_ in province.execute(text(_VERDICTS), {"run": run.id})}
        assert (found["V10"], found["V11"]) == (v10, v11)


@pytest.mark.parametrize("case", EXPECTED["colocation"], ids=lambda c: c["advice"])
def test_colocation(province: Session, case: dict[str, Any]) -> None:
    answer = check_colocation(province, as_of=DAY, **case["ask"])
    assert answer["advice"]["code"] == case["advice"]
    found = {c["site"]: [c["distance_m"], c["spare"], c["spare_state"]] for c in answer["candidates"]}
    assert list(found) == list(case["candidates"])
    for site, (distance_m, spare, state) in case["candidates"].items():
        assert found[site] == [pytest.approx(distance_m, abs=0.02), spare, state]
    assert [c["site"] for c in answer["near_duplicates"]] == case["near_duplicates"]
    for code in ("S1", "S2"):
        assert {k: answer["effect"][code][k] for k in case[code]} == {k: close(v) for k, v in case[code].items()}


@pytest.mark.parametrize(("target", "status"), [(25, "optimal"), (30, "infeasible"), (18, "already_met")])
def test_programme(province: Session, target: float, status: str) -> None:
    expected = EXPECTED["programme"]
    found = run(province, question("towers", as_of=DAY, target=target))
    assert found.status == status
    told = found.result
    assert [told["before"]["numerator"], told["before"]["denominator"]] == expected["S1"]["before"]
    if status == "already_met":
        assert (told["acts"], found.cost_vnd) == ([], 0)
        return
    assert [told["after"]["numerator"], told["after"]["denominator"]] == expected["S1"]["after"]
    acts = [[a["source"]["code"], a["target"]["code"].split("-")[0], *a["organisations"], a["distance_m"],
             a["cost_vnd"], a["capacity_left"]] for a in told["acts"]]  # fmt: skip
    assert acts == [[*row[:4], pytest.approx(row[4], rel=2e-5), row[5]] for row in expected["acts"]]
    assert told["acts"][0]["coverage"] == "unknown"
    assert told["acts"][0]["synthetic"] is True
    assert (told["reachable"] or told["after"])["ratio"] == close(expected["reachable"])


@pytest.mark.parametrize("case", EXPECTED["poles_check"], ids=lambda c: c["advice"])
def test_poles(province: Session, case: dict[str, Any]) -> None:
    answer = check_poles(province, PolesRequest(as_of=DAY, **case["ask"]))
    assert answer["advice"]["code"] == case["advice"]
    found = {p["pole"]: [p["distance_m"], p["spare"], p["spare_state"]] for p in answer["poles"]}
    assert found == {
        pole: [pytest.approx(m, abs=0.02), spare, state] for pole, (m, spare, state) in case["poles"].items()
    }
    assert [d["duct"] for d in answer["ducts"]] == case["ducts"]


@pytest.mark.parametrize("case", EXPECTED["ducts_check"], ids=lambda c: c["advice"])
def test_ducts(province: Session, case: dict[str, Any]) -> None:
    line = {"type": "LineString", "coordinates": [[case["lon"], 16.0], [case["lon"], case["to"]]]}
    answer = check_ducts(province, DuctsRequest(operator="FPT", geometry=line, as_of=DAY))
    assert answer["advice"]["code"] == case["advice"]
    found = [answer[f"{state}_m"] for state in ("free", "unknown", "full", "none")]
    assert found == pytest.approx(case["metres"], abs=0.12)
    assert {d["duct"]: d["bores_free"] for d in answer["ducts"]} == case["free"]


def test_the_same_over_http(province: Session, client: TestClient) -> None:
    body = client.get("/api/sharing", params={"as_of": DAY.isoformat()}).json()
    for ratio in body["ratios"]:
        assert ratio["ratio"] == close(EXPECTED["ratios"][ratio["definition"]][3])
    shared = client.get("/api/sharing/a3/objects", params={"as_of": DAY.isoformat()}).json()
    assert [f["properties"]["code"] for f in shared["features"]] == ["S01", "S11", "S20"]
    assert all(f["properties"]["synthetic"] for f in shared["features"])
    ducts = client.get("/api/sharing/a5/objects", params={"as_of": DAY.isoformat()}).json()["features"]
    members = {f["properties"]["code"]: f["properties"].get("members") for f in ducts}
    assert members == {"DU2": ["DU1", "DU2"], "DU4": None}
    case = EXPECTED["colocation"][0]
    answer = client.post("/api/colocation", json=case["ask"] | {"as_of": DAY.isoformat()}).json()
    assert answer["advice"]["code"] == case["advice"]
    run_coverage(province, as_of=DAY)
    villages = client.get("/api/villages", params={"as_of": DAY.isoformat(), "limit": 100}).json()
    found = {f["properties"]["code"]: f["properties"]["verdict"] for f in villages["features"]}
    assert found == {code: values[0] for code, values in EXPECTED["villages"].items()}
