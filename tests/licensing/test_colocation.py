"""The screening on values alone: ranking, unknown capacity, advice, effect on the ratios."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.licensing.colocation import Candidate, Limits, Proposal, effect, screen
from app.sharing.ratios import Sites

ASKED = Proposal(107.5, 16.4, "VIETTEL", height_m=40, radius_m=500)
LIMITS = Limits(near_duplicate_m=100, min_height_share=0.8)
BASE = Candidate(
    site_id=1, site="S", structure="S-S", owner_code="VNPT", owner_name="VNPT", distance_m=200.0, height_m=45.0,
    top_m=45.0, kind="mast", type_code=None, tenant_capacity=3, lon=107.5, lat=16.4, synthetic=False,
    tenants=("VNPT",), technologies=("4G",),
)  # fmt: skip
FULL = replace(BASE, structure="FULL", tenant_capacity=1)
UNKNOWN = replace(BASE, structure="UNKNOWN", tenant_capacity=None)
LOW = replace(BASE, structure="LOW", height_m=31.9, top_m=31.9)
OWN = replace(BASE, structure="OWN", tenants=("VIETTEL",))


def codes(*found: Candidate, **more: bool) -> tuple[str, set[str]]:
    result = screen(found, ASKED, LIMITS, **more)
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
    assert [c.structure for c in found.candidates] == ["S-S", "FAR", "LOW", "UNKNOWN", "FULL", "OWN"]
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
        assert result.best is not None
        assert result.best.spare
        assert result.best.distance_m <= 500


def sites(*k: int) -> Sites:
    size = len(k)
    return Sites(np.array(k), np.ones(size, bool), np.zeros(size, bool), np.full(size, -1))


def test_effect_by_hand() -> None:
    # k = 2, 1, 1: S1 1/3, S2 2/4. New position: 1/4, 2/5. Sharing the second: 2/3, 4/5.
    found = effect(sites(2, 1, 1), 1, already_there=False)
    assert found["S1"] == pytest.approx({"before": 100 / 3, "after_new": 25, "after_shared": 200 / 3})
    assert found["S2"] == pytest.approx({"before": 50, "after_new": 40, "after_shared": 80})


def test_effect_with_nobody_new_or_nothing_there() -> None:
    assert effect(sites(2, 1), 1, already_there=True)["S1"]["after_shared"] == 50
    empty = effect(sites(), None, already_there=False)
    assert empty["S1"] == {"before": None, "after_new": 0, "after_shared": None}
