"""From the network and the possible merges to the villages that must be held, and the check of a whole solution.

Pairs and rows are an approximation that can only be too careful: a tower is counted within the check's distance, a
village that is unknown holds every tower that may reach it. The engine then judges the solution as a whole, every cell
of every operator; only what passes that is told as kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.coverage.engine import Network
from app.coverage.plan import HEIGHT
from app.coverage.verdict import COVERED, UNKNOWN, point_states
from app.kit.progress import Report
from app.licensing.programme.kept import Keeping, nothing_kept
from app.licensing.programme.radio import Heard, Radio, arranged, hear, margins, reached, where, worse
from app.licensing.programme.solver import Floats, Ints
from app.licensing.programme.tower_inputs import Registered
from app.licensing.programme.towers import Bools, Merges


@dataclass(frozen=True)
class Checked:
    """What must be held, and what it is compared with."""

    radio: Radio
    before: Heard
    scopes: tuple[int | None, ...]
    """None: all operators together; else ids of operators, each judged alone."""
    position_of_cell: Ints
    """Index of the position of each cell, -1 of none in force."""
    keeping: Keeping
    villages_at_risk: int


def check(
    radio: Radio, found: Registered, acts: Merges, reach_m: float, *, each_operator: bool = False,
    report: Report | None = None,
) -> Checked:  # fmt: skip
    """Return what hangs on the positions that may go."""
    network, cells = radio.cells.network, radio.cells
    at = np.minimum(np.searchsorted(found.id, radio.site_of_cell), max(len(found.id) - 1, 0))
    position = np.where(found.id[at] == radio.site_of_cell, at, -1) if len(found.id) else np.full(len(at), -1)
    sources = np.unique(acts.source[acts.source >= 0])
    leaving = np.isin(position, sources)
    everything = np.arange(len(cells.cell_id))
    before = hear(radio, network, everything, report)
    fixed = hear(radio, network.only(~leaving), everything[~leaving], report)
    scopes: tuple[int | None, ...] = (None,)
    if each_operator:
        scopes = tuple(int(o) for o in np.unique(before.operator))
    at_risk = [_at_risk(radio, before, fixed, scope) for scope in scopes]
    points = np.unique(np.concatenate([np.concatenate([p.open, p.doubtful]) for p in at_risk]))
    own = margins(radio)
    lon, lat = where(network)
    correction = network.correction[leaving] if len(network.correction) else network.correction
    masts, _ = arranged(lon[leaving], lat[leaving], own[leaving], position[leaving], correction)
    p, g, maybe_p, maybe_g = reached(radio, masts, points, reach_m, "presences", report)
    # Who serves best today counts however far.
    q, group = np.nonzero(before.margin_db >= 0)
    best = position[before.server[q, group]]
    far = np.isin(best, sources) & np.isin(q, points)
    p, g = np.concatenate([p, q[far]]), np.concatenate([g, best[far]])
    coming = np.flatnonzero((acts.source >= 0) & np.isin(acts.source, g))
    moved = _moved(radio, found, acts, coming, position, own)
    hp, ha, _, _ = reached(radio, moved, points, reach_m, "acts", report)
    keeping = _joined(radio, found, acts, scopes, at_risk, (p, g), (hp, ha), (maybe_p, maybe_g))
    return Checked(radio, before, scopes, position, keeping, len(np.unique(keeping.village)))


@dataclass(frozen=True)
class _Risk:
    """Under one scope: points that only what may go reaches, of villages that could lose their verdict."""

    rows: Ints
    need: Floats
    open: Ints
    doubtful: Ints
    """Points of villages of unknown verdict."""


def _at_risk(radio: Radio, before: Heard, fixed: Heard, scope: int | None) -> _Risk:
    places = radio.places
    now, then = before.verdicts(radio, scope), fixed.verdicts(radio, scope)
    risky = (now.verdict == COVERED) & (then.verdict != COVERED)
    mine = np.ones(len(fixed.operator), bool) if scope is None else fixed.operator == scope
    safe, _ = point_states(fixed.margin_db[:, mine], fixed.bound_db[:, mine], fixed.operator[mine], 1)
    total = np.bincount(places.village, radio.weight, len(places.village_id))
    held = np.bincount(places.village, radio.weight * safe, len(places.village_id))
    # A billionth of the people decides nothing, as in the verdict.
    need = np.asarray((radio.rule.min_share - 1e-9) * total - held, np.float64)
    rows = np.flatnonzero(risky)
    unsure = (now.verdict == UNKNOWN) & (total > 0)
    return _Risk(
        rows, need[rows], np.flatnonzero(risky[places.village] & ~safe), np.flatnonzero(unsure[places.village])
    )


def _moved(radio: Radio, found: Registered, acts: Merges, which: Ints, position: Ints, cells: Floats) -> Network:
    """Return the cells of acts where they would stand; the group of each is its act."""
    of: dict[int, list[int]] = {}
    for number, at in enumerate(position.tolist()):
        of.setdefault(at, []).append(number)
    act = np.array([a for a in which.tolist() for _ in of.get(int(acts.source[a]), ())], np.int64)
    cell = np.array([c for a in which.tolist() for c in of.get(int(acts.source[a]), ())], np.int64)
    host = acts.host[act]
    there = cells[cell]
    there[:, HEIGHT] = np.minimum(there[:, HEIGHT], found.top_m[host])
    correction = radio.cells.network.correction
    return arranged(found.structure_lon[host], found.structure_lat[host], there, act,
                    correction[cell] if len(correction) else correction)[0]  # fmt: skip


def _joined(
    radio: Radio, found: Registered, acts: Merges, scopes: tuple[int | None, ...], risks: list[_Risk],
    keepers: tuple[Ints, Ints], helpers: tuple[Ints, Ints], maybe: tuple[Ints, Ints],
) -> Keeping:  # fmt: skip
    """Return the rows of all scopes as one set; a scope's keepers and helpers are its operator's."""
    organisations = found.organisations
    party_of = {int(i): int(p) for i, p in zip(organisations.ids, organisations.party, strict=True)}
    parts: list[list[Any]] = [[] for _ in range(8)]
    frozen: list[Ints] = []
    rows = points = 0
    for scope, risk in zip(scopes, risks, strict=True):
        mine = np.ones(len(found.id), bool)
        if scope is not None:
            mine = found.towers.operator == party_of[scope]
        doubted = np.concatenate([maybe[0], keepers[0]]), np.concatenate([maybe[1], keepers[1]])
        frozen.append(doubted[1][np.isin(doubted[0], risk.doubtful) & mine[doubted[1]]])
        number = np.full(len(radio.places.lon), -1, np.int64)
        number[risk.open] = np.arange(len(risk.open)) + points
        kp, kk = _pairs(keepers, number, mine)
        hp, hh = _pairs(helpers, number, mine[acts.source] & (acts.source >= 0))
        # An act helps where the tower it takes away is heard today; elsewhere it is left out of the count.
        held_by = set(zip(kp.tolist(), kk.tolist(), strict=True))
        near = np.array([(q, int(acts.source[a])) in held_by for q, a in zip(hp, hh, strict=True)], bool)
        at = np.searchsorted(risk.rows, radio.places.village[risk.open]) + rows
        new = (risk.need, risk.rows, at, radio.weight[risk.open], kp, kk, hp[near], hh[near])
        for part, values in zip(parts, new, strict=True):
            part.append(values)
        rows, points = rows + len(risk.rows), points + len(risk.open)
    if not rows and not any(len(f) for f in frozen):
        return nothing_kept()
    need, village, row, weight, kp, kk, hp, hh = (np.concatenate(p) for p in parts)
    return Keeping(need, village, row, weight, kp, kk, hp, hh, np.unique(np.concatenate(frozen)))


def _pairs(pairs: tuple[Ints, Ints], number: Ints, mine: Bools) -> tuple[Ints, Ints]:
    kept = (number[pairs[0]] >= 0) & mine[pairs[1]]
    found = np.unique(np.column_stack([number[pairs[0]], pairs[1]])[kept], axis=0)
    return found[:, 0], found[:, 1]


def lost(checked: Checked, found: Registered, acts: Merges, done: Ints, report: Report | None = None) -> Ints:
    """Return the villages whose verdict is worse once `done` is done, by the engine over the whole network."""
    radio, network = checked.radio, checked.radio.cells.network
    lon, lat = where(network)
    cells = network.cells.copy()
    leaving = acts.source[done] >= 0
    host = np.full(len(found.id) + 1, -1, np.int64)  # the last one is that of position -1
    host[acts.source[done][leaving]] = acts.host[done][leaving]
    to = host[checked.position_of_cell]
    moving = to >= 0
    lon[moving], lat[moving] = found.structure_lon[to[moving]], found.structure_lat[to[moving]]
    cells[moving, HEIGHT] = np.minimum(cells[moving, HEIGHT], found.top_m[to[moving]])
    after, order = arranged(lon, lat, cells, network.group, network.correction)
    heard = hear(radio, after, order, report)
    bad = [worse(checked.before.verdicts(radio, s), heard.verdicts(radio, s)) for s in checked.scopes]
    return np.unique(np.concatenate(bad))


def touching(checked: Checked, acts: Merges, done: Ints, village: int) -> Ints:
    """Return which of the acts done take away a tower that reaches a village; all of them when none is known to."""
    keeping = checked.keeping
    points = np.flatnonzero(keeping.village[keeping.row] == village)
    near = np.unique(keeping.keeper[np.isin(keeping.keeper_point, points)])
    mine = np.flatnonzero(checked.radio.places.village == village)
    served = checked.before.server[mine][checked.before.margin_db[mine] >= 0]
    near = np.union1d(near, checked.position_of_cell[served])
    found = done[np.isin(acts.source[done], near)]
    return found if len(found) else done
