"""Puts a scope's evidence side by side: what the model, drive tests, speed tests and claims say, and who decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.coverage.collected import Collected, Counts
from app.coverage.evidence import Demand, Said, claimed, decide, driven, speed_tested
from app.coverage.probability import Ints, Shares
from app.coverage.rules import CoverageRule, Evidence
from app.coverage.verdict import NAMES, UNKNOWN, Judged


@dataclass(frozen=True)
class Told:
    """What is stored of one village: the deciding evidence's answer, or the model's when none decides."""

    verdict: str
    evidence: Evidence | None
    share: float | None
    low: float | None
    high: float | None
    unknown: float


@dataclass(frozen=True)
class Weighed:
    """All evidence under one scope."""

    order: tuple[Evidence, ...]
    said: Mapping[Evidence, Said]
    decided: Ints
    """Per village, index in `order`; -1 none."""
    newest_s: Mapping[Evidence, Ints]
    """Per village, when the newest sample was taken, seconds since 1970; 0 without any."""

    def told(self, v: int) -> Told:
        """Return the verdict on village `v` and whose it is."""
        kind = self.order[self.decided[v]] if self.decided[v] >= 0 else None
        found = told(self.said[kind or "model"], v, kind)
        return found if kind else replace(found, verdict=NAMES[UNKNOWN])

    def spoke(self, v: int) -> list[Evidence]:
        """Return which kinds know anything of village `v`; the model alone is nobody to weigh it against: none."""
        found = [kind for kind, said in self.said.items() if kind != "model" and said.spoke[v]]
        return ["model", *found] if found else []


def told(said: Said, v: int, kind: Evidence | None = None) -> Told:
    """Return what a kind of evidence says of village `v`."""
    share, low, high = (_number(x[v]) for x in (said.share, said.low, said.high))
    verdict = NAMES[said.verdict[v]]
    if share is None or low is None or high is None:
        return Told(verdict, kind, share, None, None, 1.0)
    return Told(verdict, kind, share, min(low, high), high, float(said.unknown[v]))


def modelled(judged: Judged, shares: Shares) -> Said:
    """Return what the model says.

    The counted share takes each point by its median; it lies in its own interval because the interval is widened to
    hold it, and what an unknown cell might add.
    """
    share = np.minimum(judged.share, 1.0)
    low = np.fmin(shares.low, share)
    high = np.fmin(np.fmax(shares.high, share + judged.share_unknown), 1.0)
    known = np.isfinite(share)
    return Said(
        judged.verdict, share, np.where(known, low, np.nan), np.where(known, high, np.nan), judged.share_unknown,
        np.ones(len(share), bool), judged.points, np.zeros(len(share), np.int64),
    )  # fmt: skip


def weigh(model: Said, found: Collected, groups: Ints, demand: Demand, rule: CoverageRule) -> Weighed:
    """Return all evidence of a scope and who decides each village.

    Parameters
    ----------
    groups : int array
        Indices into the groups of `found`.
    rule : CoverageRule
        With the `min_operators` that the scope asks for.
    """
    said: dict[Evidence, Said] = {"model": model}
    newest: dict[Evidence, Ints] = {}
    operator = found.group_operator[groups]
    drive, speed = _of(found.drive, groups), _of(found.speed, groups)
    if drive.n.any():
        # At a place, at least the rule's share of the samples must satisfy it: its median, for a probability of 0.5.
        passes = (drive.n > 0) & (drive.passed >= rule.probability * drive.n - 1e-9)
        said["drive_test"] = driven(passes, drive.n > 0, drive.n.sum(axis=1), operator, demand, rule)
        newest["drive_test"] = _newest(drive.newest_s, demand)
    if speed.n.any():
        least = found.limits.min_speed_samples
        said["speed_test"] = speed_tested(speed.passed, speed.n, operator, least, rule)
        newest["speed_test"] = speed.newest_s.max(axis=1, initial=0)
    if not found.silent[groups].all():
        said["polygon"] = claimed(
            found.inside[:, groups], found.weak[:, groups], found.silent[groups], operator, demand, rule
        )
    ordered = {kind: said[kind] for kind in ("model", *rule.evidence_order) if kind in said}
    return Weighed(rule.evidence_order, ordered, decide(rule.evidence_order, said, demand.villages), newest)


def unknown_network(model: Said) -> Said:
    """Return the model's answer where no cell at all is registered: it knows nothing."""
    nothing = np.full_like(model.share, np.nan)
    return Said(
        np.full_like(model.verdict, UNKNOWN), nothing, nothing, nothing, np.ones_like(model.share), model.spoke,
        model.points, model.samples,
    )  # fmt: skip


def _of(counts: Counts, groups: Ints) -> Counts:
    return Counts(counts.n[:, groups], counts.passed[:, groups], counts.newest_s[:, groups])


def _newest(at_s: Ints, demand: Demand) -> Ints:
    found = np.zeros(demand.villages, np.int64)
    np.maximum.at(found, demand.village, at_s.max(axis=1, initial=0))
    return found


def _number(value: float) -> float | None:
    """Return a share as it is stored; plain Python, since it is asked for every village and scope."""
    plain = float(value)
    return min(1.0, max(0.0, plain)) if plain == plain else None  # only NaN differs from itself
