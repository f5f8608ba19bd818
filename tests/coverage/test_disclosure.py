"""Who is told which cell serves: nothing of a competitor's and nothing restricted shows in any coverage answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.coverage.models import CoverageRun
from app.coverage.queries import latest_run
from app.coverage.service import run_coverage
from app.database import PUBLIC, Scope, enter, system
from app.organisations.models import Organisation
from tests.conftest import client_in
from tests.coverage.conftest import AS_OF, Station, Village
from tests.coverage.test_fibre import box

DAY = {"as_of": AS_OF.isoformat()}
OTHERS = Scope("user:3", ("other_department",))
PLANNER = Scope("user:1", ("planner",))
VNPT_CELL, HUSH_CELL = 987_654_001, 987_654_002
# Codes, positions and numbers of what is VNPT's, and of what is restricted.
VNPT_WORDS = ("VNSITE", "VNBOX", "107.4567", "16.5123", str(VNPT_CELL))
HUSH_WORDS = ("HUSH", "107.5404", "16.5321", str(HUSH_CELL))


class World:
    """A run over VIETTEL's site in the west, VNPT's beside it, and a restricted one behind the ridge."""

    def __init__(self, session: Session, village: Village, station: Station) -> None:
        station("VTSITE", 107.45, 16.5)
        station("VNSITE", 107.4567, 16.5123, operator="VNPT", id=VNPT_CELL)
        station("HUSH", 107.5404, 16.5321, restricted=True, id=HUSH_CELL)
        box(session, "VNBOX", 107.471, 16, 3)
        self.session = session
        self.near = village("NEAR", (107.47, 16.5, 100, 30))
        self.vnpt = village("VNNEAR", (107.4571, 16.5125, 100, 30))
        self.behind = village("BEHIND", (107.54, 16.53, 300, 90))
        self.far = village("FAR", (107.54, 16.41, 300, 90))
        self.before = run_coverage(session, as_of=AS_OF)
        self.run = run_coverage(session, as_of=AS_OF)
        owners = session.execute(select(Organisation.code, Organisation.id)).all()
        self.ids = {code: key for code, key in owners}

    def operator(self, code: str) -> Scope:
        return Scope("user:7", ("operator",), (self.ids[code],))

    def every_answer(self, client: TestClient) -> Iterator[Any]:
        for key in (self.near, self.vnpt, self.behind, self.far):
            yield client.get(f"/api/villages/{key}/coverage", params=DAY)
            yield client.get(f"/api/villages/{key}", params=DAY)
        for more in ({}, {"operator": "VNPT"}, {"operator": "VNPT", "technology": "4G"}):
            yield client.get("/api/villages", params=DAY | more)
        for lon, lat in ((107.47, 16.5), (107.457, 16.512), (107.541, 16.533), (107.54, 16.41), (107.62, 16.5)):
            yield client.get("/api/coverage/at", params=DAY | {"lon": lon, "lat": lat})
        for verdict in ("covered", "not_covered", "unknown"):
            for more in ({}, {"operator": "VNPT"}, {"technology": "4G"}):
                yield client.get("/api/blackspots", params=DAY | more | {"verdict": verdict})
        yield client.get("/api/coverage/runs")
        yield client.get(f"/api/coverage/runs/{self.before.id}/compare/{self.run.id}")


@pytest.fixture
def world(hilly: Session, village: Village, station: Station) -> World:
    return World(hilly, village, station)


def told(world: World, scope: Scope) -> str:
    with client_in(world.session, scope) as client:
        answers = list(world.every_answer(client))
    assert {a.status_code for a in answers} == {200}, [a.text for a in answers if a.status_code != 200]
    return "\n".join(a.text for a in answers)


def village_answer(world: World, scope: Scope, key: int) -> dict[str, Any]:
    with client_in(world.session, scope) as client:
        found: dict[str, Any] = client.get(f"/api/villages/{key}/coverage", params=DAY).json()
    return found


def at(world: World, scope: Scope, lon: float, lat: float) -> dict[str, Any]:
    with client_in(world.session, scope) as client:
        found = client.get("/api/coverage/at", params=DAY | {"lon": lon, "lat": lat}).json()
    return dict(found) | {"by": {s["operator"]: s for s in found["signals"]}}


def test_nothing_of_a_competitor_shows(world: World) -> None:
    plain = told(world, world.operator("VIETTEL"))
    for word in (*VNPT_WORDS, *HUSH_WORDS):
        assert word not in plain
    assert "VTSITE-VIETTEL-4G-0" in plain, "its own does"
    plain = told(world, world.operator("VNPT"))
    for word in ("VTSITE", *HUSH_WORDS):
        assert word not in plain
    assert "VNSITE-VNPT-4G-0" in plain
    assert "VNBOX" in plain


def test_the_public_and_an_officer_are_told_verdicts_only(world: World) -> None:
    for scope in (PUBLIC, Scope("user:4", ("commune_officer",), (), (1,))):
        plain = told(world, scope)
        for word in ("VTSITE", *VNPT_WORDS, *HUSH_WORDS):
            assert word not in plain
        found = village_answer(world, scope, world.near)
        assert found["verdict"] == "covered"
        assert found["estimate"]["rsrp_dbm"] > -110
        assert (found["estimate"]["server"], found["estimate"]["distance_m"]) == (None, None)
        assert found["estimate"]["undisclosed"]
        assert "Trạm phục vụ không được công bố ở mức truy cập này" in found["why"]["vi"]
        assert len(found["why"]["vi"]) == len(found["why"]["en"])
        assert not {"server", "distance_m", "diffraction_db", "obstructed", "defaulted"} & set(found["why"])
        assert {(s["operator"], s["technology"]) for s in found["by"]} >= {("VIETTEL", "4G"), ("VNPT", "4G")}
        assert (found["fibre"]["verdict"], found["fibre"]["nearest"]) == ("covered", None)
        assert found["fibre"]["undisclosed"]
        assert "không được công bố" in found["fibre"]["why"]["vi"][-1]


def test_restricted_sites_stay_in_the_department(world: World) -> None:
    plain = told(world, OTHERS)
    for word in HUSH_WORDS:
        assert word not in plain
    for word in ("VTSITE", "VNSITE", "VNBOX"):
        assert word in plain, "another department reads everything else"
    hidden = village_answer(world, OTHERS, world.behind)
    assert (hidden["verdict"], hidden["estimate"]["undisclosed"]) == ("covered", True)
    looked = "SELECT count(*) FROM audit.view_log WHERE action = 'coverage' AND restricted AND object_id = :cell"
    assert world.session.scalar(text(looked), {"cell": HUSH_CELL}) == 0
    shown = village_answer(world, PLANNER, world.behind)
    assert shown["estimate"]["server"]["site"] == "HUSH"
    assert not shown["estimate"]["undisclosed"]
    assert "HUSH-VIETTEL-4G-0" in " ".join(shown["why"]["vi"])
    assert world.session.scalar(text(looked), {"cell": HUSH_CELL}) == 1, "who looked is on record"
    lists = "SELECT count(*) FROM audit.view_log WHERE action = 'list' AND layer = 'cells' AND restricted"
    before = world.session.scalar(text(lists))
    for scope, more in ((OTHERS, 0), (PLANNER, 1)):
        with client_in(world.session, scope) as client:
            page = client.get("/api/villages", params=DAY).text
        assert ("HUSH" in page) == bool(more)
        assert world.session.scalar(text(lists)) == before + more


def test_an_own_cell_is_told_in_full(world: World) -> None:
    found = village_answer(world, world.operator("VIETTEL"), world.near)
    own = next(s for s in found["by"] if (s["operator"], s["technology"]) == ("VIETTEL", "4G"))
    assert (own["server"]["site"], own["undisclosed"]) == ("VTSITE", False)
    assert own["distance_m"] == pytest.approx(2135, abs=10)
    competitor = next(s for s in found["by"] if (s["operator"], s["technology"]) == ("VNPT", "4G"))
    assert (competitor["server"], competitor["distance_m"], competitor["undisclosed"]) == (None, None, True)
    assert competitor["verdict"] == "covered"
    departments = village_answer(world, PLANNER, world.near)
    assert departments["fibre"]["nearest"]["code"] == "VNBOX"
    assert not departments["fibre"]["undisclosed"]
    assert {s["verdict"] for s in departments["by"]} == {s["verdict"] for s in found["by"]}


def test_levels_of_others_are_told_for_a_square(world: World) -> None:
    viettel = world.operator("VIETTEL")
    here, there = at(world, viettel, 107.4567, 16.5123), at(world, viettel, 107.4569, 16.5125)
    mine, theirs = here["by"]["VIETTEL"], here["by"]["VNPT"]
    assert mine["rsrp_dbm"] != there["by"]["VIETTEL"]["rsrp_dbm"]
    assert mine["server"]["site"] == "VTSITE"
    assert theirs == there["by"]["VNPT"] | {"threshold_dbm": theirs["threshold_dbm"]}, "one square, one answer"
    assert theirs["rsrp_dbm"] % 5 == 0
    assert theirs["undisclosed"]
    assert (theirs["server"], theirs["distance_m"], theirs["loss_db"], theirs["diffraction_db"]) == (None,) * 4
    assert here["undisclosed"]["grid_m"] == 500
    exact = at(world, PLANNER, 107.4567, 16.5123)
    assert exact["undisclosed"] is None
    assert exact["by"]["VNPT"]["distance_m"] < 1
    assert exact["by"]["VNPT"]["rsrp_dbm"] != theirs["rsrp_dbm"]


def test_a_restricted_signal_is_no_part_of_others_answers(world: World) -> None:
    near_hush = (107.5404, 16.5321)
    levels = {
        who: at(world, scope, *near_hush)["by"].get("VIETTEL", {"rsrp_dbm": None})["rsrp_dbm"]
        for who, scope in {"planner": PLANNER, "other": OTHERS, "own": world.operator("VIETTEL")}.items()
    }
    world.session.execute(text("UPDATE registry.cell SET valid_to = '2020-01-01' WHERE id = :c"), {"c": HUSH_CELL})
    without = at(world, PLANNER, *near_hush)["by"].get("VIETTEL", {"rsrp_dbm": None})["rsrp_dbm"]
    assert levels["other"] == levels["own"] == without
    assert levels["planner"] != without


def test_the_rows_themselves_are_closed(world: World) -> None:
    """Not the queries but the database keeps them: the tables answer as the API does."""
    counts = {}
    scopes = {"public": PUBLIC, "vnpt": world.operator("VNPT"), "other": OTHERS, "planner": PLANNER}
    for who, scope in scopes.items():
        enter(world.session, scope)
        cells = world.session.scalars(text("SELECT DISTINCT cell_id FROM served")).all()
        boxes = world.session.scalar(text("SELECT count(*) FROM fibre_nearest"))
        leaks = world.session.scalar(
            text("SELECT count(*) FROM verdict WHERE why::text LIKE '%SITE%' OR why::text LIKE '%HUSH%'")
        )
        counts[who] = (len(cells), HUSH_CELL in cells, boxes, leaks)
    enter(world.session, system())
    assert counts == {
        "public": (0, False, 0, 0), "vnpt": (1, False, 8, 0), "other": (2, False, 8, 0), "planner": (3, True, 8, 0),
    }  # fmt: skip
    columns = world.session.scalars(
        text("""SELECT column_name::text FROM information_schema.columns
                WHERE table_schema = 'registry' AND table_name IN ('verdict', 'fibre_reach')""")
    ).all()
    assert not {"best_cell_id", "nearest_point_id", "nearest_distance_m"} & set(columns)


def test_a_run_goes_with_what_served(world: World) -> None:
    world.session.execute(text("DELETE FROM registry.coverage_run"))
    assert world.session.scalar(text("SELECT count(*) FROM registry.served")) == 0
    assert world.session.scalar(text("SELECT count(*) FROM registry.fibre_nearest")) == 0


def test_known_at_takes_the_run_of_then(world: World) -> None:
    session = world.session
    assert world.before.finished_at is not None
    then = world.before.finished_at + dt.timedelta(milliseconds=1)
    assert _id(latest_run(session, None, AS_OF)) == world.run.id
    assert _id(latest_run(session, None, AS_OF, then)) == world.before.id
    assert latest_run(session, None, AS_OF, then - dt.timedelta(hours=1)) is None
    asked = DAY | {"known_at": (world.before.finished_at - dt.timedelta(hours=1)).isoformat()}
    with client_in(session, PLANNER) as client:
        early = client.get("/api/blackspots", params=asked)
        now = client.get("/api/blackspots", params=DAY).json()
        later = dt.datetime.now(dt.UTC).isoformat()
        same = client.get("/api/blackspots", params=DAY | {"known_at": later}).json()
        empty = client.get("/api/coverage/runs", params={"known_at": asked["known_at"]}).json()
    assert (early.status_code, early.json()["run"]) == (200, None)
    assert now["run"]["id"] == same["run"]["id"] == world.run.id
    assert empty == {"runs": []}
    with client_in(session, PUBLIC) as client:
        assert client.get("/api/blackspots", params=asked).status_code == 401


def _id(run: CoverageRun | None) -> int | None:
    return run.id if run else None
