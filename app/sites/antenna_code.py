"""Type of an antenna mast (A1a…A2c) as its measured attributes have it; pure, unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CODES = ("A1a", "A1b", "A2a", "A2b", "A2c")
REASONS: Mapping[str, tuple[str, str]] = {
    "A1a": ("nhỏ gọn, lắp trên công trình", "non-bulky on a building"),
    "A1b": ("ngụy trang, hoặc nhỏ gọn trên cột điện, cột đèn", "disguised, or non-bulky on a power or lamp post"),
    "A2a": ("cồng kềnh, lắp trên công trình", "bulky on a building"),
    "A2b": ("cồng kềnh, lắp trên mặt đất", "bulky on the ground"),
    "A2c": ("cồng kềnh khác", "bulky, other"),
}


@dataclass(frozen=True)
class Limits:
    """Bounds of "non-bulky"; a dated policy row (TT 14/2013/TT-BTTTT, recalled), never a constant."""

    max_height_m: float
    max_height_share: float
    """Of the height of the building it stands on."""
    max_half_width_m: float


@dataclass(frozen=True)
class AntennaCodes:
    """What the attributes allow.

    Attributes
    ----------
    possible : ndarray of bool, shape (n, 5)
        Which of `CODES` the known attributes do not exclude.
    codes : ndarray of object, shape (n,)
        The one possible code, or None where the attributes leave several open.
    """

    possible: NDArray[np.bool_]
    codes: NDArray[np.object_]

    def contradicted(self, declared: Sequence[Any] | NDArray[Any]) -> NDArray[np.bool_]:
        """Say which declared codes (None: none declared) the attributes exclude."""
        column = {code: j for j, code in enumerate(CODES)}
        at = np.array([column.get(d, -1) for d in declared], np.int64)
        return np.asarray((at >= 0) & ~self.possible[np.arange(len(at)), at])

    def explain(self, row: int) -> tuple[str, str]:
        """Return in Vietnamese and English what row `row` can be."""
        names = [code for code, can in zip(CODES, self.possible[row], strict=True) if can]
        vi = " / ".join(f"{code} ({REASONS[code][0]})" for code in names)
        en = " / ".join(f"{code} ({REASONS[code][1]})" for code in names)
        return vi, en


def derive_antenna_codes(
    mounting: Sequence[str | None] | NDArray[np.object_],
    height_m: ArrayLike,
    host_height_m: ArrayLike,
    half_width_m: ArrayLike,
    disguised: Sequence[bool | None] | NDArray[np.object_],
    limits: Limits,
) -> AntennaCodes:
    """Derive the type codes of n masts.

    Parameters
    ----------
    mounting : sequence of {"ground", "building", "post", None}
        What the mast stands on; None is unknown.
    height_m, host_height_m, half_width_m : array_like of float, shape (n,)
        Height of the mast itself, of its building, and half its width, in metres; NaN is unknown.
    disguised : sequence of {True, False, None}
        Whether it is made to look like something else.
    limits : Limits
        When a mast counts as non-bulky.

    Notes
    -----
    A1a: on a building, height ≤ 20 % of it and ≤ 3 m, half-width ≤ 0.5 m. A1b: disguised, or on a lamp or
    power post within 3 m and 0.5 m. A2a: bulky on a building. A2b: bulky on the ground. A2c: other.
    Source: TT 14/2013/TT-BTTTT as recalled in the domain notes.
    """
    height, host, half = (np.asarray(v, np.float64) for v in (height_m, host_height_m, half_width_m))
    on, hidden = np.asarray(mounting, object), np.asarray(disguised, object)
    with np.errstate(invalid="ignore"):
        too_tall, too_wide = height > limits.max_height_m, half > limits.max_half_width_m
        too_tall_for_host = height > limits.max_height_share * host
        low, slim, low_for_host = (
            height <= limits.max_height_m,
            half <= limits.max_half_width_m,
            height <= limits.max_height_share * host,
        )
    unknown = np.array([v is None for v in on], bool)
    building, ground, post = ((on == name) | unknown for name in ("building", "ground", "post"))
    open_to_view = np.array([v is not True for v in hidden], bool)
    may_be_hidden = np.array([v is not False for v in hidden], bool)
    possible = np.column_stack(
        (
            open_to_view & building & ~too_tall & ~too_wide & ~too_tall_for_host,
            may_be_hidden | (post & ~too_tall & ~too_wide),
            open_to_view & building & ~(low & slim & low_for_host),
            open_to_view & ground,
            open_to_view & post & ~(low & slim),
        )
    ).astype(bool)
    single = possible.sum(1) == 1
    codes = np.array(CODES, object)[possible.argmax(1)]
    codes[~single] = None
    return AntennaCodes(possible, codes)
