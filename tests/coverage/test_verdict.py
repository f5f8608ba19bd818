"""Three values, by hand and as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.coverage.rules import parse_rule
from app.coverage.verdict import COVERED, NAMES, NOT_COVERED, UNKNOWN, Floats, Judged, Scope, judge, scopes
from app.errors import AppError

NONE = -np.inf


def one(margin: list[list[float]], bound: list[list[float]] | None = None, **more: object) -> tuple[str, Judged]:
    """Judge one village of points × two operators."""
    m = np.array(margin, np.float64)
    options = {
        "operator": np.array([1, 2]), "village": np.zeros(len(m), np.int64), "villages": 1, "weight": np.ones(len(m)),
        "min_share": 0.8, "min_operators": 1,
    } | more  # fmt: skip
    judged = judge(m, np.full_like(m, NONE) if bound is None else np.array(bound), **options)  # type: ignore[arg-type]
    return NAMES[judged.verdict[0]], judged


def test_shares() -> None:
    assert one([[0, NONE]] * 8 + [[-1, NONE]] * 2)[0] == "covered"
    assert one([[0, NONE]] * 7 + [[-1, NONE]] * 3)[0] == "not_covered"
    assert one([[3, NONE]] * 7 + [[-1, NONE]] * 3, [[NONE, NONE]] * 9 + [[2, NONE]])[0] == "unknown"
    assert one([[3, NONE]] * 7 + [[-1, NONE]] * 3, [[NONE, NONE]] * 9 + [[-2, NONE]])[0] == "not_covered"
    assert one([[3, NONE]] * 8 + [[-1, NONE]] * 2, [[NONE, NONE]] * 8 + [[2, NONE]] * 2)[0] == "covered"


def test_weights_count_and_not_points() -> None:
    name, judged = one([[5, NONE], [-5, NONE], [-5, NONE]], weight=np.array([80.0, 10, 10]))
    assert (name, judged.share[0]) == ("covered", pytest.approx(0.8))
    assert judged.median_point[0] == 0
    assert one([[5, 5]], weight=np.zeros(1))[0] == "unknown"


def test_two_operators() -> None:
    assert one([[5, 5]], min_operators=2)[0] == "covered"
    assert one([[5, -1]], min_operators=2)[0] == "not_covered"
    assert one([[5, -1]], [[NONE, 3]], min_operators=2)[0] == "unknown"
    assert one([[5, -1]], [[3, NONE]], min_operators=2)[0] == "not_covered", "the same operator cannot count twice"


def test_villages_without_points_and_median() -> None:
    m = np.array([[1.0], [3], [2], [NONE]])
    judged = judge(m, np.full_like(m, NONE), np.array([7]), np.array([1, 1, 1, 3]), 4, np.ones(4), 0.5, 1)
    assert [NAMES[v] for v in judged.verdict] == ["unknown", "covered", "unknown", "not_covered"]
    assert judged.median_point.tolist() == [-1, 2, -1, -1]
    assert judged.median_group.tolist() == [-1, 0, -1, -1]
    nobody = np.empty(0, np.int64)
    none = judge(np.empty((0, 0)), np.empty((0, 0)), nobody, nobody, 2, np.empty(0), 0.5, 1)
    assert none.verdict.tolist() == [UNKNOWN, UNKNOWN]


margins = arrays(np.float64, (12, 3), elements=st.floats(-30, 30) | st.just(NONE))
weights = arrays(np.float64, 12, elements=st.floats(0, 100))
VILLAGE = np.repeat(np.arange(4), 3)


def three(margin: Floats, bound: Floats, weight: Floats, share: float, operators: int) -> Judged:
    return judge(margin, bound, np.array([1, 2, 2]), VILLAGE, 4, weight, share, operators)


@given(margins, margins, weights, st.floats(0.05, 1), st.integers(1, 2), st.floats(0, 40))
def test_more_signal_never_takes_coverage_away(
    margin: Floats, bound: Floats, weight: Floats, share: float, operators: int, more_db: float
) -> None:
    before, after = (three(m, bound, weight, share, operators) for m in (margin, margin + more_db))
    rank = np.array([2, 0, 1])  # covered over unknown over not covered
    assert (rank[after.verdict] >= rank[before.verdict]).all()


@given(margins, margins, margins, weights, st.floats(0.05, 1), st.integers(1, 2))
def test_what_is_decided_holds_whatever_the_unknown_turns_out_to_be(
    margin: Floats, bound: Floats, truth: Floats, weight: Floats, share: float, operators: int
) -> None:
    judged = three(margin, bound, weight, share, operators)
    revealed = np.maximum(margin, np.minimum(bound, truth))
    final = three(revealed, np.full_like(bound, NONE), weight, share, operators)
    decided = judged.verdict != UNKNOWN
    assert (final.verdict[decided] == judged.verdict[decided]).all()
    weighty = np.bincount(VILLAGE, weight, 4) > 0
    assert (final.verdict[weighty] != UNKNOWN).all(), "with nothing unknown every village with people is decided"
    assert (judged.share[weighty] + judged.share_unknown[weighty] <= 1 + 1e-9).all()


def test_rule_threshold_carries_environment_and_probability() -> None:
    value = {"technologies": ["4G"], "rsrp_min_dbm": {"4G": -110}, "unit": "population", "min_share": 0.8}
    assert parse_rule("r", value).threshold_dbm("4G", 11.0) == -110
    indoor = parse_rule("r", value | {"environment_loss_db": 15, "probability": 0.9})
    assert indoor.threshold_dbm("4G", 11.0) == pytest.approx(-110 + 15 + 1.28155 * 11, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"min_share": 0}, "malformed_rule"),
        ({"technologies": ["6G"]}, "malformed_rule"),
        ({"technologies": ["5G"]}, "malformed_rule"),
        ({"probability": 1}, "malformed_rule"),
        ({"uplink_mbps": -5}, "malformed_rule"),
        ({"unit": "area", "grid_m": 5}, "malformed_rule"),
        ({"evidence_order": ["model", "model"]}, "malformed_rule"),
        ({"evidence_order": []}, "malformed_rule"),
        ({"evidence_order": ["rumour"]}, "malformed_rule"),
    ],
)
def test_rules_that_cannot_be_run_are_refused(change: dict[str, object], code: str) -> None:
    value = {"technologies": ["4G"], "rsrp_min_dbm": {"4G": -110}, "unit": "population", "min_share": 0.8}
    with pytest.raises(AppError) as refused:
        parse_rule("r", value | change)
    assert refused.value.code == code


def test_scopes_are_all_combinations_once() -> None:
    found = scopes([1, 2], ["3G", "4G"])
    assert found[0] == Scope()
    assert len(found) == len(set(found)) == 9


def test_names_match_codes() -> None:
    assert (NAMES[COVERED], NAMES[NOT_COVERED], NAMES[UNKNOWN]) == ("covered", "not_covered", "unknown")
