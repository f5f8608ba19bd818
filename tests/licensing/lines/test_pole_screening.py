"""The advice about poles, by hand and for every mixture of poles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.licensing.lines.pole_screening import Around, Dig, PoleNear, carried_m, screen_poles
from tests.licensing.lines.conftest import near

DIG = Dig("D9", "T9", "VNPT", "Lê Lợi", "2026-03-01", 4.0)


@pytest.mark.parametrize(
    ("capacity", "lines", "uncounted", "spare", "state"),
    [
        (4, 1, False, 3, "free"),
        (4, 4, False, 0, "full"),
        (4, 6, False, 0, "full"),
        (4, 1, True, None, "unknown"),
        (4, 4, True, 0, "full"),
        (None, 1, False, None, "unknown"),
        (4, None, False, None, "unknown"),
        (0, 0, False, 0, "full"),
    ],
)
def test_room_on_a_pole(
    capacity: int | None, lines: int | None, uncounted: bool, spare: int | None, state: str
) -> None:
    pole = near(cable_capacity=capacity, lines=lines, uncounted=uncounted)
    assert (pole.spare, pole.spare_state) == (spare, state)


FREE, FULL, DARK = near(), near(lines=4), near(cable_capacity=None)


@pytest.mark.parametrize(
    ("poles", "around", "advice"),
    [
        ([FREE, FULL], Around(), "use_existing"),
        ([FULL], Around(), "license_shared"),
        ([], Around(), "license_shared"),
        ([DARK, FULL], Around(), "needs_a_person"),
        ([FULL], Around(ducts="free"), "bury"),
        ([FULL], Around(ducts="unknown"), "needs_a_person"),
        ([FULL], Around(digs=(DIG,)), "joint_trench"),
        ([FREE], Around(undergrounding="begun"), "bury"),
        ([FREE], Around(undergrounding="begun", digs=(DIG,)), "joint_trench"),
        ([FREE], Around(undergrounding="begun", digs=(DIG,), ducts="free"), "bury"),
        ([FREE], Around(undergrounding="planned"), "use_existing"),
        ([FULL], Around(undergrounding="planned"), "bury"),
        ([FREE], Around(place_checked=False), "needs_a_person"),
        ([near(restricted=True), FULL], Around(), "license_shared"),
    ],
)
def test_advice(poles: list[PoleNear], around: Around, advice: str) -> None:
    found = screen_poles(poles, "FPT", 0.0, 50.0, around)
    assert (found.advice, bool(found.vi), bool(found.en)) == (advice, True, True)


def test_a_row_is_carried_where_spans_are_short_enough() -> None:
    # 0 …20 …60 …130 …150: the span of 70 m is too long.
    assert carried_m([20, 60, 130], 150, 50) == 80
    assert carried_m([], 150, 50) == 0
    assert carried_m([0, 50, 100, 150], 150, 50) == 150
    poles = [near(f"P{m}", along_m=float(m)) for m in (20, 60, 130)]
    found = screen_poles(poles, "FPT", 150.0, 50.0, Around())
    assert (found.carried_m, found.advice) == (80, "license_shared")
    known = screen_poles([*poles, near("P95", along_m=95.0, lines=None)], "FPT", 150.0, 50.0, Around())
    assert known.advice == "needs_a_person", "the pole nobody surveyed would close the gap"


def test_reasons() -> None:
    found = screen_poles(
        [near(tenants=("FPT",)), DARK], "FPT", 0.0, 50.0, Around(digs=(DIG,), undergrounding="planned")
    )
    codes = [r.code for r in found.reasons]
    assert codes == ["poles", "capacity_unknown", "operator_already_here", "underground_planned", "parallel_dig"]
    assert "VNPT" in found.reasons[-1].vi


POLES = st.builds(
    near,
    pole=st.sampled_from(["A", "B", "C", "D"]),
    distance_m=st.floats(0, 50),
    along_m=st.floats(0, 1),
    cable_capacity=st.one_of(st.none(), st.integers(0, 6)),
    lines=st.one_of(st.none(), st.integers(0, 6)),
    uncounted=st.booleans(),
    restricted=st.booleans(),
)


@given(st.lists(POLES, max_size=8), st.floats(1, 200), st.sampled_from(["free", "unknown", "none"]))
def test_what_is_unknown_or_restricted_is_never_taken_as_room(poles: list[PoleNear], length: float, ducts: Any) -> None:
    poles = [replace(p, along_m=p.along_m * length) for p in poles]
    found = screen_poles(poles, "FPT", length, 50.0, Around(ducts=ducts))
    known = [p for p in poles if p.spare_state == "free" and not p.restricted]
    if found.advice == "use_existing":
        assert carried_m([p.along_m for p in known], length, 50.0) == length
    assert 0 <= found.carried_m <= length
    assert len(found.poles) + len(found.restricted) == len(poles)
    open_ = screen_poles([p for p in poles if not p.restricted], "FPT", length, 50.0, Around(ducts=ducts))
    assert (found.advice, found.reasons) == (open_.advice, open_.reasons)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=20), st.floats(0, 500), st.floats(1, 100))
def test_another_pole_never_carries_less(places: list[float], other: float, span: float) -> None:
    before = carried_m(places, 500, span)
    assert carried_m([*places, other], 500, span) >= before - 1e-9
