"""Calibration against the database: SYNTHETIC samples made from the model's own levels, a known error and noise."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.coverage import benchmark, calibrations, terrain
from app.coverage.calibration_inputs import match, read_drive
from app.coverage.engine import Floats, compute
from app.coverage.inputs import Cells, read_cells, read_receiver
from app.coverage.land_cover import BARE
from app.coverage.models import Calibration
from app.coverage.service import run_coverage
from app.coverage.terrain import open_terrain
from app.database import PUBLIC, Scope
from app.errors import AppError, Conflict, Invalid, NotFound
from tests.conftest import Hatang, client_in
from tests.coverage.conftest import AS_OF, NORTH, STEP, VOID_WEST, WEST, Station, Village, hills
from tests.registry.two_networks import scope

DAY = {"as_of": AS_OF.isoformat()}
BIAS_DB = {900: -6.0, 1800: 4.0}
SLOPE_DB = {900: 5.0, 1800: -8.0}
NOISE_DB = 7.0
SITES = 14
INSERT = text("""
    INSERT INTO registry.signal_measurement (operator_id, technology, kind, measured_at, point, frequency_mhz, rsrp_dbm,
        cell_code, indoor, source, synthetic)
    SELECT o.id, :technology, :kind, '2026-10-01T08:00:00+07:00'::timestamptz + make_interval(secs => n),
           ST_SetSRID(ST_MakePoint(lon, lat), 4326), :frequency_mhz, level, :cell, :indoor, 'SYNTHETIC', true
    FROM registry.organisation o,
         unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[]), CAST(:level AS float8[])) WITH ORDINALITY
             AS s (lon, lat, level, n)
    WHERE o.code = 'VIETTEL'
""")


def add(session: Session, lon: Floats, lat: Floats, level: Floats, **more: Any) -> None:
    row = {"technology": "4G", "kind": "drive_test", "frequency_mhz": None, "cell": None, "indoor": False} | more
    session.execute(INSERT, row | {"lon": lon.tolist(), "lat": lat.tolist(), "level": level.tolist()})


def mast_points(cells: Cells, n: int) -> tuple[Floats, Floats]:
    """`n` points about every mast, from 50 m to some kilometres away; the same ones every time."""
    random = np.random.default_rng(254)
    masts, m = len(cells.network.mast_lon), np.repeat(np.arange(len(cells.network.mast_lon)), n)
    km: Floats = np.power(10.0, random.uniform(-1.2, 0.55, masts * n))
    angle: Floats = random.uniform(0, 2 * np.pi, masts * n)
    lon: Floats = cells.network.mast_lon[m] + km * np.sin(angle) / 106.6
    lat: Floats = cells.network.mast_lat[m] + km * np.cos(angle) / 110.6
    return lon, lat


@pytest.fixture
def measured(session: Session, station: Station, village: Village) -> Session:
    """Fourteen sites of two bands on rough ground, and drive tests about them that are off by a known error."""
    rough = benchmark.synthetic_terrain(400, 500)
    west, south, east, north = rough.bounds or (0, 0, 0, 0)
    step = (east - west) / 500
    values = 100 + 60 * np.sin(np.arange(500) / 23)[None, :] * np.cos(np.arange(400) / 31)[:, None]
    terrain.add_array(session, "rough", values.astype(np.float32), west, north, step, (north - south) / 400,
                      source="SYNTHETIC", synthetic=True)  # fmt: skip
    random = np.random.default_rng(7)
    for k in range(SITES):
        x, y = random.uniform(west + 0.04, east - 0.04), random.uniform(south + 0.04, north - 0.04)
        station(f"CAL-{k}", x, y, frequency_mhz=900, eirp_dbm=60)
        station(f"CAL-{k}", x, y, technology="5G", frequency_mhz=1800, eirp_dbm=60)
        village(f"V{k}", (x + 0.02, y, 100, 30))
    cells = read_cells(session, AS_OF)
    lon, lat = mast_points(cells, 60)
    found = compute(open_terrain(session), cells.network, lon, lat, np.array([-160.0, -160.0]),
                    read_receiver(session, AS_OF))  # fmt: skip
    for g, technology in enumerate(cells.group_technology):
        mhz = {"4G": 900, "5G": 1800}[technology]
        decades = np.log10(np.maximum(found.distance_m[:, g] / 1000, 0.05))
        noise: Floats = random.normal(0, 1, len(lon)) * NOISE_DB
        level: Floats = found.rsrp_dbm[:, g] + BIAS_DB[mhz] + SLOPE_DB[mhz] * decades + noise
        known = np.isfinite(level) & (level > -160)
        add(session, lon[known], lat[known], np.round(level[known]), technology=technology)
    return session


def test_what_the_samples_were_made_with_comes_back(measured: Session) -> None:
    made = calibrations.calibrate(measured, as_of=AS_OF)
    assert (made.status, made.synthetic) == ("trial", True)
    of = {(c["band"], c["clutter"]): c for c in made.coefficients["corrections"]}
    for mhz, band in ((900, "below_1_ghz"), (1800, "1_to_2_ghz")):
        row = of[band, "unclassified"]
        assert row["basis"] == "bias_and_slope"
        assert row["bias_db"] == pytest.approx(BIAS_DB[mhz], abs=1.2)
        assert row["slope_db_per_decade"] == pytest.approx(SLOPE_DB[mhz], abs=2.0)
    total = made.report["rows"][0]
    assert total["after"]["rmse_db"] == pytest.approx(NOISE_DB, abs=0.6)
    assert abs(total["after"]["bias_db"]) < 1
    assert total["after"]["rmse_db"] < total["before"]["rmse_db"]
    assert made.sigma_model_db == pytest.approx(np.sqrt(total["after"]["rmse_db"] ** 2 - 5.5**2))
    assert made.report["fit_sites"] + made.report["held_out_sites"] == SITES
    assert made.report["operators"] == ["VIETTEL"]
    again = calibrations.calibrate(measured, as_of=AS_OF)
    assert (again.coefficients, again.report, again.inputs_sha256) == (
        made.coefficients, made.report, made.inputs_sha256,
    )  # fmt: skip


def test_in_use_it_corrects_runs_and_says_so(measured: Session, client: TestClient) -> None:
    before = run_coverage(measured, as_of=AS_OF)
    made = calibrations.calibrate(measured, as_of=AS_OF)
    on_trial = run_coverage(measured, as_of=AS_OF)
    assert (on_trial.inputs_sha256, on_trial.calibration) == (before.inputs_sha256, None), "a trial is used by nothing"
    meta = client.get("/api/meta", params=DAY).json()
    assert (meta["model_error_db"], meta["calibration"]) == (11.0, None)
    assert client.get("/api/coverage/calibration").json()["calibration"] is None
    x, y = measured.execute(text("SELECT ST_X(point), ST_Y(point) FROM demand_point LIMIT 1")).one()
    at: dict[str, Any] = {"lon": x, "lat": y, **DAY}
    plain = client.get("/api/coverage/at", params=at).json()
    assert (plain["error_db"], plain["calibration"]) == (11.0, None)

    calibrations.use(measured, made.id)
    run = run_coverage(measured, as_of=AS_OF)
    assert run.inputs_sha256 != before.inputs_sha256
    assert run.calibration == calibrations.stated(made)
    rows = measured.execute(
        text("""SELECT s.rsrp_dbm - b.rsrp_dbm AS added, s.distance_m / 1000 AS km, s.technology
            FROM signal s JOIN signal b USING (demand_point_id, operator_id, technology, cell_id)
            WHERE s.run_id = :run AND b.run_id = :before"""), {"run": run.id, "before": before.id}
    ).all()  # fmt: skip
    assert len(rows) >= 10
    of = {c["band"]: c for c in made.coefficients["corrections"] if c["clutter"]}
    for added, km, technology in rows:
        c = of[{"4G": "below_1_ghz", "5G": "1_to_2_ghz"}[technology]]
        km = min(max(km, c["near_km"]), c["far_km"])
        assert added == pytest.approx(c["bias_db"] + c["slope_db_per_decade"] * np.log10(km), abs=1e-6)
    key = measured.scalar(text("SELECT id FROM village WHERE code = 'V0'"))
    why = client.get(f"/api/villages/{key}/coverage", params=DAY).json()
    rmse = made.report["rows"][0]["after"]["rmse_db"]
    sites = made.report["held_out_sites"]
    assert f"RMSE {rmse:.1f} dB on {sites} held-out sites (SYNTHETIC)" in " ".join(why["why"]["en"])
    assert "đã hiệu chỉnh" in " ".join(why["why"]["vi"])
    assert why["run"]["calibration"]["rmse_db"] == rmse
    meta = client.get("/api/meta", params=DAY).json()
    assert (meta["model_error_db"], meta["calibration"]["sites"]) == (made.sigma_model_db, sites)
    point = client.get("/api/coverage/at", params=at).json()
    assert (point["error_db"], point["calibration"]["id"]) == (made.sigma_model_db, made.id)
    assert {s["technology"]: s["rsrp_dbm"] for s in point["signals"]} != {
        s["technology"]: s["rsrp_dbm"] for s in plain["signals"]
    }
    spots = client.get(f"/api/coverage/runs/{before.id}/compare/{run.id}").json()
    assert "calibration" in spots["differs"]
    lost = client.get("/api/coverage/switch-off", params={"technologies": "5G", **DAY})
    assert lost.status_code == 200

    assert calibrations.retire(measured) is made
    last = run_coverage(measured, as_of=AS_OF)
    assert (last.inputs_sha256, last.calibration) == (before.inputs_sha256, None), "bit-identical to before"


def test_one_is_in_use_at_a_time_and_who_reads_it(measured: Session) -> None:
    first, second = (calibrations.calibrate(measured, as_of=AS_OF) for _ in range(2))
    assert calibrations.in_use(measured) is None
    assert calibrations.retire(measured) is None
    calibrations.use(measured, first.id)
    calibrations.use(measured, second.id)
    assert (first.status, second.status) == ("retired", "in_use")
    assert calibrations.use(measured, first.id).status == "in_use", "back again"
    assert [c.id for c in calibrations.every(measured)] == [second.id, first.id]
    with pytest.raises(DBAPIError, match="uq_calibration_in_use"), measured.begin_nested():
        measured.execute(text("UPDATE registry.calibration SET status = 'in_use'"))
    with pytest.raises(NotFound) as caught:
        calibrations.use(measured, 10**9)
    assert caught.value.code == "unknown_calibration"
    count = text("SELECT count(*) FROM registry.calibration")
    history = text("SELECT count(*) FROM audit.change WHERE table_name = 'registry.calibration'")
    department, figures = Scope("user:1", ("planner",)), Scope("user:1", ("statistics",))
    for reader, seen in ((PUBLIC, 0), (Scope("user:1", ("other_department",)), 0), (department, 2), (figures, 2)):
        with scope(measured, reader):
            assert measured.scalar(count) == seen, reader
            assert (measured.scalar(history) or 0) >= 2 if seen else measured.scalar(history) == 0, reader
            if reader is not department:
                done: Any = measured.execute(text("UPDATE registry.calibration SET status = 'retired'"))
                assert done.rowcount == 0


def test_over_http_totals_are_public_and_coefficients_the_departments(measured: Session, client: TestClient) -> None:
    made = calibrations.calibrate(measured, as_of=AS_OF)
    calibrations.use(measured, made.id)
    found = client.get("/api/coverage/calibration").json()["calibration"]
    assert found["id"] == made.id
    assert found["corrections"] == [made.coefficients["overall"], *made.coefficients["corrections"]]
    assert found["report"]["rows"] == made.report["rows"]
    assert found["undisclosed"] is False
    with client_in(measured, PUBLIC) as public:
        told = public.get("/api/coverage/calibration").json()
        assert "held-out sites" in told["message"]["en"]
        assert (told["calibration"]["corrections"], told["calibration"]["report"]) == (None, None)
        assert told["calibration"]["undisclosed"]
        assert told["calibration"]["after"] == made.report["rows"][0]["after"]
        at = public.get("/api/coverage/at", params={"lon": 107.5, "lat": 16.5, **DAY}).json()
        assert at["error_db"] == made.sigma_model_db, "figures are calibrated whoever asks"


def test_one_made_for_another_model_is_refused(measured: Session) -> None:
    made = calibrations.calibrate(measured, as_of=AS_OF)
    calibrations.use(measured, made.id)
    made.model_version = "older"
    measured.flush()
    with pytest.raises(Conflict) as caught:
        run_coverage(measured, as_of=AS_OF)
    assert caught.value.code == "calibration_outdated"
    assert "--retire" in caught.value.vi
    with pytest.raises(Conflict):
        calibrations.use(measured, made.id)


def test_one_made_under_another_land_cover_is_refused(measured: Session) -> None:
    """It would correct losses a second time that the profile now has."""
    made = calibrations.use(measured, calibrations.calibrate(measured, as_of=AS_OF).id)
    made.cover_version = "another"
    measured.flush()
    with pytest.raises(Conflict) as refused:
        run_coverage(measured, as_of=AS_OF)
    assert refused.value.code == "calibration_outdated"
    assert "lớp phủ" in refused.value.vi


def test_samples_that_cannot_be_used_are_counted_by_reason(measured: Session, station: Station) -> None:
    _, south, east, _ = open_terrain(measured).bounds or (0, 0, 0, 0)
    one = np.array([east - 0.1]), np.array([south + 0.1]), np.array([-90.0])
    add(measured, *one, kind="speed_test")
    add(measured, *one, indoor=True)
    add(measured, *one, technology="2G")
    add(measured, *one, frequency_mhz=2600)
    add(measured, np.array([east + 0.01]), one[1], one[2])
    station("OUT", east + 0.02, south + 0.1, technology="3G", eirp_dbm=60)
    add(measured, *one, technology="3G")
    plain = calibrations.calibrate(measured, as_of=AS_OF)
    assert plain.report["dropped"] == {
        "speed_test": 1, "no_level": 0, "indoor": 1, "no_cells": 1, "other_band": 1, "point_outside_terrain": 1,
        "site_outside_terrain": 1,
    }  # fmt: skip
    measured.execute(text("UPDATE registry.site SET restricted = true WHERE code = 'CAL-0'"))
    hidden = calibrations.calibrate(measured, as_of=AS_OF)
    assert hidden.report["dropped"]["restricted"] > 0
    assert hidden.report["fit_sites"] + hidden.report["held_out_sites"] == SITES - 1


def test_a_cell_the_instrument_named_is_the_one_compared(session: Session, station: Station) -> None:
    terrain.add_array(session, "hills", hills(), WEST, NORTH, STEP, STEP, source="SYNTHETIC", synthetic=True)
    station("NEAR", 107.45, 16.5, eirp_dbm=60, frequency_mhz=1800)
    station("FAR", 107.47, 16.5, eirp_dbm=50, frequency_mhz=1800)
    station("LOW", 107.45, 16.5, eirp_dbm=40, frequency_mhz=900)
    cells, receiver = read_cells(session, AS_OF), read_receiver(session, AS_OF)
    lon, lat, level = np.array([107.452]), np.array([16.5]), np.array([-70.0])
    for more in ({}, {"cell": "FAR-VIETTEL-4G-0"}, {"cell": "310-410-7"}, {"frequency_mhz": 942.0}):
        add(session, lon, lat, level, **more)
    found = match(open_terrain(session), BARE, cells, receiver, read_drive(session, AS_OF, 730), {"4G": -140.0})
    samples = found.samples
    assert [samples.site_code[s] for s in samples.site] == ["NEAR", "FAR", "NEAR", "LOW"]
    assert samples.band.tolist() == [1, 1, 1, 0]
    assert samples.distance_km[1] == pytest.approx(0.018 * 106.7, abs=0.01)
    far = compute(open_terrain(session), replace(cells.network, group=np.arange(3)), lon, lat, np.full(3, -160.0),
                  receiver)  # fmt: skip
    assert samples.predicted_dbm[1] == far.rsrp_dbm[0, cells.code.index("FAR-VIETTEL-4G-0")]


def test_as_a_user_types_it(measured: Session, hatang: Hatang, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.database.session_scope", lambda: nullcontext(measured))
    day = ("--as-of", AS_OF.isoformat())
    code, out, _ = hatang("coverage", "calibrate", *day)
    assert code == 0
    for word in ("SYNTHETIC", "dưới 1 GHz", "lệch + dốc", "→", "sigma 11.0 →", "--use"):
        assert word in out, word
    made = json.loads(hatang("coverage", "calibrate", *day, "--json")[1])
    assert (made["status"], len(made["report"]["rows"])) == ("trial", 5)
    assert "đang dùng" in hatang("coverage", "calibrate", "--use", str(made["id"]))[1]
    assert [c["status"] for c in json.loads(hatang("coverage", "calibrations", "--json")[1])] == ["in_use", "trial"]
    assert "held-out" in hatang("coverage", "run", *day)[1].replace("\n", "")
    assert json.loads(hatang("coverage", "calibrate", "--retire", "--json")[1])["status"] == "retired"
    assert hatang("coverage", "calibrate", "--retire")[0] == 0, "none is left, which is no fault"
    assert "thử" in hatang("coverage", "calibrations")[1]
    assert hatang("coverage", "calibrate", "--use", "1", "--retire")[0] == 2
    code, _, err = hatang("coverage", "calibrate", "--use", "999999")
    assert (code, "Không có hiệu chỉnh 999999" in err) == (1, True)
    assert hatang("coverage", "calibrate", "--as-of", "2020-01-01")[0] == 1


def test_refusals_say_what_is_there(hilly: Session, station: Station) -> None:
    def refused() -> AppError:
        with pytest.raises(Invalid) as caught:
            calibrations.calibrate(hilly, as_of=AS_OF)
        return caught.value

    assert refused().code == "calibration_no_samples"
    lon, lat, level = np.array([107.46]), np.array([16.5]), np.array([-90.0])
    add(hilly, lon, lat, level, indoor=True)
    told = refused()
    assert (told.code, told.extra["dropped"]["indoor"]) == ("calibration_no_levels", 1)
    assert "đo trong nhà" in told.vi
    add(hilly, lon, lat, level - 1)
    assert refused().code == "calibration_nothing_matched", "no station is registered"
    station("S1", 107.45, 16.5)
    add(hilly, np.array([VOID_WEST + 0.02]), lat, level)
    told = refused()
    assert told.code == "calibration_too_few_sites"
    assert sum(told.extra["found"].values()) == 1
    assert hilly.query(Calibration).count() == 0
