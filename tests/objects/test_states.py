"""The pure part: differences, merges and conflicts of states."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.kit.etag import etag_of
from app.objects.states import apply, changed, conflicts, diff, merge

VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text(max_size=3)
FIELDS = st.sampled_from(["code", "height_m", "geom", "restricted", "valid_to"])
STATES = st.fixed_dictionaries({n: VALUES for n in ("code", "height_m", "geom", "restricted", "valid_to")})
PATCHES = st.dictionaries(FIELDS, VALUES, max_size=4)


def alike(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return not diff(a, b)


@given(STATES, STATES)
def test_diff_then_apply_gives_the_target(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert alike(apply(before, diff(before, after)), after)
    assert all(d.before is before[d.field] and d.after is after[d.field] for d in diff(before, after))


@given(STATES)
def test_a_state_differs_from_nothing_by_what_it_says(state: dict[str, Any]) -> None:
    assert alike(apply(None, diff(None, state)), {n: v for n, v in state.items() if v is not None})
    assert {d.field for d in diff(state, None)} == {n for n, v in state.items() if v is not None}
    assert diff(state, state) == []


@given(STATES, st.lists(PATCHES, max_size=5))
def test_restoring_leaves_no_difference(first: dict[str, Any], patches: list[dict[str, Any]]) -> None:
    now = first
    for patch in patches:
        now = merge(now, patch)
    restored = merge(now, changed(now, first))
    assert diff(first, restored) == []


@given(STATES, PATCHES)
def test_merging_writes_the_patch_and_nothing_else(state: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge(state, patch)
    assert {d.field for d in diff(state, merged)} == changed(state, patch).keys()
    assert changed(merged, patch) == {}


@given(STATES, PATCHES, PATCHES)
def test_only_what_both_changed_differently_conflicts(
    base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    current = merge(base, theirs)
    found = conflicts(base, current, mine)
    assert set(found) == changed(base, theirs).keys() & changed(current, mine).keys()
    assert set(found) <= set(conflicts(None, current, mine)) == changed(current, mine).keys()
    assert conflicts(base, base, mine) == []


def test_numbers_and_truth_values_are_not_mixed_up() -> None:
    assert diff({"a": 8}, {"a": 8.0}) == []
    assert [d.field for d in diff({"a": 1, "b": 0}, {"a": True, "b": False})] == ["a", "b"]


@given(STATES, STATES)
def test_a_version_is_its_content(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert etag_of(one) == etag_of(dict(reversed(one.items())))
    if diff(one, other):
        assert etag_of(one) != etag_of(other)
