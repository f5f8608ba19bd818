"""Integer programmes, built block by block and solved by HiGHS. Pure: arrays in, a solution with its proof out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Status = Literal["optimal", "time_limit", "infeasible", "no_solution"]

THREADS = 2
TOLERANCE = 1e-6
"""Of whole numbers and of rows; HiGHS's own default."""


@dataclass(frozen=True)
class Limits:
    """How exact an answer is asked for.

    Attributes
    ----------
    gap : float
        (objective - bound) / objective that is good enough, e.g. 0.01.
    time_limit_s : float
        Seconds for all solves of a question together.
    """

    gap: float = 0.01
    time_limit_s: float = 60.0


@dataclass(frozen=True)
class Solution:
    """What was found, and how far from the best it can be at most.

    Attributes
    ----------
    status : {"optimal", "time_limit", "infeasible", "no_solution"}
        optimal: within the gap asked for. time_limit: a solution, the gap wider. infeasible: proven that there is
        none. no_solution: none was found in the time.
    bound : float
        No solution costs less (of a maximum: yields more).
    gap : float or None
        |objective - bound| / |objective|; None without a solution.
    """

    status: Status
    x: Floats
    objective: float | None
    bound: float | None
    gap: float | None
    seconds: float


@dataclass
class Programme:
    """min c·x, rows between two bounds, 0 <= x <= upper; columns and rows come in blocks."""

    cost: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    whole: list[NDArray[np.bool_]] = field(default_factory=list)
    row: list[Ints] = field(default_factory=list)
    column: list[Ints] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    at_least: list[Floats] = field(default_factory=list)
    at_most: list[Floats] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    def add_columns(self, cost: ArrayLike, *, upper: ArrayLike = 1.0, whole: bool = True) -> Ints:
        """Add a block of variables and return their numbers."""
        given = np.atleast_1d(np.asarray(cost, np.float64))
        self.cost.append(given)
        self.upper.append(np.broadcast_to(np.asarray(upper, np.float64), given.shape).copy())
        self.whole.append(np.full(given.shape, whole))
        self.columns += len(given)
        return np.arange(self.columns - len(given), self.columns)

    def add_rows(
        self, number: int, row: ArrayLike, column: ArrayLike, value: ArrayLike, *,
        at_least: ArrayLike = -np.inf, at_most: ArrayLike = np.inf,
    ) -> Ints:  # fmt: skip
        """Add `number` rows; `row` (from 0 in the block), `column` and `value` are their entries, each pair once."""
        at = np.atleast_1d(np.asarray(row, np.int64))
        self.row.append(at + self.rows)
        self.column.append(np.broadcast_to(np.asarray(column, np.int64), at.shape).copy())
        self.value.append(np.broadcast_to(np.asarray(value, np.float64), at.shape).copy())
        for bounds, given in ((self.at_least, at_least), (self.at_most, at_most)):
            bounds.append(np.broadcast_to(np.asarray(given, np.float64), (number,)).copy())
        self.rows += number
        return np.arange(self.rows - number, self.rows)

    def copy(self) -> Programme:
        """Return the same programme, to which other rows can be added."""
        lists = {f.name: list(getattr(self, f.name)) for f in fields(self) if f.name not in ("columns", "rows")}
        return Programme(**lists, columns=self.columns, rows=self.rows)

    def matrix(self) -> tuple[Ints, Ints, Floats]:
        """Return row starts (rows + 1), columns and values, row by row."""
        row, column, value = _joined(self.row, np.int64), _joined(self.column, np.int64), _joined(self.value)
        order = np.lexsort((column, row))
        starts = np.searchsorted(row[order], np.arange(self.rows + 1))
        return starts.astype(np.int64), column[order], value[order]

    def broken(self, x: Floats) -> Ints:
        """Return the rows that `x` breaks."""
        starts, column, value = self.matrix()
        total = np.add.reduceat(np.append(value * x[column], 0.0), starts[:-1]) if self.rows else np.empty(0)
        total[np.diff(starts) == 0] = 0.0  # reduceat gives an empty row the next one's first entry
        low, high = _joined(self.at_least), _joined(self.at_most)
        scale = TOLERANCE * np.maximum(1.0, np.abs(total))
        return np.flatnonzero((total < low - scale) | (total > high + scale))


def solve(
    programme: Programme, limits: Limits, *, start: Floats | None = None, maximise: bool = False,
    cost: Floats | None = None,
) -> Solution:  # fmt: skip
    """Solve by branch and cut (HiGHS), with at most two threads.

    Parameters
    ----------
    start : float64 array, optional
        A solution to begin with; one that breaks a row is left unused by HiGHS.
    cost : float64 array, optional
        In place of the programme's own.
    """
    began = time.monotonic()
    own = _joined(programme.cost) if cost is None else cost
    if programme.columns == 0:
        empty = np.empty(0)
        return Solution("infeasible" if len(programme.broken(empty)) else "optimal", empty, 0.0, 0.0, 0.0, 0.0)
    highs = _Silent()
    options = {"threads": THREADS, "mip_rel_gap": limits.gap, "mip_abs_gap": 0.0,
               "time_limit": max(limits.time_limit_s, 0.1), "random_seed": 1}  # fmt: skip
    for name, given in options.items():
        highs.setOptionValue(name, given)
    highs.passModel(_model(programme, own, maximise))
    if start is not None:
        highs.setSolution(len(start), np.arange(len(start), dtype=np.int32), start)
    highs.run()
    return _read(highs, programme, began)


class _Silent(highspy.Highs):
    """HiGHS announces itself on standard output, where a command's JSON goes, when callbacks are enabled."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def enableCallbacks(self) -> Any:
        self.setOptionValue("output_flag", False)
        return super().enableCallbacks()  # type: ignore[no-untyped-call]


def _model(programme: Programme, cost: Floats, maximise: bool) -> highspy.HighsLp:
    starts, column, value = programme.matrix()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = programme.columns, programme.rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(programme.columns), _joined(programme.upper)
    lp.row_lower_, lp.row_upper_ = _bounded(_joined(programme.at_least)), _bounded(_joined(programme.at_most))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = starts.astype(np.int32), column.astype(np.int32)
    lp.a_matrix_.value_ = value
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if w else kinds.kContinuous for w in _joined(programme.whole, np.bool_)]
    lp.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
    return lp


def _read(highs: highspy.Highs, programme: Programme, began: float) -> Solution:
    info, status = highs.getInfo(), highs.getModelStatus()
    seconds = time.monotonic() - began
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if status == highspy.HighsModelStatus.kInfeasible:
        return Solution("infeasible", np.empty(0), None, None, None, seconds)
    if not found:
        return Solution("no_solution", np.empty(0), None, None, None, seconds)
    x = np.asarray(highs.getSolution().col_value, np.float64)
    whole = _joined(programme.whole, np.bool_)
    x[whole] = np.round(x[whole])
    objective = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if whole.any() else objective
    bound = bound if np.isfinite(bound) else None  # type: ignore[assignment]
    gap = None if bound is None else abs(objective - bound) / abs(objective) if objective else 0.0
    done = status == highspy.HighsModelStatus.kOptimal
    return Solution("optimal" if done else "time_limit", x, objective, bound, gap, seconds)


def _bounded(values: Floats) -> Floats:
    return np.clip(values, -highspy.kHighsInf, highspy.kHighsInf)


def _joined(parts: list[NDArray], kind: type = np.float64) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate([np.empty(0, kind), *parts])
