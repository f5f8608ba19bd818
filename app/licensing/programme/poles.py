"""Which poles of one organisation to give up, and which to share, so that P1 reaches its target at least cost. Pure.

Two kinds of acts on a pole that carries one organisation's telecom lines alone: they move to a pole within a span and
it goes (the denominator falls); or another organisation's line comes to it (the numerator rises). A pole takes part in
one of them, and carries no more lines than its known capacity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.kit.progress import Report
from app.licensing.programme.ratio import Aim, reach
from app.licensing.programme.results import Standing
from app.licensing.programme.solver import Floats, Ints, Limits, Programme, Solution


@dataclass(frozen=True)
class Poles:
    """Poles in force; arrays over poles."""

    single: NDArray[np.bool_]
    """Decided, and one organisation alone."""
    spare: Ints
    """Further lines it can carry; 0 where that is not known."""
    lines: Ints
    now: Standing


@dataclass(frozen=True)
class Joins:
    """Lines that can move: from a pole that then goes, to another within a span; arrays over acts."""

    source: Ints
    host: Ints
    cost: Floats
    distance_m: Floats


@dataclass(frozen=True)
class Comings:
    """Organisations that can come to a pole; arrays over acts."""

    pole: Ints
    party: Ints
    cost: Floats
    distance_m: Floats


@dataclass(frozen=True)
class Chosen:
    """Indices of the joins and comings done."""

    solution: Solution
    joins: Ints
    comings: Ints


def choose(
    poles: Poles, joins: Joins, comings: Comings, target: float, limits: Limits, report: Report | None = None
) -> Chosen:
    """Return the cheapest acts that reach `target` (percent); infeasible: those that lead to the highest P1."""
    programme = Programme()
    move, come = programme.add_columns(joins.cost), programme.add_columns(comings.cost)
    hosts = np.unique(joins.host[poles.single[joins.host]])
    shared = programme.add_columns(np.zeros(len(hosts)))
    into = np.flatnonzero(poles.single[joins.host])
    # A single pole becomes a host, goes, or is come to: one of them.
    touched = np.unique(np.concatenate([joins.source, comings.pole, hosts]))
    at = [np.searchsorted(touched, part) for part in (joins.source, comings.pole, hosts)]
    programme.add_rows(len(touched), np.concatenate(at), np.concatenate([move, come, shared]), 1.0, at_most=1.0)
    # Lines move to a single pole only when it has become a host.
    programme.add_rows(
        len(into), np.tile(np.arange(len(into)), 2),
        np.concatenate([move[into], shared[np.searchsorted(hosts, joins.host[into])]]),
        np.repeat([1.0, -1.0], len(into)), at_most=0.0,
    )  # fmt: skip
    programme.add_rows(
        len(hosts), np.concatenate([np.arange(len(hosts)), np.searchsorted(hosts, joins.host[into])]),
        np.concatenate([shared, move[into]]), np.repeat([1.0, -1.0], [len(hosts), len(into)]), at_most=0.0,
    )  # fmt: skip
    full = np.unique(joins.host)
    programme.add_rows(len(full), np.searchsorted(full, joins.host), move, poles.lines[joins.source],
                       at_most=poles.spare[full])  # fmt: skip
    above, below = np.zeros(programme.columns), np.zeros(programme.columns)
    above[come] = above[shared] = 1.0
    below[move] = -1.0
    found = reach(programme, Aim(above, below), poles.now, target, limits, report=report)
    if not len(found.x):
        return Chosen(found, np.empty(0, np.int64), np.empty(0, np.int64))
    return Chosen(found, np.flatnonzero(found.x[move] > 0.5), np.flatnonzero(found.x[come] > 0.5))
