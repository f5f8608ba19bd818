"""Freezes what an answer follows from, and says later whether it still follows. Pure.

Canonical JSON: keys sorted, no spaces, UTF-8 in NFC, numbers to twelve significant digits with whole ones as integers
(so that 40 and 40.0, and a trip through PostgreSQL's jsonb, are the same), no NaN. The hash is SHA-256 of the canonical
{"answer", "format", "inputs"}.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

FORMAT = 1
_DIGITS = 12
_SHOWN = 100
"""Differences listed one by one; the count tells all."""


class Rerun(Protocol):
    """Computes the answer from frozen inputs alone: no session, no clock."""

    def __call__(self, inputs: dict[str, Any], /) -> dict[str, Any]:
        """Return the answer."""
        ...


@dataclass(frozen=True)
class Difference:
    """One place where two answers part; `path` like candidates[0].spare."""

    path: str
    frozen: Any
    now: Any


@dataclass(frozen=True)
class Verification:
    """Whether the record is whole and whether the answer still follows from it.

    Attributes
    ----------
    intact : bool
        The hash kept with the record is that of its content.
    same : bool
        Computing the answer again from the frozen inputs gives the frozen answer.
    differences : tuple of Difference
        The first of them; `count` says how many.
    """

    intact: bool
    same: bool
    sha256: str
    count: int
    differences: tuple[Difference, ...]


def canonical(value: Any) -> str:
    """Return the canonical JSON of `value`.

    Raises
    ------
    ValueError
        A number that is not finite, a key that is no text, or something JSON has no word for.
    """
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(k, str) for k in value):
            raise ValueError("keys of canonical JSON are text")
        found = {unicodedata.normalize("NFC", k): _plain(v) for k, v in value.items()}
        if len(found) < len(value):
            raise ValueError("two keys of canonical JSON are written alike")
        return found
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, bool | int):
        return value
    raise ValueError(f"canonical JSON has no {type(value).__name__}")


def _number(value: float) -> float | int:
    if not math.isfinite(value):
        raise ValueError("canonical JSON has no NaN and no infinity")
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def sha256_of(inputs: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Return the hash of a frozen check, 64 hexadecimal digits."""
    whole = canonical({"format": FORMAT, "inputs": inputs, "answer": answer})
    return hashlib.sha256(whole.encode()).hexdigest()


def verify(inputs: dict[str, Any], answer: dict[str, Any], sha256: str, rerun: Rerun) -> Verification:
    """Say whether a frozen check is intact and computes to the same answer again."""
    found = differences(answer, rerun(inputs))
    digest = sha256_of(inputs, answer)
    return Verification(digest == sha256, not found, digest, len(found), tuple(found[:_SHOWN]))


def differences(frozen: Any, now: Any) -> list[Difference]:
    """Return where two values differ after canonicalisation, in the order of their paths."""
    found: list[Difference] = []
    _walk("", _plain(frozen), _plain(now), found.append)
    return found


def _walk(path: str, frozen: Any, now: Any, tell: Callable[[Difference], None]) -> None:
    if isinstance(frozen, dict) and isinstance(now, dict):
        for key in sorted(frozen.keys() | now.keys()):
            _walk(f"{path}.{key}" if path else key, frozen.get(key, _Missing), now.get(key, _Missing), tell)
    elif isinstance(frozen, list) and isinstance(now, list) and len(frozen) == len(now):
        for i, (a, b) in enumerate(zip(frozen, now, strict=True)):
            _walk(f"{path}[{i}]", a, b, tell)
    elif type(frozen) is not type(now) or frozen != now:
        tell(Difference(path, _shown(frozen), _shown(now)))


class _Missing:
    """Stands for a key that is not there."""


def _shown(value: Any) -> Any:
    return "(không có · missing)" if value is _Missing else value
