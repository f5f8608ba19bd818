"""Whom antennas reach from a proposed tower or from a structure that stands. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["coverage", "capacity", "new_technology"]
PURPOSES: tuple[Purpose, ...] = ("coverage", "capacity", "new_technology")


@dataclass(frozen=True)
class Reach:
    """People and villages of one set of antennas, by a rule and a run of the coverage model.

    Attributes
    ----------
    antenna_height_m : float
        Above ground, for which it was computed.
    people_served : float
        Where it alone brings what the rule asks for.
    people_gained, people_gained_at_most : float
        Where the operator did not serve before (with the technologies of the purpose); at most, where it is not
        known to have served and these antennas may.
    people_first : float
        Where no operator served before.
    people_common : float
        Of the people the proposal would reach for its purpose, those that these antennas reach for it too.
    villages_gained, villages_perhaps : tuple of str
        Codes of villages whose verdict over all operators turns to covered; and from not covered to unknown.
    """

    antenna_height_m: float
    people_served: float
    people_gained: float
    people_gained_at_most: float
    people_first: float
    people_common: float
    villages_gained: tuple[str, ...]
    villages_perhaps: tuple[str, ...]

    def people(self, purpose: Purpose) -> float:
        """Return the people that count for a purpose: capacity relieves cells that serve already."""
        return self.people_served if purpose == "capacity" else self.people_gained


def share_of(reach: Reach | None, proposed: Reach | None, purpose: Purpose) -> float | None:
    """Return which share of the people a proposal reaches for its purpose a candidate reaches too.

    Null where that is not known, and when the proposal reaches nobody: there is nothing to compare with. People whom
    the candidate reaches elsewhere do not make up for those it leaves out.
    """
    if reach is None or proposed is None or proposed.people(purpose) <= 0:
        return None
    return reach.people_common / proposed.people(purpose)
