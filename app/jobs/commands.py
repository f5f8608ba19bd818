"""`hatang jobs`: what is queued, runs and has ended, in the name of the operating-system user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.kit.console import AsJson, show

if TYPE_CHECKING:
    from app.jobs.schemas import JobState

jobs = typer.Typer(no_args_is_help=True, help="Background jobs: list, show, cancel.")
JobNumber = Annotated[int, typer.Argument(min=1, help="Number of the job.")]


@jobs.command("list")
def jobs_list(
    status: Annotated[str | None, typer.Option("--status", help="queued, running, done, failed, cancelled.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="E.g. coverage_run.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    from pydantic import ValidationError

    from app.database import session_scope
    from app.errors import Invalid
    from app.jobs import queries
    from app.jobs.schemas import JobsQuestion

    try:
        asked = JobsQuestion.model_validate({"status": status, "kind": kind, "limit": limit})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise Invalid("job_filter", f"Giá trị của --{field} không hợp lệ", f"--{field} has no such value",
                      field=field) from error  # fmt: skip
    with session_scope() as session:
        found, matched = queries.jobs(session, asked)
    rows = [job.model_dump(mode="json") if as_json else _row(job) for job in found]
    show(rows, as_json, f"Công việc · jobs: {len(found)} / {matched}")


@jobs.command("show")
def jobs_show(number: JobNumber, as_json: AsJson = False) -> None:
    """Print one job with its progress, message and result."""
    from app.database import session_scope
    from app.jobs import queries

    with session_scope() as session:
        found = queries.job(session, number)
    show(found.model_dump(mode="json"), as_json, f"Công việc · job {number}")


@jobs.command("cancel")
def jobs_cancel(number: JobNumber, as_json: AsJson = False) -> None:
    """Cancel a job: at once when it waits, at its next step when it runs."""
    from app.database import session_scope
    from app.jobs import queries

    with session_scope() as session:
        changed = queries.cancel(session, number)
    show(changed.model_dump(mode="json") if as_json else _row(changed), as_json, f"Công việc · job {number}")


def _row(job: JobState) -> dict[str, Any]:
    """Return a job as a line of a table."""
    ending = " (huỷ · cancelling)" if job.cancel_asked and not job.finished_at else ""
    return {
        "id": job.id,
        "loại · kind": job.kind,
        "trạng thái · state": job.status + ending,
        "%": 100 * job.done // job.total if job.total else None,
        "bước · stage": job.stage or None,
        "của · by": job.asked_by,
        "lúc · at": f"{job.asked_at:%Y-%m-%d %H:%M}Z",
    }
