"""States of an object and what lies between them, as plain values: differences, merge patches, conflicts.

A state is what `audit.change` keeps of a row: column → JSON value, geometries as hex EWKB, so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One field of which two states tell different things."""

    field: str
    before: Any
    after: Any


def diff(before: State | None, after: State | None) -> list[Difference]:
    """Return what differs between two states, by field; no state at all tells nothing of any field."""
    earlier, later = before or {}, after or {}
    fields = sorted(earlier.keys() | later.keys())
    return [Difference(f, earlier.get(f), later.get(f)) for f in fields if not _same(earlier.get(f), later.get(f))]


def apply(state: State | None, differences: Iterable[Difference]) -> dict[str, Any]:
    """Return `state` after the differences; the inverse of `diff`."""
    return {**(state or {}), **{d.field: d.after for d in differences}}


def merge(state: State, patch: State) -> dict[str, Any]:
    """Return `state` after a JSON merge patch (RFC 7396); a null empties a column, which stays."""
    return {**state, **patch}


def changed(state: State, patch: State) -> dict[str, Any]:
    """Return the part of `patch` that says something else than `state`."""
    return {f: v for f, v in patch.items() if not _same(state.get(f), v)}


def conflicts(base: State | None, current: State, patch: State) -> list[str]:
    """Return the fields two people changed differently.

    Parameters
    ----------
    base : mapping or None
        What the writer had read; None when it is not known any more, then every field counts that would be overwritten
        with another value.
    """
    wanted = changed(current, patch)
    if base is None:
        return sorted(wanted)
    return sorted(f for f in wanted if not _same(base.get(f), current.get(f)))


def _same(a: Any, b: Any) -> bool:
    """Compare JSON values: 8 and 8.0 are the same number, 1 and true are not the same."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)
