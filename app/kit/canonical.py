"""One text for one value: JSON with sorted keys, for hashes that anybody can compute again."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Return JSON in UTF-8 with sorted keys, no spaces, and numbers as Python prints them shortest.

    Raises
    ------
    ValueError
        NaN or an infinity, which JSON has no word for.
    TypeError
        What JSON has no form for.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def sha256_of(value: Any) -> str:
    """Return the SHA-256 of the canonical form, hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()
