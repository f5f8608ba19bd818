"""Crosswalks between dates: by hand, and as properties of any history of reforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.areas.crosswalk import OPEN, Crosswalk, History, forward, identity


def history(units: list[tuple[int, int, int]], steps: list[tuple[int, int, int, float]]) -> History:
    """Units as (id, first day, end), steps as (old, new, day, share)."""
    ids, start, end = (np.array(column, np.int64) for column in zip(*units, strict=True))
    old, new, on, share = zip(*steps, strict=True) if steps else ((), (), (), ())
    whole = [np.array(column, np.int64) for column in (old, new, on)]
    return History(ids, start, end, whole[0], whole[1], whole[2], np.array(share, np.float64))


def pairs(found: Crosswalk) -> dict[tuple[int, int], float]:
    return {
        (int(o), int(n)): round(float(s), 9) for o, n, s in zip(found.old, found.new, found.share, strict=True)
    }  # fmt: skip


# Units 1, 2, 3 until day 10; 1 and 2 become 4, 3 is split into 4 and 5; on day 20 unit 5 goes half into 4, half into 6.
REFORMS = history(
    [(1, 0, 10), (2, 0, 10), (3, 0, 10), (4, 10, OPEN), (5, 10, 20), (6, 20, OPEN), (7, 0, OPEN)],
    [(1, 4, 10, 1), (2, 4, 10, 1), (3, 4, 10, 0.25), (3, 5, 10, 0.75), (5, 4, 20, 0.5), (5, 6, 20, 0.5)],
)


def test_shares_multiply_along_the_way() -> None:
    found = forward(REFORMS, 5, 25)
    assert pairs(found) == {(1, 4): 1, (2, 4): 1, (3, 4): 0.25 + 0.375, (3, 6): 0.375, (7, 7): 1}
    assert found.units.tolist() == [1, 2, 3, 7]
    assert found.lost.tolist() == [0, 0, 0, 0]
    assert pairs(forward(REFORMS, 5, 9)) == {(u, u): 1 for u in (1, 2, 3, 7)}
    assert pairs(forward(REFORMS, 5, 10)) == pairs(forward(REFORMS, 5, 19))


def test_the_way_back_needs_sizes_only_where_units_were_merged() -> None:
    there = forward(REFORMS, 5, 10)
    units = REFORMS.in_force(10)
    back = there.inverse(units, np.array([1.0, 1.0, 4.0, 9.0]))
    assert pairs(back) == {(4, 1): 0.333333333, (4, 2): 0.333333333, (4, 3): 0.333333333, (5, 3): 1, (7, 7): 1}
    assert back.lost.tolist() == [0, 0, 0]
    unmeasured = there.inverse(units, np.full(4, np.nan))
    known = {pair: share for pair, share in pairs(unmeasured).items() if not np.isnan(share)}
    assert known == {(5, 3): 1, (7, 7): 1}
    assert len(pairs(unmeasured)) == 5, "the relation is known where the shares are not"


def test_what_is_not_on_record_is_lost_not_guessed() -> None:
    gone = history([(1, 0, 10), (2, 0, 10), (3, 10, OPEN)], [(1, 3, 10, 0.6)])
    found = forward(gone, 5, 15)
    assert (pairs(found), found.lost.tolist()) == ({(1, 3): 0.6}, [pytest.approx(0.4), 1.0])
    back = found.inverse(gone.in_force(15), np.array([1.0, 1.0]))
    assert pairs(back) == {(3, 1): 1}
    fresh = history([(1, 0, OPEN), (2, 10, OPEN)], [])
    found = forward(fresh, 5, 15).inverse(fresh.in_force(15), np.ones(1))
    assert (pairs(found), found.lost.tolist()) == ({(1, 1): 1}, [0, 1]), "2 came from nowhere on record"


def test_a_unit_that_lives_on_keeps_the_rest_and_rounded_thirds_are_whole() -> None:
    strip = history([(1, 0, OPEN), (2, 0, OPEN)], [(1, 2, 10, 0.1)])
    assert pairs(forward(strip, 0, 10)) == {(1, 1): 0.9, (1, 2): 0.1, (2, 2): 1}
    thirds = history([(1, 0, 10), (2, 10, OPEN), (3, 10, OPEN), (4, 10, OPEN)], [(1, n, 10, 0.33) for n in (2, 3, 4)])
    found = forward(thirds, 0, 10)
    assert found.share.tolist() == pytest.approx([1 / 3] * 3)
    assert found.lost.tolist() == [0]


def test_groups_of_units() -> None:
    found = forward(REFORMS, 5, 10)
    # 1 and 2 make district 100, 3 and 7 district 200; 4 and 5 lie in 300, 7 in 400.
    districts = np.array([100, 100, 200, 200])
    new = np.array([{4: 300, 5: 300, 7: 400}[int(n)] for n in found.new])
    assert pairs(found.gathered(districts, new, np.array([1.0, 1, 3, 1]))) == {
        (100, 300): 1, (200, 300): 0.75, (200, 400): 0.25,
    }  # fmt: skip
    unmeasured = found.gathered(districts, new, np.full(4, np.nan))
    assert unmeasured.share.tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    nothing = history([(1, 0, OPEN)], [])
    assert pairs(forward(nothing, -5, 5)) == {}


@st.composite
def histories(draw: Any) -> History:
    """Draw up to three reforms of up to five units each, whole and complete: every share goes somewhere."""
    units, steps, alive, number = [], [], [], 0
    for _ in range(draw(st.integers(1, 5))):
        units.append([number, 0, OPEN])
        alive.append(number)
        number += 1
    for day in (10, 20, 30)[: draw(st.integers(0, 3))]:
        made = [number + k for k in range(draw(st.integers(1, 4)))]
        ends = [u for u in alive if draw(st.booleans())]
        number += len(made)
        units += [[u, day, OPEN] for u in made]
        for old in ends:
            units[old][2] = day
            weights = [draw(st.integers(0, 4)) for _ in made]
            weights = weights if sum(weights) else [1] * len(made)
            steps += [(old, new, day, w / sum(weights)) for new, w in zip(made, weights, strict=True) if w]
        # Boundaries are also corrected between units that live on.
        rest = [u for u in alive if u not in ends]
        if len(rest) > 1 and draw(st.booleans()):
            steps.append((rest[0], rest[1], day, 0.25))
        alive = rest + made
    return history([tuple(u) for u in units], steps)  # type: ignore[misc]


DAYS = st.sampled_from([0, 5, 10, 15, 20, 25, 30, 40])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(known=histories(), days=st.tuples(DAYS, DAYS, DAYS).map(sorted))
def test_properties_of_any_history(known: History, days: list[int]) -> None:
    a, b, c = days
    whole = forward(known, a, c)
    for unit in whole.units:
        assert whole.share[whole.old == unit].sum() == pytest.approx(1), "every part is somewhere"
    assert whole.lost == pytest.approx(np.zeros(whole.units.size))
    assert np.isin(whole.new, known.in_force(c)).all()
    assert (whole.units == known.in_force(a)).all()
    same = forward(known, a, a)
    assert pairs(same) == pairs(identity(known.in_force(a)))
    assert pairs(same.then(whole)) == pairs(whole) == pairs(whole.then(forward(known, c, c)))
    chained = forward(known, a, b).then(forward(known, b, c))
    assert pairs(chained) == pytest.approx(pairs(whole)), "by way of any day between"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(known=histories(), days=st.tuples(DAYS, DAYS).map(sorted), data=st.data())
def test_properties_of_the_way_back(known: History, days: list[int], data: st.DataObject) -> None:
    first, last = days
    there = forward(known, first, last)
    size = np.array([data.draw(st.integers(1, 9)) for _ in there.units], np.float64)
    units = known.in_force(last)
    back = there.inverse(units, size)
    assert set(pairs(back)) == {(n, o) for o, n in pairs(there)}
    parts = np.array([back.share[back.old == u].sum() + back.lost[units == u].sum() for u in units])
    assert parts == pytest.approx(np.ones(units.size))
    # What went there comes back: sizes carried over and returned are the sizes.
    carried = np.array(
        [(size[np.searchsorted(there.units, there.old)] * there.share)[there.new == u].sum() for u in units]
    )
    returned = [(carried[np.searchsorted(units, back.old)] * back.share)[back.new == u].sum() for u in there.units]
    assert returned == pytest.approx(size.tolist())


@settings(max_examples=100, deadline=None, derandomize=True)
@given(known=histories())
def test_chaining_is_associative(known: History) -> None:
    one, two, three = (forward(known, a, b) for a, b in ((0, 10), (10, 20), (20, 30)))
    assert pairs(one.then(two).then(three)) == pytest.approx(pairs(one.then(two.then(three))))
