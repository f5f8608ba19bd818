"""Villages covered over the years, for every unit of one geography: former communes, districts, or today's communes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.areas.crosswalk import Ints
from app.areas.geography import Assignment, assign, geography
from app.coverage.models import VERDICTS
from app.coverage.queries import default_rule, latest_run

Service = Literal["mobile", "fibre"]
# Villages in force on the date; one without a verdict in the run is unknown: nobody has looked.
_VERDICTS = {
    "mobile": """
        SELECT v.id, coalesce(r.verdict, 'unknown') AS verdict FROM village v LEFT JOIN verdict r
            ON r.run_id = :run AND r.village_id = v.id AND r.operator_id IS NULL AND r.technology IS NULL
        WHERE registry.in_force(v.valid_from, v.valid_to, :as_of)
    """,
    "fibre": """
        SELECT v.id, coalesce(r.verdict, 'unknown') AS verdict FROM village v LEFT JOIN fibre_reach r
            ON r.run_id = :run AND r.village_id = v.id
        WHERE registry.in_force(v.valid_from, v.valid_to, :as_of)
    """,
}


def series(
    session: Session,
    dates: Sequence[dt.date],
    *,
    boundaries: dt.date,
    level: str = "commune",
    rule: str | None = None,
    service: Service = "mobile",
) -> dict[str, Any]:
    """Return on each of `dates` how many villages of every unit are covered, not covered and unknown.

    Verdicts are those of the newest run of the rule up to the date, which the answer names; villages are those in force
    on the date; only the ground is that of `boundaries`. Without a run the figures are null.

    Parameters
    ----------
    boundaries : date
        Day whose units of `level` are the ground.
    service : {"mobile", "fibre"}
        Verdicts of the coverage rule (a1) or whether an order for fibre can be met (a2).

    Raises
    ------
    NotFound
        No such level or rule, or no unit on that day.
    """
    here = assign(session, geography(session, level, boundaries), "village")
    where = here.geography
    runs, rows, totals = [], [], []
    for day in dates:
        run = latest_run(session, rule, day)
        counts = None if run is None else _counts(session, service, run.id, day, here)
        told = {"id": run.id, "as_of": run.as_of, "rule": run.rule, "rule_version": run.rule_version} if run else None
        runs.append({"as_of": day, "run": told})
        rows.append([_figure(None if counts is None else counts[:, g]) for g in range(where.groups)])
        totals.append({"as_of": day} | _figure(None if counts is None else counts.sum(axis=1)))
    return {
        "rule": rule or default_rule(session, max(dates)),
        "service": service,
        "geography": where.described(),
        "dates": list(dates),
        "runs": runs,
        "totals": totals,
        "series": [
            where.label(g) | {"figures": [{"as_of": d} | r[g] for d, r in zip(dates, rows, strict=True)]}
            for g in range(where.groups)
            if g < where.outside or any(r[g]["villages"] for r in rows)
        ],
    }


def _counts(session: Session, service: Service, run: int, day: dt.date, here: Assignment) -> Ints:
    """Return the villages of each verdict in each group, shape (verdicts, groups)."""
    found = session.execute(text(_VERDICTS[service]), {"run": run, "as_of": day}).all()
    group = here.of(np.array([row.id for row in found], np.int64))
    verdict = np.array([VERDICTS.index(row.verdict) for row in found], np.int64)
    size = here.geography.groups
    return np.bincount(verdict * size + group, minlength=len(VERDICTS) * size).reshape(len(VERDICTS), size)


def _figure(counts: Ints | None) -> dict[str, Any]:
    """Return the figure of one group; the ratio is of all its villages, and unknown never counts as covered."""
    if counts is None:
        return dict.fromkeys(("villages", *VERDICTS, "ratio", "ratio_high"))
    numbers = dict(zip(VERDICTS, counts.tolist(), strict=True))
    villages = sum(numbers.values())
    ratio = 100 * numbers["covered"] / villages if villages else None
    high = 100 * (numbers["covered"] + numbers["unknown"]) / villages if villages else None
    return {"villages": villages, **numbers, "ratio": ratio, "ratio_high": high}
