"""A scenario says what a run says once it has come true."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.service import run_coverage
from app.database import enter, scope_of
from app.errors import AppError
from app.licensing.what_if.schemas import License, Scenario, SwitchOff
from app.licensing.what_if.service import what_if
from tests.coverage.conftest import AS_OF, Station
from tests.licensing.conftest import operator
from tests.licensing.what_if.conftest import EAST, mast
from tests.sharing import registry


def ask(session: Session, **changes: Any) -> dict[str, Any]:
    return what_if(session, Scenario(as_of=AS_OF, **changes))


def verdicts(session: Session) -> dict[str, str]:
    """Verdicts of a run of now."""
    run = run_coverage(session, as_of=AS_OF)
    query = """SELECT v.code, r.verdict FROM registry.verdict r JOIN registry.village v ON v.id = r.village_id
        WHERE r.run_id = :run AND r.operator_id IS NULL AND r.technology IS NULL"""
    return {code: found for code, found in session.execute(text(query), {"run": run.id})}


def rows(session: Session) -> int:
    tables = ("site", "structure", "base_station", "cell", "structure_occupancy", "coverage_run", "verdict", "signal")
    return sum(session.scalar(text(f"SELECT count(*) FROM registry.{t}")) or 0 for t in tables)


def changed(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {v["code"]: (v["before"], v["after"]) for v in found["villages"]["changed"]}


def test_switching_off_is_what_a_run_without_it_says(ridge: Session) -> None:
    before = rows(ridge)
    found = ask(ridge, switch_off=[SwitchOff(site="HILL")])
    assert changed(found) == {"EAST": ("covered", "not_covered")}
    assert found["villages"]["before"] == {"covered": 2, "not_covered": 0, "unknown": 0}
    assert (found["villages"]["people_before"], found["villages"]["people_after"]) == (200, 100)
    assert found["ratios"]["S3"]["before"]["denominator"] - found["ratios"]["S3"]["after"]["denominator"] == 1
    assert found["synthetic"]
    assert rows(ridge) == before, "nothing is written"
    ridge.execute(text("UPDATE registry.site SET valid_to = '2026-10-01' WHERE code = 'HILL'"))
    assert verdicts(ridge) == {"WEST": "covered", "EAST": "not_covered"}


def test_another_tower_takes_over_where_it_can(ridge: Session, station: Station) -> None:
    station("BACKUP", 107.512, 16.503, "VNPT", antenna_height_m=40, eirp_dbm=50)
    run_coverage(ridge, as_of=AS_OF)
    assert changed(ask(ridge, switch_off=[SwitchOff(site="HILL")])) == {}
    both = [SwitchOff(site="HILL"), SwitchOff(site="BACKUP", operator="VNPT")]
    assert changed(ask(ridge, switch_off=both)) == {"EAST": ("covered", "not_covered")}


def test_a_new_tower_is_what_a_run_with_it_says(ridge: Session, station: Station) -> None:
    ridge.execute(text("UPDATE registry.site SET valid_to = '2026-10-01' WHERE code = 'HILL'"))
    assert verdicts(ridge)["EAST"] == "not_covered"
    new = License(operator="VIETTEL", lon=EAST[0], lat=EAST[1] + 0.004, height_m=31.0, technologies=["4G"])
    found = ask(ridge, license=[new])
    assert changed(found) == {"EAST": ("not_covered", "covered")}
    # VIETTEL at V1 alone and at the new position: nothing is shared, one position more.
    assert (found["ratios"]["S1"]["before"]["denominator"], found["ratios"]["S1"]["after"]["denominator"]) == (1, 2)
    station("NEW", EAST[0], EAST[1] + 0.004, antenna_height_m=30.0)
    assert verdicts(ridge)["EAST"] == "covered"


def test_sharing_a_mast_raises_s1(ridge: Session) -> None:
    found = ask(ridge, license=[License(operator="VIETTEL", structure="HILL-S", technologies=["4G"])])
    assert (found["ratios"]["S1"]["before"]["ratio"], found["ratios"]["S1"]["after"]["ratio"]) == (0, 50)
    assert found["ratios"]["S2"]["after"]["ratio"] == pytest.approx(200 / 3)
    assert changed(found) == {}


def test_one_operator_leaves_a_shared_position(ridge: Session, station: Station) -> None:
    station("HILL", 107.51, 16.5, "VIETTEL", antenna_height_m=40)
    leaves = ask(ridge, switch_off=[SwitchOff(site="HILL", operator="VIETTEL")])
    assert (leaves["ratios"]["S1"]["before"]["ratio"], leaves["ratios"]["S1"]["after"]["ratio"]) == (50, 0)
    assert leaves["ratios"]["S1"]["after"]["denominator"] == 2


def test_who_was_not_known_there_leaves_nothing_known(ridge: Session) -> None:
    registry.site(ridge, "DARK", 107.52, 16.5, structure={"height_m": 30.0}, synthetic=True)
    found = ask(ridge, switch_off=[SwitchOff(site="DARK", operator="VIETTEL")])["ratios"]["S1"]
    assert found["before"]["unknown"] == 1
    assert found["after"] == found["before"]


def test_without_a_run_the_ratios_are_told_and_villages_are_not(hilly: Session, station: Station) -> None:
    station("V1", 107.45, 16.5)
    found = ask(hilly, switch_off=[SwitchOff(site="V1")])
    assert (found["villages"], found["modelled"]["reason"]) == (None, "no_run")
    assert (found["ratios"]["S1"]["before"]["ratio"], found["ratios"]["S1"]["after"]["ratio"]) == (0, None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "empty_scenario"),
        ({"switch_off": [SwitchOff(site="NOWHERE")]}, "unknown_site"),
        ({"switch_off": [SwitchOff(site="V1", operator="EVN")]}, "operator_without_radio"),
        ({"license": [License(operator="VIETTEL", structure="V1-S")]}, "unknown_structure"),
        ({"license": [License(operator="VIETTEL", structure="HILL-S", lon=107.5, lat=16.5)]}, "place_needed"),
        ({"license": [License(operator="VIETTEL", lon=107.5, lat=16.5)]}, "place_needed"),
        ({"license": [License(operator="VIETTEL", lon=107.5, lat=16.5, height_m=0)]}, "out_of_range"),
        ({"license": [License(operator="VIETTEL", lon=16.5, lat=107.5, height_m=40)]}, "swapped_axes"),
        ({"license": [License(operator="NOBODY", lon=107.5, lat=16.5, height_m=40)]}, "unknown_operator"),
        ({"license": [License(operator="VIETTEL", lon=107.5, lat=16.5, height_m=40, technologies=["9G"])]},
         "unknown_technology"),
        ({"license": [License(operator="VIETTEL", lon=107.2, lat=16.5, height_m=40)]}, "outside_province"),
    ],
)  # fmt: skip
def test_refusals(ridge: Session, changes: dict[str, Any], code: str) -> None:
    registry.commune(ridge, "90001", 107.4, 16.4, 0.25)
    with pytest.raises(AppError) as refused:
        ask(ridge, **changes)
    assert refused.value.code == code
    assert refused.value.vi


def test_two_positions_of_one_code_are_told_apart_by_nobody(ridge: Session) -> None:
    registry.site(ridge, "TWIN", 107.46, 16.5, owner="VNPT")
    registry.site(ridge, "TWIN", 107.47, 16.5, owner="VIETTEL")
    with pytest.raises(AppError) as refused:
        ask(ridge, switch_off=[SwitchOff(site="TWIN")])
    assert refused.value.code == "ambiguous_site"


def test_an_operator_asks_privately(ridge: Session) -> None:
    before = scope_of(ridge)
    enter(ridge, operator(ridge, "VIETTEL"))
    with pytest.raises(AppError) as refused:
        ask(ridge, switch_off=[SwitchOff(site="V1")])
    enter(ridge, before)
    assert refused.value.code == "ask_privately"


def test_mast_without_height_needs_one(ridge: Session, station: Station) -> None:
    station("BLANK", 107.46, 16.51, "VNPT")
    mast(ridge, "BLANK", "VNPT")
    ridge.execute(text("UPDATE registry.structure SET height_m = NULL WHERE code = 'BLANK-S'"))
    with pytest.raises(AppError) as refused:
        ask(ridge, license=[License(operator="VIETTEL", structure="BLANK-S")])
    assert refused.value.code == "height_unknown"
