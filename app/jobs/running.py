"""The worker: takes messages from procrastinate's queue and does the work in threads until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector
from sqlalchemy.exc import SQLAlchemyError

from app.database import engine
from app.errors import AppError, Unavailable
from app.jobs.books import Books, Started
from app.jobs.job import Cancelled, Job, Stopped, Superseded
from app.jobs.queue import KINDS
from app.jobs.words import CLOSED, internal

HEARTBEAT_S = 10.0
LOST_AFTER_S = 45.0
"""Without a heartbeat a worker counts as dead: four beats missed."""
GRACE_S = 20.0
"""How long a stop waits for the work to report progress."""
_TRIES_S = (1.0, 3.0, 10.0)
"""Waits between tries to write how work ended, when the database is away for a moment."""
log = logging.getLogger("hatang.jobs")


class Worker:
    """One worker of this process.

    Parameters
    ----------
    modules : iterable of str
        Modules whose import registers kinds of work.
    concurrency : int
        Pieces of work at a time, each in a thread.
    heartbeat_s, lost_after_s, grace_s : float
        Seconds; see the constants above.
    wait : bool
        False: end when the queue is empty.
    """

    def __init__(
        self, modules: Iterable[str], concurrency: int = 1, *, heartbeat_s: float = HEARTBEAT_S,
        lost_after_s: float = LOST_AFTER_S, grace_s: float = GRACE_S, wait: bool = True,
    ) -> None:  # fmt: skip
        for module in modules:
            import_module(module)
        self._concurrency, self._wait = concurrency, wait
        self._heartbeat_s, self._lost_after_s, self._grace_s = heartbeat_s, lost_after_s, grace_s
        self._books = Books(connections=concurrency + 1)
        self._running: set[Job] = set()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Event | None = None

    def run(self) -> None:
        """Work until `stop`; what runs then is asked to end and queued again."""
        try:
            asyncio.run(self._main())
        finally:
            self._books.close()

    def stop(self) -> None:
        """Ask it to end; from any thread or a signal handler."""
        self._stopping.set()
        if self._loop is not None and self._told is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._told.set)

    async def _main(self) -> None:
        self._told, self._loop = asyncio.Event(), asyncio.get_running_loop()
        # Work fills its own places; two are left for heartbeats.
        self._loop.set_default_executor(ThreadPoolExecutor(self._concurrency + 2, "hatang-job"))
        if self._stopping.is_set():
            return
        beating = asyncio.create_task(self._beat())
        serving = asyncio.create_task(self._serve())
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()  # procrastinate takes nothing more and waits for what runs
        _, unfinished = await asyncio.wait({serving}, timeout=self._grace_s)
        if unfinished:
            await asyncio.to_thread(self._abandon)
        for task in (beating, told):
            task.cancel()
        await asyncio.gather(serving, beating, told, return_exceptions=True)

    async def _serve(self) -> None:
        """Run procrastinate's worker, again after the database was away."""
        while not self._stopping.is_set():
            connector = PsycopgConnector(
                conninfo=engine().url.set(drivername="postgresql").render_as_string(hide_password=False),
                # Row-level security keeps the queue for workers; the path, because its questions name no schema.
                kwargs={"options": "-c search_path=jobs,pg_temp -c hatang.roles=system -c timezone=UTC"},
                min_size=1, max_size=self._concurrency + 1, timeout=10,
            )  # fmt: skip
            queue = App(connector=connector)
            queue.task(name="work", pass_context=True)(self._do)
            try:
                async with queue.open_async():
                    # Losses are told by our own heartbeats: procrastinate's go on while a single message is lost.
                    await queue.run_worker_async(
                        queues=sorted(KINDS), concurrency=self._concurrency, wait=self._wait, delete_jobs="always",
                        install_signal_handlers=False, update_heartbeat_interval=self._heartbeat_s,
                        stalled_worker_timeout=self._lost_after_s, fetch_job_polling_interval=min(5, self._heartbeat_s),
                    )  # fmt: skip
                if not self._wait:
                    return
            except Exception:
                log.exception("the queue is out of reach; trying again")
                await asyncio.sleep(min(5, self._heartbeat_s))

    async def _beat(self) -> None:
        while True:
            try:
                running = [(job.id, job.attempt) for job in list(self._running)]
                await asyncio.to_thread(self._books.beat, running)
                for job_id, became in (await asyncio.to_thread(self._books.requeue_lost, self._lost_after_s)).items():
                    log.warning("job %s lost its worker: %s", job_id, became)
            except (AppError, SQLAlchemyError) as error:
                log.error("no heartbeat: %s", error)
            await asyncio.sleep(self._heartbeat_s)

    def _do(self, context: JobContext, work_id: int) -> None:
        """Do the work of one message; in a thread."""
        started = self._books.start(context.job.id or 0)
        if started is None:
            log.info("job %s is not to be done any more", work_id)
            return
        job = Job(self._books, started.id, started.kind, started.scope, started.attempt, self._stopping.is_set)
        self._running.add(job)
        log.info("job %s %s: attempt %s", job.id, job.kind, job.attempt)
        try:
            if not self._conclude(job, self._outcome(job, started)):
                log.warning("job %s is another worker's by now", job.id)
        finally:
            self._running.discard(job)

    def _outcome(self, job: Job, started: Started) -> Callable[[], bool]:
        """Run the work; return what writes how it ended."""
        books = self._books

        def end(**how: Any) -> Callable[[], bool]:
            return lambda: books.finish(job.id, job.attempt, job.latest, **how)

        try:
            if started.closed:
                return end(told=CLOSED)
            result = KINDS[job.kind](job, **started.args)
            json.dumps(result, allow_nan=False)  # refused here, where it is known whose mistake it is
            return end(result=result)
        except Superseded:
            return lambda: False
        except Stopped:
            return lambda: books.requeue(job.id, job.attempt, job.latest)
        except Cancelled:
            return end(cancelled=True)
        except AppError as error:
            if error.code == "database_unavailable":
                # No fault of the work. Its heartbeats end here: it is found lost once the database is back.
                log.error("job %s lost the database", job.id)
                return lambda: True
            log.info("job %s failed: %s: %s", job.id, error.code, error)
            return end(told=error)
        except Exception:
            log.exception("job %s %s failed", job.id, job.kind)
            return end(told=internal(job.id))

    def _conclude(self, job: Job, write: Callable[[], bool]) -> bool:
        """Write how work ended, trying again for a while; after that its heartbeats end and it is found lost."""
        for wait_s in _TRIES_S:
            try:
                return write()
            except (Unavailable, SQLAlchemyError) as error:
                log.error("cannot write how job %s ended: %s", job.id, error)
                time.sleep(wait_s)
            except AppError:
                log.exception("job %s: its result or message cannot be kept", job.id)
                return self._books.finish(job.id, job.attempt, None, told=internal(job.id))
        return write()

    def _abandon(self) -> None:
        """Give up work that reports no progress: queued again or cancelled, and the process ends under it."""
        try:
            for job in list(self._running):
                given_up = self._books.requeue(job.id, job.attempt, job.latest)
                log.error("job %s does not end; queued again, or cancelled if so asked: %s", job.id, given_up)
        finally:
            logging.shutdown()
            os._exit(0)  # a thread cannot be ended; what it has not committed is rolled back with its connection


def work_until_stopped(worker: Worker, say: Callable[[str], None]) -> None:
    """Run in the main thread; the first SIGTERM or SIGINT asks it to stop, a second one ends the process."""

    def asked(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    say("Đang chờ công việc. Dừng bằng Ctrl+C. / Waiting for jobs. Stop with Ctrl+C.")
    worker.run()
    say("Đã dừng. / Stopped.")


@contextlib.contextmanager
def beside(worker: Worker) -> Iterator[None]:
    """Run in a thread beside a server, and stop with it."""
    thread = threading.Thread(target=worker.run, name="hatang-worker")
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()
