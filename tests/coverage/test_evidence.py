"""What claims and measurements say, by hand and as properties: unknown never counts, the stronger goes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.coverage.evidence import (
    Demand,
    Said,
    claim_suffices,
    claimed,
    decide,
    driven,
    sample_states,
    speed_tested,
    wilson,
)
from app.coverage.rules import EVIDENCE, CoverageRule, parse_rule
from app.coverage.verdict import COVERED, NAMES, NOT_COVERED, UNKNOWN

VALUE: dict[str, Any] = {
    "technologies": ["4G"], "rsrp_min_dbm": {"4G": -110}, "unit": "population", "min_share": 0.8,
}  # fmt: skip
RULE = parse_rule("r", VALUE)
TWO = parse_rule("r", VALUE | {"min_operators": 2})
A = np.array([1])
AB = np.array([1, 2])


def village(points: int, weight: float = 1.0) -> Demand:
    return Demand(np.zeros(points, np.int64), 1, np.full(points, weight))


def drive(passed: int, failed: int, untested: int = 0, rule: CoverageRule = RULE) -> Said:
    """Judge one operator's drive test of one village whose points weigh the same."""
    n = passed + failed + untested
    passes, tested = (np.arange(n) < k for k in (passed, passed + failed))
    return driven(passes[:, None], tested[:, None], tested.astype(np.int64), A, village(n), rule)


def test_wilson_by_hand() -> None:
    # z² = 1.6424. All of 7: 7 / (7 + 1.6424); half of 10: 0.5 ± 1.28155 · √(0.025 + 0.0041059) / 1.16424.
    assert [float(b) for b in wilson(1.0, 7)] == pytest.approx([0.80996, 1.0], abs=1e-5)
    assert [float(b) for b in wilson(0.0, 7)] == pytest.approx([0.0, 0.19004], abs=1e-5)
    assert [float(b) for b in wilson(0.5, 10)] == pytest.approx([0.31221, 0.68779], abs=1e-5)
    assert [float(b) for b in wilson(0.3, 0)] == [0.0, 1.0], "no trial, nothing known"
    # The textbook's case: 81 of 263 at 95 %.
    assert [float(b) for b in wilson(81 / 263, 263, 1.96)] == pytest.approx([0.2553, 0.3662], abs=1e-4)


def test_a_drive_test_needs_enough_points() -> None:
    for passed, name in ((7, "covered"), (6, "unknown")):
        found = drive(passed, 0, untested=100 - passed)
        assert (NAMES[found.verdict[0]], found.share[0], found.points[0]) == (name, 1.0, passed)
    assert NAMES[drive(0, 2, untested=98).verdict[0]] == "not_covered", "two of two fail: at most 45 % pass"
    assert NAMES[drive(1, 1, untested=98).verdict[0]] == "unknown"


def test_what_was_measured_everywhere_is_a_census() -> None:
    whole = drive(4, 1)
    assert NAMES[whole.verdict[0]] == "covered"
    assert (whole.share[0], whole.low[0], whole.high[0]) == pytest.approx((0.8, 0.8, 0.8))
    point = parse_rule("r", VALUE | {"unit": "point", "min_share": 1.0})
    assert NAMES[drive(1, 0, rule=point).verdict[0]] == "covered"
    assert NAMES[drive(0, 1, rule=point).verdict[0]] == "not_covered"


def test_people_weigh_and_not_points() -> None:
    demand = Demand(np.zeros(3, np.int64), 1, np.array([80.0, 10, 10]))
    passes, tested = np.array([[True], [False], [False]]), np.array([[True], [True], [False]])
    found = driven(passes, tested, np.array([3, 1, 0]), A, demand, RULE)
    assert found.share[0] == pytest.approx(80 / 90)
    # 80 of 100 people are at a point that passes, 10 at one that fails, whatever the third.
    assert (found.low[0], found.high[0]) == pytest.approx((0.8, 0.9))
    assert NAMES[found.verdict[0]] == "covered"
    assert (found.points[0], found.samples[0]) == (2, 4)


def test_one_operators_drive_test_does_not_speak_for_the_other() -> None:
    tested = np.array([[True, False]] * 20)
    passes = np.zeros((20, 2), bool)
    found = driven(passes, tested, np.ones(20, np.int64), AB, village(20), RULE)
    assert NAMES[found.verdict[0]] == "unknown", "the other may serve them all"
    both = driven(passes, np.ones((20, 2), bool), np.ones(20, np.int64), AB, village(20), RULE)
    assert NAMES[both.verdict[0]] == "not_covered"
    half = driven(np.array([[True, False]] * 20), np.ones((20, 2), bool), np.ones(20, np.int64), AB, village(20), TWO)
    assert NAMES[half.verdict[0]] == "not_covered", "two operators are asked for"


def speed(passed: list[int], n: list[int], rule: CoverageRule = RULE) -> Said:
    return speed_tested(np.array([passed]), np.array([n]), np.arange(1, len(n) + 1), 30, rule)


def test_speed_tests_from_thirty_on() -> None:
    assert NAMES[speed([30], [30]).verdict[0]] == "covered"
    few = speed([29], [29])
    assert (NAMES[few.verdict[0]], bool(few.spoke[0]), few.samples[0]) == ("unknown", True, 29)
    assert np.isnan(few.share[0])
    assert not speed([0], [0]).spoke[0]
    assert NAMES[speed([10], [40]).verdict[0]] == "not_covered"
    # 27 of 30: 0.8792 - 0.0714.
    near = speed([27], [30])
    assert (NAMES[near.verdict[0]], near.low[0]) == ("covered", pytest.approx(0.8078, abs=1e-4))
    assert NAMES[speed([25], [30]).verdict[0]] == "unknown"


def test_speed_tests_of_two_operators() -> None:
    assert NAMES[speed([40, 0], [40, 40]).verdict[0]] == "covered", "one is enough"
    assert NAMES[speed([10, 0], [40, 5]).verdict[0]] == "unknown", "five tests leave the second open"
    assert NAMES[speed([10, 4], [40, 40]).verdict[0]] == "not_covered"
    assert NAMES[speed([20, 20], [40, 40]).verdict[0]] == "unknown", "each serves half: perhaps the other half"
    assert NAMES[speed([40, 0], [40, 40], TWO).verdict[0]] == "not_covered"
    assert NAMES[speed([400, 400], [400, 400], TWO).verdict[0]] == "covered"
    assert NAMES[speed([40], [40], TWO).verdict[0]] == "not_covered", "there is no second one"


def test_technologies_of_one_operator_count_together() -> None:
    found = speed_tested(np.array([[15, 15]]), np.array([[15, 15]]), np.array([1, 1]), 30, RULE)
    assert NAMES[found.verdict[0]] == "covered"


def claims(inside: list[list[int]], silent: list[int], rule: CoverageRule = RULE) -> Said:
    """Of each point and operator: 2 inside a polygon that suffices, 1 inside a weaker one, 0 outside."""
    at = np.array(inside)
    return claimed(at == 2, at == 1, np.array(silent, bool), np.arange(1, at.shape[1] + 1), village(len(at)), rule)


def test_claims() -> None:
    assert NAMES[claims([[2]] * 8 + [[0]] * 2, [0]).verdict[0]] == "covered"
    assert NAMES[claims([[2]] * 7 + [[0]] * 3, [0]).verdict[0]] == "not_covered"
    assert NAMES[claims([[2]] * 7 + [[1]] * 3, [0]).verdict[0]] == "unknown", "what is promised there is too little"
    open_ = claims([[2, 0]] * 7 + [[0, 0]] * 3, [0, 1])
    assert (NAMES[open_.verdict[0]], open_.share[0], open_.unknown[0]) == ("unknown", 0.7, pytest.approx(0.3))
    nowhere = claims([[0, 0]], [0, 1])
    assert not nowhere.spoke[0]
    assert NAMES[claims([[2, 0]], [0, 0], TWO).verdict[0]] == "not_covered"


def test_what_a_claim_promises() -> None:
    indoor = parse_rule("r", VALUE | {"environment_loss_db": 15})
    fast = parse_rule("r", VALUE | {"downlink_mbps": 70})
    nan = float("nan")
    assert claim_suffices(RULE, -110, nan, nan)
    assert claim_suffices(RULE, -110, -110, nan)
    assert not claim_suffices(RULE, -110, -115, nan)
    assert not claim_suffices(indoor, -110, nan, nan), "a map of service outdoors says nothing of the inside"
    assert claim_suffices(indoor, -110, -95, nan)
    assert not claim_suffices(fast, -110, -60, nan)
    assert claim_suffices(fast, -110, nan, 70)
    both = parse_rule("r", VALUE | {"downlink_mbps": 70, "uplink_mbps": 5})
    assert not claim_suffices(both, -110, -60, 900), "no polygon promises an uplink"


def test_samples() -> None:
    nan = float("nan")
    indoor_rule = parse_rule("r", VALUE | {"environment_loss_db": 15})
    fast = parse_rule("r", VALUE | {"downlink_mbps": 70})
    level = np.full(4, -110.0)
    rsrp, rate = np.array([-110.0, -111, -100, nan]), np.array([nan, 80.0, 60, 75])
    inside, up = np.array([False, False, True, True]), np.array([2.0, 0.5, nan, 3])

    def states(rule: CoverageRule) -> list[str]:
        usable, passes = sample_states(rule, level, rsrp, rate, up, inside)
        return ["yes" if p else "no" if u else "-" for u, p in zip(usable, passes, strict=True)]

    assert states(RULE) == ["yes", "no", "-", "-"]
    assert states(indoor_rule) == ["no", "no", "yes", "-"], "outdoors the loss comes on top"
    assert states(fast) == ["-", "yes", "-", "-"]
    assert states(parse_rule("r", VALUE | {"uplink_mbps": 1})) == ["yes", "no", "-", "-"]
    assert states(parse_rule("r", VALUE | {"downlink_mbps": 70, "uplink_mbps": 1})) == ["-", "no", "-", "-"]


def said(verdict: list[int], spoke: list[bool] | None = None) -> Said:
    n = len(verdict)
    zero, count = np.zeros(n), np.zeros(n, np.int64)
    known = np.ones(n, bool) if spoke is None else np.array(spoke)
    return Said(np.array(verdict), zero, zero, zero, zero, known, count, count)


def test_the_first_that_can_decide_does() -> None:
    everything = {
        "drive_test": said([UNKNOWN, COVERED, UNKNOWN, COVERED], [True, True, True, False]),
        "model": said([NOT_COVERED, NOT_COVERED, UNKNOWN, NOT_COVERED]),
        "polygon": said([COVERED, COVERED, COVERED, COVERED]),
    }
    names = [EVIDENCE[k] for k in decide(EVIDENCE, everything, 4)]  # type: ignore[arg-type]
    assert names == ["model", "drive_test", "polygon", "model"]
    assert decide(("speed_test", "claim"), everything, 4).tolist() == [-1] * 4  # type: ignore[arg-type]
    assert [("polygon", "model")[k] for k in decide(("polygon", "model"), everything, 4)] == ["polygon"] * 4  # type: ignore[arg-type]


verdicts3 = arrays(np.int64, 6, elements=st.sampled_from([COVERED, NOT_COVERED, UNKNOWN]))


@given(verdicts3, verdicts3, verdicts3, st.permutations(["drive_test", "model", "polygon"]))
def test_no_weaker_evidence_overrules_a_stronger_one(a: Any, b: Any, c: Any, order: list[Any]) -> None:
    everything: Any = {
        name: said(v.tolist()) for name, v in zip(("drive_test", "model", "polygon"), (a, b, c), strict=True)
    }
    chosen = decide(order, everything, 6)
    for v in range(6):
        if chosen[v] < 0:
            assert all(s.verdict[v] == UNKNOWN for s in everything.values())
            continue
        assert everything[order[chosen[v]]].verdict[v] != UNKNOWN, "unknown never decides"
        for stronger in order[: chosen[v]]:
            assert everything[stronger].verdict[v] == UNKNOWN


VILLAGE = np.repeat(np.arange(4), 3)
flags = arrays(np.bool_, (12, 3))
people = arrays(np.float64, 12, elements=st.floats(0, 100))
OPERATORS = np.array([1, 2, 2])


def well_formed(found: Said) -> None:
    known = np.isfinite(found.share) & np.isfinite(found.low) & np.isfinite(found.high)
    for values in (found.share[known], found.low[known], found.high[known], found.unknown[known]):
        assert ((values >= -1e-12) & (values <= 1 + 1e-9)).all()
    assert (found.low[known] <= found.share[known] + 1e-9).all()
    assert (found.share[known] <= found.high[known] + 1e-9).all()
    assert (found.share[known] + found.unknown[known] <= 1 + 1e-9).all()
    assert (found.verdict[~found.spoke] == UNKNOWN).all()


@given(flags, flags, people, st.floats(0.05, 1), st.integers(1, 2))
def test_a_drive_tests_verdict_holds_for_what_was_not_tested(
    passes: Any, tested: Any, weight: Any, min_share: float, operators: int
) -> None:
    rule = parse_rule("r", VALUE | {"min_share": min_share, "min_operators": operators})
    demand = Demand(VILLAGE, 4, weight)
    found = driven(passes & tested, tested, tested.sum(axis=1).astype(np.int64), OPERATORS, demand, rule)
    well_formed(found)
    # The bounds hold what was measured: nobody untested is needed for the lower, nobody known to fail in the upper.
    for truth, side in ((tested & passes, "low"), (~tested | passes, "high")):
        everything = driven(truth, np.ones_like(tested), np.ones(12, np.int64), OPERATORS, demand, rule)
        known = found.spoke & everything.spoke
        exact = everything.share[known]
        if side == "low":
            assert (found.low[known] >= exact - 1e-9).all()
        else:
            assert (found.high[known] <= exact + 1e-9).all()
    # A census decides every village in which somebody lives.
    census = driven(passes, np.ones_like(tested), np.ones(12, np.int64), OPERATORS, demand, rule)
    assert (census.verdict[census.spoke] != UNKNOWN).all()


counts = arrays(np.int64, (4, 3), elements=st.integers(0, 80))


@given(counts, counts, st.floats(0.05, 1), st.integers(1, 2), st.integers(0, 60))
def test_speed_tests_are_well_formed_and_more_failures_never_help(
    good: Any, bad: Any, min_share: float, operators: int, more: int
) -> None:
    rule = parse_rule("r", VALUE | {"min_share": min_share, "min_operators": operators})
    before = speed_tested(good, good + bad, OPERATORS, 30, rule)
    well_formed(before)
    after = speed_tested(good, good + bad + more, OPERATORS, 30, rule)
    tested = (good + bad) @ np.array([[1, 0], [0, 1], [0, 1]]) >= 30
    settled = tested.all(axis=1)
    assert (after.low[settled] <= before.low[settled] + 1e-9).all()


@given(flags, flags, arrays(np.bool_, 3), people, st.floats(0.05, 1), st.integers(1, 2))
def test_a_claim_is_well_formed_and_silence_never_covers(
    inside: Any, weak: Any, silent: Any, weight: Any, min_share: float, operators: int
) -> None:
    rule = parse_rule("r", VALUE | {"min_share": min_share, "min_operators": operators})
    demand = Demand(VILLAGE, 4, weight)
    found = claimed(inside & ~silent, weak & ~silent, silent, OPERATORS, demand, rule)
    well_formed(found)
    heard = claimed(inside & ~silent, np.zeros_like(weak), np.zeros(3, bool), OPERATORS, demand, rule)
    assert ((found.verdict == COVERED) <= (heard.verdict == COVERED)).all(), "silence taken away covers the same"
