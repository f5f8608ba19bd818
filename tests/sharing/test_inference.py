"""What follows from told sums, against plain ranks of matrices."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sharing.inference import Inference


def row(*atoms: int) -> np.ndarray:
    made = np.zeros(4, bool)
    made[list(atoms)] = True
    return made


def test_a_difference_is_refused_and_what_is_harmless_is_told() -> None:
    inference = Inference(4)
    inference.keep(row(0)[None, :])
    assert inference.tell(row(0, 1, 2, 3))
    assert inference.tell(row(0, 1)), "0 and 1 together say nothing of 0"
    assert inference.tell(row(2, 3)), "known already"
    assert not inference.tell(row(1)), "0 = 01 - 1"
    assert not inference.tell(row(1, 2, 3)), "0 = 0123 - 123"
    assert inference.tell(row(2))
    assert inference.tell(row(3))
    assert not inference.tell(row(0))


def test_what_is_told_anyway_is_no_secret_any_more() -> None:
    inference = Inference(4)
    inference.keep(np.array([row(0), row(1)]))
    assert inference.tell(row(0), anyway=True)
    assert not inference.tell(row(0, 1)), "1 is still one"
    inference.keep(row(0)[None, :])
    assert inference.tell(row(0)), "kept too late"


SUMS = st.lists(st.lists(st.booleans(), min_size=5, max_size=5), max_size=8)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(secrets=SUMS, sums=SUMS)
def test_no_secret_is_a_combination_of_what_was_told(secrets: list[list[bool]], sums: list[list[bool]]) -> None:
    kept = np.array([s for s in secrets if any(s)], bool).reshape(-1, 5)
    inference = Inference(5)
    inference.keep(kept)
    told = np.zeros((0, 5))
    for total in sums:
        grown = np.vstack([told, np.array(total, float)])
        rank = np.linalg.matrix_rank(grown)
        leaks = any(np.linalg.matrix_rank(np.vstack([grown, secret])) == rank for secret in kept)
        assert inference.tell(np.array(total, bool)) == (not leaks or np.linalg.matrix_rank(told) == rank)
        if not leaks:
            told = grown
