"""Programmes as background work: asked for with the asker's rights, followed, cancelled."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from app import jobs
from app.licensing.programme import service
from app.licensing.programme.asked import Asked

KIND = "programme_run"


def ask(session: Session, asked: Asked) -> int:
    """Ask for a programme; return the number of the job.

    Raises
    ------
    Forbidden, Invalid, NotFound
        What `service.run` would refuse of the question itself; nothing is asked for then.
    """
    service.check(session, asked)
    return jobs.defer(session, KIND, asdict(asked) | {"as_of": asked.as_of.isoformat()})


@jobs.work(KIND)
def run(job: jobs.Job, kind: str, as_of: str, **options: Any) -> dict[str, Any]:
    """Solve a programme and store it; its summary is the result."""
    asked = service.question(kind, as_of=dt.date.fromisoformat(as_of), **options)
    with job.session() as session:
        told = service.summary(service.run(session, asked, job.progress))
    return {name: str(value) if isinstance(value, dt.date) else value for name, value in told.items()} | {
        "programme": told["id"]
    }
