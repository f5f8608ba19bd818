"""Who loses service when technologies are switched off: the verdict with and without them, and the people. Pure.

Levels are those a run stored, so the answer is the model's: what was measured or claimed is not per technology and
point. What is unknown stays so: a point loses service for certain only when it was served for certain before and
nothing, known or unknown, can serve it after.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.coverage.evidence import Demand
from app.coverage.rules import CoverageRule
from app.coverage.verdict import UNKNOWN, Floats, Ints, judge, point_states

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Levels:
    """Margins over a threshold as `app.coverage.verdict.judge` takes them; shape (points, groups) both."""

    margin_db: Floats
    bound_db: Floats


@dataclass(frozen=True)
class Heard:
    """What reaches every populated point, by groups: one operator's network of one technology."""

    rule: Levels
    """Over what the rule asks for."""
    phone: Levels
    """Over the level at which a phone works at all; the same but for rules of throughput."""
    operator: Ints
    technology: tuple[str, ...]
    known: Bools
    """Shape (villages,): false where the run knows nothing of the village or network."""


@dataclass(frozen=True)
class Effect:
    """One entry per village; shares of its people, NaN where that is not known."""

    before: Ints
    """Verdict, index into `app.coverage.verdict.NAMES`."""
    after: Ints
    share_before: Floats
    """Of the rule's unit."""
    share_after: Floats
    share_unknown_after: Floats
    lost: Floats
    """At least this share of the people loses what the rule asks for."""
    lost_high: Floats
    """At most."""
    silent: Floats
    """At least this share has no signal of any technology left."""
    silent_high: Floats


def effect(
    heard: Heard, demand: Demand, people: Floats, rule: CoverageRule, off: Collection[str], min_operators: int
) -> Effect:
    """Compare the rule over all its technologies with the rule over those that stay.

    Parameters
    ----------
    demand : Demand
        Points with the weight of the rule's unit.
    people : float64 array, shape (points,)
    off : collection of str
        Technologies switched off, of the rule or not.
    min_operators : int
        Of the rule; 1 where one operator is looked at.
    """
    every = np.ones(len(heard.technology), bool)
    wanted, stays = among(heard.technology, rule.technologies), ~among(heard.technology, off)

    def judged(groups: Bools) -> tuple[Ints, Floats, Floats]:
        found = judge(
            heard.rule.margin_db[:, groups], heard.rule.bound_db[:, groups], heard.operator[groups], demand.village,
            demand.villages, demand.weight, rule.min_share, min_operators,
        )  # fmt: skip
        share = np.where(heard.known, np.minimum(found.share, 1.0), np.nan)
        unknown = np.where(np.isnan(share), 1.0, found.share_unknown)
        return np.where(heard.known, found.verdict, UNKNOWN), share, unknown

    def share(of: Bools) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.bincount(demand.village, people * of, demand.villages) / total
        return np.where(heard.known, np.minimum(found, 1.0), np.nan)

    total = np.bincount(demand.village, people, demand.villages)
    before, share_before, _ = judged(wanted)
    after, share_after, unknown_after = judged(wanted & stays)
    lost = losing(heard.rule, heard.operator, wanted, stays, min_operators)
    silent = losing(heard.phone, heard.operator, every, stays, 1)
    return Effect(
        before, after, share_before, share_after, unknown_after, share(lost[0]), share(lost[1]), share(silent[0]),
        share(silent[1]),
    )  # fmt: skip


def losing(levels: Levels, operator: Ints, wanted: Bools, stays: Bools, min_operators: int) -> tuple[Bools, Bools]:
    """Return which points lose service for certain, and which may; shape (points,) both.

    Parameters
    ----------
    wanted, stays : bool arrays, shape (groups,)
        Groups that count before, and those of them that still do after.

    Notes
    -----
    For certain: served before whatever the unknown cells do, and not served after whatever they do. Maybe: some state
    of the unknown cells has it so; the best case for a loss is that all that stays fails and all that goes works.
    """
    kept = wanted & stays
    sure, _ = point_states(levels.margin_db[:, wanted], levels.bound_db[:, wanted], operator[wanted], min_operators)
    still, perhaps = point_states(levels.margin_db[:, kept], levels.bound_db[:, kept], operator[kept], min_operators)
    bound = np.where(stays, -np.inf, levels.bound_db)[:, wanted]
    _, might_have = point_states(levels.margin_db[:, wanted], bound, operator[wanted], min_operators)
    return sure & ~perhaps, might_have & ~still


def among(technology: Collection[str], some: Collection[str]) -> Bools:
    """Return which groups are of `some` technologies."""
    return np.array([t in some for t in technology], bool)
