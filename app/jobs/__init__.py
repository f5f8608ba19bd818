"""Long work in the background: asked for with a row, done by a worker, followed by progress, cancelled by a wish."""

from app.jobs.job import Cancelled, Job
from app.jobs.queue import defer, work

__all__ = ["Cancelled", "Job", "defer", "work"]
