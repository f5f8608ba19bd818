"""Parts of a change: they add up exactly whatever the states are, and no order of them is arbitrary."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.sharing.change import PARTS, STEP, Explained, State, Sums, counted, explain, points

UNIT = st.tuples(
    st.floats(0, 5000, allow_subnormal=False), st.floats(0, 5000, allow_subnormal=False),
    st.floats(0, 5000, allow_subnormal=False), st.booleans(), st.booleans(),
)  # fmt: skip
UNITS = st.dictionaries(st.integers(1, 12), UNIT, max_size=8)
WHOLE = st.integers(0, 40)


def state(units: dict[int, tuple[float, float, float, bool, bool]]) -> State:
    """Units that are their own rows, by id: numerator at most the denominator, unknown, shared, undecided."""
    keys = np.array(sorted(units), np.int64)
    rows = [units[int(k)] for k in keys]
    weights = np.array([[min(n, d), max(n, d), u] for n, d, u, *_ in rows], float).reshape(-1, 3)
    shared, undecided = (np.array([row[i] for row in rows], bool) for i in (3, 4))
    return State(keys, keys, counted(weights), shared, undecided, keys, np.arange(keys.size))


def total(state: State) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(v)) * Fraction(STEP) for v in state.counts.sum(axis=0))


def sums(found: Explained) -> tuple[Fraction, ...]:
    return tuple(
        getattr(found.first, name) + sum(getattr(p.sums, name) for p in found.parts)
        for name in ("numerator", "denominator", "unknown")
    )


@given(st.lists(UNITS, min_size=5, max_size=5))
def test_parts_make_the_change_exactly(units: list) -> None:  # type: ignore[type-arg]
    states = [state(u) for u in units]
    found = explain(states, 100)
    assert sums(found) == total(states[-1]) == tuple(vars(found.last).values())
    # In the numbers that are told too: metres are counted in steps that floats add without rounding.
    for name in ("numerator", "denominator", "unknown"):
        told = float(getattr(found.first, name)) + sum(float(getattr(p.sums, name)) for p in found.parts)
        assert told == float(getattr(found.last, name))
    shares = [p.points for p in found.parts]
    if None in shares:
        assert set(shares) == {None}
        return
    n0, d0, _ = total(states[0])
    n1, d1, _ = total(states[-1])
    assert sum(s for s in shares if s is not None) == 100 * (n1 / d1 - n0 / d0) == found.points


@given(UNITS, UNITS)
def test_every_unit_that_counts_differently_is_under_one_heading(before: dict, after: dict) -> None:  # type: ignore[type-arg]
    one, other = state(before), state(after)
    found = explain([one, one, one, other, other], 100)
    listed = [int(k) for p in found.parts for k in p.key]
    assert len(listed) == len(set(listed))
    parts = {p.part.code: set(p.key.tolist()) for p in found.parts}
    assert list(parts) == list(PARTS)
    assert not parts["definition"] | parts["correction"] | parts["boundary"]
    assert parts["built"] <= after.keys() - before.keys()
    assert parts["removed"] <= before.keys() - after.keys()
    for p in found.parts:
        steps = tuple(int(v) for v in (p.after - p.before).sum(axis=0))
        assert steps == tuple(v / Fraction(STEP) for v in vars(p.sums).values())


@given(st.lists(st.tuples(st.integers(-3, 9), st.integers(-3, 9)), min_size=1, max_size=4), WHOLE, st.integers(1, 40))
def test_points_are_the_mean_over_every_order(deltas: list[tuple[int, int]], n0: int, d0: int) -> None:
    """By the definition of Shapley, slowly."""
    start = Sums(Fraction(n0), Fraction(d0), Fraction(0))
    parts = [Sums(Fraction(n), Fraction(d), Fraction(0)) for n, d in deltas]
    found = points(start, parts, 100)
    expected = [Fraction(0)] * len(parts)
    orders = list(permutations(range(len(parts))))
    for order in orders:
        n, d = Fraction(n0), Fraction(d0)
        for i in order:
            below = d + deltas[i][1]
            if below <= 0:
                assert found is None
                return
            expected[i] += (100 * ((n + deltas[i][0]) / below - n / d)) / len(orders)
            n, d = n + deltas[i][0], below
    assert found == expected


@given(UNITS)
def test_nothing_changes_nothing(units: dict) -> None:  # type: ignore[type-arg]
    one = state(units)
    found = explain([one] * 5, 100)
    assert all(p.key.size == 0 and not any(vars(p.sums).values()) for p in found.parts)
    assert found.points in (0, None)


def test_headings_by_hand() -> None:
    """One object under each heading of time; the order of the headings decides nothing, each fits one."""
    before = {
        1: (1.0, 1.0, 0.0, True, False),  # is taken down
        2: (0.0, 1.0, 0.0, False, False),  # becomes shared
        3: (1.0, 1.0, 0.0, True, False),  # stops
        4: (0.0, 1.0, 1.0, False, True),  # turns out to be shared
        5: (0.0, 0.0, 0.0, False, False),  # gets its first occupant
        6: (1.0, 1.0, 0.0, True, False),  # stays as it is
    }
    after = {
        2: (1.0, 1.0, 0.0, True, False), 3: (0.0, 1.0, 0.0, False, False), 4: (1.0, 1.0, 0.0, True, False),
        5: (0.0, 1.0, 0.0, False, False), 6: (1.0, 1.0, 0.0, True, False), 7: (0.0, 1.0, 0.0, False, False),
    }  # fmt: skip
    one, other = state(before), state(after)
    found = explain([one, one, one, other, other], 100)
    told = {p.part.code: (p.key.tolist(), [int(v) for v in vars(p.sums).values()]) for p in found.parts if p.key.size}
    assert told == {
        "built": ([7], [0, 1, 0]), "removed": ([1], [-1, -1, 0]), "newly_shared": ([2], [1, 0, 0]),
        "newly_unshared": ([3], [-1, 0, 0]), "clarified": ([4], [1, 0, -1]), "use_changed": ([5], [0, 1, 0]),
    }  # fmt: skip
    assert found.points == 100 * (Fraction(3, 6) - Fraction(3, 5))


def test_a_duct_put_into_a_trench_is_not_built() -> None:
    """Its unit is another one, its row was there before."""
    keys, own = np.array([-5], np.int64), np.array([5], np.int64)
    one = State(keys, own, counted(np.array([[0.0, 10.0, 0.0]])), np.zeros(1, bool), np.zeros(1, bool), own,
                np.zeros(1, np.int64))  # fmt: skip
    other = State(np.array([7], np.int64), own, one.counts, one.shared, one.undecided, own, one.unit)
    found = explain([one, one, one, other, other], 100)
    assert {p.part.code: p.key.size for p in found.parts if p.key.size} == {"use_changed": 2}
    assert found.points == 0


def test_without_a_denominator_there_are_counts_and_no_points() -> None:
    one, other = state({}), state({1: (1.0, 1.0, 0.0, True, False)})
    found = explain([one, one, one, other, other], 100)
    assert (found.points, {p.points for p in found.parts}) == (None, {None})
    assert [int(v) for v in vars(found.last).values()] == [1, 1, 0]
