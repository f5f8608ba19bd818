"""What an organisation is told of others' structures around a point: how many, never whose and never where. Pure.

The point and every structure count as the centre of their square of a grid, so an answer depends on nothing finer:
a structure may stand anywhere in its square and no question, however many are asked, can tell. (Rounding the point
alone would not do: circles of one radius about all corners of a grid still cut it into pieces far smaller than its
squares.) Heights asked for are raised to whole steps, and numbers above a small one are not told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.kit.snapping import distance_m, square_of
from app.licensing.candidates import Candidate

MayShare = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Asked:
    """Where and for what; degrees in EPSG:4326, metres. `height_m` null asks for any height."""

    lon: float
    lat: float
    radius_m: float
    organisation: str
    height_m: float | None = None


@dataclass(frozen=True)
class Coarseness:
    """How exactly is answered.

    Attributes
    ----------
    grid_m, height_step_m : float
        Side of the squares, step of the heights.
    exact_up_to : int or None
        Larger numbers are told as "more than this"; None tells every number.
    min_height_share : float
        A structure lower than this share of the height asked for does not count.
    """

    grid_m: float
    height_step_m: float
    exact_up_to: int | None
    min_height_share: float


@dataclass(frozen=True)
class Number:
    """How many: exactly `count`, or `count` and more."""

    count: int
    at_least: bool


@dataclass(frozen=True)
class Answer:
    """Others' structures with room, and those of which that is not known."""

    may_share: MayShare
    with_room: Number
    unknown: Number
    synthetic: bool


def answer(found: Iterable[Candidate], asked: Asked, coarseness: Coarseness) -> Answer:
    """Count others' structures around the point.

    Parameters
    ----------
    found : iterable of Candidate
        At least those within the radius and one more side of a square, in any order.

    Returns
    -------
    Answer
        Restricted structures, the asker's own and those where it already is do not count. Unknown capacity, or
        unknown height when one is asked for, is unknown and never room.
    """
    here = square_of(asked.lon, asked.lat, coarseness.grid_m)
    low = None if asked.height_m is None else coarseness.min_height_share * raised(asked.height_m, coarseness)
    room = unknown = 0
    synthetic = False
    for c in found:
        square = square_of(c.lon, c.lat, coarseness.grid_m)
        other = not c.restricted and c.owner_code != asked.organisation and asked.organisation not in c.tenants
        if not other or c.spare_state == "full" or distance_m(square, here, coarseness.grid_m) > asked.radius_m:
            continue
        if low is not None and c.top_m is not None and c.top_m < low:
            continue
        known = c.spare_state == "free" and (low is None or c.top_m is not None)
        room, unknown = room + known, unknown + (not known)
        synthetic |= c.synthetic
    may_share: MayShare = "yes" if room else "unknown" if unknown else "no"
    return Answer(may_share, told(room, coarseness), told(unknown, coarseness), synthetic)


def raised(height_m: float, coarseness: Coarseness) -> float:
    """Return the height that is answered for: the next whole step."""
    return math.ceil(height_m / coarseness.height_step_m) * coarseness.height_step_m


def told(count: int, coarseness: Coarseness) -> Number:
    """Return a count as it is told."""
    most = coarseness.exact_up_to
    return Number(count, False) if most is None or count <= most else Number(most + 1, True)
