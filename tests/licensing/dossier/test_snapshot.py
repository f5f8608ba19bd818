"""Canonical JSON, its hash, and the report of what differs."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.canonical import canonical
from app.licensing.dossier.snapshot import differences, sha256_of, verify

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
letters = st.text('aăêĐđ9 #\\"', max_size=6)
values = st.recursive(
    st.none() | st.booleans() | numbers | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(letters, inner, max_size=4),
    max_leaves=20,
)
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure


def shuffled(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        return {k: shuffled(value[k], random) for k in random.sample(list(value), len(value))}
    return [shuffled(v, random) for v in value] if isinstance(value, list) else value


@slow
@given(values, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value: Any, random: Random) -> None:
    assert canonical(value) == canonical(shuffled(value, random))


@slow
@given(values)
def test_it_is_json_and_settles(value: Any) -> None:
    once = canonical(value)
    assert canonical(json.loads(once)) == once
    assert differences(value, json.loads(once)) == []


def test_numbers_and_letters() -> None:
    assert canonical({"b": 40.0, "a": -0.0}) == '{"a":0,"b":40}'
    assert canonical(0.1 + 0.2) == "0.3"
    assert canonical("Thu\u0309y") == canonical("Thủy")
    for wrong in (float("nan"), float("inf"), {1: 2}, {"a": object()}, {"\u1ebf": 1, "e\u0302\u0301": 2}):
        with pytest.raises(ValueError, match=r"canonical JSON|keys"):
            canonical(wrong)


def double(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"y": [2 * inputs["x"]], "z": inputs.get("z")}


def test_a_whole_record_verifies() -> None:
    inputs = {"x": 2.5}
    answer = double(inputs)
    found = verify(inputs, answer, sha256_of(inputs, answer), double)
    assert (found.intact, found.same, found.count) == (True, True, 0)


def test_a_changed_record_does_not() -> None:
    inputs = {"x": 2.5}
    answer = double(inputs)
    kept = sha256_of(inputs, answer)
    moved = verify({"x": 3}, answer, kept, double)
    assert (moved.intact, moved.same) == (False, False)
    assert [(d.path, d.frozen, d.now) for d in moved.differences] == [("y[0]", 5, 6)]
    told = verify(inputs, {"y": [6], "z": None}, kept, double)
    assert (told.intact, told.same) == (False, False)
    # The program changed, the record did not.
    newer = verify(inputs, answer, kept, lambda i: double(i) | {"new": 1})
    assert (newer.intact, newer.same) == (True, False)
    assert newer.differences[0].path == "new"


def test_true_is_not_one_and_lists_have_a_length() -> None:
    assert [d.path for d in differences({"a": True, "b": [1, 2]}, {"a": 1, "b": [1]})] == ["a", "b"]
