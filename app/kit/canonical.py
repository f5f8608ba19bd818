"""One text for one value: JSON for hashes that anybody can compute again, years later.

Keys sorted, no spaces, UTF-8 in NFC, numbers to twelve significant digits with whole ones as integers (so that 40 and
40.0, and a trip through PostgreSQL's jsonb, are the same), no NaN.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

_DIGITS = 12


def canonical(value: Any) -> str:
    """Return the canonical JSON of `value`.

    Raises
    ------
    ValueError
        A number that is not finite, a key that is no text, or something JSON has no word for.
    """
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def plain(value: Any) -> Any:
    """Return `value` as canonical JSON has it: texts in NFC, numbers rounded, tuples as lists.

    Raises
    ------
    ValueError
        As `canonical`.
    """
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        if not all(isinstance(k, str) for k in value):
            raise ValueError("keys of canonical JSON are text")
        found = {_text(k): plain(v) for k, v in value.items()}
        if len(found) < len(value):
            raise ValueError("two keys of canonical JSON are written alike")
        return found
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    raise ValueError(f"canonical JSON has no {type(value).__name__}")


def _text(value: str) -> str:
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def _number(value: float) -> float | int:
    if not math.isfinite(value):
        raise ValueError("canonical JSON has no NaN and no infinity")
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def sha256_of(value: Any) -> str:
    """Return the SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
