"""Work timed side by side at random places of the benchmarks' province."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_FIRST = 20


def times_ms(repeats: int, *work: Callable[[float, float], object]) -> NDArray[np.float64]:
    """Return milliseconds, shape (len(work), repeats): at each place all in turn, so that all see the same machine.

    The first places are left out: they plan and fill caches.
    """
    rng = np.random.default_rng(254)
    size = _FIRST + repeats
    found = []
    for lon, lat in zip(rng.uniform(107.25, 107.75, size), rng.uniform(16.15, 16.45, size), strict=True):
        row = []
        for one in work:
            start = time.perf_counter()
            one(float(lon), float(lat))
            row.append((time.perf_counter() - start) * 1000)
        found.append(row)
    return np.array(found[_FIRST:]).T
