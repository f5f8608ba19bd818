"""A ratio with its honest interval and the objects it counted. Pure: plain arrays in, dataclasses out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.sharing.definitions import Definition

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reason:
    """Why objects are unknown, in both languages, and how many."""

    code: str
    vi: str
    en: str
    count: int


@dataclass(frozen=True)
class Figure:
    """Numerator over denominator, with what is unknown beside it.

    `unknown_in_denominator` is the part of `unknown` that certainly belongs to the denominator and may or may
    not be shared; the rest may not even belong to the denominator and is in neither.
    `ratio_low` and `ratio_high` are the values if every unknown turned out worst and best; `ratio_high` is null
    when nothing bounds it. `ratio` is null when the denominator is zero.
    """

    numerator: float
    denominator: float
    unknown: float
    unknown_in_denominator: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as reports and the API print it."""
        return {
            "numerator": self.numerator,
            "denominator": self.denominator,
            "unknown": self.unknown,
            "unknown_in_denominator": self.unknown_in_denominator,
            "ratio": self.ratio,
            "ratio_low": self.ratio_low,
            "ratio_high": self.ratio_high,
            "withheld": False,
            "reason": None,
        }

    @staticmethod
    def withheld(reason: dict[str, str]) -> dict[str, Any]:
        """Return what stands in the place of a figure that the caller is not told, with the reason why."""
        return dict.fromkeys(f.name for f in fields(Figure)) | {"withheld": True, "reason": reason}


@dataclass(frozen=True)
class Ratio:
    """A definition applied to one set of objects.

    Attributes
    ----------
    figure : Figure
        The totals.
    numerator_mask, denominator_mask, unknown_mask : ndarray of bool, shape (units,)
        Which units were counted where; what is unknown and in the denominator has both marks.
    numerator_weight, denominator_weight, unknown_weight : ndarray of float64, shape (units,)
        What each unit adds (1, operators, or metres).
    unit_of_row : ndarray of int64, shape (rows,)
        The unit each input row belongs to: itself, its trench (D1) or its route (D3).
    row_of_unit : ndarray of int64, shape (units,)
        The row that stands for each unit: itself, or the longest member.
    spread : tuple of (float or None, float)
        What an object outside the denominator could at most add to numerator and denominator.
    """

    definition: Definition
    figure: Figure
    numerator_mask: Bools
    denominator_mask: Bools
    unknown_mask: Bools
    numerator_weight: Floats
    denominator_weight: Floats
    unknown_weight: Floats
    unit_of_row: Ints
    row_of_unit: Ints
    spread: tuple[float | None, float]
    reasons: tuple[Reason, ...]

    @property
    def ratio(self) -> float | None:
        """The value: 0..100 % (S3: operators per position); null when the denominator is zero."""
        return self.figure.ratio


def count(
    definition: Definition,
    shared: Bools,
    present: Bools,
    unknown: Bools,
    *,
    numerator_weight: Floats | None = None,
    denominator_weight: Floats | None = None,
    unknown_weight: Floats | None = None,
    unit_of_row: Ints | None = None,
    row_of_unit: Ints | None = None,
    spread: tuple[float | None, float] = (1.0, 1.0),
    reasons: tuple[Reason, ...] = (),
) -> Ratio:
    """Return the ratio of `shared` over `present`, all masks of shape (units,).

    Parameters
    ----------
    shared, present, unknown : ndarray of bool
        In the numerator, in the denominator (a superset of `shared`), and undecided.
    numerator_weight, denominator_weight, unknown_weight : ndarray of float64, optional
        What a unit adds; 1 by default.
    """

    def weighed(mask: Bools, weight: Floats | None) -> Floats:
        return np.where(mask, 1.0 if weight is None else weight, 0.0)

    above = weighed(shared, numerator_weight)
    below = weighed(present, denominator_weight)
    beside = weighed(unknown, unknown_weight)
    itself = numbers(shared.size)
    totals = (float(above.sum()), float(below.sum()), float(beside.sum()), float(beside[present].sum()))
    return Ratio(
        definition=definition,
        figure=_figure(definition, totals, spread),
        numerator_mask=shared,
        denominator_mask=present,
        unknown_mask=unknown,
        numerator_weight=above,
        denominator_weight=below,
        unknown_weight=beside,
        unit_of_row=itself if unit_of_row is None else unit_of_row,
        row_of_unit=itself if row_of_unit is None else row_of_unit,
        spread=spread,
        reasons=tuple(r for r in reasons if r.count),
    )


@lru_cache(maxsize=8)
def numbers(size: int) -> Ints:
    """Return 0, 1, … below `size`, the same array for all that count so many, to look at only."""
    found = np.arange(size, dtype=np.int64)
    found.flags.writeable = False
    return found


def tally(ratio: Ratio, units: Ints, groups: Ints, size: int) -> list[Figure]:
    """Return the figure of each of `size` groups.

    Parameters
    ----------
    units, groups : ndarray of int64, shape (pairs,)
        Unit and the group it is counted in; a unit may be in several (operators) or one (communes).
    """
    all_once = units is numbers(units.size) and units.size == ratio.denominator_mask.size
    inside = ratio.denominator_mask if all_once else ratio.denominator_mask[units]

    def total(weight: Floats, only: Bools | None = None) -> list[float]:
        values = weight if all_once else weight[units]
        if only is not None:
            values = np.where(only, values, 0.0)
        return list(np.bincount(groups, values, size).tolist())

    sums = zip(
        total(ratio.numerator_weight),
        total(ratio.denominator_weight),
        total(ratio.unknown_weight),
        total(ratio.unknown_weight, inside),
        strict=True,
    )
    return [_figure(ratio.definition, values, ratio.spread) for values in sums]


def _figure(
    definition: Definition, totals: tuple[float, float, float, float], spread: tuple[float | None, float]
) -> Figure:
    numerator, denominator, unknown, within = totals
    factor = 100.0 if definition.unit == "%" else 1.0
    outside = unknown - within
    ratio = low = high = None
    if denominator > 0:
        ratio = factor * numerator / denominator
        low = factor * numerator / (denominator + outside)
        top, bottom = spread
        if outside == 0 or top is not None:
            high = factor * (numerator + within + (top or 0.0) * outside) / (denominator + bottom * outside)
            high = max(high, ratio)
    return Figure(numerator, denominator, unknown, within, ratio, low, high)
