"""The fewest new sites that cover the villages, sharing first: a set cover, solved twice. Pure.

First the fewest new sites, whatever is shared; then, with no more of them than that, the least cost. A point is covered
by any one of the candidates that reach it, a village when enough of its people are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.kit.progress import Report
from app.licensing.programme.apart import solve
from app.licensing.programme.kept import Keeping
from app.licensing.programme.solver import Floats, Ints, Limits, Programme, Solution


@dataclass(frozen=True)
class Covered:
    """The candidates chosen, the solution of the second step, and what is proven of the number of new sites."""

    solution: Solution
    chosen: Ints
    new_sites: int
    new_sites_bound: int


def coverable(keeping: Keeping, candidates: int) -> NDArray[np.bool_]:
    """Return which rows (villages) all candidates together cover."""
    missed = keeping.broken(np.zeros(0, bool), np.ones(candidates, bool))
    return ~np.isin(np.arange(len(keeping.need)), missed)


def only(keeping: Keeping, rows: NDArray[np.bool_]) -> Keeping:
    """Return some of the rows of a set that nothing keeps and candidates help."""
    point = rows[keeping.row]
    here = point[keeping.helper_point]
    number, row = np.cumsum(point) - 1, np.cumsum(rows) - 1
    return replace(
        keeping, need=keeping.need[rows], village=keeping.village[rows], row=row[keeping.row[point]],
        weight=keeping.weight[point], helper_point=number[keeping.helper_point[here]], helper=keeping.helper[here],
    )  # fmt: skip


def fewest(
    keeping: Keeping, new: NDArray[np.bool_], cost: Floats, limits: Limits, report: Report | None = None
) -> Covered:
    """Return the fewest new sites and, among such solutions, the least cost.

    Parameters
    ----------
    keeping : Keeping
        Rows that all candidates together can cover.
    new, cost : arrays, shape (candidates,)
        Whether a candidate is a new site, and what it costs.
    """
    programme = Programme()
    chosen = programme.add_columns(cost)
    keeping.add_to(programme, chosen, chosen)
    number = np.zeros(programme.columns)
    number[chosen[new]] = 1.0
    half = replace(limits, time_limit_s=max(limits.time_limit_s / 2, 1.0))
    # A whole number: less than one from the bound is the least.
    first = solve(programme, replace(half, gap=0.0), cost=number, report=report)
    if not len(first.x):
        return Covered(first, np.empty(0, np.int64), 0, 0)
    least = round(float(number @ first.x))
    bound = max(0, int(np.ceil((first.bound or 0.0) - 1e-6)))
    used = np.flatnonzero(number)
    programme.add_rows(1, np.zeros(len(used)), used, 1.0, at_most=float(least))
    second = solve(programme, half, start=first.x, report=report)
    best = second if len(second.x) else replace(first, status="time_limit", bound=None, gap=None)
    if least > bound and best.status == "optimal":
        best = replace(best, status="time_limit")
    best = replace(best, seconds=first.seconds + second.seconds)
    return Covered(best, np.flatnonzero(best.x[chosen] > 0.5), least, bound)
