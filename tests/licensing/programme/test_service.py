"""Programmes over the registry: villages that keep their verdict, refusals by name, storing, rights, files, jobs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Never

import openpyxl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, enter, session_scope, system
from app.errors import AppError
from app.jobs import queries as jobs
from app.jobs.running import Worker, beside
from app.kit.progress import Report
from app.licensing.programme import jobs as programme_jobs
from app.licensing.programme.apart import solve
from app.licensing.programme.asked import Settled
from app.licensing.programme.duct_inputs import read_ducts
from app.licensing.programme.models import ProgrammeRun
from app.licensing.programme.service import SOLVERS, question, run
from tests.conftest import Hatang, client_in
from tests.coverage.conftest import AS_OF, Village, hilly, village
from tests.jobs.conftest import PLANNER, drain, ended, state, wait_for
from tests.licensing.programme.conftest import slow
from tests.sharing import registry

__all__ = ["hilly", "village"]
WEST, NORTH = 107.45, 16.5


def tower(session: Session, code: str, east_m: float, operator: str, capacity: int | None, north: float = NORTH) -> int:
    """A mast with one weak 4G cell 5 m up: heard some 100 m around."""
    lon = WEST + east_m / 106_700
    made = registry.site(session, code, lon, north, operator, structure={"height_m": 30.0, "tenant_capacity": capacity},
                         synthetic=True)  # fmt: skip
    session.execute(
        text("""INSERT INTO cell (base_station_id, code, antenna_height_m, eirp_dbm, frequency_mhz, tilt_deg, source)
            SELECT id, :code, 5, 5, 1800, 0, 'SYNTHETIC' FROM base_station WHERE site_id = :site"""),
        {"code": f"{code}-1", "site": made.id},
    )
    return made.id


def two_pairs(session: Session) -> None:
    """A can only go to B, 300 m away; C and D, 450 m apart, to each other; A-B is cheaper."""
    tower(session, "A", 0, "VIETTEL", 1)
    tower(session, "B", 300, "VNPT", 2)
    tower(session, "C", 0, "VIETTEL", 2, NORTH - 0.05)
    tower(session, "D", 450, "VNPT", 2, NORTH - 0.05)


def moved(found: ProgrammeRun) -> list[tuple[str, str]]:
    return [(a["source"]["code"], a["coverage"]) for a in found.result["acts"]]


def towers(session: Session, **options: Any) -> ProgrammeRun:
    return run(session, question("towers", as_of=AS_OF, **({"target": 30} | options)))


def test_a_tower_stays_when_a_village_would_lose_its_verdict(hilly: Session, village: Village) -> None:
    two_pairs(hilly)
    village("V1", (WEST + 0.0004, NORTH, 100, 25))
    found = towers(hilly)
    assert found.status == "optimal"
    assert moved(found) in ([("C", "kept")], [("D", "kept")])
    assert found.result["counts"]["merges_barred_by_coverage"] == 1
    assert found.synthetic


def test_the_same_without_anybody_there(hilly: Session, village: Village) -> None:
    two_pairs(hilly)
    village("V1", (WEST + 0.03, NORTH, 100, 25))  # nobody hears any of them: there is no verdict to lose
    assert moved(towers(hilly)) == [("A", "kept")]


def test_a_village_that_hears_the_new_place_as_well_keeps_its_verdict(hilly: Session, village: Village) -> None:
    two_pairs(hilly)
    hilly.execute(text("UPDATE cell SET eirp_dbm = 25"))
    village("V1", (WEST + 0.0004, NORTH, 100, 25))
    found = towers(hilly)
    assert moved(found) == [("A", "kept")]


def test_each_operator_keeps_its_own_when_asked(hilly: Session, village: Village) -> None:
    two_pairs(hilly)
    near = tower(hilly, "E", -20, "VNPT MOBIFONE", 2)  # shared: stays, and serves the village too
    assert near
    village("V1", (WEST + 0.0004, NORTH, 100, 25))
    assert moved(towers(hilly, target=45))[0] == ("A", "kept")
    kept = towers(hilly, target=45, each_operator=True)
    assert "A" not in {code for code, _ in moved(kept)}


def test_without_terrain_nobody_says_kept(session: Session, village: Village) -> None:
    two_pairs(session)
    village("V1", (WEST + 0.0004, NORTH, 100, 25))
    found = towers(session)
    assert moved(found) == [("A", "unknown")]
    assert {r["code"] for r in found.result["reasons"]} == {"unknown_not_touched", "coverage_unknown"}


def test_what_is_unknown_or_restricted_is_not_touched(session: Session) -> None:
    tower(session, "A", 0, "VIETTEL", None)
    tower(session, "B", 200, "VNPT", None)
    with pytest.raises(AppError) as refused:
        towers(session)
    assert refused.value.code == "no_known_capacity"
    registry.site(session, "H", WEST, NORTH + 0.001, "MOBIFONE", restricted=True,
                  structure={"height_m": 30.0, "tenant_capacity": 5})  # fmt: skip
    with pytest.raises(AppError, match="known to have room"):
        towers(session)


def test_an_addition_is_an_option_and_costs_more(session: Session) -> None:
    tower(session, "A", 0, "VIETTEL", 1)
    tower(session, "B", 300, "VNPT", 2)
    tower(session, "F", 60_000, "VNPT", 1)
    merged = towers(session, target=50, allow_additions=True)
    assert [a["kind"] for a in merged.result["acts"]] == ["merge_towers"]
    assert merged.result["after"]["ratio"] == 50


def test_poles_and_ducts(session: Session) -> None:
    for n, lines in enumerate(("VIETTEL", "VNPT", "VIETTEL;VNPT", "VIETTEL;?", "FPT")):
        registry.pole(session, f"P{n}", WEST + n * 0.0003, NORTH, lines, cable_capacity=4, street="Lê Lợi")
    with pytest.raises(AppError) as refused:
        run(session, question("poles", as_of=AS_OF, target=80))
    assert refused.value.code == "no_known_capacity", "nobody counted the lines"
    session.execute(text("UPDATE pole_occupancy SET line_count = 1"))
    found = run(session, question("poles", as_of=AS_OF, target=80))
    assert found.status == "optimal"
    touched = {a["target"]["code"] for a in found.result["acts"]}
    assert touched
    assert "P3" not in touched  # whose cable it is nobody knows
    assert found.result["after"]["ratio"] >= 80 - 1e-9
    assert found.result["streets"][0]["street"] == "Lê Lợi"
    for n, (who, bores) in enumerate((("VNPT", 3), ("VNPT", None), ("VIETTEL;VNPT", 2), ("VNPT", 1))):
        registry.duct(session, f"D{n}", f"{WEST} {NORTH + n * 0.0001},{WEST + 0.001} {NORTH + n * 0.0001}",
                      who, bore_count=bores)  # fmt: skip
    dug = run(session, question("ducts", as_of=AS_OF, target=50))
    assert [a["target"]["code"] for a in dug.result["acts"]] == ["D0"]  # D1's bores are unknown, D3's is taken
    assert dug.result["acts"][0]["organisations"] == ["VIETTEL"]
    assert dug.result["after"]["ratio"] == pytest.approx(50, abs=0.01)
    assert run(session, question("ducts", as_of=AS_OF, target=90)).status == "infeasible"


def test_a_bore_of_which_nobody_knows_is_not_free(session: Session) -> None:
    for n, usable in enumerate(("NULL", "true", "false")):
        made = registry.duct(session, f"D{n}", f"{WEST} {NORTH + n * 0.0001},{WEST + 0.001} {NORTH + n * 0.0001}",
                             "VNPT", bore_count=2)  # fmt: skip
        session.execute(text(f"""INSERT INTO bore (duct_id, number, usable)
            VALUES ({made.id}, 1, true), ({made.id}, 2, {usable})"""))  # fmt: skip
    found = read_ducts(session, AS_OF, 50)
    assert (found.code, found.free.tolist()) == (["D1"], [1])
    assert (found.counts["bores_unknown"], found.counts["full"]) == (1, 1)


def test_new_sites_share_first(hilly: Session, village: Village) -> None:
    tower(hilly, "A", 0, "VIETTEL", 3)
    village("V1", (WEST + 0.005, NORTH, 100, 25))  # 530 m: A's own cell is too weak, a new operator's is not
    village("V2", (WEST, NORTH - 0.08, 80, 20))
    tower(hilly, "Z", 17_072, "VNPT", 1)
    hilly.execute(text("UPDATE cell SET eirp_dbm = 35 WHERE code = 'Z-1'"))
    village("V3", (107.62, NORTH, 50, 10))  # Z may reach it, over ground nobody knows
    found = run(hilly, question("new-sites", as_of=AS_OF))
    kinds = {a["kind"] for a in found.result["acts"]}
    assert found.status == "optimal"
    assert found.result["counts"]["wanted"] == 2
    assert found.result["counts"]["new_sites"] == found.result["counts"]["new_sites_bound"]
    assert "share_structure" in kinds
    assert [v["code"] for v in found.result["villages"]["unknown"]] == ["V3"]
    assert found.result["after"]["numerator"] == 2


REFUSED = [
    ("towers", {"target": 101}, "out_of_range", "target"),
    ("towers", {"target": float("nan")}, "not_finite", "target"),
    ("poles", {"radius_m": 0}, "out_of_range", "radius_m"),
    ("towers", {"gap": -0.1}, "out_of_range", "gap"),
    ("ducts", {"time_limit_s": 0}, "out_of_range", "time_limit_s"),
    ("towers", {"operator": "NOBODY"}, "unknown_operator", "operator"),
    ("towers", {"operator": "FPT"}, "operator_without_radio", "operator"),
    ("new_sites", {"target": 50}, "option_not_taken", "target"),
    ("poles", {"each_operator": True}, "option_not_taken", "each_operator"),
    ("towers", {"rule": "no-such-rule"}, "unknown_rule", "coverage_rule"),
    ("towers", {"rule": "berec"}, "rule_not_for_programmes", "rule"),
    ("bridges", {}, "unknown_programme", "kind"),
]


@pytest.mark.parametrize(("kind", "options", "code", "field"), REFUSED)
def test_refusals_bear_a_name(session: Session, kind: str, options: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(AppError) as refused:
        run(session, question(kind, as_of=AS_OF, **options))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_new_sites_need_terrain(session: Session) -> None:
    with pytest.raises(AppError) as refused:
        run(session, question("new_sites", as_of=AS_OF))
    assert refused.value.code == "programme_without_coverage"


def test_only_the_department_reads_it_and_nobody_changes_it(session: Session, client: TestClient) -> None:
    two_pairs(session)
    made = towers(session)
    session.execute(text("UPDATE programme_run SET cost_vnd = 0"))
    assert session.scalar(text("SELECT cost_vnd FROM programme_run WHERE id = :id"), {"id": made.id}) > 0
    told = client.get(f"/api/programmes/{made.id}").json()
    assert (told["id"], told["status"], len(told["acts"])) == (made.id, "optimal", 1)
    assert client.get("/api/programmes", params={"kind": "towers"}).json()["numberMatched"] == 1
    assert client.get("/api/programmes/999999").json()["code"] == "unknown_programme_run"
    for scope in (PUBLIC, Scope("user:1", ("other_department",)), Scope("user:2", ("operator",), (1,))):
        enter(session, scope)
        assert session.scalar(text("SELECT count(*) FROM programme_run")) == 0
        with pytest.raises(AppError) as refused:
            towers(session)
        assert refused.value.code == "department_only"
        enter(session, system())
    with client_in(session, Scope("user:1", ("other_department",))) as other:
        assert other.get(f"/api/programmes/{made.id}").status_code == 404


def test_acts_as_files(session: Session, client: TestClient) -> None:
    two_pairs(session)
    session.execute(text("UPDATE site SET code = '=A' WHERE code = 'A'"))
    made = towers(session)
    drawn = client.get(f"/api/programmes/{made.id}/acts.geojson")
    assert "SYNTHETIC" in drawn.headers["content-disposition"]
    feature = drawn.json()["features"][0]
    assert feature["geometry"]["type"] == "LineString"
    assert len(feature["geometry"]["coordinates"]) == 2
    assert (feature["properties"]["from_code"], feature["properties"]["synthetic"]) == ("=A", True)
    rows = list(csv.reader(io.StringIO(client.get(f"/api/programmes/{made.id}/acts.csv").content.decode("utf-8-sig"))))
    assert rows[1][2] == "'=A"  # no formula
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/api/programmes/{made.id}/acts.xlsx").content))
    assert [c.value for c in book.worksheets[0][2]][:2] == [1, "merge_towers"]
    assert client.get(f"/api/programmes/{made.id}/acts.pdf").status_code == 422


def test_asked_for_by_http_and_done_by_a_worker(own_database: str) -> None:
    with session_scope() as session:
        two_pairs(session)
        with client_in(session, PLANNER) as client:
            body = {"kind": "towers", "target": 30, "as_of": AS_OF.isoformat()}
            answer = client.post("/api/programmes", json=body)
            assert (answer.status_code, answer.headers["location"]) == (202, f"/api/jobs/{answer.json()['job']}")
            assert client.post("/api/programmes", json=body | {"target": 300}).json()["code"] == "out_of_range"
            assert client.post("/api/programmes", json=body | {"kind": "bridges"}).status_code == 422
    drain(Worker(("app.licensing.programme.jobs",), wait=False))
    done = state(answer.json()["job"])
    assert done.status == "done", done
    assert done.result is not None
    assert (done.result["status"], done.result["acts"]) == ("optimal", 1)


def test_cancelled_while_the_solver_is_busy(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(session: Session, settled: Settled, report: Report | None) -> Never:
        solve(slow(), settled.limits, report=report)
        raise AssertionError("it was to be cancelled")

    monkeypatch.setitem(SOLVERS, "poles", busy)
    with session_scope(PLANNER) as session:
        number = programme_jobs.ask(session, question("poles", as_of=AS_OF))
    with beside(Worker(("app.licensing.programme.jobs",))):
        wait_for(number, lambda s: s.stage == "solving" and s.done >= 1)
        with session_scope(PLANNER) as session:
            jobs.cancel(session, number)
        found = wait_for(number, ended, 3)
    assert (found.status, found.code, found.total) == ("cancelled", "job_cancelled", 60)
    with session_scope() as session:
        assert session.scalar(text("SELECT count(*) FROM programme_run")) == 0


def test_the_command(own_database: str, hatang: Hatang, tmp_path: Any) -> None:
    with session_scope() as session:
        two_pairs(session)
    words = ("programme", "run", "towers", "--target", "30", "--as-of", AS_OF.isoformat())
    code, out, _ = hatang(*words, "--json", "-o", str(tmp_path / "acts.geojson"))
    told = json.loads(out)
    assert (code, told["status"], len(told["acts"])) == (0, "optimal", 1)
    assert json.loads((tmp_path / "acts.geojson").read_text())["programme"] == told["id"]
    assert "SYNTHETIC" in hatang("programme", "show", str(told["id"]))[1]
    assert json.loads(hatang("programme", "list", "--json")[1])[0]["id"] == told["id"]
    assert hatang(*words, "-o", str(tmp_path / "acts.pdf"), "--json")[0] == 1
    assert hatang(*words, "--gap", "-1")[0] == 1
    assert hatang("programme", "run")[0] == 2
