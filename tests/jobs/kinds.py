"""Kinds of work for the tests, registered by handing this module to a worker."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import text

from app import jobs
from app.errors import Invalid
from app.jobs.job import Job


@jobs.work("test_count")
def count(job: Job, steps: int, step_s: float = 0.0) -> dict[str, Any]:
    """Count, in a transaction that stays open; reports every step."""
    with job.session() as session:
        for done in range(steps):
            job.progress(done, steps, "đếm")
            time.sleep(step_s)
        job.progress(steps, steps, "xong")
        seen = session.scalar(text("SELECT count(*) FROM registry.site"))
    return {"counted": steps, "actor": job.scope.actor, "sites": seen, "attempt": job.attempt}


@jobs.work("test_refuse")
def refuse(job: Job) -> dict[str, Any]:
    raise Invalid("no_terrain_here", "Không có địa hình ở đây", "There is no terrain here")


@jobs.work("test_break")
def break_down(job: Job) -> dict[str, Any]:
    raise RuntimeError("secret of the code")


@jobs.work("test_unfit")
def unfit(job: Job, what: str) -> dict[str, Any]:
    """Return what no database keeps."""
    return {"x": {"nul": "\0", "nan": float("nan"), "object": object()}[what]}


@jobs.work("test_hang_once")
def hang_once(job: Job) -> dict[str, Any]:
    """Hang in the first attempt, without another report of progress; the next one is quick."""
    job.progress(1, 2, f"lần {job.attempt}")
    if job.attempt == 1:
        time.sleep(60)
    return {"attempt": job.attempt}


@jobs.work("test_write")
def write(job: Job, name: str) -> dict[str, Any]:
    """Add an organisation as the asker; whether the asker may is the database's to say."""
    with job.session() as session:
        session.execute(text("INSERT INTO registry.organisation (code, name, kind) VALUES ('JOB', :n, 'operator')"),
                        {"n": name})  # fmt: skip
    return {}
