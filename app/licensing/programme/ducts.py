"""Which trenches should take a second operator so that D1 reaches its target at least cost. Pure.

A covering knapsack by length: each trench adds to the ratio what it is long.
"""

from __future__ import annotations

import numpy as np

from app.kit.progress import Report
from app.licensing.programme.ratio import Aim, reach
from app.licensing.programme.results import Standing
from app.licensing.programme.solver import Floats, Ints, Limits, Programme, Solution


def select(
    length_m: Floats, cost: Floats, now: Standing, target: float, limits: Limits, report: Report | None = None
) -> tuple[Solution, Ints]:
    """Return the solution and the trenches chosen.

    Parameters
    ----------
    length_m, cost : float64 arrays, shape (trenches,)
        Of the trenches of one operator with a bore known to be free; lengths as D1 counts them.
    target : float
        Percent; infeasible: all of them are chosen, since each adds to the ratio.
    """
    programme = Programme()
    taken = programme.add_columns(cost)
    solution = reach(programme, Aim(length_m, np.zeros(len(length_m))), now, target, limits, report=report)
    return solution, np.flatnonzero(solution.x[taken] > 0.5) if len(solution.x) else np.empty(0, np.int64)
