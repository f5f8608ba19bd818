"""What a running piece of work holds: its asker's rights, its progress, and the wish that it end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import Scope, enter, session_scope, system

if TYPE_CHECKING:
    from app.jobs.books import Books

INTERVAL_S = 0.5
"""Between two writes of progress."""
_STILL_MINE = text("SELECT cancel_asked FROM jobs.work WHERE id = :id AND attempts = :attempt AND status = 'running'"
                   " FOR SHARE")  # fmt: skip


class Cancelled(Exception):
    """Raised in the work when it shall end; the work lets it pass, so that its own transaction is rolled back."""


class Stopped(Cancelled):
    """The worker ends; another one starts the work again."""


class Superseded(Cancelled):
    """The worker was taken for dead, and the work is another's by now."""


class Job:
    """A piece of work while it runs; may be used from several threads.

    Attributes
    ----------
    id : int
        Its number.
    kind : str
        Its registered kind.
    scope : Scope
        Who asked for it, for `app.database.session_scope`: the work sees and changes what its asker may.
    attempt : int
        From 1; more after its worker died or was stopped.
    """

    def __init__(
        self, books: Books, job_id: int, kind: str, scope: Scope, attempt: int, stopping: Callable[[], bool]
    ) -> None:
        self.id, self.kind, self.scope, self.attempt = job_id, kind, scope, attempt
        self._books, self._stopping = books, stopping
        self._lock = threading.Lock()
        self._cancelled = False
        self._written = -INTERVAL_S
        self.latest: tuple[int, int, str] | None = None
        """What was reported last, written or not."""

    def progress(self, done: int, total: int, stage: str = "") -> None:
        """Report progress, and learn whether to end; cheap enough for every step: it writes twice a second.

        Written in a transaction of its own, so it is seen while the work's transaction is open. An
        `app.kit.progress.Report`, so it can be handed to whatever draws a bar in a command.

        Parameters
        ----------
        done, total : int
            Steps done, of how many: 0 <= done <= total.
        stage : str
            What is being done.

        Raises
        ------
        Cancelled
            Somebody cancelled the work; its subclasses: the worker ends, or is not the work's any more.
        ValueError
            Less than nothing or more than everything is done.
        """
        if not 0 <= done <= total:
            raise ValueError(f"{done} of {total} cannot be done")
        with self._lock:
            self.latest = (done, total, stage)
            # What is known to be cancelled stays so while the worker ends; a wish not yet read is found by `requeue`.
            if not self._cancelled and self._stopping():
                raise Stopped(f"job {self.id}: the worker ends")
            now = time.monotonic()
            if not self._cancelled and now - self._written >= INTERVAL_S:
                self._written = now
                self._cancelled = self._books.progress(self.id, self.attempt, self.latest)
            if self._cancelled:
                raise Cancelled(f"job {self.id} was cancelled")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction in the asker's scope, committed only while the work is still this worker's and wanted.

        No progress may be reported in it after the last statement that matters; the check is the last one.

        Raises
        ------
        Cancelled
            As `progress`; the transaction is rolled back.
        """
        with session_scope(self.scope) as session:
            yield session
            enter(session, system())
            cancelled = session.scalar(_STILL_MINE, {"id": self.id, "attempt": self.attempt})
            if cancelled is None:
                raise Superseded(f"job {self.id} is another worker's")
            if cancelled:
                raise Cancelled(f"job {self.id} was cancelled")
