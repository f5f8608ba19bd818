"""Candidates compared by whom they reach: over the ridge, behind it, and what is not known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.service import run_coverage
from app.licensing.answers import answer
from app.licensing.inputs import thawed
from app.licensing.service import check_colocation, gather
from tests.coverage.conftest import AS_OF, Station
from tests.licensing.what_if.conftest import EAST, mast
from tests.sharing import registry


def ask(session: Session, **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "lon": EAST[0], "lat": EAST[1] + 0.002, "operator": "VIETTEL", "height_m": 42, "radius_m": 20000,
        "as_of": AS_OF,
    }  # fmt: skip
    return check_colocation(session, **values | more)


def fill(session: Session, station: Station) -> None:
    """WESTERN stands behind the ridge, HILL before it: the same height, not the same people."""
    registry.commune(session, "90001", 107.4, 16.4, 0.25)
    station("WESTERN", 107.46, 16.505, "MOBIFONE", antenna_height_m=40)
    mast(session, "WESTERN", "MOBIFONE", height_m=60.0)


def test_the_same_people_decide_not_the_height(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    found = ask(ridge)
    assert found["coverage"]["people_gained"] == 100, "VIETTEL serves nobody in the east"
    assert found["coverage"]["people_first"] == 0, "VNPT does"
    assert found["coverage"]["villages_gained"] == []
    by = {c["site"]: c for c in found["candidates"]}
    assert by["HILL"]["coverage"]["share_of_proposal"] == 1
    assert by["HILL"]["serves_purpose"] is True
    assert by["WESTERN"]["coverage"]["share_of_proposal"] == 0
    assert [f["code"] for f in by["WESTERN"]["fails"]] == ["covers_too_little"]
    assert (found["advice"]["code"], found["candidates"][0]["site"]) == ("share", "HILL")
    assert found["modelled"]["compared"] == 2
    assert found["synthetic"]
    # Without radio WESTERN, the taller, would do as well.
    plain = ask(ridge, radio=False)
    assert (plain["coverage"], plain["modelled"]["reason"]) == (None, "not_asked")
    assert all(c["coverage"] is None and c["serves_purpose"] for c in plain["candidates"])


def test_where_no_height_is_free_antennas_stand_at_the_foot(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    ridge.execute(text("""
        INSERT INTO registry.cell (base_station_id, code, antenna_height_m, source)
        SELECT c.base_station_id, 'HILL-' || h, h, '' FROM registry.cell c, generate_series(1, 45, 4) h
        WHERE c.id = (SELECT min(id) FROM registry.cell WHERE code LIKE 'HILL%')"""))  # fmt: skip
    hill = next(c for c in ask(ridge)["candidates"] if c["site"] == "HILL")
    assert (hill["free_height_m"], hill["coverage"]["antenna_height_m"]) == (0, 0.5)


def test_a_village_nobody_covers_is_gained(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    ridge.execute(text("UPDATE registry.cell SET eirp_dbm = -10 WHERE code LIKE 'HILL%'"))
    run_coverage(ridge, as_of=AS_OF)
    found = ask(ridge)
    assert found["coverage"]["villages_gained"] == ["EAST"]
    assert found["coverage"]["people_first"] == 100
    assert next(c for c in found["candidates"] if c["site"] == "HILL")["coverage"]["villages_gained"] == ["EAST"]


def test_purposes_count_other_people(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    west = {"lon": 107.462, "lat": 16.5}
    assert ask(ridge, **west)["coverage"]["people"] == 0, "VIETTEL serves them already"
    assert ask(ridge, **west)["advice"]["code"] != "license_shared"
    assert ask(ridge, **west, purpose="capacity")["coverage"]["people"] == 100
    fresh = ask(ridge, **west, purpose="new_technology", technologies=["3G"])
    assert fresh["coverage"]["people"] == 100, "its network there is 4G only"


def test_capacity_unknown_is_compared_and_never_free(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    ridge.execute(text("UPDATE registry.structure SET tenant_capacity = NULL WHERE code = 'HILL-S'"))
    found = ask(ridge)
    hill = next(c for c in found["candidates"] if c["site"] == "HILL")
    assert (hill["spare_state"], hill["coverage"]["share_of_proposal"]) == ("unknown", 1)
    assert found["advice"]["code"] == "needs_a_person"


def test_frozen_inputs_hold_the_reaches(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    given = gather(
        ridge, lon=EAST[0], lat=EAST[1], operator="VIETTEL", height_m=42.0, radius_m=20000.0, as_of=AS_OF
    )  # fmt: skip
    assert answer(thawed(given.frozen())) == answer(given)
    assert given.frozen()["proposed"]["people_gained"] == 100


def test_point_over_unknown_ground_says_so(ridge: Session, station: Station) -> None:
    fill(ridge, station)
    found = ask(ridge, lon=107.62, lat=16.5)
    assert found["coverage"]["people_gained"] == 0
    assert found["coverage"]["people_gained_at_most"] >= 100, "paths from a mast of unknown height are unknown"
