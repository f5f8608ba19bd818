"""Black spots on the small province: ranked by hand-computed people, totals, filters, GeoJSON, the command."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.models import CoverageRun
from app.coverage.service import run_coverage
from app.database import PUBLIC
from tests.conftest import Hatang, client_in
from tests.coverage.conftest import AS_OF, Station, Village
from tests.coverage.test_cli import answer, province

__all__ = ["province"]
DAY = {"as_of": AS_OF.isoformat()}
WEST, BEHIND, VOID = (107.47, 16.5), (107.53, 16.5), (107.62, 16.5)


@pytest.fixture
def run(hilly: Session, village: Village, station: Station) -> CoverageRun:
    """VIETTEL 4G and VNPT 2G west of the ridge: nothing reaches behind it, nothing is known beyond the terrain."""
    station("S1", 107.45, 16.5)
    station("S1", 107.45, 16.5, operator="VNPT", technology="2G")
    village("NEAR", (*WEST, 100, 30))
    village("FAR", (*BEHIND, 300, 90))
    village("PART", (*WEST, 600, 90), (*BEHIND, 400, 60))
    village("THIRDS", (*WEST, 120, 30), (*BEHIND, 50, 10), (*VOID, 30, 10))
    village("MOST", (*WEST, 90, 30), (*BEHIND, 10, 10))
    village("DARK", (*VOID, 1000, 300))
    village("NUMBERLESS", (*BEHIND, 70, 20), population=None)
    village("NOBODY", (*BEHIND, 0, 0), population=None)
    _commune(hilly, "77001", "Xã Thử", "PART", "THIRDS")
    return run_coverage(hilly, as_of=AS_OF)


def _commune(session: Session, code: str, name: str, *villages: str) -> None:
    session.execute(
        text("""WITH made AS (INSERT INTO registry.unit (level, code, name, kind, valid_from, source, synthetic)
                    VALUES ('commune', :code, :name, 'xã', '2025-07-01', 'SYNTHETIC', true) RETURNING id)
                INSERT INTO registry.village_unit (village_id, unit_id)
                SELECT v.id, made.id FROM registry.village v, made WHERE v.code = ANY (:villages)"""),
        {"code": code, "name": name, "villages": list(villages)},
    )


def ask(client: TestClient, **asked: Any) -> dict[str, Any]:
    answered = client.get("/api/blackspots", params=DAY | asked)
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


def people(found: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(s["code"], s["people_uncovered"], s["people_uncovered_high"]) for s in found["items"]]


def test_ranked_by_people_uncovered(client: TestClient, run: CoverageRun) -> None:
    found = ask(client)
    assert people(found) == [
        ("PART", 400, 400),  # 1000 · (1 - 0.6), though fewer live in FAR than in PART
        ("FAR", 300, 300),
        ("NUMBERLESS", 70, 70),  # no population recorded: that of its points
        ("THIRDS", 50, 80),  # 200 · (1 - 0.6 - 0.15) and 200 · (1 - 0.6)
    ]
    assert found["run"]["id"] == run.id
    assert (found["share_of"], found["numberMatched"]) == ("population", 4)
    part = found["items"][0]
    assert (part["commune_code"], part["commune_name"], part["decided_by"]) == ("77001", "Xã Thử", "model")
    assert part["share"] == pytest.approx(0.6)
    assert part["rsrp_dbm"] > -110
    assert part["covered_by"] == []
    assert part["synthetic"]
    assert found["items"][1]["margin_db"] is None, "no station reaches half of FAR at all"
    assert people(ask(client, verdict="unknown")) == [("DARK", 0, 1000), ("NOBODY", 0, 0)]


def test_totals_are_of_all_pages_and_all_verdicts(client: TestClient, run: CoverageRun) -> None:
    first = ask(client, limit=1)
    assert [s["code"] for s in first["items"]] == ["PART"]
    assert [link["rel"] for link in first["links"]] == ["self", "next"]
    assert people(ask(client, limit=1, offset=3)) == [("THIRDS", 50, 80)]
    beyond = ask(client, offset=50)
    assert (beyond["items"], beyond["numberMatched"]) == ([], 4)
    totals = beyond["totals"]
    assert first["totals"] == totals
    assert totals["not_covered"] == {
        "villages": 4, "without_population": 0, "population": 1570, "people_uncovered": 820, "people_unknown": 30,
    }  # fmt: skip
    # MOST is covered at 90 %: ten of its people are not.
    assert totals["covered"] == {
        "villages": 2, "without_population": 0, "population": 200, "people_uncovered": 10, "people_unknown": 0,
    }  # fmt: skip
    assert totals["unknown"]["people_unknown"] == 1000


def test_filters(client: TestClient, run: CoverageRun, session: Session) -> None:
    assert {s["code"] for s in ask(client, commune="xa thu")["items"]} == {"PART", "THIRDS"}
    assert ask(client, commune="77001")["totals"]["not_covered"]["people_uncovered"] == 450
    vnpt = ask(client, operator="VNPT")
    near = next(s for s in vnpt["items"] if s["code"] == "NEAR")
    assert (near["people_uncovered"], near["covered_by"]) == (100, ["VIETTEL"]), "2G is not 3G or better"
    second = ask(client, technology="2G")
    assert "NEAR" not in {s["code"] for s in second["items"]}
    assert ask(client, technology="4G", operator="VIETTEL")["numberMatched"] == 4
    # Nobody looked at 5G: that is unknown, not none without it.
    fifth = ask(client, technology="5G", verdict="unknown", limit=2)
    assert (fifth["numberMatched"], fifth["totals"]["not_covered"]["villages"]) == (8, 0)
    assert people(fifth)[0] == ("DARK", 0, 1000)
    assert fifth["items"][0]["why"]["reasons"] == ["not_in_run"]


def test_villages_of_the_date(client: TestClient, run: CoverageRun, session: Session, village: Village) -> None:
    village("NEW", (*BEHIND, 5000, 900))
    session.execute(text("UPDATE registry.village SET valid_to = '2026-11-05' WHERE code = 'FAR'"))
    later = {"as_of": "2026-11-10"}
    assert [s["code"] for s in ask(client, **later)["items"]] == ["PART", "NUMBERLESS", "THIRDS"]
    assert people(ask(client, **later, verdict="unknown"))[0] == ("NEW", 0, 5000), "no run has seen it"
    named = client.get("/api/blackspots", params={"run_id": run.id}).json()
    assert named["as_of"] == "2026-11-01", "a run named without a date is asked on its own"
    assert "FAR" in {s["code"] for s in named["items"]}


def test_a_named_run(client: TestClient, run: CoverageRun, session: Session, station: Station) -> None:
    station("S2", 107.535, 16.5)
    newer = run_coverage(session, as_of=AS_OF)
    assert ask(client)["run"]["id"] == newer.id
    assert ask(client)["items"] == []
    assert len(ask(client, run_id=run.id)["items"]) == 4
    refused = client.get("/api/blackspots", params={"run_id": run.id, "rule": "ofcom"})
    assert (refused.status_code, refused.json()["code"]) == (422, "run_of_another_rule")
    before = (run.finished_at or dt.datetime.now(dt.UTC)) - dt.timedelta(hours=1)
    early = client.get("/api/blackspots", params={"run_id": run.id, "known_at": before.isoformat()})
    assert (early.status_code, early.json()["code"]) == (404, "unknown_run")
    run.status = "running"
    session.flush()
    unfinished = client.get("/api/blackspots", params={"run_id": run.id})
    assert (unfinished.status_code, unfinished.json()["code"]) == (404, "unknown_run")


def test_as_geojson(client: TestClient, run: CoverageRun) -> None:
    answered = client.get("/api/blackspots", params=DAY | {"format": "geojson", "limit": 2})
    assert answered.headers["content-type"].startswith("application/geo+json")
    found = answered.json()
    assert (found["type"], found["numberMatched"], found["numberReturned"]) == ("FeatureCollection", 4, 2)
    part = found["features"][0]
    assert part["geometry"] == {"type": "Point", "coordinates": [107.47, 16.5]}
    assert (part["properties"]["code"], part["properties"]["people_uncovered"]) == ("PART", 400)
    assert not {"lon", "lat", "id"} & set(part["properties"])
    assert found["totals"]["not_covered"]["people_uncovered"] == 820
    assert "format=geojson" in found["links"][1]["href"]


def test_everybody_gets_the_same(client: TestClient, run: CoverageRun, session: Session) -> None:
    for more in ({}, {"verdict": "unknown"}, {"operator": "VNPT"}, {"commune": "77001"}):
        departments = ask(client, **more)
        with client_in(session, PUBLIC) as public:
            assert ask(public, **more) == departments
    with client_in(session, PUBLIC) as public:
        assert "S1" not in public.get("/api/blackspots", params=DAY | {"verdict": "covered"}).text, "no server"


def test_no_run_is_no_list(client: TestClient, session: Session, village: Village) -> None:
    village("A", (*WEST, 100, 30))
    found = ask(client)
    assert (found["run"], found["items"], found["share_of"]) == (None, [], None)
    assert found["totals"]["unknown"]["villages"] == 0


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ("operator=NOBODY", 422, "operator"),
        ("technology=6G", 422, "technology"),
        ("rule=nope", 404, "coverage_rule"),
        ("commune=nowhere", 404, "commune"),
        ("run_id=0", 422, "run_id"),
        ("run_id=987654", 404, "run_id"),
        ("format=kml", 422, "format"),
        ("verdict=dark", 422, "verdict"),
        ("limit=0", 422, "limit"),
        ("offset=-1", 422, "offset"),
    ],
)
def test_bad_questions_name_the_field(
    client: TestClient, run: CoverageRun, asked: str, status: int, field: str
) -> None:
    answered = client.get(f"/api/blackspots?{asked}")
    assert (answered.status_code, answered.json()["field"]) == (status, field)
    assert set(answered.json()["message"]) == {"vi", "en"}


def test_the_commands(hatang: Hatang, province: Any) -> None:
    """One village, 4G only, and no terrain: unknown first, then what the terrain makes of it."""
    none = answer(hatang, "coverage", "blackspots", "--as-of", "2026-11-01")
    assert (none["run"], none["items"]) == (None, [])
    assert hatang("coverage", "blackspots")[0] == 0, "an empty table is no error"
    code, _, err = hatang("coverage", "switch-off", "--technology", "3G")
    assert code == 1
    assert "hatang coverage run" in " ".join(err.split())
    run = answer(hatang, "coverage", "run", "--as-of", "2026-11-01")
    unknown = answer(hatang, "coverage", "blackspots", "--as-of", "2026-11-01", "--verdict", "unknown")
    assert [(s["code"], s["people_uncovered_high"]) for s in unknown["items"]] == [("A", 100)]
    code, out, _ = hatang("coverage", "blackspots", "--as-of", "2026-11-01", "--verdict", "unknown")
    assert code == 0
    assert "Thôn A" in out
    assert "0 … 100" in out
    code, out, _ = hatang("coverage", "blackspots", "--run", str(run["run"]), "--verdict", "unknown", "--geojson")
    assert '"FeatureCollection"' in out
    answer(hatang, "terrain", "add", str(province))
    answer(hatang, "coverage", "run", "--as-of", "2026-11-01")
    asked = ("coverage", "switch-off", "--technology", "2G", "--technology", "4G", "--as-of", "2026-11-01")
    lost = answer(hatang, *asked)
    assert [(v["code"], v["after"], v["people_lost"]) for v in lost["items"]] == [("A", "not_covered", 100)]
    code, out, _ = hatang(*asked)
    assert code == 0
    assert "Thôn A" in out
    assert "100% → 0%" in out
    refusals = {
        ("blackspots", "--technology", "6G"): "technology",
        ("blackspots", "--verdict", "dark"): "verdict",
        ("blackspots", "--operator", "NOBODY"): "operator",
        ("blackspots", "--known-at", "soon"): "known_at",
        ("switch-off", "--technology", "6G"): "technologies",
        ("switch-off", "--technology", "3G", "--technology", "4G", "--technology", "5G"): "technologies",
        ("switch-off", "--technology", "3G", "--operator", "NOBODY"): "operator",
    }
    for words, field in refusals.items():
        code, out, err = hatang("coverage", *words, "--as-of", "2026-11-01")
        assert code == 1, words
        assert "Traceback" not in err
        code, out, _ = hatang("coverage", *words, "--as-of", "2026-11-01", "--json")
        assert f'"field": "{field}"' in out, (words, out)
    assert hatang("coverage", "switch-off")[0] == 2, "wrong usage"
