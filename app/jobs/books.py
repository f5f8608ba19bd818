"""What workers write of the work: started, progress, ended, queued again. Short transactions, connections of their own.

The connections of the pool may all be held by requests and by the work itself; a heartbeat that waits for one of them
would let another worker take the work for lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import bindparam, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.database import Scope, engine, enter, system, translated
from app.errors import AppError
from app.jobs.job import Superseded
from app.jobs.rights import in_force
from app.jobs.words import CANCELLED, LOST

MAX_LOST = 3
"""So many workers may die of it; then it has failed."""
_START = text("""
    UPDATE jobs.work SET status = 'running', attempts = attempts + 1, started_at = clock_timestamp(),
                         heartbeat_at = clock_timestamp()
    WHERE queue_job_id = :message AND status = 'queued'
    RETURNING id, kind, args, attempts, asked_by, roles, organisations, communes
""")
_MINE = "WHERE id = :id AND attempts = :attempt AND status = 'running'"
_PROGRESS = text(f"""
    UPDATE jobs.work SET done = :done, total = :total, stage = :stage, heartbeat_at = clock_timestamp()
    {_MINE} RETURNING cancel_asked
""")  # noqa: S608 — our own words
_BEAT = text(f"UPDATE jobs.work SET heartbeat_at = clock_timestamp() {_MINE}")  # noqa: S608
_FINISH = text(f"""
    UPDATE jobs.work SET status = :status, finished_at = greatest(clock_timestamp(), started_at, asked_at),
        code = :code, message_vi = :vi, message_en = :en, result = :result,
        done = coalesce(:done, done), total = coalesce(:total, total), stage = coalesce(:stage, stage)
    {_MINE} RETURNING id
""").bindparams(bindparam("result", type_=JSONB(none_as_null=True)))  # noqa: S608
_CANCEL_ASKED = text(f"SELECT cancel_asked FROM jobs.work {_MINE} FOR UPDATE")  # noqa: S608
_REQUEUE = text("SELECT jobs.requeue(:id, :attempt, :lost)")
# Whoever runs it no longer says so; or its message went to a worker that never started it, or is gone.
_LOST = text("""
    SELECT w.id, w.attempts, w.status = 'running' AS ran, w.lost, w.cancel_asked
    FROM jobs.work w LEFT JOIN jobs.procrastinate_jobs q ON q.id = w.queue_job_id
    WHERE w.status = 'running' AND w.heartbeat_at < clock_timestamp() - make_interval(secs => :after_s)
       OR w.status = 'queued' AND (q.id IS NULL OR q.status <> 'todo' AND (
            SELECT max(e.at) FROM jobs.procrastinate_events e WHERE e.job_id = q.id)
            < clock_timestamp() - make_interval(secs => :after_s))
    ORDER BY w.id FOR UPDATE OF w SKIP LOCKED
""")
_SWEEP = text("""
    DELETE FROM jobs.procrastinate_jobs q USING jobs.work w
    WHERE w.queue_job_id = q.id AND w.finished_at < clock_timestamp() - make_interval(secs => :after_s)
""")


class Started(NamedTuple):
    """What `Books.start` hands out."""

    id: int
    kind: str
    args: dict[str, Any]
    attempt: int
    scope: Scope
    """What its asker may today, of what the asker might when asking."""
    closed: bool
    """Nothing is left of that: the asker's account was closed or its roles withdrawn meanwhile."""


class Books:
    """The workers' writing; `close` at the end."""

    def __init__(self, connections: int) -> None:
        options = "-c statement_timeout=10000 -c timezone=UTC -c jit=off"
        self._engine = create_engine(
            engine().url, pool_pre_ping=True, pool_size=connections, connect_args={"options": options}
        )

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with translated(), Session(self._engine) as session, session.begin():
            enter(session, system())
            yield session

    def start(self, message: int) -> Started | None:
        """Take the work a message is about; None when it was cancelled or is another message's."""
        with self._writing() as session:
            row = session.execute(_START, {"message": message}).one_or_none()
            if row is None:
                return None
            asked = Scope(row.asked_by, tuple(row.roles), tuple(row.organisations), tuple(row.communes))
            scope = in_force(session, asked)
        return Started(row.id, row.kind, row.args, row.attempts, scope or Scope(row.asked_by), scope is None)

    def progress(self, job_id: int, attempt: int, latest: tuple[int, int, str]) -> bool:
        """Write progress; return whether the work was cancelled.

        Raises
        ------
        Superseded
            The work is another worker's.
        """
        done, total, stage = latest
        values = {"id": job_id, "attempt": attempt, "done": done, "total": total, "stage": stage}
        with self._writing() as session:
            cancelled = session.scalar(_PROGRESS, values)
        if cancelled is None:
            raise Superseded(f"job {job_id} is another worker's")
        return bool(cancelled)

    def beat(self, running: Collection[tuple[int, int]]) -> None:
        """Say of (id, attempt) that they are being worked on."""
        if running:
            with self._writing() as session:
                session.execute(_BEAT, [{"id": i, "attempt": a} for i, a in running])

    def finish(
        self, job_id: int, attempt: int, latest: tuple[int, int, str] | None, *, result: dict[str, Any] | None = None,
        told: AppError | None = None, cancelled: bool = False,
    ) -> bool:  # fmt: skip
        """End the work as done with `result`, cancelled, or failed as `told`; False when it is another worker's."""
        with self._writing() as session:
            return _finish(session, job_id, attempt, latest, result, CANCELLED if cancelled else told, cancelled)

    def requeue(self, job_id: int, attempt: int, latest: tuple[int, int, str] | None = None) -> bool:
        """Queue the work again, because its worker ends; that is no loss. False when it is another worker's.

        Work that was cancelled ends as such instead: its worker may end before it has learnt of the wish.
        """
        values = {"id": job_id, "attempt": attempt}
        with self._writing() as session:
            cancelled = session.scalar(_CANCEL_ASKED, values)
            if cancelled is None:
                return False
            if cancelled:
                return _finish(session, job_id, attempt, latest, None, CANCELLED, True)
            return bool(session.scalar(_REQUEUE, values | {"lost": False}))

    def requeue_lost(self, after_s: float) -> dict[int, str]:
        """Queue work again whose worker has died; return what became of which.

        Parameters
        ----------
        after_s : float
            Seconds without a heartbeat after which a worker counts as dead.
        """
        became: dict[int, str] = {}
        with self._writing() as session:
            for row in session.execute(_LOST, {"after_s": after_s}).all():
                if row.ran and (row.cancel_asked or row.lost + 1 >= MAX_LOST):
                    told = CANCELLED if row.cancel_asked else LOST
                    _finish(session, row.id, row.attempts, None, None, told, row.cancel_asked)
                    became[row.id] = "cancelled" if row.cancel_asked else "failed"
                else:
                    session.execute(_REQUEUE, {"id": row.id, "attempt": row.attempts, "lost": row.ran})
                    became[row.id] = "queued"
            session.execute(_SWEEP, {"after_s": after_s})
        return became


def _finish(
    session: Session, job_id: int, attempt: int, latest: tuple[int, int, str] | None, result: dict[str, Any] | None,
    told: AppError | None, cancelled: bool,
) -> bool:  # fmt: skip
    done, total, stage = latest or (None, None, None)
    values = {
        "id": job_id, "attempt": attempt, "status": "cancelled" if cancelled else "failed" if told else "done",
        "result": None if told else result or {}, "code": told and told.code, "vi": told and told.vi,
        "en": told and told.en, "done": done, "total": total, "stage": stage,
    }  # fmt: skip
    return session.scalar(_FINISH, values) is not None
