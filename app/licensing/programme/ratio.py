"""A ratio as the aim of an integer programme: reach it at least cost, or come as near as can be. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.kit.progress import Report
from app.licensing.programme.apart import solve
from app.licensing.programme.results import Standing
from app.licensing.programme.solver import Floats, Limits, Programme, Solution


@dataclass(frozen=True)
class Aim:
    """What each column, when it is 1, adds to the ratio's numerator and denominator; shape (columns,) both."""

    above: Floats
    below: Floats

    def after(self, now: Standing, x: Floats) -> Standing:
        """Return the ratio once `x` is done."""
        if not len(x):
            return now
        return replace(
            now, numerator=now.numerator + float(self.above @ x), denominator=now.denominator + float(self.below @ x)
        )


def reach(
    programme: Programme, aim: Aim, now: Standing, target: float, limits: Limits, *, start: Floats | None = None,
    report: Report | None = None,
) -> Solution:  # fmt: skip
    """Return the cheapest solution that reaches `target` (percent).

    With the target t the ratio is linear: above·x - t below·x >= t D - N. Where no solution reaches it, the status is
    infeasible, the solution is the one with the highest ratio, and objective and gap are those of that search.
    """
    share = target / 100
    value = aim.above - share * aim.below
    used = np.flatnonzero(value)
    aiming = programme.copy()
    aiming.add_rows(1, np.zeros(len(used)), used, value[used], at_least=share * now.denominator - now.numerator)
    found = solve(aiming, limits, start=start, report=report)
    if found.status != "infeasible":
        return found
    left = replace(limits, time_limit_s=max(limits.time_limit_s - found.seconds, 1.0))
    highest = furthest(programme, aim, now, left, report)
    return replace(highest, status="infeasible", bound=None, seconds=found.seconds + highest.seconds)


def furthest(programme: Programme, aim: Aim, now: Standing, limits: Limits, report: Report | None = None) -> Solution:
    """Return the solution with the highest ratio.

    Notes
    -----
    Numerator over denominator is no linear aim: Dinkelbach's steps (1967, Management Science 13) solve
    max numerator - λ · denominator for the λ of the solution before, until nothing is gained.
    """
    best = Solution("optimal", np.zeros(programme.columns), 0.0, 0.0, 0.0, 0.0)
    left, reached = limits.time_limit_s, now
    while left > 0 and now.denominator > 0:
        share = (reached.ratio or 0.0) / 100
        found = solve(programme, replace(limits, time_limit_s=left), start=best.x, maximise=True,
                      cost=aim.above - share * aim.below, report=report)  # fmt: skip
        left -= found.seconds
        after = aim.after(now, found.x)
        # No denominator left is no ratio.
        if not len(found.x) or after.ratio is None or after.ratio <= (reached.ratio or 0.0) + 1e-9:
            return replace(best, seconds=limits.time_limit_s - left)
        best, reached = found, after
    return replace(best, status="time_limit", seconds=limits.time_limit_s - left)
