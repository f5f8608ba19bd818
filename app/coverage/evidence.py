"""What claims, drive tests and speed tests say of a village, and which evidence decides. Pure.

Every kind of evidence answers by itself, with three values; the rule's order says whose answer is taken: the first that
is not unknown. What a kind says is a share of people between two bounds (its deciles, see `app.coverage.probability`):
covered when the lower bound is enough for the rule, not covered when the upper one is not, else unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.coverage.probability import DECILE, Floats, Ints
from app.coverage.rules import CoverageRule, Evidence
from app.coverage.verdict import COVERED, NOT_COVERED, UNKNOWN, judge, point_states

Bools = NDArray[np.bool_]
EPSILON = 1e-9
"""Sums of shares round; a billionth of the people decides nothing."""


@dataclass(frozen=True)
class Said:
    """What one kind of evidence says under one scope; one entry per village."""

    verdict: Ints
    """Index into `app.coverage.verdict.NAMES`."""
    share: Floats
    """Share that passes as far as it is known; NaN where nothing is."""
    low: Floats
    high: Floats
    unknown: Floats
    """Share that might pass besides."""
    spoke: Bools
    """Whether it knows anything of the village at all."""
    points: Ints
    """Demand points it knows something of."""
    samples: Ints

    def usable(self) -> Bools:
        """Say where it can decide: unknown never does."""
        return np.asarray(self.spoke & (self.verdict != UNKNOWN))


@dataclass(frozen=True)
class Demand:
    """Where people are: see `app.coverage.inputs.Places`; `weight` is that of the rule's unit."""

    village: Ints
    villages: int
    weight: Floats

    def total(self, of: Bools | None = None) -> Floats:
        """Return per village the weight of the points that are `of`, or of all."""
        weight = self.weight if of is None else self.weight * of
        return np.bincount(self.village, weight, self.villages).astype(np.float64)

    def count(self, of: Bools) -> Ints:
        """Return per village how many points are `of`."""
        return np.bincount(self.village[of], minlength=self.villages).astype(np.int64)


def wilson(share: ArrayLike, n: ArrayLike, z: float = DECILE) -> tuple[Floats, Floats]:
    """Return the bounds of Wilson's score interval (E. B. Wilson 1927, J. Am. Stat. Assoc. 22, 209-212).

    (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n); it never leaves 0…1 and holds for few samples.

    Parameters
    ----------
    share, n : array_like
        Share of successes and number of trials; with n 0 nothing is known: 0 to 1.
    z : float
        Half width in standard deviations; the default bounds the middle 80 %.
    """
    p, trials = np.asarray(share, np.float64), np.asarray(n, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        extra = z * z / trials
        centre = (p + extra / 2) / (1 + extra)
        half = z * np.sqrt(p * (1 - p) / trials + extra / (4 * trials)) / (1 + extra)
        # At 0 and 1 a bound is the share itself, which rounding must not pass.
        low, high = np.minimum(centre - half, p), np.maximum(centre + half, p)
    known = trials > 0
    return np.where(known, np.clip(low, 0, 1), 0.0), np.where(known, np.clip(high, 0, 1), 1.0)


def sample_states(
    rule: CoverageRule, rsrp_min_dbm: Floats, rsrp_dbm: Floats, downlink_mbps: Floats, uplink_mbps: Floats,
    indoor: Bools,
) -> tuple[Bools, Bools]:  # fmt: skip
    """Return which samples say something about the rule, and which of them satisfy it.

    Parameters
    ----------
    rsrp_min_dbm : float64 array, shape (samples,)
        The rule's level at the phone for the sample's technology.
    rsrp_dbm, downlink_mbps, uplink_mbps : float64 arrays, shape (samples,)
        NaN where not measured.

    Notes
    -----
    A rule of throughput asks for the throughput, a rule of level for the level; a rate alone says nothing of a level.
    The environment's loss is in a sample taken indoors and comes on top of one taken outdoors. Of a rule without such
    loss, samples taken indoors say nothing. The margin for a probability belongs to estimates: samples have their own.
    """
    asked = rule.environment_loss_db
    fitting = ~indoor | (asked > 0)
    rates = [(rule.downlink_mbps, downlink_mbps), (rule.uplink_mbps, uplink_mbps)]
    wanted = [(rate, measured) for rate, measured in rates if rate]
    if wanted:
        # Outdoors the rate is better than inside: it cannot show that the inside is served.
        usable = fitting & (indoor | (asked == 0)) & np.all([np.isfinite(measured) for _, measured in wanted], axis=0)
        return usable, usable & np.all([measured >= rate for rate, measured in wanted], axis=0)
    usable = fitting & np.isfinite(rsrp_dbm)
    return usable, usable & (rsrp_dbm >= rsrp_min_dbm + np.where(indoor, 0.0, asked))


def claim_suffices(rule: CoverageRule, rsrp_min_dbm: float, promised_dbm: float, promised_mbps: float) -> bool:
    """Say whether what an operator promises inside a polygon is what the rule asks for; NaN promises nothing.

    A polygon without a level is taken for service outdoors. What is promised less is no evidence inside, but outside
    there is not even that.
    """
    if rule.uplink_mbps:  # polygons promise none
        return False
    if rule.downlink_mbps:
        return promised_mbps >= rule.downlink_mbps
    if np.isnan(promised_dbm):
        return rule.environment_loss_db == 0
    return promised_dbm >= rsrp_min_dbm + rule.environment_loss_db


def claimed(inside: Bools, weak: Bools, silent: Bools, operator: Ints, demand: Demand, rule: CoverageRule) -> Said:
    """Judge by where the operators say they serve.

    Parameters
    ----------
    inside, weak : bool arrays, shape (points, groups)
        Points in a polygon that promises what the rule asks for, or less.
    silent : bool array, shape (groups,)
        Groups of which there is no polygon at all: these may serve anywhere.
    """
    margin = np.where(inside, 0.0, -np.inf)
    bound = np.where(weak | silent, 0.0, -np.inf)
    found = judge(
        margin, bound, operator, demand.village, demand.villages, demand.weight, rule.min_share, rule.min_operators
    )
    share = np.clip(found.share, 0, 1)
    touched = demand.count(np.asarray((inside | weak).any(axis=1)))
    return Said(
        found.verdict, share, share, np.clip(share + found.share_unknown, 0, 1), found.share_unknown,
        (touched > 0) | (found.verdict != UNKNOWN), touched, np.zeros(demand.villages, np.int64),
    )  # fmt: skip


def driven(passes: Bools, tested: Bools, samples: Ints, operator: Ints, demand: Demand, rule: CoverageRule) -> Said:
    """Judge by the demand points near which a drive test took samples, as a sample of all the points of the village.

    Parameters
    ----------
    passes, tested : bool arrays, shape (points, groups)
        Points with samples of a group, and those of them that satisfy the rule.
    samples : int array, shape (points,)

    Notes
    -----
    The points tested are taken for a random sample of the village, weighted by its people: Wilson's interval with
    (Σw)²/Σw² as the number of trials (Kish). Between points tested for some operators only, the share lies between
    those known to pass and those that may. The bounds never contradict what was measured: everybody at points that
    pass is covered, everybody at points that fail is not, whatever the rest.
    """
    sure, maybe = point_states(
        np.where(passes, 0.0, -np.inf), np.where(tested, -np.inf, 0.0), operator, rule.min_operators
    )
    some = np.asarray(tested.any(axis=1))
    everybody, seen = demand.total(), demand.total(some)
    with np.errstate(invalid="ignore", divide="ignore"):
        trials = seen**2 / np.bincount(demand.village, demand.weight**2 * some, demand.villages)
        share, upper = demand.total(sure) / seen, demand.total(maybe & some) / seen
        passed, failed = demand.total(sure) / everybody, demand.total(some & ~maybe) / everybody
    low = np.maximum(wilson(share, trials)[0], passed)
    high = np.minimum(wilson(upper, trials)[1], 1 - failed)
    spoke = seen > 0
    return Said(
        _verdict(low, high, rule.min_share, spoke), share, low, high, np.clip(upper - share, 0, 1), spoke,
        demand.count(some), np.bincount(demand.village, samples, demand.villages).astype(np.int64),
    )  # fmt: skip


def speed_tested(passed: Ints, n: Ints, operator: Ints, least: int, rule: CoverageRule) -> Said:
    """Judge by speed tests of the village's users: share of the tests that satisfy the rule, operator by operator.

    Parameters
    ----------
    passed, n : int arrays, shape (villages, groups)
        Tests that satisfy the rule, of how many; technologies of one operator are counted together.
    least : int
        Fewer tests of an operator than that say nothing.

    Notes
    -----
    Tests of two operators are not of the same people, so who has both or either is known between bounds only
    (Fréchet): at least k of the operators serve no less than Σ(k best shares) - (k - 1), no more than Σ(shares)/k.
    """
    codes = np.unique(operator)
    k, villages = rule.min_operators, n.shape[0]
    of = np.array([operator == code for code in codes], bool).reshape(len(codes), len(operator))
    tests, good = (n @ of.T).astype(np.int64), (passed @ of.T).astype(np.int64)
    enough = tests >= max(least, 1)
    share = np.where(enough, good / np.maximum(tests, 1), 0.0)
    low, high = wilson(share, np.where(enough, tests, 0))
    low[~enough], high[~enough] = 0.0, 1.0

    def at_least(each: Floats) -> Floats:
        if len(codes) < k:
            return np.zeros(villages)
        return np.asarray(np.clip(np.sort(each, axis=1)[:, len(codes) - k :].sum(axis=1) - (k - 1), 0, 1))

    def at_most(each: Floats) -> Floats:
        return np.asarray(np.clip(each.sum(axis=1) / k, 0, 1))

    bottom, top, middle = at_least(low), at_most(high), at_least(share)
    spoke = tests.sum(axis=1) > 0
    verdict = _verdict(bottom, top, rule.min_share, enough.any(axis=1))
    unknown = np.clip(at_most(np.where(enough, share, 1.0)) - middle, 0, 1)
    middle = np.where(enough.any(axis=1), middle, np.nan)
    return Said(verdict, middle, bottom, top, unknown, spoke, np.zeros(villages, np.int64), tests.sum(axis=1))


def decide(order: Sequence[Evidence], said: Mapping[Evidence, Said], villages: int) -> Ints:
    """Return per village the index in `order` of the evidence that decides, -1 where none can."""
    found = np.full(villages, -1, np.int64)
    for number, kind in reversed(list(enumerate(order))):
        if kind in said:
            found[said[kind].usable()] = number
    return found


def _verdict(low: Floats, high: Floats, min_share: float, known: Bools) -> Ints:
    with np.errstate(invalid="ignore"):
        found = np.where(
            low >= min_share - EPSILON, COVERED, np.where(high < min_share - EPSILON, NOT_COVERED, UNKNOWN)
        )
    return np.where(known, found, UNKNOWN).astype(np.int64)
