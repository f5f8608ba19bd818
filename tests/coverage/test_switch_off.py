"""Switching technologies off: hand-computed villages and people, what stays unknown, who may ask what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage.evidence import Demand
from app.coverage.models import CoverageRun
from app.coverage.queries import run_by_id
from app.coverage.rules import CoverageRule, parse_rule
from app.coverage.service import run_coverage
from app.coverage.switch_off import Heard, Levels, effect, losing
from app.coverage.switch_off_inputs import read_stored
from app.coverage.verdict import NAMES
from app.database import Scope, enter, system
from tests.conftest import client_in
from tests.coverage.conftest import AS_OF, Station, Village
from tests.coverage.test_evidence_run import Claim, Measured, claim, measured

__all__ = ["claim", "measured"]
DAY = {"as_of": AS_OF.isoformat()}
WEST, EAST, VOID = (107.47, 16.5), (107.53, 16.5), (107.62, 16.5)
PLANNER = Scope("user:1", ("planner",))
OTHERS = Scope("user:3", ("other_department",))
OFFICER = Scope("user:4", ("commune_officer",), (), (1,))
NO = -np.inf
RULE = CoverageRule.model_validate(
    {"technologies": ["3G", "4G"], "rsrp_min_dbm": {"2G": -102, "3G": -103, "4G": -110}, "unit": "population",
     "min_share": 0.8}
)  # fmt: skip


def heard(margin: list[list[float]], doubt: list[list[int]] | None = None, operator: tuple[int, ...] = (1, 1, 1),
          known: list[bool] | None = None) -> Heard:  # fmt: skip
    """Groups 2G, 3G, 4G of one operator unless said."""
    bound = np.where(np.array(doubt or np.zeros_like(margin), bool), 0.0, NO)
    levels = Levels(np.array(margin, np.float64), bound)
    return Heard(levels, levels, np.array(operator), ("2G", "3G", "4G"), np.array(known or [True]))


def of(found: Any, *names: str) -> list[float]:
    return [float(getattr(found, name)[0]) for name in names]


def test_what_is_lost_and_what_may_be() -> None:
    """Ten people at each of six points."""
    margin = [
        [NO, 5, 5],  # stays on 4G
        [NO, 5, NO],  # loses 3G, its last signal
        [5, 5, NO],  # loses 3G, keeps 2G for calls
        [NO, 5, NO],  # loses 3G unless an unknown 4G cell reaches it
        [NO, NO, NO],  # may have 3G, may lose it
        [NO, NO, NO],  # may have 4G: nothing to lose
    ]
    doubt = [[0] * 3, [0] * 3, [0] * 3, [0, 0, 1], [0, 1, 0], [0, 0, 1]]
    people = np.full(6, 10.0)
    found = effect(heard(margin, doubt), Demand(np.zeros(6, np.int64), 1, people), people, RULE, ("3G",), 1)
    assert of(found, "share_before", "share_after", "share_unknown_after") == pytest.approx([4 / 6, 1 / 6, 2 / 6])
    assert (NAMES[found.before[0]], NAMES[found.after[0]]) == ("unknown", "not_covered")
    assert of(found, "lost", "lost_high") == pytest.approx([2 / 6, 4 / 6])
    assert of(found, "silent", "silent_high") == pytest.approx([1 / 6, 3 / 6])
    both = effect(heard(margin, doubt), Demand(np.zeros(6, np.int64), 1, people), people, RULE, ("2G", "3G"), 1)
    assert of(both, "lost", "lost_high") == of(found, "lost", "lost_high"), "the rule does not know 2G"
    assert of(both, "silent", "silent_high") == pytest.approx([2 / 6, 4 / 6])


def test_verdict_by_dwellings_people_by_people() -> None:
    margin = [[NO, 5, NO], [NO, NO, 5]]
    dwellings, people = np.array([1.0, 9.0]), np.array([60.0, 40.0])
    found = effect(heard(margin), Demand(np.zeros(2, np.int64), 1, dwellings), people, RULE, ("3G",), 1)
    assert (NAMES[found.before[0]], NAMES[found.after[0]]) == ("covered", "covered")
    assert of(found, "share_after", "lost") == pytest.approx([0.9, 0.6])


def test_two_operators_asked_for() -> None:
    """One serves with 3G, another with 4G: of two operators one is left."""
    found = heard([[NO, 5, 5]], operator=(1, 1, 2))
    stays = np.array([True, False, True])
    wanted = np.array([False, True, True])
    sure, maybe = losing(found.rule, found.operator, wanted, stays, 2)
    assert (sure.tolist(), maybe.tolist()) == ([True], [True])
    sure, maybe = losing(found.rule, found.operator, wanted, stays, 1)
    assert (sure.tolist(), maybe.tolist()) == ([False], [False])


def test_what_is_not_known_stays_unknown() -> None:
    people = np.array([10.0, 0.0])
    found = effect(
        heard([[NO, 5, NO], [NO, 5, NO]], known=[False, True]), Demand(np.array([0, 1]), 2, people), people, RULE,
        ("3G",), 1,
    )  # fmt: skip
    assert [NAMES[v] for v in (*found.before, *found.after)] == ["unknown"] * 4
    assert np.isnan([*found.lost, *found.silent_high]).all(), "nobody lives in the second: no share of nobody"
    nothing = Heard(*(Levels(np.empty((1, 0)), np.empty((1, 0))),) * 2, np.empty(0, np.int64), (), np.array([True]))
    bare = effect(nothing, Demand(np.zeros(1, np.int64), 1, np.ones(1)), np.ones(1), RULE, ("3G",), 1)
    assert (NAMES[bare.before[0]], *of(bare, "lost", "lost_high")) == ("not_covered", 0, 0)


@pytest.fixture
def world(hilly: Session, village: Village, station: Station) -> CoverageRun:
    """West of the ridge VIETTEL has 3G and VNPT 2G, east of it VIETTEL has 4G and VNPT 3G."""
    station("W", 107.45, 16.5, technology="3G")
    station("W", 107.45, 16.5, operator="VNPT", technology="2G")
    station("E", 107.55, 16.5)
    station("E", 107.55, 16.5, operator="VNPT", technology="3G")
    village("WEST", (*WEST, 100, 30))
    village("EAST", (*EAST, 100, 30))
    village("EDGE", (*WEST, 850, 90), (*VOID, 150, 10))
    village("BOTH", (*EAST, 140, 30), (*WEST, 20, 5), (*VOID, 40, 10))
    village("DARK", (*VOID, 500, 90))
    village("EMPTY")
    hilly.execute(
        text("""WITH made AS (INSERT INTO registry.unit (level, code, name, kind, valid_from)
                    VALUES ('commune', '77001', 'Xã Tây', 'xã', '2025-07-01'),
                           ('commune', '77002', 'Xã Đông', 'xã', '2025-07-01') RETURNING id, code)
                INSERT INTO registry.village_unit (village_id, unit_id) SELECT v.id, made.id
                FROM registry.village v JOIN made ON (made.code = '77001') = (v.code IN ('WEST', 'EDGE'))
                WHERE v.code IN ('WEST', 'EDGE', 'BOTH', 'EAST')""")
    )
    return run_coverage(hilly, as_of=AS_OF)


def ask(client: TestClient, technologies: str = "3G", **asked: Any) -> dict[str, Any]:
    answered = client.get("/api/coverage/switch-off", params=DAY | {"technologies": technologies} | asked)
    assert answered.status_code == 200, answered.text
    return dict(answered.json())


def told(found: dict[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {v["code"]: tuple(v[n] for n in names) for v in found["items"]}


MOVES = ("villages", "covered_before", "covered_after", "covered_to_not_covered", "covered_to_unknown",
         "unknown_to_not_covered")  # fmt: skip


def test_the_third_generation_goes(client: TestClient, world: CoverageRun) -> None:
    found = ask(client)
    assert list(told(found)) == ["EDGE", "WEST", "BOTH"], "most people first"
    assert told(found, "before", "after", "people_lost", "people_lost_high") == {
        "EDGE": ("covered", "not_covered", 850, 1000),  # of the 150 in the void nothing is known
        "WEST": ("covered", "not_covered", 100, 100),
        "BOTH": ("covered", "unknown", 20, 60),  # 70 % stays on 4G, 20 % is unknown
    }
    assert told(found, "share_before", "share_after", "share_unknown_after")["BOTH"] == (0.8, 0.7, 0.2)
    # VNPT's 2G is left for calls in the west.
    assert told(found, "people_without_signal")["WEST"] == (0,)
    totals = found["totals"]
    assert [totals[m] for m in MOVES] == [6, 4, 1, 2, 1, 0]
    assert (totals["people_lost"], totals["people_lost_high"]) == (970, 970 + 150 + 40 + 500)
    assert totals["without_population"] == 1, "EMPTY has no points"
    assert {c["commune_name"]: (c["villages"], c["people_lost"], c["covered_after"]) for c in found["by_commune"]} == {
        "Xã Tây": (2, 950, 0), "Xã Đông": (2, 20, 1), None: (2, 0, 0),
    }  # fmt: skip
    assert [c["commune_code"] for c in found["by_commune"]] == ["77001", "77002", None]
    assert (found["technologies_before"], found["technologies_after"]) == (["3G", "4G", "5G"], ["4G", "5G"])
    assert (found["run"]["id"], found["share_of"], found["numberMatched"]) == (world.id, "population", 3)
    assert found["synthetic"]
    assert len(found["why"]["vi"]) == len(found["why"]["en"])
    page = ask(client, limit=1, offset=1)
    assert ([v["code"] for v in page["items"]], page["totals"]) == (["WEST"], totals)


def test_the_last_signal_goes(client: TestClient, world: CoverageRun) -> None:
    found = ask(client, "3G,2G,2G")
    assert found["switched_off"] == ["2G", "3G"]
    assert told(found, "people_without_signal", "people_without_signal_high") == {
        "EDGE": (850, 1000), "WEST": (100, 100), "BOTH": (20, 60),
    }  # fmt: skip
    second = ask(client, "2G")
    assert (second["items"], second["totals"]["covered_after"]) == ([], 4), "no verdict rests on 2G"
    assert second["totals"]["people_without_signal"] == 0, "3G is left in the west"
    fourth = ask(client, "4G")
    assert fourth["items"] == [], "VNPT's 3G covers the east"
    assert fourth["totals"]["people_lost_high"] == 0 + 150 + 40 + 500


def test_one_operator(client: TestClient, world: CoverageRun) -> None:
    vnpt = ask(client, operator="VNPT")
    assert told(vnpt, "after", "people_lost") == {"EAST": ("not_covered", 100)}, "BOTH: VNPT alone has 70 %"
    assert vnpt["totals"]["people_lost"] == 240
    assert vnpt["totals"]["people_without_signal"] == 240, "its own 2G is in the west only"
    assert told(ask(client, operator="VIETTEL"), "after") == {
        "WEST": ("not_covered",), "EDGE": ("not_covered",), "BOTH": ("unknown",),
    }  # fmt: skip
    none = ask(client, operator="MOBIFONE")
    assert (none["totals"]["covered_before"], none["totals"]["without_population"]) == (0, 6), "nothing is known of it"


@pytest.mark.parametrize("rule", ["village-80", "village-indoor", "ofcom", "plan-70mbps"])
def test_with_everything_on_it_is_the_runs_verdict(session: Session, world: CoverageRun, rule: str) -> None:
    run = run_coverage(session, as_of=AS_OF, rule=rule)
    parsed = parse_rule(rule, run.rule_value)
    for operator in (None, session.scalar(text("SELECT id FROM registry.organisation WHERE code = 'VIETTEL'"))):
        stored = read_stored(session, run, parsed, operator, AS_OF)
        found = effect(stored.heard, stored.demand, stored.people, parsed, (), parsed.min_operators)
        rows = session.execute(
            text("""SELECT v.code, r.verdict, r.share, r.share_unknown FROM registry.verdict r
                    JOIN registry.village v ON v.id = r.village_id WHERE run_id = :run AND technology IS NULL
                    AND operator_id IS NOT DISTINCT FROM :o ORDER BY v.id"""), {"run": run.id, "o": operator},
        ).all()  # fmt: skip
        mine = [(v["code"], NAMES[found.before[k]]) for k, v in enumerate(stored.villages)]
        assert mine == [(r.code, r.verdict) for r in rows]
        share = np.array([np.nan if r.share is None else r.share for r in rows])
        assert found.share_before == pytest.approx(share, nan_ok=True)
        assert (found.lost == 0)[~np.isnan(found.lost)].all()
        assert (found.lost_high == 0)[~np.isnan(found.lost_high)].all(), "nothing goes, nothing may be lost"


def test_measurements_and_claims_do_not_count(
    client: TestClient, session: Session, world: CoverageRun, measured: Measured
) -> None:
    measured(*WEST, n=5, technology="3G", rsrp_dbm=-120)
    run_coverage(session, as_of=AS_OF)
    found = ask(client)
    assert "WEST" in told(found), "the model has it covered, whatever was measured"
    assert "measurements" in found["why"]["en"][0]


def test_networks_that_only_claim_stay_unknown(
    client: TestClient, session: Session, world: CoverageRun, claim: Claim
) -> None:
    """MOBIFONE has no station on record and claims 4G in the west: who lives there may keep service."""
    claim("C", *WEST, operator="MOBIFONE")
    run_coverage(session, as_of=AS_OF)
    found = ask(client)
    assert told(found, "after", "people_lost", "people_lost_high")["WEST"] == ("unknown", 0, 100)
    mobifone = ask(client, operator="MOBIFONE", technologies="2G")["totals"]
    assert (mobifone["covered_before"], mobifone["people_lost_high"]) == (0, 0)


def test_who_may_ask(session: Session, world: CoverageRun) -> None:
    """That the public may not stands in tests/permissions.py."""
    ids = {row.code: row.id for row in session.execute(text("SELECT code, id FROM registry.organisation"))}
    viettel = Scope("user:7", ("operator",), (ids["VIETTEL"],))
    with client_in(session, PLANNER) as client:
        departments, own = ask(client), ask(client, operator="VIETTEL")
    for scope in (viettel, OFFICER, OTHERS):
        with client_in(session, scope) as client:
            assert ask(client) == departments, "figures over all operators are the same for everybody"
    with client_in(session, viettel) as client:
        assert ask(client, operator="VIETTEL") == own
        refused = client.get("/api/coverage/switch-off", params=DAY | {"technologies": "3G", "operator": "VNPT"})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_network")
        assert set(refused.json()["message"]) == {"vi", "en"}
        assert "VNPT" not in refused.text
    with client_in(session, OFFICER) as client:
        assert client.get(
            "/api/coverage/switch-off", params=DAY | {"technologies": "3G", "operator": "VIETTEL"}
        ).status_code == 403  # fmt: skip
    with client_in(session, OTHERS) as client:
        assert ask(client, operator="VIETTEL") == own
    enter(session, viettel)
    assert session.scalars(text("SELECT DISTINCT operator_id FROM signal")).all() == [ids["VIETTEL"]]
    enter(session, system())


def test_restricted_sites_count_for_the_department_only(
    session: Session, hilly: Session, village: Village, station: Station
) -> None:
    station("SECRET", 107.45, 16.5, technology="3G", restricted=True)
    station("OPEN", 107.55, 16.5)
    village("WEST", (*WEST, 100, 30))
    run_coverage(session, as_of=AS_OF)
    with client_in(session, PLANNER) as client:
        assert told(ask(client), "people_lost") == {"WEST": (100,)}
    with client_in(session, OTHERS) as client:
        found = ask(client)
        assert (found["items"], found["totals"]["people_lost_high"]) == ([], 0)


def test_a_rule_without_all_levels_does_not_say_who_has_no_signal(
    client: TestClient, session: Session, world: CoverageRun
) -> None:
    run_coverage(session, as_of=AS_OF, rule="ofcom")
    found = ask(client, "4G", rule="ofcom")
    assert told(found, "after", "people_without_signal") == {"EAST": ("not_covered", None)}
    assert (found["totals"]["people_lost"], found["totals"]["people_without_signal_high"]) == (240, None)


def test_nothing_is_written(client: TestClient, session: Session, world: CoverageRun) -> None:
    count = "SELECT (SELECT count(*) FROM registry.verdict), (SELECT count(*) FROM registry.coverage_run)"
    before = session.execute(text(count)).one()
    ask(client)
    assert session.execute(text(count)).one() == before


def test_points_that_changed_since(client: TestClient, session: Session, world: CoverageRun) -> None:
    session.execute(text("INSERT INTO registry.demand_point (village_id, point, population) "
                         "SELECT id, point, 50 FROM registry.village WHERE code = 'EAST'"))  # fmt: skip
    refused = client.get("/api/coverage/switch-off", params=DAY | {"technologies": "3G"})
    assert (refused.status_code, refused.json()["code"]) == (409, "run_outdated"), "they would pass for not served"


def test_a_registry_without_stations_knows_nothing(client: TestClient, hilly: Session, village: Village) -> None:
    village("A", (*WEST, 100, 30))
    run_coverage(hilly, as_of=AS_OF)
    totals = ask(client)["totals"]
    assert [totals[m] for m in MOVES] == [1, 0, 0, 0, 0, 0]
    assert totals["without_population"] == 1


@pytest.mark.parametrize(
    ("asked", "status", "code", "field"),
    [
        ({"technologies": "6G"}, 422, "unknown_technology", "technologies"),
        ({"technologies": "3G,"}, 422, "unknown_technology", "technologies"),
        ({}, 422, "invalid_request", "technologies"),
        ({"technologies": "3G,4G,5G"}, 422, "nothing_left", "technologies"),
        ({"technologies": "2G,3G,4G,5G"}, 422, "nothing_left", "technologies"),
        ({"technologies": "3G", "operator": "NOBODY"}, 422, "unknown_operator", "operator"),
        ({"technologies": "3G", "rule": "nope"}, 404, "unknown_rule", "coverage_rule"),
        ({"technologies": "3G", "rule": "ofcom"}, 404, "no_run", None),
        ({"technologies": "3G", "as_of": "2020-01-01"}, 404, "no_run", None),
        ({"technologies": "3G", "run_id": "987654"}, 404, "unknown_run", "run_id"),
    ],
)
def test_bad_questions(
    client: TestClient, world: CoverageRun, asked: dict[str, str], status: int, code: str, field: str | None
) -> None:
    answered = client.get("/api/coverage/switch-off", params=DAY | asked)
    assert answered.headers["content-type"] == "application/problem+json"
    found = answered.json()
    assert (answered.status_code, found["code"], found.get("field")) == (status, code, field)
    assert set(found["message"]) == {"vi", "en"}


@pytest.mark.parametrize(
    ("rule", "technologies", "code"),
    [("village-point", "3G", "rule_without_levels"), ("ofcom", "3G", "no_level_for_technology")],
)
def test_rules_it_cannot_answer(
    client: TestClient, session: Session, world: CoverageRun, rule: str, technologies: str, code: str
) -> None:
    run = run_coverage(session, as_of=AS_OF, rule=rule)
    asked = DAY | {"technologies": technologies, "rule": rule}
    refused = client.get("/api/coverage/switch-off", params=asked)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert run_by_id(session, run.id).rule == rule
