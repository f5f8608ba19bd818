"""Vietnamese text: one normal form, and a key that ignores tone marks."""

from __future__ import annotations

import unicodedata


def nfc(value: str) -> str:
    """Return `value` in NFC with outer and repeated white space removed."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def fold(value: str) -> str:
    """Return the accent-free lower-case key of `value`; the same rule as SQL `registry.fold`.

    Thuỷ and Thủy, Đà and da give the same key.
    """
    decomposed = unicodedata.normalize("NFD", value)
    plain = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")
    return plain.lower().replace("đ", "d")


def decimal_vi(value: float, digits: int) -> str:
    """Return `value` the way Vietnamese writes it: a comma before the decimals."""
    return f"{value:.{digits}f}".replace(".", ",")
