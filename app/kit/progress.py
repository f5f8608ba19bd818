"""A progress bar for anything that takes over a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Report = Callable[[int, int, str], None]
"""Called with how much is done, of how much, and what."""


@contextmanager
def bar(console: Console, names: Mapping[str, str] | None = None, after_s: float = 1.0) -> Iterator[Report]:
    """Yield a callback that draws a bar once the work has lasted `after_s`; the bar goes away at the end.

    `names` are what people read for the steps the work reports.
    """
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("", total=None)

    def report(done: int, total: int, what: str) -> None:
        progress.update(task, completed=done, total=total, description=(names or {}).get(what, what))
        if time.monotonic() - started > after_s:
            progress.start()

    try:
        yield report
    finally:
        progress.stop()
