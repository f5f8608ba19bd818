"""Coverage runs as background work: asked for with the asker's rights, followed, cancelled, resumed after a kill.

What a run that ended early had computed is found again: path losses by `app.coverage.losses`, finished blocks of maps
by `app.coverage.parts`. Its rows are one transaction: all of them appear at its end, or none.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from app import jobs
from app.coverage import service

KIND = "coverage_run"


def ask(
    session: Session, as_of: dt.date, rule: str = service.DEFAULT_RULE, operator: str | None = None,
    technology: str | None = None, resolution_m: float | None = None,
) -> int:  # fmt: skip
    """Ask for a run; return the number of the job.

    Raises
    ------
    Invalid, NotFound
        What `service.run_coverage` would refuse of the question itself; nothing is asked for then.
    """
    service.check(session, as_of, rule, operator, technology, resolution_m)
    return jobs.defer(session, KIND, {
        "as_of": as_of.isoformat(), "rule": rule, "operator": operator, "technology": technology,
        "resolution_m": resolution_m,
    })  # fmt: skip


@jobs.work(KIND)
def run(
    job: jobs.Job, as_of: str, rule: str, operator: str | None, technology: str | None, resolution_m: float | None
) -> dict[str, Any]:
    """Compute a run and store it; its summary is the result."""
    with job.session() as session:
        found = service.run_coverage(
            session, as_of=dt.date.fromisoformat(as_of), rule=rule, operator=operator, technology=technology,
            resolution_m=resolution_m, progress=job.progress,
        )  # fmt: skip
        told = service.summary(found)
    # Where files lie on the server is nobody's business outside.
    return {name: str(value) if isinstance(value, dt.date) else value
            for name, value in told.items() if not name.startswith("map_")}  # fmt: skip
