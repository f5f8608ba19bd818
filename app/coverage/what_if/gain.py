"""What stations added to a network, or taken from it, change for people and villages. Pure.

What is unknown stays so: a village counts as gained only when it was not known to be covered before and is after,
whatever the unknown cells do; people count as gained only where nothing can have served them before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.coverage.evidence import Demand
from app.coverage.rules import CoverageRule
from app.coverage.switch_off import Bools, Heard, Levels, among
from app.coverage.verdict import COVERED, NOT_COVERED, UNKNOWN, Floats, Ints, judge, point_states
from app.coverage.what_if.stations import Brought


@dataclass(frozen=True)
class Judgement:
    """The rule over all operators, one entry per village."""

    verdict: Ints
    """Index into `app.coverage.verdict.NAMES`."""
    share: Floats
    """Of the rule's unit, known to pass; NaN where nothing is known."""


@dataclass(frozen=True)
class Reached:
    """Where one station reaches; masks of shape (points,)."""

    served: Bools
    """It alone brings what the rule asks for."""
    gained: Bools
    """Of them, where its operator cannot have served before."""
    gained_at_most: Bools
    """Where its operator is not known to have served before and the station may."""
    first: Bools
    """Where no operator can have served before."""


def judgement(heard: Heard, demand: Demand, rule: CoverageRule) -> Judgement:
    """Return the verdict on every village by the levels heard."""
    wanted = among(heard.technology, rule.technologies)
    found = judge(
        heard.rule.margin_db[:, wanted], heard.rule.bound_db[:, wanted], heard.operator[wanted], demand.village,
        demand.villages, demand.weight, rule.min_share, rule.min_operators,
    )  # fmt: skip
    # Of a network nobody recorded nothing says that it does not serve.
    verdict = np.where(heard.known | (found.verdict != NOT_COVERED), found.verdict, UNKNOWN)
    share = np.where(heard.known | (found.verdict == COVERED), np.minimum(found.share, 1.0), np.nan)
    return Judgement(verdict, share)


def added(heard: Heard, stations: Sequence[Brought]) -> Heard:
    """Return what is heard when stations are added to what was.

    Parameters
    ----------
    stations : sequence of Brought
        Of the points of `heard`, each one technology.
    """
    index = {g: n for n, g in enumerate(zip(heard.operator.tolist(), heard.technology, strict=True))}
    fresh = [g for g in dict.fromkeys((s.operator, s.technology) for s in stations) if g not in index]
    index |= {g: len(index) + n for n, g in enumerate(fresh)}
    none = np.full((len(heard.rule.margin_db), len(fresh)), -np.inf)

    def more(levels: Levels) -> Levels:
        margin, bound = np.hstack([levels.margin_db, none]), np.hstack([levels.bound_db, none])
        for s in stations:
            g = index[s.operator, s.technology]
            margin[:, g] = np.maximum(margin[:, g], s.margin_db)
            bound[:, g] = np.maximum(bound[:, g], s.bound_db)
        return Levels(margin, bound)

    operator = np.append(heard.operator, [o for o, _ in fresh]).astype(np.int64)
    technology = (*heard.technology, *(t for _, t in fresh))
    return Heard(more(heard.rule), more(heard.phone), operator, technology, heard.known)


def replaced(heard: Heard, rule: Levels, changed: Bools) -> Heard:
    """Return what is heard when at some points and groups, shape (points, groups), levels are others than before."""
    levels = Levels(
        np.where(changed, rule.margin_db, heard.rule.margin_db), np.where(changed, rule.bound_db, heard.rule.bound_db)
    )
    return replace(heard, rule=levels)


def reached(heard: Heard, station: Sequence[Brought], rule: CoverageRule, *, by_technology: bool = False) -> Reached:
    """Return where a station reaches with the technologies of the rule.

    Parameters
    ----------
    heard : Heard
        Without the station.
    by_technology : bool
        Before, only the technologies of the station count as service by its operator: what one of them is new for.
    """
    counted = [s for s in station if s.technology in rule.technologies]
    if not counted:
        nowhere = np.zeros(len(heard.rule.margin_db), bool)
        return Reached(nowhere, nowhere, nowhere, nowhere)
    serves = np.any([s.margin_db >= 0 for s in counted], axis=0)
    may = serves | np.any([s.bound_db >= 0 for s in counted], axis=0)
    wanted = among(heard.technology, rule.technologies)
    own = wanted & np.isin(heard.operator, [s.operator for s in counted])
    if by_technology:
        own &= among(heard.technology, {s.technology for s in counted})

    def before(groups: Bools) -> tuple[Bools, Bools]:
        return point_states(heard.rule.margin_db[:, groups], heard.rule.bound_db[:, groups], heard.operator[groups], 1)

    (sure, perhaps), (_, anybody) = before(own), before(wanted)
    return Reached(serves, serves & ~perhaps, may & ~sure, serves & ~anybody)
