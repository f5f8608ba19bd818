"""Angles as people write them: decimal degrees, degrees-minutes-seconds, either decimal sign."""

from __future__ import annotations

import re

_SHAPE = re.compile(
    r"""^\s*(?P<sign>[-+−])?\s*(?P<before>[NSEWBĐTbđtnsew])?\s*
    (?P<d>\d{1,3}(?:[.,]\d+)?)\s*(?:[°ºo˚d*:\s]\s*
    (?:(?P<m>\d{1,2}(?:[.,]\d+)?)\s*(?:['’′‘m:\s]\s*
    (?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:["”″“s]|''|’’|′′)?)?)?)?)?
    \s*(?P<after>[NSEWBĐTbđtnsew])?\s*$""",
    re.VERBOSE,
)
# Vietnamese letters too: Bắc (north), Nam (south, the same N as north: refused), Đông (east), Tây (west).
_NEGATIVE = {"S", "W", "T"}


def parse_angle(value: str) -> float | None:
    """Return decimal degrees, or None when `value` is not an angle.

    Accepts 16.4667 · 16,4667 · 16°28'00.1"N · 16 28 0.1 · N16d28m0.1s · 107°34′39″Đ.
    Minutes and seconds must be below 60, and only the last part may have decimals.
    """
    match = _SHAPE.match(value)
    if match is None or (match["before"] and match["after"]):
        return None
    parts = [p.replace(",", ".") for p in (match["d"], match["m"], match["s"]) if p is not None]
    if any("." in p for p in parts[:-1]):
        return None
    numbers: list[float] = [float(p) for p in parts]
    if any(n >= 60 for n in numbers[1:]):
        return None
    degrees = numbers[0] + sum(n / 60.0**i for i, n in enumerate(numbers[1:], 1))
    letter = (match["before"] or match["after"] or "").upper()
    negative = (match["sign"] in {"-", "−"}) != (letter in _NEGATIVE)
    return -degrees if negative else degrees
