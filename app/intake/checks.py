"""What the columns of one file say of one another; pure, vectorised."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.intake.findings import Findings
from app.kit.geo import geodesic_m

Values = dict[str, NDArray[Any]]
_FOREVER = 4_000_000
"""A day after every date Python knows."""
LENGTH_TOLERANCE = 0.2
MIN_LENGTH_M = 1.0


def duplicates(keys: tuple[str, ...], values: Values, rows: NDArray[np.int64], label: str, findings: Findings) -> None:
    """Report rows of one key that are in force on the same day.

    Parameters
    ----------
    keys : tuple of str
        Columns that make the key; rows where the last is None were reported before.
    rows : ndarray of int, shape (n,)
        Row numbers as a person sees them, for the message.
    """
    code = values[keys[-1]]
    joined = code.tolist() if len(keys) == 1 else list(zip(*(values[k].tolist() for k in keys), strict=True))
    if len(set(joined)) == len(joined):
        return
    numbers: dict[Any, int] = {}
    group = np.array([numbers.setdefault(k, len(numbers)) for k in joined], np.int64)
    start, end = _days(values, "valid_from", 0), _days(values, "valid_to", _FOREVER)
    order = np.lexsort((np.arange(len(group)), start, group))
    # Running end within each group: groups are kept apart by an offset greater than any date.
    reach = np.maximum.accumulate(end[order] + group[order] * (_FOREVER + 1))
    same = group[order][1:] == group[order][:-1]
    again = same & (reach[:-1] - group[order][1:] * (_FOREVER + 1) > start[order][1:])
    later, first = order[1:][again], order[:-1][again]
    named = np.array([v is not None for v in code[later]], bool)
    hints = [f"xem dòng {rows[i]} | see row {rows[i]}" for i in first[named]]
    findings.add("duplicate_in_file", label, later[named], code, hints)


def _days(values: Values, name: str, missing: int) -> NDArray[np.int64]:
    if name not in values:
        return np.full(len(next(iter(values.values()))), missing, np.int64)
    days: list[dt.date | None] = values[name].tolist()
    return np.array([missing if d is None else d.toordinal() for d in days], np.int64)


def lengths_m(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return geodesic lengths in metres of lines in EPSG:4326; NaN where there is none."""
    xy, index = shapely.get_coordinates(lines, return_index=True)
    if not len(xy):
        return np.full(len(lines), np.nan)
    steps = geodesic_m(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])
    inner = index[1:] == index[:-1]
    total = np.bincount(index[1:][inner], steps[inner], len(lines))
    return np.where(shapely.is_missing(lines), np.nan, total)


def ducts(values: Values, lines: NDArray[np.object_], label: str, findings: Findings) -> None:
    """Report ducts under a metre, with one manhole at both ends, or 20 % off their declared length."""
    mapped = lengths_m(lines)
    short = mapped < MIN_LENGTH_M
    findings.add("too_short", "geometry", short, hints=[f"{v:.2f} m" for v in mapped[short]])
    if "declared_length_m" in values:
        declared = values["declared_length_m"]
        off = ~short & (np.abs(declared - mapped) > LENGTH_TOLERANCE * mapped)
        findings.add("length_differs", label, off, declared, [f"{v:.0f} m" for v in mapped[off]])
    if {"from_manhole", "to_manhole"} <= values.keys():
        ends = zip(values["from_manhole"].tolist(), values["to_manhole"].tolist(), strict=True)
        same = np.array([a is not None and a == b for a, b in ends], bool)
        findings.add("same_manhole", "to_manhole", same, values["to_manhole"])


def ports(values: Values, findings: Findings) -> None:
    """Report distribution points with more ports used than there are."""
    if {"ports_total", "ports_used"} <= values.keys():
        over = values["ports_used"] > values["ports_total"]
        findings.add("ports_exceeded", "ports_used", over, values["ports_used"])


def radio(values: Values, findings: Findings) -> None:
    """Report organisations said to run a radio network that are no operators."""
    if {"has_radio", "kind"} <= values.keys():
        pairs = zip(values["has_radio"].tolist(), values["kind"].tolist(), strict=True)
        findings.add(
            "radio_needs_operator", "has_radio", np.array([r is True and k != "operator" for r, k in pairs], bool)
        )
