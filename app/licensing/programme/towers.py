"""Which single-tenant towers to merge onto which others so that S1 reaches its target at least cost. Pure.

An act takes the only operator of position i onto the structure at j and tears i down: the denominator falls by one, and
j becomes shared if it was not. With t the target, S the positions shared and P those present today,

    min Σ c_a x_a   so that   Σ y_j + t Σ x_a >= t P - S

where y_j says that j becomes shared. A host stands, has known room for all who come, and never takes the same operator
twice; every tower takes part in one act. `app.licensing.programme.kept` adds the villages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.kit.progress import Report
from app.licensing.programme.kept import Keeping
from app.licensing.programme.ratio import Aim, reach
from app.licensing.programme.results import Standing
from app.licensing.programme.solver import Floats, Ints, Limits, Programme, Solution

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Towers:
    """Positions in force; arrays over positions.

    Attributes
    ----------
    k : int array
        Radio operators present.
    spare : int array
        Further organisations the host structure can carry; -1 unknown.
    operator : int array
        The only operator of a position that may go, -1 for all others.
    """

    k: Ints
    spare: Ints
    operator: Ints
    unknown: int

    def standing(self) -> Standing:
        """Return S1 today."""
        return Standing(float((self.k >= 2).sum()), float((self.k >= 1).sum()), float(self.unknown))


@dataclass(frozen=True)
class Merges:
    """Acts that are possible one by one; arrays over acts. Without a source an operator is added at the host."""

    source: Ints
    """Position that goes, -1 none."""
    host: Ints
    operator: Ints
    cost: Floats
    distance_m: Floats

    def only(self, kept: Bools) -> Merges:
        """Return some of them."""
        return Merges(*(getattr(self, f)[kept] for f in ("source", "host", "operator", "cost", "distance_m")))


@dataclass(frozen=True)
class Columns:
    """Where a programme has what."""

    act: Ints
    gone: Ints
    """By position."""
    shared: Ints
    """By position, -1 where it is shared already or no act leads there."""
    held: Ints
    """By group of points of `kept`."""


def build(towers: Towers, merges: Merges, keeping: Keeping) -> tuple[Programme, Columns]:
    """Return the programme without its target row."""
    programme, positions = Programme(), len(towers.k)
    act = programme.add_columns(merges.cost)
    gone = programme.add_columns(np.zeros(positions), upper=np.isin(np.arange(positions), merges.source), whole=False)
    hosts = np.unique(merges.host)
    fresh = hosts[towers.k[hosts] == 1]
    shared = np.full(positions, -1, np.int64)
    shared[fresh] = programme.add_columns(np.zeros(len(fresh)))
    # gone_i is the sum of the acts that take i away.
    sources = np.unique(merges.source[merges.source >= 0])
    leaving = np.flatnonzero(merges.source >= 0)
    programme.add_rows(
        len(sources),
        np.concatenate([np.arange(len(sources)), np.searchsorted(sources, merges.source[leaving])]),
        np.concatenate([gone[sources], act[leaving]]),
        np.concatenate([np.ones(len(sources)), -np.ones(len(leaving))]), at_least=0.0, at_most=0.0,
    )  # fmt: skip
    # Room at the host; none once it is gone.
    at = np.searchsorted(hosts, merges.host)
    room = np.minimum(towers.spare[hosts], np.bincount(at, minlength=len(hosts))).astype(np.float64)
    programme.add_rows(
        len(hosts), np.concatenate([at, np.arange(len(hosts))]), np.concatenate([act, gone[hosts]]),
        np.concatenate([np.ones(len(act)), room]), at_most=room,
    )  # fmt: skip
    # An operator comes to a host once, and not to one that is gone.
    key, pair = np.unique(merges.host * (1 + merges.operator.max(initial=0)) + merges.operator, return_inverse=True)
    host_of = np.zeros(len(key), np.int64)
    host_of[pair] = merges.host
    programme.add_rows(
        len(key), np.concatenate([pair, np.arange(len(key))]), np.concatenate([act, gone[host_of]]), 1.0, at_most=1.0,
    )  # fmt: skip
    # Shared only by somebody who comes.
    into = np.flatnonzero(towers.k[merges.host] == 1)
    programme.add_rows(
        len(fresh), np.concatenate([np.arange(len(fresh)), np.searchsorted(fresh, merges.host[into])]),
        np.concatenate([shared[fresh], act[into]]),
        np.concatenate([np.ones(len(fresh)), -np.ones(len(into))]), at_most=0.0,
    )  # fmt: skip
    return programme, Columns(act, gone, shared, keeping.add_to(programme, gone, act))


def aim(merges: Merges, columns: Columns, size: int) -> Aim:
    """Return what each column does to S1: a position that becomes shared, and one that is no more."""
    above, below = np.zeros(size), np.zeros(size)
    above[columns.shared[columns.shared >= 0]] = 1.0
    below[columns.act[merges.source >= 0]] = -1.0
    return Aim(above, below)


def best(
    towers: Towers, merges: Merges, keeping: Keeping, target: float, limits: Limits, *,
    forbidden: tuple[Ints, ...] = (), report: Report | None = None,
) -> tuple[Solution, Ints]:  # fmt: skip
    """Return the solution that reaches `target` (percent) at least cost, and the acts done.

    Parameters
    ----------
    forbidden : tuple of int arrays
        Sets of acts that must not all be done.

    Returns
    -------
    Solution, int array
        With the status infeasible: the acts that lead to the highest S1 there is.
    """
    programme, columns = build(towers, merges, keeping)
    for acts in forbidden:
        programme.add_rows(1, np.zeros(len(acts)), columns.act[acts], 1.0, at_most=len(acts) - 1.0)
    start = greedy(towers, merges, keeping, target / 100, programme, columns)
    effect = aim(merges, columns, programme.columns)
    found = reach(programme, effect, towers.standing(), target, limits, start=start, report=report)
    done = np.flatnonzero(found.x[columns.act] > 0.5) if len(found.x) else np.empty(0, np.int64)
    return found, done


def standing_after(towers: Towers, merges: Merges, done: Ints) -> Standing:
    """Return S1 once the acts `done` are."""
    k = towers.k.copy()
    np.add.at(k, merges.host[done], 1)
    k[merges.source[done][merges.source[done] >= 0]] = 0
    return replace(towers, k=k).standing()


def greedy(
    towers: Towers, merges: Merges, keeping: Keeping, share: float, programme: Programme, columns: Columns
) -> Floats | None:
    """Return a solution to begin with: cheapest first, whatever makes a new position shared before the rest."""
    now = towers.standing()
    missing = share * now.denominator - now.numerator
    room, busy = towers.spare.copy(), np.zeros(len(towers.k), bool)
    gone, hosting = busy.copy(), busy.copy()
    here: set[tuple[int, int]] = set()
    done: list[int] = []
    x = np.zeros(programme.columns)
    hangs = set(keeping.keeper.tolist())
    order = np.lexsort((merges.cost, towers.k[merges.host] != 1))
    mask = np.zeros(len(merges.cost), bool)
    for a in order.tolist():
        if missing <= 0:
            break
        i, j, o = int(merges.source[a]), int(merges.host[a]), int(merges.operator[a])
        if gone[j] or room[j] < 1 or (j, o) in here or (i >= 0 and (gone[i] or hosting[i])):
            continue
        mask[a] = True
        if i >= 0:
            gone[i] = True
            if i in hangs and len(keeping.broken(gone, mask)):
                gone[i] = mask[a] = False
                continue
            x[columns.gone[i]] = 1.0
            missing -= share
        if towers.k[j] == 1 and not hosting[j]:
            x[columns.shared[j]] = 1.0
            missing -= 1.0
        room[j] -= 1
        hosting[j] = True
        here.add((j, o))
        done.append(a)
    if missing > 0:
        return None
    x[columns.act[done]] = 1.0
    return _with_points(programme, columns, x)


def _with_points(programme: Programme, columns: Columns, x: Floats) -> Floats | None:
    """Return `x` with the points it holds, which HiGHS would else have to look for; None when it breaks a row."""
    if len(columns.held):
        starts, column, value = programme.matrix()
        most = np.concatenate(programme.at_most)
        row = np.repeat(np.arange(programme.rows), np.diff(starts))
        # The first row that names a held column is the one that bounds it from above.
        at = np.searchsorted(columns.held, column)
        mine = np.flatnonzero((column >= columns.held[0]) & np.isfinite(most[row]))
        rest = np.bincount(row, value * x[column], programme.rows)
        x[columns.held[at[mine]]] = np.clip(most[row[mine]] - rest[row[mine]], 0.0, 1.0)
    return x if not len(programme.broken(x)) else None


def ranked(towers: Towers, merges: Merges, done: Ints) -> tuple[Ints, list[Standing]]:
    """Return the acts in the order that gains most for its cost, and S1 after each of them."""
    left, order, after = list(done.tolist()), [], []
    k, now = towers.k.copy(), towers.standing()
    while left:
        base = now.numerator / max(now.denominator, 1.0)

        def worth(a: int, base: float = base) -> float:
            fresh = k[merges.host[a]] == 1
            goes = merges.source[a] >= 0
            return -float((fresh + base * goes) / max(merges.cost[a], 1.0))

        first = min(left, key=lambda a: (worth(a), a))
        left.remove(first)
        order.append(first)
        after.append(now := standing_after(towers, merges, np.array(order)))
        k[merges.host[first]] += 1
    return np.array(order, np.int64), after
