"""Findings of an import: which row, which column, which value, why; collected by mask, shown one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.intake.catalogue import CATALOGUE, ERROR

SHOWN_LIMIT = 10_000
"""Findings written out one by one; the totals always count all of them."""
_VALUE_LENGTH = 80


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one row (row None: with the file as a whole)."""

    row: int | None
    column: str | None
    value: str | None
    code: str
    severity: str
    vi: str
    en: str

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        plain = asdict(self)
        return plain | {"message": {"vi": plain.pop("vi"), "en": plain.pop("en")}}


@dataclass(frozen=True)
class _Group:
    code: str
    column: str | None
    indices: NDArray[np.int64]
    values: Sequence[Any] | NDArray[Any] | None
    hints: Sequence[str] | str


class Findings:
    """Everything found in one file.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Row number of each index, as a person sees it.
    """

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows, self._groups = rows, list[_Group]()

    def add(
        self,
        code: str,
        column: str | None,
        where: NDArray[Any] | Sequence[int],
        values: NDArray[Any] | None = None,
        hints: Sequence[str] | str = "",
    ) -> None:
        """Record `code` for the rows of `where`.

        Parameters
        ----------
        where : ndarray of bool, shape (n,), or indices
            Rows concerned.
        values : ndarray, shape (n,), or None
            The column's values, of all rows.
        hints : str or sequence of str
            Completes the message; one for all, or one per row concerned.
        """
        array = np.asarray(where)
        indices = np.flatnonzero(array) if array.dtype == bool else array.astype(np.int64)
        if len(indices):
            shown = None if values is None else values[indices]
            self._groups.append(_Group(code, column, indices, shown, hints))

    def add_file(self, code: str, column: str | None, value: str | None = None, hint: str = "") -> None:
        """Record `code` for the file as a whole."""
        self._groups.append(_Group(code, column, np.array([-1]), None if value is None else [value], hint))

    @property
    def counts(self) -> dict[str, int]:
        """Code → how many, all of them."""
        total: Counter[str] = Counter()
        for group in self._groups:
            total[group.code] += len(group.indices)
        return dict(total.most_common())

    @property
    def errors(self) -> int:
        """How many refuse the file."""
        return sum(n for code, n in self.counts.items() if CATALOGUE[code].severity == ERROR)

    def items(self, limit: int = SHOWN_LIMIT) -> list[Finding]:
        """Return the first `limit` findings, errors before warnings, each by row."""
        if not self._groups:
            return []
        sizes = [len(g.indices) for g in self._groups]
        group = np.repeat(np.arange(len(sizes)), sizes)
        within = np.concatenate([np.arange(n) for n in sizes])
        index = np.concatenate([g.indices for g in self._groups])
        mild = np.repeat([CATALOGUE[g.code].severity != ERROR for g in self._groups], sizes)
        order = np.lexsort((group, index, mild))[:limit]
        return [self._finding(self._groups[g], int(k)) for g, k in zip(group[order], within[order], strict=True)]

    def _finding(self, group: _Group, k: int) -> Finding:
        index = int(group.indices[k])
        value = None if group.values is None or group.values[k] is None else str(group.values[k])[:_VALUE_LENGTH]
        hint = group.hints if isinstance(group.hints, str) else group.hints[k]
        kind = CATALOGUE[group.code]
        # A hint may carry both languages as "vi | en".
        vi_hint, _, en_hint = hint.partition(" | ")
        words = {"column": group.column or "", "value": value or ""}
        return Finding(
            None if index < 0 else int(self._rows[index]),
            group.column,
            value,
            group.code,
            kind.severity,
            kind.vi.format(**words, hint=vi_hint).strip(),
            kind.en.format(**words, hint=en_hint or vi_hint).strip(),
        )
