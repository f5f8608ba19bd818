"""Vietnamese text: one normal form, and a key that ignores tone marks."""

from __future__ import annotations

import re
import unicodedata

# One letter for those that look alike and have no decomposition: the stroked D of Vietnamese is often typed as
# Icelandic eth or African D; apostrophes and dashes come in many shapes. SQL `registry.fold` has the same lines.
_ALIKE = str.maketrans("ĐđÐðƉɖ’‘ʼ´`‐‑‒–—−", "dddddd'''''------")
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff]")
_SPACES = re.compile(r"[ \t\n\r\f\v]+")


def nfc(value: str) -> str:
    """Return `value` in NFC with outer and repeated white space removed."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def fold(value: str) -> str:
    """Return the accent-free lower-case key of `value`; the same rule as SQL `registry.fold`.

    Thuỷ and Thủy, Đà and da, composed and decomposed letters, full-width and plain ones, one space and many give the
    same key.
    """
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", value.translate(_ALIKE)))
    return _SPACES.sub(" ", plain.lower()).strip(" ")


def decimal_vi(value: float, digits: int) -> str:
    """Return `value` the way Vietnamese writes it: a comma before the decimals."""
    return f"{value:.{digits}f}".replace(".", ",")


def thousands_vi(value: float) -> str:
    """Return `value` as a whole number the way Vietnamese writes it: dots between the thousands."""
    return f"{value:,.0f}".replace(",", ".")
