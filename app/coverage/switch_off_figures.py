"""Villages and people lost by a switch-off, as an answer tells them."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.coverage.rules import CoverageRule
from app.coverage.switch_off import Bools, Effect
from app.coverage.switch_off_inputs import Stored
from app.coverage.verdict import COVERED, NAMES, NOT_COVERED, UNKNOWN, Floats
from app.sites.models import TECHNOLOGIES

_PEOPLE = {"people_lost": "lost", "people_lost_high": "lost_high", "people_without_signal": "silent",
           "people_without_signal_high": "silent_high"}  # fmt: skip
_SHARES = ("share_before", "share_after", "share_unknown_after")


def in_people(found: Effect, population: Floats, rule: CoverageRule) -> dict[str, Floats]:
    """Return the people lost, by the name an answer gives them; shape (villages,) each, NaN where not known.

    Parameters
    ----------
    population : float64 array, shape (villages,)
        NaN where not recorded.
    rule : CoverageRule
        Without a level for some technology it cannot say who has no signal of any.
    """
    people = {name: population * getattr(found, share) for name, share in _PEOPLE.items()}
    if set(TECHNOLOGIES) - set(rule.rsrp_min_dbm):
        people |= {name: np.full_like(population, np.nan) for name in people if "signal" in name}
    return people


def rank(people: dict[str, Floats], v: int) -> tuple[float, float]:
    """Return what sorts village `v`: most people lost first, and unknown numbers last."""
    return -np.nan_to_num(people["people_lost"][v], nan=-1.0), -np.nan_to_num(people["people_lost_high"][v], nan=-1.0)


def village(stored: Stored, found: Effect, people: dict[str, Floats], v: int) -> dict[str, Any]:
    """Return what an answer says of village `v`."""
    shares = {name: _number(getattr(found, name)[v], 4) for name in _SHARES}
    counted = {name: _number(value[v]) for name, value in people.items()}
    verdicts = {"before": NAMES[found.before[v]], "after": NAMES[found.after[v]]}
    return stored.villages[v] | verdicts | shares | counted


def communes(stored: Stored, found: Effect, people: dict[str, Floats]) -> list[dict[str, Any]]:
    """Return the figures of every commune with a village, most people lost first."""
    name_of = {v["commune_code"]: v["commune_name"] for v in stored.villages}
    commune = np.array([v["commune_code"] or "" for v in stored.villages], np.str_)
    rows = [
        {"commune_code": code, "commune_name": name} | figures(found, people, commune == (code or ""))
        for code, name in name_of.items()
    ]
    return sorted(
        rows, key=lambda r: (-(r["people_lost"] or 0), -(r["people_lost_high"] or 0), r["commune_code"] or "~")
    )


def figures(found: Effect, people: dict[str, Floats], of: Bools) -> dict[str, Any]:
    """Return the figures of the villages that are `of`; people null where those of no village are known."""

    def moved(before: int, after: int) -> int:
        return int(((found.before == before) & (found.after == after) & of).sum())

    return {
        "villages": int(of.sum()),
        "without_population": int((np.isnan(people["people_lost"]) & of).sum()),
        "covered_before": int(((found.before == COVERED) & of).sum()),
        "covered_after": int(((found.after == COVERED) & of).sum()),
        "covered_to_not_covered": moved(COVERED, NOT_COVERED),
        "covered_to_unknown": moved(COVERED, UNKNOWN),
        "unknown_to_not_covered": moved(UNKNOWN, NOT_COVERED),
    } | {name: _number(_sum(value[of])) for name, value in people.items()}


def _sum(people: Floats) -> float:
    known = people[~np.isnan(people)]
    return float(known.sum()) if known.size else np.nan


def _number(value: float, digits: int = 1) -> float | None:
    """Return people to a tenth: shares of a village are no whole persons."""
    return None if np.isnan(value) else round(float(value), digits)
