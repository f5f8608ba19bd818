"""The coverage endpoints, answering from runs and from the terrain."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.service import run_coverage
from tests.coverage.conftest import AS_OF, Station, Village

DAY = {"as_of": AS_OF.isoformat()}


@pytest.fixture
def world(hilly: Session, village: Village, station: Station) -> dict[str, int]:
    station("S1", 107.45, 16.5)
    station("S1", 107.45, 16.5, operator="VNPT", technology="2G")
    return {
        "near": village("NEAR", (107.47, 16.5, 100, 30)),
        "behind": village("BEHIND", (107.53, 16.5, 300, 90)),
        "void": village("VOID", (107.62, 16.5, 10, 3)),
    }


def test_village_coverage(client: TestClient, session: Session, world: dict[str, int]) -> None:
    before = client.get(f"/api/villages/{world['near']}/coverage", params=DAY).json()
    assert before["verdict"] == "unknown"
    assert before["why"]["reasons"] == ["no_run"]
    run = run_coverage(session, as_of=AS_OF)
    found = client.get(f"/api/villages/{world['near']}/coverage", params=DAY).json()
    assert found["verdict"] == found["estimate"]["verdict"] == "covered"
    assert found["run"]["id"] == run.id
    assert (found["claim"], found["measurement"], found["decided_by"]) == (None, None, "model")
    assert found["estimate"]["server"] == {
        "cell": "S1-VIETTEL-4G-0", "site": "S1", "operator": "VIETTEL", "technology": "4G",
    }  # fmt: skip
    assert found["estimate"]["distance_m"] == pytest.approx(2135, abs=10)
    assert found["why"]["vi"]
    assert len(found["why"]["vi"]) == len(found["why"]["en"])
    by = {(row["operator"], row["technology"]): row["verdict"] for row in found["by"]}
    assert by[("VIETTEL", None)] == by[("VIETTEL", "4G")] == by[("VNPT", "2G")] == "covered"
    assert by[("VNPT", None)] == "not_covered", "2G is not 3G or better"
    assert found["fibre"]["verdict"] == "unknown", "no distribution point is recorded at all"
    assert found["fibre"]["why"]["vi"]
    earlier = client.get(f"/api/villages/{world['near']}/coverage", params={"as_of": "2026-10-01"}).json()
    assert earlier["run"] is None, "a run of a later date does not answer for an earlier one"
    new = session.scalar(text("INSERT INTO registry.village (code, name, point) SELECT 'NEW', 'Mới', point "
                              "FROM registry.village WHERE code = 'NEAR' RETURNING id"))  # fmt: skip
    late = client.get(f"/api/villages/{new}/coverage", params=DAY).json()
    assert (late["verdict"], late["why"]["reasons"]) == ("unknown", ["village_not_in_run"])


def test_coverage_at(client: TestClient, world: dict[str, int]) -> None:
    found = client.get("/api/coverage/at", params={"lon": "107.47", "lat": "16.5"} | DAY).json()
    assert found["ground_m"] == pytest.approx(20, abs=1)
    assert found["synthetic"]
    signals = {(s["operator"], s["technology"]): s for s in found["signals"]}
    assert set(signals) == {("VIETTEL", "4G"), ("VNPT", "2G")}
    four = signals[("VIETTEL", "4G")]
    assert four["rsrp_dbm"] > four["threshold_dbm"] == -110
    assert four["server"]["site"] == "S1"
    void = client.get("/api/coverage/at", params={"lon": "107.62", "lat": "16.5"} | DAY).json()
    assert void["ground_m"] is None
    assert {s["rsrp_dbm"] for s in void["signals"]} == {None}
    assert {s["unknown_reason"] for s in void["signals"]} == {"point_outside_terrain"}


def test_runs_compare_and_blackspots(
    client: TestClient, session: Session, world: dict[str, int], station: Station
) -> None:
    empty = client.get("/api/blackspots", params=DAY).json()
    assert (empty["run"], empty["items"], empty["numberMatched"]) == (None, [], 0)
    a = run_coverage(session, as_of=AS_OF)
    spots = client.get("/api/blackspots", params=DAY).json()
    assert [s["code"] for s in spots["items"]] == ["BEHIND"]
    assert spots["items"][0]["population"] == 300
    assert [s["code"] for s in client.get("/api/blackspots", params=DAY | {"verdict": "unknown"}).json()["items"]] == [
        "VOID"
    ]
    vnpt = client.get("/api/blackspots", params=DAY | {"operator": "VNPT"}).json()
    assert {s["code"] for s in vnpt["items"]} == {"NEAR", "BEHIND", "VOID"}, "no 3G or better of VNPT anywhere"
    station("S2", 107.535, 16.5)
    b = run_coverage(session, as_of=AS_OF)
    assert [r["id"] for r in client.get("/api/coverage/runs").json()["runs"]][:2] == [b.id, a.id]
    found = client.get(f"/api/coverage/runs/{a.id}/compare/{b.id}").json()
    assert [(v["code"], v["before"], v["after"]) for v in found["changed"]] == [("BEHIND", "not_covered", "covered")]
    assert found["moves"] == {"not_covered → covered": 1}
    assert found["counts_before"]["covered"] + 1 == found["counts_after"]["covered"]
    assert not found["same_inputs"]
    assert found["differs"] == []
    same = client.get(f"/api/coverage/runs/{b.id}/compare/{b.id}").json()
    assert same["same_inputs"]
    assert same["changed"] == []


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/villages/999999/coverage", 404, "village_id"),
        ("/api/villages/0/coverage", 422, "village_id"),
        ("/api/villages/99999999999999999999/coverage", 422, "village_id"),
        ("/api/coverage/at?lon=107.5", 422, "lat"),
        ("/api/coverage/at?lon=16.5&lat=107.5", 422, "lon"),
        ("/api/coverage/at?lon=nan&lat=16", 422, "lon"),
        ("/api/coverage/at?lon=107.5&lat=16&as_of=yesterday", 422, "as_of"),
        ("/api/coverage/runs/1/compare/2", 404, "run"),
        ("/api/blackspots?operator=NOBODY", 422, "operator"),
        ("/api/blackspots?rule=nope", 404, "coverage_rule"),
        ("/api/blackspots?technology=6G", 422, "technology"),
        ("/api/blackspots?limit=0", 422, "limit"),
    ],
)
def test_bad_questions_name_the_field(client: TestClient, path: str, status: int, field: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert set(answer.json()["message"]) == {"vi", "en"}
