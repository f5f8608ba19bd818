"""A run with claims and measurements against the database: who decides, what stays beside it, what the API answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.models import CoverageRun
from app.coverage.service import run_coverage
from app.policy.models import Parameter
from tests.coverage.conftest import AS_OF, Station, Village

DAY = {"as_of": AS_OF.isoformat()}
BEHIND, VOID = (107.53, 16.5), (107.62, 16.5)
Claim = Callable[..., None]
Measured = Callable[..., None]


@pytest.fixture
def claim(session: Session) -> Claim:
    """Return a function that stores a square of half a side `half` degrees that an operator claims."""

    def make(code: str, lon: float, lat: float, operator: str = "VIETTEL", half: float = 0.01, **more: Any) -> None:
        row = {"technology": "4G", "rsrp_min_dbm": None, "downlink_mbps": None, "valid_to": None} | more
        session.execute(
            text("""INSERT INTO registry.coverage_claim (code, operator_id, technology, rsrp_min_dbm, downlink_mbps,
                        valid_to, geom, source, synthetic)
                SELECT :code, id, :technology, :rsrp_min_dbm, :downlink_mbps, :valid_to,
                       ST_Multi(ST_MakeEnvelope(:west, :south, :east, :north, 4326)), 'SYNTHETIC', true
                FROM registry.organisation WHERE code = :operator"""),
            row | {"code": code, "operator": operator, "west": lon - half, "south": lat - half, "east": lon + half,
                   "north": lat + half},
        )  # fmt: skip

    return make


@pytest.fixture
def measured(session: Session) -> Measured:
    """Return a function that stores `n` samples, all at one place, a second apart."""

    def make(lon: float, lat: float, n: int = 1, operator: str = "VIETTEL", **more: Any) -> None:
        row = {"technology": "4G", "kind": "drive_test", "rsrp_dbm": None, "downlink_mbps": None, "indoor": False,
               "at": "2026-10-01T08:00:00+07:00"} | more  # fmt: skip
        session.execute(
            text("""INSERT INTO registry.signal_measurement (operator_id, technology, kind, measured_at, point,
                        rsrp_dbm, downlink_mbps, indoor, source, synthetic)
                SELECT o.id, :technology, :kind, CAST(:at AS timestamptz) + make_interval(secs => k),
                       ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :rsrp_dbm, :downlink_mbps, :indoor, 'SYNTHETIC', true
                FROM registry.organisation o, generate_series(1, :n) AS k WHERE o.code = :operator"""),
            row | {"operator": operator, "lon": lon, "lat": lat, "n": n},
        )

    return make


@pytest.fixture
def world(hilly: Session, village: Village, station: Station) -> Session:
    """One tower in the west: a village it serves, one behind the ridge, one beyond the terrain."""
    station("S1", 107.45, 16.5, eirp_dbm=50)
    village("NEAR", (107.47, 16.5, 100, 30))
    village("BEHIND", (*BEHIND, 100, 30))
    village("VOID", (*VOID, 100, 30))
    return hilly


def decided(session: Session, run: CoverageRun, operator: str | None = None, technology: str | None = None) -> Any:
    query = """SELECT v.code, r.verdict || ' by ' || coalesce(r.evidence, 'nothing') FROM registry.verdict r
        JOIN registry.village v ON v.id = r.village_id LEFT JOIN registry.organisation o ON o.id = r.operator_id
        WHERE r.run_id = :run AND o.code IS NOT DISTINCT FROM :o AND r.technology IS NOT DISTINCT FROM :t"""
    bind = {"run": run.id, "o": operator, "t": technology}
    return {code: told for code, told in session.execute(text(query), bind)}


def test_the_model_alone(world: Session) -> None:
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run) == {
        "NEAR": "covered by model", "BEHIND": "not_covered by model", "VOID": "unknown by nothing",
    }  # fmt: skip
    assert run.counts["decided_by"] == {"model": 2}
    assert world.scalar(text("SELECT count(*) FROM registry.evidence")) == 0
    rows = world.execute(
        text("SELECT share, share_low, share_high, share_unknown FROM registry.verdict WHERE run_id = :run"
             " AND operator_id IS NULL AND technology IS NULL ORDER BY village_id"), {"run": run.id}
    ).all()  # fmt: skip
    assert [tuple(r) for r in rows][1:] == [(0, 0, pytest.approx(0, abs=0.2), 0), (0, 0, 1, 1)]
    assert 0.5 < rows[0].share_low < rows[0].share == rows[0].share_high == 1


def test_a_drive_test_overrules_the_model(world: Session, measured: Measured, client: TestClient) -> None:
    measured(*BEHIND, n=3, rsrp_dbm=-100)
    measured(107.53, 16.501, n=1, rsrp_dbm=-120)
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run)["BEHIND"] == "covered by drive_test"
    assert decided(world, run, "VIETTEL", "4G")["BEHIND"] == "covered by drive_test"
    key = world.scalar(text("SELECT id FROM registry.village WHERE code = 'BEHIND'"))
    found = client.get(f"/api/villages/{key}/coverage", params=DAY).json()
    assert (found["verdict"], found["decided_by"]) == ("covered", "drive_test")
    assert (found["estimate"]["verdict"], found["estimate"]["share"]) == ("not_covered", 0)
    assert found["claim"] is None
    drive = found["measurement"]
    assert (drive["kind"], drive["verdict"], drive["share"], drive["points"], drive["samples"]) == (
        "drive_test", "covered", 1, 1, 4,
    )  # fmt: skip
    assert drive["why"]["newest"] == "2026-10-01"
    assert [e["kind"] for e in found["evidence"]] == ["drive_test"]
    why = found["why"]
    assert why["vi"][0] == "Kết luận theo đo kiểm trên đường"
    assert why["en"][0] == "Decided by the drive test"
    assert why["differs"] == ["model"]
    assert why["reasons"] == ["covered"]
    assert len(why["vi"]) == len(why["en"])
    assert why["synthetic"]
    by = {(row["operator"], row["technology"]): row for row in found["by"]}
    assert by[("VIETTEL", "4G")]["decided_by"] == "drive_test"
    assert {e["kind"] for e in by[("VIETTEL", "4G")]["evidence"]} == {"drive_test"}
    spots = client.get("/api/blackspots", params=DAY).json()
    assert "BEHIND" not in {s["code"] for s in spots["items"]}, "one verdict everywhere"
    near = client.get("/api/villages", params=DAY).json()["features"]
    assert {f["properties"]["code"]: f["properties"]["verdict"] for f in near}["BEHIND"] == "covered"


def test_the_median_sample_of_a_place_decides(world: Session, measured: Measured) -> None:
    measured(*BEHIND, n=3, rsrp_dbm=-100)
    measured(*BEHIND, n=4, rsrp_dbm=-115, at="2026-10-02T08:00:00+07:00")
    assert decided(world, run_coverage(world, as_of=AS_OF))["BEHIND"] == "not_covered by drive_test"


def test_which_samples_count(world: Session, measured: Measured) -> None:
    measured(107.53, 16.503, rsrp_dbm=-90)  # 332 m away
    measured(*BEHIND, rsrp_dbm=-90, at="2024-10-31T23:00:00+07:00")  # older than two years
    measured(*BEHIND, rsrp_dbm=-90, at="2026-11-02T00:30:00+07:00")  # on the day after, in Viet Nam
    measured(*BEHIND, rsrp_dbm=-90, indoor=True)
    measured(*BEHIND, technology="2G", rsrp_dbm=-60)  # the rule asks for 3G or better
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run)["BEHIND"] == "not_covered by model"
    assert decided(world, run, None, "2G")["BEHIND"] == "covered by drive_test"
    measured(*BEHIND, rsrp_dbm=-90, at="2026-11-01T23:30:00+07:00")
    assert decided(world, run_coverage(world, as_of=AS_OF))["BEHIND"] == "covered by drive_test"


def test_speed_tests_from_thirty_on(world: Session, measured: Measured, client: TestClient) -> None:
    measured(*VOID, n=29, kind="speed_test", rsrp_dbm=-95)
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run)["VOID"] == "unknown by nothing"
    key = world.scalar(text("SELECT id FROM registry.village WHERE code = 'VOID'"))
    told = client.get(f"/api/villages/{key}/coverage", params=DAY).json()
    assert told["decided_by"] is None
    assert (told["measurement"]["verdict"], told["measurement"]["samples"]) == ("unknown", 29)
    assert any("29" in sentence and "30" in sentence for sentence in told["why"]["vi"])
    measured(*VOID, kind="speed_test", rsrp_dbm=-95, at="2026-10-03T08:00:00+07:00")
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run)["VOID"] == "covered by speed_test"
    assert run.counts["decided_by"] == {"model": 2, "speed_test": 1}


def test_a_claim_decides_only_what_nothing_else_can(world: Session, claim: Claim, client: TestClient) -> None:
    claim("C1", *VOID)
    claim("C2", *BEHIND)
    claim("C3", *VOID)  # overlaps the first: together they are one
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run) == {
        "NEAR": "covered by model", "BEHIND": "not_covered by model", "VOID": "covered by polygon",
    }  # fmt: skip
    key = world.scalar(text("SELECT id FROM registry.village WHERE code = 'BEHIND'"))
    found = client.get(f"/api/villages/{key}/coverage", params=DAY).json()
    assert (found["claim"]["kind"], found["claim"]["verdict"], found["claim"]["share"]) == ("polygon", "covered", 1)
    assert found["measurement"] is None
    assert found["why"]["differs"] == ["polygon"]
    assert "Doanh nghiệp công bố phủ 100% dân số" in found["why"]["vi"]
    assert found["why"]["reasons"] == ["not_covered"]


def test_what_is_promised_has_to_be_enough(world: Session, claim: Claim) -> None:
    claim("C1", *VOID, rsrp_min_dbm=-120)
    assert decided(world, run_coverage(world, as_of=AS_OF))["VOID"] == "unknown by nothing"
    claim("C2", *VOID, rsrp_min_dbm=-105, valid_to=dt.date(2026, 1, 1))
    assert decided(world, run_coverage(world, as_of=AS_OF))["VOID"] == "unknown by nothing", "no longer claimed"
    claim("C3", *VOID, rsrp_min_dbm=-105)
    assert decided(world, run_coverage(world, as_of=AS_OF))["VOID"] == "covered by polygon"


def test_a_network_whose_stations_are_not_registered(world: Session, claim: Claim, client: TestClient) -> None:
    """VNPT says it serves the village behind the ridge; none of its stations is known, so the model knows nothing."""
    claim("C1", *BEHIND, operator="VNPT")
    run = run_coverage(world, as_of=AS_OF)
    assert decided(world, run)["NEAR"] == "covered by model"
    assert decided(world, run)["BEHIND"] == "covered by polygon"
    assert decided(world, run, "VIETTEL")["BEHIND"] == "not_covered by model"
    assert decided(world, run, "VNPT", "4G") == {
        "NEAR": "not_covered by model", "BEHIND": "covered by polygon", "VOID": "not_covered by model",
    }  # fmt: skip
    key = world.scalar(text("SELECT id FROM registry.village WHERE code = 'BEHIND'"))
    found = client.get(f"/api/villages/{key}/coverage", params=DAY).json()
    assert found["estimate"]["verdict"] == "unknown"
    assert any("mạng chưa nộp trạm nào" in sentence for sentence in found["why"]["vi"])


def test_claims_without_any_station(hilly: Session, village: Village, claim: Claim) -> None:
    village("A", (107.47, 16.5, 100, 30))
    claim("C1", 107.47, 16.5)
    run = run_coverage(hilly, as_of=AS_OF)
    assert decided(hilly, run) == {"A": "covered by polygon"}


def test_the_rule_orders_its_evidence(world: Session, claim: Claim, measured: Measured) -> None:
    claim("C1", *BEHIND)
    measured(*BEHIND, rsrp_dbm=-125)
    base = world.query(Parameter).filter_by(kind="coverage_rule", name="village-80").one().value
    for name, order in (("claims-first", ["polygon", "model"]), ("measured-only", ["drive_test", "speed_test"])):
        value = base | {"evidence_order": order, "default": False}
        world.add(Parameter(kind="coverage_rule", name=name, value=value, citation="[A] test"))
    world.flush()
    assert decided(world, run_coverage(world, as_of=AS_OF))["BEHIND"] == "not_covered by drive_test"
    assert decided(world, run_coverage(world, as_of=AS_OF, rule="claims-first"))["BEHIND"] == "covered by polygon"
    assert decided(world, run_coverage(world, as_of=AS_OF, rule="measured-only")) == {
        "NEAR": "unknown by nothing", "BEHIND": "not_covered by drive_test", "VOID": "unknown by nothing",
    }  # fmt: skip


def test_filters_choose_the_evidence_too(world: Session, claim: Claim) -> None:
    claim("C1", *VOID, operator="VNPT")
    assert decided(world, run_coverage(world, as_of=AS_OF, operator="VIETTEL"))["VOID"] == "unknown by nothing"
    assert decided(world, run_coverage(world, as_of=AS_OF, operator="VNPT"))["VOID"] == "covered by polygon"
    assert decided(world, run_coverage(world, as_of=AS_OF, technology="5G"))["VOID"] == "not_covered by model"


def test_evidence_is_an_input_like_any_other(world: Session, measured: Measured) -> None:
    before = run_coverage(world, as_of=AS_OF).inputs_sha256
    measured(*BEHIND, rsrp_dbm=-100)
    assert run_coverage(world, as_of=AS_OF).inputs_sha256 != before


def test_community_house_points_are_measured_too(world: Session, measured: Measured) -> None:
    measured(*BEHIND, rsrp_dbm=-100)
    run = run_coverage(world, as_of=AS_OF, rule="village-point")
    assert decided(world, run)["BEHIND"] == "covered by drive_test"


def test_seventy_megabits(hilly: Session, village: Village, station: Station, measured: Measured) -> None:
    """The preset runs: the level for 70 Mb/s on the channel that serves, an estimate that says so."""
    station("WIDE", 107.45, 16.5, eirp_dbm=50, bandwidth_mhz=20)
    station("NARROW", 107.45, 16.43, eirp_dbm=50, bandwidth_mhz=10)
    village("A", (107.47, 16.5, 100, 30))
    village("B", (107.47, 16.43, 100, 30))
    run = run_coverage(hilly, as_of=AS_OF, rule="plan-70mbps")
    rows = {
        code: (verdict, rsrp - margin, why)
        for code, verdict, rsrp, margin, why in hilly.execute(
            text("""SELECT v.code, r.verdict, r.rsrp_dbm, r.margin_db, r.why FROM registry.verdict r
                JOIN registry.village v ON v.id = r.village_id
                WHERE r.run_id = :run AND operator_id IS NULL AND technology IS NULL"""), {"run": run.id}
        ) if margin is not None
    }  # fmt: skip
    verdict, threshold, why = rows["A"]
    assert (verdict, threshold) == ("covered", pytest.approx(-104.306, abs=1e-3))
    assert why["downlink_mbps_estimate"] > 70
    assert any("ước lượng" in sentence for sentence in why["vi"])
    assert any("estimate" in sentence for sentence in why["en"])
    assert decided(hilly, run)["B"] == "not_covered by model", "10 MHz carry 44 Mb/s at most"
    measured(107.47, 16.43, n=40, kind="speed_test", downlink_mbps=90)
    assert decided(hilly, run_coverage(hilly, as_of=AS_OF, rule="plan-70mbps"))["B"] == "covered by speed_test"
    plain = run_coverage(hilly, as_of=AS_OF)
    assert decided(hilly, plain)["B"] == "covered by model", "a rate alone says nothing of a level"
