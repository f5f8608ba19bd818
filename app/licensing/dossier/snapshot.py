"""Freezes what an answer follows from, and says later whether it still follows. Pure.

The hash is that of {"answer", "format", "inputs"} in canonical JSON (`app.kit.canonical`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.kit.canonical import plain
from app.kit.canonical import sha256_of as hash_of

FORMAT = 1
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


def sha256_of(inputs: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Return the hash of a frozen check, 64 hexadecimal digits."""
    return hash_of({"format": FORMAT, "inputs": inputs, "answer": answer})


def verify(inputs: dict[str, Any], answer: dict[str, Any], sha256: str, rerun: Rerun) -> Verification:
    """Say whether a frozen check is intact and computes to the same answer again."""
    found = differences(answer, rerun(inputs))
    digest = sha256_of(inputs, answer)
    return Verification(digest == sha256, not found, digest, len(found), tuple(found[:_SHOWN]))


def differences(frozen: Any, now: Any) -> list[Difference]:
    """Return where two values differ after canonicalisation, in the order of their paths."""
    found: list[Difference] = []
    _walk("", plain(frozen), plain(now), found.append)
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
