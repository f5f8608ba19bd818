"""Which groups are withheld: small ones, and as many more as it takes that none comes out as total less rest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sharing.withholding import withheld


def held(
    objects: list[int], unknown: list[int] | None = None, blocks: list[int] | None = None, n: int = 3
) -> list[int]:
    counted = np.array([objects], np.int64)
    beside = np.array([unknown or [0] * len(objects)], np.int64)
    block = np.array(blocks or [0] * len(objects), np.int64)
    return np.flatnonzero(withheld(counted, beside, n, block)).tolist()


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([5, 9, 0], []),  # nothing is zero, and says so
        ([3, 9, 7], []),
        ([2, 9, 7], [0, 2]),  # the next smallest goes with it, else 18 - 9 - 7 = 2
        ([2, 2, 7], [0, 1]),  # together four
        ([1, 1, 7, 9], [0, 1, 2]),  # together two: a figure of two objects by subtraction
        ([1, 1, 1, 9], [0, 1, 2]),
        ([1], [0]),
        ([1, 0, 0], [0]),  # the total is as small, and withheld itself
        ([2, 50], [0, 1]),
    ],
)
def test_small_groups_and_their_company(objects: list[int], expected: list[int]) -> None:
    assert held(objects) == expected


def test_the_threshold_is_policy() -> None:
    assert held([1, 2, 9], n=0) == []
    assert held([1, 2, 9], n=1) == []
    assert held([4, 9, 30], n=5) == [0, 1]


def test_what_is_only_unknown_is_small_too() -> None:
    assert held([0, 9, 8], [1, 0, 0]) == [0, 2]


def test_one_definition_speaks_for_all_of_its_kind() -> None:
    """S1 counts one position where S3 counts five: S3's numerator would be the one's operators."""
    objects = np.array([[1, 9, 8], [5, 9, 8]], np.int64)
    assert np.flatnonzero(withheld(objects, np.zeros_like(objects), 3, np.zeros(3, np.int64))).tolist() == [0, 2]


def test_each_told_total_is_kept_apart() -> None:
    # Two communes of one side each with one object: told sides would give both away.
    assert held([1, 9, 1, 9], blocks=[0, 0, 1, 1]) == [0, 1, 2, 3]
    assert held([2, 9, 7, 4], blocks=[0, 0, 1, 1]) == [0, 1]


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=7), st.integers(0, 5),
    st.lists(st.integers(0, 2), min_size=7, max_size=7),
)  # fmt: skip
def test_no_told_total_less_what_is_told_is_small(objects: list[int], n: int, numbers: list[int]) -> None:
    blocks = numbers[: len(objects)]
    found = set(held(objects, blocks=blocks, n=n))
    for number in set(blocks):
        inside = [i for i, b in enumerate(blocks) if b == number]
        hidden = [objects[i] for i in inside if i in found and objects[i]]
        total = sum(objects[i] for i in inside)
        if total >= n and hidden:  # a total below is not told
            assert len(hidden) >= 2
            assert sum(hidden) >= n
        assert not [i for i in inside if i not in found and 0 < objects[i] < n]
    assert all(objects[i] for i in found), "an empty group is told"


def test_nothing_is_withheld_without_need() -> None:
    for objects in itertools.product((0, 3, 4, 9), repeat=4):
        assert held(list(objects)) == []
