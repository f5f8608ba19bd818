"""The main job on a small synthetic province, against the database."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.inputs import read_cells
from app.coverage.models import CoverageRun
from app.coverage.plan import LEVEL, TILT, VERTICAL_BEAMWIDTH
from app.coverage.service import run_coverage
from app.errors import AppError
from tests.coverage.conftest import AS_OF, Station, Village

WEST_SIDE, EAST_SIDE, VOID = (107.47, 16.5), (107.53, 16.5), (107.62, 16.5)


def verdicts(session: Session, run: CoverageRun, **scope: Any) -> dict[str, Any]:
    query = """SELECT v.code, r.*, w.why AS served, c.code AS cell FROM registry.verdict r
        JOIN registry.village v ON v.id = r.village_id
        LEFT JOIN registry.served w ON w.verdict_id = r.id LEFT JOIN registry.cell c ON c.id = w.cell_id
        LEFT JOIN registry.organisation o ON o.id = r.operator_id
        WHERE r.run_id = :run AND o.code IS NOT DISTINCT FROM :operator AND r.technology IS NOT DISTINCT FROM :tech"""
    bind = {"run": run.id, "operator": scope.get("operator"), "tech": scope.get("technology")}
    return {row.code: row for row in session.execute(text(query), bind)}


def test_ridge_and_void(hilly: Session, village: Village, station: Station) -> None:
    station("S1", 107.45, 16.5, azimuths=(0, 90, 180, 270), eirp_dbm=50)
    village("NEAR", (*WEST_SIDE, 100, 30))
    village("BEHIND", (*EAST_SIDE, 100, 30))
    village("VOID", (*VOID, 100, 30))
    village("MIXED", (*WEST_SIDE, 70, 20), (*VOID, 30, 10))
    village("MOSTLY", (*WEST_SIDE, 85, 20), (*VOID, 15, 10))
    village("NOBODY", (*WEST_SIDE, 0, 0))
    village("EMPTY")
    run = run_coverage(hilly, as_of=AS_OF)
    found = verdicts(hilly, run)
    assert {code: row.verdict for code, row in found.items()} == {
        "NEAR": "covered", "BEHIND": "not_covered", "VOID": "unknown", "MIXED": "unknown", "MOSTLY": "covered",
        "NOBODY": "unknown", "EMPTY": "unknown",
    }  # fmt: skip
    assert (found["MIXED"].share, found["MIXED"].share_unknown) == pytest.approx((0.7, 0.3))
    assert found["NOBODY"].why["reasons"] == ["no_population"]
    assert found["EMPTY"].why["reasons"] == ["no_demand_points"]
    assert found["VOID"].why["reasons"] == ["point_outside_terrain"]
    assert found["NEAR"].cell == "S1-VIETTEL-4G-1", "the sector that looks east"
    assert "frequency_mhz" in found["NEAR"].served["defaulted"]
    assert "eirp_dbm" not in found["NEAR"].served["defaulted"]
    assert "S1-VIETTEL-4G-1" in found["NEAR"].served["vi"][0]
    assert set(found["NEAR"].why) == {"vi", "en", "reasons", "synthetic", "threshold_dbm", "assumed"}
    assert "S1" not in str(found["NEAR"].why)
    assert (found["VOID"].cell, found["VOID"].served) == (None, None)
    assert found["NEAR"].why["synthetic"]
    assert run.counts["covered"] == 2
    assert run.counts["villages"] == 7
    assert run.status == "done"
    per_both = verdicts(hilly, run, operator="VIETTEL", technology="4G")
    assert per_both["NEAR"].verdict == "covered"
    signal = hilly.execute(
        text("""SELECT s.* FROM registry.signal s JOIN registry.demand_point d ON d.id = s.demand_point_id
        JOIN registry.village v ON v.id = d.village_id WHERE v.code IN ('VOID', 'NEAR') AND run_id = :run
        ORDER BY v.code"""),
        {"run": run.id},
    ).all()
    assert signal[0].rsrp_dbm == pytest.approx(found["NEAR"].rsrp_dbm)
    assert signal[0].unknown_reason is None
    assert signal[1].rsrp_dbm is None
    assert signal[1].unknown_reason == "point_outside_terrain"


def test_without_terrain_everything_is_unknown(session: Session, village: Village, station: Station) -> None:
    station("S1", 107.45, 16.5)
    village("A", (*WEST_SIDE, 100, 30))
    found = verdicts(session, run_coverage(session, as_of=AS_OF))
    assert found["A"].verdict == "unknown"
    assert found["A"].why["reasons"] == ["no_terrain"]


def test_a_registry_without_stations_knows_nothing(hilly: Session, village: Village, station: Station) -> None:
    village("A", (*WEST_SIDE, 100, 30))
    empty = verdicts(hilly, run_coverage(hilly, as_of=AS_OF))["A"]
    assert (empty.verdict, empty.share, empty.why["reasons"]) == ("unknown", None, ["no_network"])
    # One operator's empty network beside another's is an answer.
    station("S1", 108.45, 16.5)
    assert verdicts(hilly, run_coverage(hilly, as_of=AS_OF))["A"].verdict == "not_covered"


def test_a_registry_without_distribution_points_knows_nothing_of_fibre(session: Session, village: Village) -> None:
    village("A", (*WEST_SIDE, 100, 30))
    run = run_coverage(session, as_of=AS_OF)
    row = session.execute(text("SELECT * FROM registry.fibre_reach WHERE run_id = :run"), {"run": run.id}).one()
    assert (row.verdict, row.households_reached) == ("unknown", None)
    assert row.why["reasons"] == ["no_distribution_points"]


def test_rules_decide(hilly: Session, village: Village, station: Station) -> None:
    station("S1", 107.45, 16.5, technology="2G")
    village("A", (*WEST_SIDE, 100, 30))
    run = run_coverage(hilly, as_of=AS_OF)
    assert verdicts(hilly, run)["A"].verdict == "not_covered", "3G or better"
    assert verdicts(hilly, run, technology="2G")["A"].verdict == "covered"
    station("S2", 107.46, 16.5, technology="4G")
    assert verdicts(hilly, run_coverage(hilly, as_of=AS_OF))["A"].verdict == "covered"
    indoor = run_coverage(hilly, as_of=AS_OF, rule="village-indoor")
    outdoor = run_coverage(hilly, as_of=AS_OF)
    margin = [verdicts(hilly, r)["A"].margin_db for r in (outdoor, indoor)]
    assert margin[0] - margin[1] == pytest.approx(15), "the building takes 15 dB at the verdict"
    point = run_coverage(hilly, as_of=AS_OF, rule="village-point")
    assert verdicts(hilly, point)["A"].verdict == "covered"
    assert verdicts(hilly, point, operator="VIETTEL", technology="4G")["A"].margin_db == pytest.approx(margin[0])


def test_filters_dates_and_restricted_sites(hilly: Session, village: Village, station: Station) -> None:
    station("OLD", 107.46, 16.5, operator="VNPT", valid_to=dt.date(2026, 1, 1))
    station("SECRET", 107.46, 16.49, operator="VIETTEL", restricted=True)
    village("A", (*WEST_SIDE, 100, 30))
    run = run_coverage(hilly, as_of=AS_OF, operator="VNPT")
    assert run.filters == {"operator": "VNPT"}
    assert verdicts(hilly, run)["A"].verdict == "not_covered"
    assert verdicts(hilly, run_coverage(hilly, as_of=dt.date(2025, 12, 1), operator="VNPT"))["A"].verdict == "covered"
    found = verdicts(hilly, run_coverage(hilly, as_of=AS_OF))["A"]
    assert found.verdict == "covered"
    assert found.cell == "SECRET-VIETTEL-4G-0", "the department's own record names it"
    assert "SECRET" not in str(found.why)
    assert run.counts["cells"] == 0, "VNPT's only"
    assert run_coverage(hilly, as_of=AS_OF).counts["cells"] == 0, "how many are restricted is not counted in public"
    assert run_coverage(hilly, as_of=AS_OF, technology="5G").counts["covered"] == 0


def test_same_inputs_same_hash(hilly: Session, village: Village, station: Station) -> None:
    station("S1", 107.45, 16.5)
    village("A", (*WEST_SIDE, 100, 30))
    first, again = (run_coverage(hilly, as_of=AS_OF) for _ in range(2))
    assert first.inputs_sha256 == again.inputs_sha256
    village("B", (*WEST_SIDE, 1, 1))
    assert run_coverage(hilly, as_of=AS_OF).inputs_sha256 != first.inputs_sha256


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        ({"rule": "village-99"}, "unknown_rule", "coverage_rule"),
        ({"operator": "NOBODY"}, "unknown_operator", "operator"),
        ({"technology": "6G"}, "unknown_technology", "technology"),
        ({"resolution_m": 5}, "resolution_range", "resolution"),
    ],
)
def test_refusals(session: Session, options: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(AppError) as refused:
        run_coverage(session, as_of=AS_OF, **options)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_defaults_are_those_of_technology_and_band(hilly: Session, station: Station) -> None:
    """An antenna of one size is broader at half the frequency; what the band does not say, the technology does."""
    station("LOW", 107.45, 16.5, frequency_mhz=900)
    station("MID", 107.46, 16.5, frequency_mhz=1800)
    station("NONE", 107.47, 16.5)
    cells = read_cells(hilly, AS_OF)
    beam = dict(zip(cells.site_code, cells.network.cells[:, VERTICAL_BEAMWIDTH].tolist(), strict=True))
    level = dict(zip(cells.site_code, cells.network.cells[:, LEVEL].tolist(), strict=True))
    tilt = set(cells.network.cells[:, TILT].tolist())
    assert beam == {"LOW": 10, "MID": 7, "NONE": 7}
    assert level["LOW"] == pytest.approx(level["MID"] - 2)
    assert tilt == {4}
