"""The screening on values alone: ranking, unknown capacity, advice, effect on the ratios."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.licensing.candidates import Candidate, Room, free_height_m, highest_free, room
from app.licensing.colocation import Limits, Proposal, screen
from app.licensing.constraints.judgement import Finding
from app.licensing.effect import Host, Tenancy, effect
from app.licensing.reach import Reach

ASKED = Proposal(107.5, 16.4, "VIETTEL", height_m=40, radius_m=500)
NEEDED = Room(antenna_separation_m=3, antenna_set_kg=300)
LIMITS = Limits(100, 0.8, NEEDED, min_coverage_share=0.9, partial_coverage_share=0.5)
BASE = Candidate(
    site_id=1, site="S", structure_id=1, structure="S-S", owner_code="VNPT", owner_name="VNPT", distance_m=200.0,
    height_m=45.0, top_m=45.0, kind="mast", type_code=None, tenant_capacity=3, lon=107.5, lat=16.4, synthetic=False,
    tenants=("VNPT",), technologies=("4G",),
)  # fmt: skip
FULL = replace(BASE, structure="FULL", structure_id=2, tenant_capacity=1)
UNKNOWN = replace(BASE, structure="UNKNOWN", structure_id=3, tenant_capacity=None)
LOW = replace(BASE, structure="LOW", structure_id=4, height_m=31.9, top_m=31.9)
OWN = replace(BASE, structure="OWN", structure_id=5, tenants=("VIETTEL",))


def codes(*found: Candidate, place_checked: bool = True) -> tuple[str, set[str]]:
    result = screen(found, ASKED, LIMITS, place_checked=place_checked)
    return result.advice, {r.code for r in result.reasons} - {"coverage_not_compared", "candidates"}


def test_spare_is_never_guessed() -> None:
    assert (BASE.spare, BASE.spare_state) == (2, "free")
    assert (FULL.spare, FULL.spare_state) == (0, "full")
    assert (UNKNOWN.spare, UNKNOWN.spare_state) == (None, "unknown")
    crowded = replace(BASE, tenant_capacity=1, tenants=("VNPT", "FPT"))
    assert (crowded.spare, crowded.spare_state) == (0, "full")


def test_advice() -> None:
    assert codes() == ("license_shared", {"no_candidates"})
    assert codes(BASE) == ("share", set())
    assert codes(FULL) == ("license_shared", set())
    assert codes(UNKNOWN) == ("needs_a_person", {"capacity_unknown"})
    assert codes(FULL, UNKNOWN) == ("needs_a_person", {"capacity_unknown"})
    assert codes(LOW) == ("needs_a_person", {"lower_than_asked"})
    assert codes(replace(LOW, top_m=None)) == ("needs_a_person", {"lower_than_asked"})
    assert codes(replace(LOW, top_m=32.0)) == ("share", set())  # 80 % of 40 m
    assert codes(OWN) == ("license_shared", set())
    assert codes(replace(OWN, distance_m=99.9)) == ("needs_a_person", {"near_duplicate", "operator_already_here"})
    assert codes(replace(FULL, distance_m=40.0)) == ("license_shared", {"near_duplicate"})
    assert codes(BASE, place_checked=False)[0] == "needs_a_person"
    assert codes(replace(BASE, distance_m=500.1)) == ("license_shared", {"no_candidates"})


def test_ranking_free_then_unknown_then_full_then_own() -> None:
    near_full = replace(FULL, distance_m=10.0)
    far_free = replace(BASE, structure="FAR", distance_m=400.0)
    found = screen([OWN, near_full, UNKNOWN, far_free, BASE, LOW], ASKED, LIMITS)
    assert [j.candidate.structure for j in found.candidates] == ["S-S", "FAR", "LOW", "UNKNOWN", "FULL", "OWN"]
    assert [c.structure for c in found.near_duplicates] == ["FULL"]
    assert found.best is BASE


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(st.tuples(st.floats(0, 600), st.none() | st.integers(0, 4), st.none() | st.floats(1, 100))),
    st.randoms(use_true_random=False),
)
def test_order_of_input_does_not_matter_and_share_has_room(
    rows: list[tuple[float, int | None, float | None]],
    random: Random,
) -> None:
    found = [
        replace(BASE, structure=f"C{i}", distance_m=d, tenant_capacity=c, top_m=h) for i, (d, c, h) in enumerate(rows)
    ]
    result = screen(found, ASKED, LIMITS)
    assert result == screen(random.sample(found, len(found)), ASKED, LIMITS)
    assert len(result.candidates) == sum(d <= 500 for d, *_ in rows)
    if result.advice == "share":
        assert result.best is result.candidates[0].candidate, "what is advised stands first"
        assert result.best is not None
        assert result.best.spare
        assert result.best.distance_m <= 500


def test_effect_by_hand() -> None:
    # k = 2, 1, 1: S1 1/3, S2 2/4. New position: 1/4, 2/5. Sharing the second: 2/3, 4/5.
    found = effect(Tenancy({2: 1, 1: 2}), Host(1, already_there=False))
    assert found["S1"] == pytest.approx({"before": 100 / 3, "after_new": 25, "after_shared": 200 / 3})
    assert found["S2"] == pytest.approx({"before": 50, "after_new": 40, "after_shared": 80})


def test_effect_with_nobody_new_or_nothing_there() -> None:
    assert effect(Tenancy({2: 1, 1: 1}), Host(1, already_there=True))["S1"]["after_shared"] == 50
    assert effect(Tenancy({}), None)["S1"] == {"before": None, "after_new": 0, "after_shared": None}
    assert effect(Tenancy({1: 1}), Host(0, already_there=False))["S1"]["after_shared"] == 0


@given(st.dictionaries(st.integers(1, 6), st.integers(1, 50), min_size=1), st.data())
def test_sharing_never_lowers_s1(positions: dict[int, int], data: st.DataObject) -> None:
    k = data.draw(st.sampled_from(sorted(positions)))
    found = effect(Tenancy(positions), Host(k, already_there=False))["S1"]
    before, shared, new = found["before"], found["after_shared"], found["after_new"]
    assert before is not None
    assert shared is not None
    assert new is not None
    assert shared >= before >= new


def reach(people: float, common: float) -> Reach:
    return Reach(40.0, 2 * people, people, people, 0.0, common, (), ())


PROPOSED = reach(1000, 1000)


def advised(
    *found: tuple[Candidate, float | None], proposed: Reach | None = PROPOSED, findings: tuple[Finding, ...] = ()
) -> tuple[str, list[list[str]]]:
    reaches = {c.structure_id: reach(5000, common) for c, common in found if common is not None}
    result = screen([c for c, _ in found], ASKED, LIMITS, reaches=reaches, proposed=proposed, findings=findings)
    return result.advice, [[f.code for f in j.fails] for j in result.candidates]


def test_lower_but_serves_the_same_people() -> None:
    """80 m lower, and 96 % of the people: it serves the purpose; people it reaches elsewhere make up for nothing."""
    low = replace(BASE, top_m=10.0)
    assert advised((low, 960.0)) == ("share", [[]])
    assert advised((low, 899.0)) == ("needs_a_person", [["covers_too_little"]])
    assert advised((BASE, 499.0)) == ("license_shared", [["covers_too_little"]])
    assert advised((BASE, 0.0), (UNKNOWN, 1000.0)) == (
        "needs_a_person", [["covers_too_little"], ["capacity_unknown"]],
    )  # fmt: skip
    assert advised((replace(FULL, structure="F"), 1000.0))[0] == "license_shared"


def test_a_proposal_that_reaches_nobody_is_not_the_machines_to_grant() -> None:
    assert advised(proposed=reach(0, 0)) == ("needs_a_person", [])
    assert advised((BASE, 0.0), proposed=reach(0, 0)) == ("share", [[]]), "then height decides what is an alternative"


def finding(status: Any, code: str = "H1", check: str = "code") -> Finding:
    return Finding("heritage", code, "Kinh thành", check, status, None, None, 12.0, "QĐ 1", None, None, "vi", "en")


def test_rules_of_the_place_forbid_building_not_sharing() -> None:
    assert advised(findings=(finding("refuse"),)) == ("refuse", [])
    assert advised((BASE, 1000.0), findings=(finding("refuse"),))[0] == "share"
    assert advised((UNKNOWN, None), findings=(finding("refuse"),))[0] == "needs_a_person"
    assert advised(findings=(finding("unknown"),))[0] == "needs_a_person"
    assert advised(findings=(finding("unknown", code=""), finding("unknown", check="distance")))[0] == "license_shared"
    assert advised(findings=(finding("warning"), finding("ok"), finding("needs_approval")))[0] == "license_shared"
    told = screen([], ASKED, LIMITS, findings=[finding("ok"), finding("warning"), finding("refuse")]).reasons
    assert [r.code for r in told if r.code.startswith("place_")] == ["place_refuse", "place_warning"]


def test_load_and_owner_decide_whether_a_place_is_free() -> None:
    assert room(BASE, NEEDED) == "free", "load nobody recorded is shown as unknown, not as missing"
    assert BASE.spare_load_kg is None
    loaded = replace(BASE, load_capacity_kg=1000.0, load_used_kg=750.0)
    assert (loaded.spare_load_kg, room(loaded, NEEDED)) == (250.0, "full")
    assert room(replace(loaded, load_used_kg=700.0), NEEDED) == "free"
    orphan = replace(BASE, owner_code=None, owner_name=None)
    assert room(orphan, NEEDED) == "unknown"
    assert advised((orphan, 1000.0)) == ("needs_a_person", [["owner_unknown"]])
    assert advised((loaded, 1000.0)) == ("license_shared", [["no_load"]])


def test_free_height_by_hand() -> None:
    assert highest_free(45, (), 3) == 45
    assert highest_free(45, (44, 40, 38), 3) == 35, "below 44 is 41, too near 40; below 40 is 37, too near 38"
    assert highest_free(45, (41,), 3) == 45
    assert highest_free(4, (3,), 3) == 0
    assert free_height_m(BASE, NEEDED) is None, "the tenant's antennas are not recorded"
    known = replace(BASE, antenna_heights_m=(44.0,), antennas_known=True)
    assert free_height_m(known, NEEDED) == 41
    assert free_height_m(replace(known, top_m=None), NEEDED) is None


@given(st.floats(1, 100), st.lists(st.floats(0, 100), max_size=6), st.floats(0.5, 10))
def test_a_free_height_keeps_its_distance(top: float, taken: list[float], separation: float) -> None:
    found = highest_free(top, taken, separation)
    assert 0 <= found <= round(top, 2)
    assert found == 0 or all(abs(found - t) >= separation - 0.011 for t in taken)
