"""A programme that keeps the solver busy."""

from __future__ import annotations

import numpy as np

from app.licensing.programme.solver import Programme


def slow() -> Programme:
    """Return a cover of 20,000 rows: its first relaxation takes HiGHS longer than 20 s (measured, 2 cores)."""
    rng = np.random.default_rng(1)
    columns, rows, entries = 4000, 20_000, 8
    programme = Programme()
    programme.add_columns(rng.uniform(1, 2, columns))
    first, steps = rng.integers(0, columns, (rows, 1)), np.argsort(rng.random((rows, 60)), axis=1)[:, :entries]
    programme.add_rows(
        rows, np.repeat(np.arange(rows), entries), ((first + 37 * steps) % columns).ravel(), np.ones(rows * entries),
        at_least=2.0,
    )  # fmt: skip
    return programme
