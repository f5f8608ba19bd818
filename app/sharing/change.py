"""Why a sharing ratio changed between two sides, in parts that add up exactly. Pure: plain arrays in, dataclasses out.

A side is a date, the knowledge of a moment, a definition and the boundaries of a day. From one side to the other leads
a chain of five states, and every part is a difference of two neighbours, so numerators, denominators and unknowns add
up whatever the data are:

1. the first side under its own definition;
2. the same inputs under the other definition (`definition`);
3. the same date as it is known at the other moment (`correction`: tenants, lengths, membership, boundaries);
4. the other date, each object under one heading (`built`, `removed`, `newly_shared`, `newly_unshared`, `clarified`,
   `use_changed`);
5. the boundaries of the other day (`boundary`).

Percentage points are the Shapley value over the parts of v(S) = (n0 + sum of dn in S) / (d0 + sum of dd in S), in exact
fractions: the mean of what a part adds over every order in which the parts could come, so no order is arbitrary, and
they too add up exactly. Where a combination of parts leaves no denominator above zero there is no such mean: points are
null then, of every part alike, while the counts still add up.

Source: L. S. Shapley, A value for n-person games (1953).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.sharing.figures import Bools, Floats, Ints

S = TypeVar("S", np.int64, np.bool_)

STEP: Final = 2.0**-20
"""What is counted in: a power of two under a micrometre (and of 1 object), so that sums of metres are exact."""


@dataclass(frozen=True)
class Part:
    """A heading under which a change may come, in both languages."""

    code: str
    vi: str
    en: str


PARTS: Final[dict[str, Part]] = {
    p.code: p
    for p in (
        Part("definition", "Đổi cách tính", "Changed definition"),
        Part("correction", "Sửa dữ liệu cũ", "Corrections of old data"),
        Part("built", "Xây mới", "Built"),
        Part("removed", "Dỡ bỏ", "Removed"),
        Part("newly_shared", "Bắt đầu dùng chung", "Newly shared"),
        Part("newly_unshared", "Thôi dùng chung", "No longer shared"),
        Part("clarified", "Từ chưa rõ thành rõ, hoặc ngược lại", "Unknown became known, or the other way round"),
        Part(
            "use_changed",
            "Đối tượng còn nguyên, đổi mức sử dụng (đơn vị đầu tiên vào, đơn vị cuối cùng ra, đổi số lượng)",
            "An object that stayed changed its use (first occupant came, last one left, another number or length)",
        ),
        Part("boundary", "Đổi ranh giới hành chính", "Changed boundary"),
    )
}
TIMED: Final = ("built", "removed", "newly_shared", "newly_unshared", "clarified", "use_changed")


@dataclass(frozen=True)
class State:
    """The units of a definition as one state counts them.

    Attributes
    ----------
    key : ndarray of int64, shape (units,)
        What a unit is known by in every state (a row, a trench, a route), ascending.
    stands : ndarray of int64, shape (units,)
        Id of the row that stands for each unit.
    counts : ndarray of int64, shape (units, 3)
        Numerator, denominator and unknown in `STEP`; zero for what lies outside the scope.
    shared, undecided : ndarray of bool, shape (units,)
        Shared for certain; in some way unknown.
    member, unit : ndarray of int64, shape (rows,)
        Ids of the rows in force, and the index of the unit each belongs to.
    """

    key: Ints
    stands: Ints
    counts: Ints
    shared: Bools
    undecided: Bools
    member: Ints
    unit: Ints


@dataclass(frozen=True)
class Sums:
    """Numerator, denominator and unknown, exact, in the unit of the definition (objects, presences, metres)."""

    numerator: Fraction
    denominator: Fraction
    unknown: Fraction

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.numerator + other.numerator, self.denominator + other.denominator, self.unknown + other.unknown
        )


@dataclass(frozen=True)
class Change:
    """One part: what it adds, and every unit that it is made of.

    Attributes
    ----------
    points : Fraction or None
        Share in the change of the ratio: percentage points, or operators per position.
    key, stands : ndarray of int64, shape (units,)
        As of `State`; a unit stands for itself as it is afterwards, or was before when it is gone.
    before, after : ndarray of int64, shape (units, 3)
        Numerator, denominator and unknown in `STEP`.
    """

    part: Part
    sums: Sums
    points: Fraction | None
    key: Ints
    stands: Ints
    before: Ints
    after: Ints


@dataclass(frozen=True)
class Explained:
    """A change and its parts, in the order of `PARTS`: `first` and every part's sums make `last`."""

    first: Sums
    last: Sums
    points: Fraction | None
    parts: tuple[Change, ...]


def counted(weight: Floats) -> Ints:
    """Return weights in `STEP`."""
    return np.rint(weight / STEP).astype(np.int64)


def explain(states: Sequence[State], factor: int) -> Explained:
    """Return the parts of the change along the five states of the chain.

    Parameters
    ----------
    states : sequence of State, length 5
        First side; under the other definition; as known at the other moment; on the other date; within the other
        boundaries. Neighbours that are the same state may be the same object.
    factor : int
        What the ratio is told in: 100 for %, else 1.
    """
    first, redefined, corrected, later, moved = states
    found = {
        "definition": _difference(first, redefined),
        "correction": _difference(redefined, corrected),
        **_over_time(corrected, later),
        "boundary": _difference(later, moved),
    }
    sums = [_sums(d.after) + _negative(_sums(d.before)) for d in (found[code] for code in PARTS)]
    start, end = _sums(first.counts), _sums(moved.counts)
    shares: list[Fraction] | None = points(start, sums, factor)
    each: list[Fraction | None] = [None] * len(PARTS) if shares is None else [*shares]
    parts = tuple(
        Change(PARTS[code], total, share, found[code].key, found[code].stands, found[code].before, found[code].after)
        for code, total, share in zip(PARTS, sums, each, strict=True)
    )
    return Explained(start, end, sum(shares, Fraction(0)) if shares else _direct(start, end, factor), parts)


def points(start: Sums, parts: Sequence[Sums], factor: int) -> list[Fraction] | None:
    """Return the Shapley value of each part in the change of the ratio; None where a denominator is not above zero."""
    moving = [i for i, p in enumerate(parts) if p.numerator or p.denominator]
    value: dict[frozenset[int], Fraction] = {}
    for size in range(len(moving) + 1):
        for chosen in combinations(moving, size):
            above = start.numerator + sum(parts[i].numerator for i in chosen)
            below = start.denominator + sum(parts[i].denominator for i in chosen)
            if below <= 0:
                return None
            value[frozenset(chosen)] = factor * above / below
    found = [Fraction(0)] * len(parts)
    number = len(moving)
    for before in value:
        for i in set(moving) - before:
            orders = factorial(len(before)) * factorial(number - len(before) - 1)
            found[i] += Fraction(orders, factorial(number)) * (value[before | {i}] - value[before])
    return found


@dataclass(frozen=True)
class _Difference:
    """Units that count differently; `old` and `new` are their indices in the two states, -1 for none."""

    key: Ints
    stands: Ints
    before: Ints
    after: Ints
    old: Ints
    new: Ints

    def only(self, mask: Bools) -> _Difference:
        return _Difference(*(column[mask] for column in vars(self).values()))


def _difference(one: State, other: State) -> _Difference:
    if one is other:
        key = np.zeros(0, np.int64)
        old = new = key
    else:
        key = np.union1d(one.key, other.key)
        old, new = _index(one.key, key), _index(other.key, key)
    before, after = _taken(one.counts, old), _taken(other.counts, new)
    stands = np.where(new >= 0, _taken(other.stands, new), _taken(one.stands, old))
    return _Difference(key, stands, before, after, old, new).only(np.any(before != after, axis=1))


def _over_time(one: State, other: State) -> dict[str, _Difference]:
    """Return the differences between two dates by heading; each unit comes under the first that fits.

    A unit none of whose rows was there before is built, one none of whose rows is left is removed: a duct that was
    only put into a trench is neither.
    """
    found = _difference(one, other)
    stayed = np.intersect1d(one.member, other.member, assume_unique=True)
    lasting = np.isin(found.key, other.key[_of_rows(other, stayed)])
    lived = np.isin(found.key, one.key[_of_rows(one, stayed)])
    both = (found.old >= 0) & (found.new >= 0)
    was, became = _taken(one.shared, found.old), _taken(other.shared, found.new)
    masks = {
        "built": (found.old < 0) & ~lasting,
        "removed": (found.new < 0) & ~lived,
        "clarified": both & (_taken(one.undecided, found.old) != _taken(other.undecided, found.new)),
        "newly_shared": both & became & ~was,
        "newly_unshared": both & was & ~became,
        "use_changed": np.ones(found.key.size, bool),
    }
    left = np.ones(found.key.size, bool)
    parts: dict[str, _Difference] = {}
    for code, mask in masks.items():
        parts[code] = found.only(mask & left)
        left &= ~mask
    return parts


def _of_rows(state: State, rows: Ints) -> Ints:
    """Return the units, each once, that `rows` of them belong to."""
    return np.unique(state.unit[np.isin(state.member, rows)])


def _index(keys: Ints, wanted: Ints) -> Ints:
    if keys.size == 0:
        return np.full(wanted.size, -1, np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    return np.where(keys[at] == wanted, at, -1).astype(np.int64)


def _taken(values: NDArray[S], at: Ints) -> NDArray[S]:
    """Return `values` at indices, zero or False where there is none."""
    padded = np.concatenate([values, np.zeros((1, *values.shape[1:]), values.dtype)])
    taken: NDArray[S] = padded[at]
    return taken


def _sums(counts: Ints) -> Sums:
    return Sums(*(Fraction(int(v)) * Fraction(STEP) for v in counts.sum(axis=0)))


def _negative(sums: Sums) -> Sums:
    return Sums(-sums.numerator, -sums.denominator, -sums.unknown)


def _direct(start: Sums, end: Sums, factor: int) -> Fraction | None:
    if start.denominator <= 0 or end.denominator <= 0:
        return None
    return factor * (end.numerator / end.denominator - start.numerator / start.denominator)
