"""Programmes computed and stored, and what is stored read again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.database import is_department
from app.errors import NotFound
from app.kit.page import today
from app.kit.progress import Report
from app.licensing.programme.asked import KINDS, Asked, Settled, department_only, settle
from app.licensing.programme.line_service import solve_ducts, solve_poles
from app.licensing.programme.models import ProgrammeRun
from app.licensing.programme.results import Outcome
from app.licensing.programme.site_service import solve_new_sites
from app.licensing.programme.tower_service import solve_towers

Solver = Callable[[Session, Settled, Report | None], tuple[Outcome, str]]
SOLVERS: Mapping[str, Solver] = {"towers": solve_towers, "poles": solve_poles, "ducts": solve_ducts,
                                    "new_sites": solve_new_sites}  # fmt: skip


def check(session: Session, asked: Asked) -> Settled:
    """Refuse what no programme can be asked for.

    Raises
    ------
    Forbidden
        `department_only`.
    Invalid, NotFound
        See `asked.settle`.
    """
    if not is_department(session):
        raise department_only()
    return settle(session, asked)


def run(session: Session, asked: Asked, report: Report | None = None) -> ProgrammeRun:
    """Solve a programme over the registry as it was on the day asked for, and store the answer.

    Raises
    ------
    Forbidden, Invalid, NotFound
        See `check`.
    Conflict
        `no_known_capacity`.
    """
    settled = check(session, asked)
    session.execute(text("SET LOCAL statement_timeout = '1h'"))  # the limit is meant for requests, not for a province
    outcome, sha256 = SOLVERS[asked.kind](session, settled, report)
    stored = ProgrammeRun(
        kind=asked.kind, target=outcome.target, as_of=asked.as_of, status=outcome.status, cost_vnd=outcome.cost_vnd,
        bound_vnd=outcome.bound_vnd, gap=outcome.gap, seconds=outcome.seconds, inputs_sha256=sha256,
        options=asked.options() | {
            "gap": settled.limits.gap, "time_limit_s": settled.limits.time_limit_s, "radius_m": settled.radius_m,
            "citation": settled.citation,
        },
        synthetic=outcome.synthetic, result=outcome.as_dict(),
    )  # fmt: skip
    session.add(stored)
    session.flush()
    return stored


def question(kind: str, *, as_of: dt.date | None = None, **options: Any) -> Asked:
    """Return the question of a command or request; its kind may be written with a dash.

    Raises
    ------
    NotFound
        `unknown_programme`.
    """
    name = kind.strip().lower().replace("-", "_")
    for known in KINDS:
        if known == name:
            return Asked(known, as_of or today(), **options)
    raise NotFound(
        "unknown_programme",
        f"Không có chương trình {kind[:40]!r}; chọn: {', '.join(KINDS)}",
        f"There is no programme {kind[:40]!r}; choose from: {', '.join(KINDS)}",
        field="kind",
    )


def stored(session: Session, number: int) -> ProgrammeRun:
    """Return a stored programme.

    Raises
    ------
    NotFound
        `unknown_programme_run`.
    """
    found = session.scalar(select(ProgrammeRun).where(ProgrammeRun.id == number))  # asked of row-level security
    if found is None:
        raise NotFound(
            "unknown_programme_run", f"Không có lần lập chương trình số {number}", f"There is no programme {number}",
            programme_id=number,
        )  # fmt: skip
    return found


def page(session: Session, kind: str | None, limit: int, offset: int) -> tuple[list[ProgrammeRun], int]:
    """Return stored programmes, newest first, and how many there are."""
    query = select(ProgrammeRun)
    if kind is not None:
        query = query.where(ProgrammeRun.kind == kind)
    matched = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(ProgrammeRun.id.desc()).limit(limit).offset(offset)).all()
    return list(rows), matched


def summary(run: ProgrammeRun) -> dict[str, Any]:
    """Return a programme without its acts."""
    result = run.result
    return {
        "id": run.id, "kind": run.kind, "definition": result["definition"], "target": run.target, "as_of": run.as_of,
        "made_at": run.made_at, "status": run.status, "status_vi": result["status_vi"], "before": result["before"],
        "after": result["after"], "reachable": result["reachable"], "acts": len(result["acts"]),
        "cost_vnd": run.cost_vnd, "bound_vnd": run.bound_vnd, "gap": run.gap, "seconds": run.seconds,
        "options": run.options, "inputs_sha256": run.inputs_sha256, "synthetic": run.synthetic,
    }  # fmt: skip


def full(run: ProgrammeRun) -> dict[str, Any]:
    """Return a programme with its acts, reasons, counts and streets."""
    told = {name: run.result[name] for name in ("counts", "reasons", "streets", "villages")}
    return summary(run) | told | {"acts": run.result["acts"]}
