"""Where keys stand among ascending ones, by a table or by a search."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit.ordered import find

KEYS = st.one_of(st.integers(0, 40), st.integers(0, 10**15))


@settings(deadline=None)
@given(st.sets(KEYS, max_size=30), st.lists(KEYS, max_size=30))
def test_find(keys: set[int], others: list[int]) -> None:
    ascending = sorted(keys)
    wanted = [*others, *ascending[::2]]
    found = find(np.array(ascending, np.int64), np.array(wanted, np.int64))
    assert found.tolist() == [ascending.index(w) if w in keys else -1 for w in wanted]
    assert found.dtype == np.int64
