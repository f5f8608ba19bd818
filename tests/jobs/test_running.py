"""What becomes of work: done, failed, cancelled, stopped; on a real queue with a real worker."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import jobs
from app.database import Scope, session_scope
from app.errors import Forbidden
from app.jobs import queries
from app.jobs.books import Books
from app.jobs.job import Cancelled, Job, Stopped, Superseded
from tests.accounts.people import as_owner, make_person, number_of
from tests.jobs.conftest import PLANNER, ask, drain, ended, quick, state, wait_for, working


def test_rolled_back_nothing_was_asked_for(own_database: str) -> None:
    quick()._books.close()
    with session_scope(PLANNER) as session:
        jobs.defer(session, "test_count", {"steps": 1})
        session.rollback()
    for table in ("work", "procrastinate_jobs"):
        assert as_owner(own_database, f"SELECT count(*) FROM jobs.{table}") == [(0,)]


def test_done_with_progress_seen_meanwhile(own_database: str) -> None:
    number = ask("test_count", steps=8, step_s=0.2)
    assert state(number).status == "queued"
    with working():
        half_way = wait_for(number, lambda s: s.done > 0)
        assert (half_way.status, half_way.total, half_way.stage) == ("running", 8, "đếm")
        found = wait_for(number, ended)
    assert (found.status, found.done, found.stage, found.attempts) == ("done", 8, "xong", 1)
    assert found.result == {"counted": 8, "actor": "system:tests", "sites": 0, "attempt": 1}
    assert as_owner(own_database, "SELECT count(*) FROM jobs.procrastinate_jobs") == [(0,)], "delivered"
    assert as_owner(own_database, "SELECT count(*) FROM jobs.procrastinate_workers") == [(0,)], "said good-bye"


def test_a_waiting_worker_begins_at_once_and_reports_twice_a_second(own_database: str) -> None:
    with working(heartbeat_s=5, lost_after_s=20):
        time.sleep(0.5)
        number = ask("test_count", steps=2000, step_s=0.0005)
        found = wait_for(number, ended)
    assert found.status == "done"
    assert found.started_at is not None
    assert found.finished_at is not None
    assert (found.started_at - found.asked_at).total_seconds() < 4, "told, not found at the next look into the queue"
    [(updates,)] = as_owner(own_database, "SELECT pg_stat_get_tuples_updated('jobs.work'::regclass)")
    assert 0 < updates < 6 + 2 * (found.finished_at - found.started_at).total_seconds()


def test_cancelled_while_running_and_before(own_database: str) -> None:
    running, waiting = ask("test_count", steps=1000, step_s=0.05), ask("test_count", steps=1)
    with working():
        wait_for(running, lambda s: s.status == "running")
        with session_scope(PLANNER) as session:
            assert queries.cancel(session, waiting).status == "cancelled"
            told = queries.cancel(session, running)
        assert (told.status, told.cancel_asked) == ("running", True)
        found = wait_for(running, ended, 3)
    assert (found.status, found.code, found.result) == ("cancelled", "job_cancelled", None)
    assert state(waiting).attempts == 0


def test_failures_tell_what_may_be_told(own_database: str, caplog: pytest.LogCaptureFixture) -> None:
    refused, broken = ask("test_refuse"), ask("test_break")
    unfit = [ask("test_unfit", what=what) for what in ("nul", "nan", "object")]
    with caplog.at_level(logging.INFO, "hatang.jobs"):
        drain()
    found = state(refused)
    assert (found.status, found.code) == ("failed", "no_terrain_here")
    assert found.message is not None
    assert (found.message.vi, found.message.en) == ("Không có địa hình ở đây", "There is no terrain here")
    for number in (broken, *unfit):
        found = state(number)
        assert (found.status, found.code, found.attempts) == ("failed", "job_internal_error", 1)
        assert "secret of the code" not in found.model_dump_json()
    assert "Traceback" in caplog.text
    assert "secret of the code" in caplog.text


def person(session: Session, role: str, organisation: str | None = None) -> Scope:
    """Add an account; return its scope, as a request of it has."""
    actor = f"user:{number_of(session, make_person(session, role, organisation)[0])}"
    held = session.scalars(text("SELECT id FROM registry.organisation WHERE code = :c"), {"c": organisation})
    return Scope(actor, (role,), tuple(held))


def test_work_has_its_askers_rights(own_database: str) -> None:
    with session_scope() as session:
        operator = person(session, "operator", "VIETTEL")
    refused, granted = ask("test_write", operator, name="X"), ask("test_write", name="X")
    drain()
    assert (state(refused).status, state(refused).code) == ("failed", "not_yours")
    assert state(granted).status == "done"


def test_work_of_an_account_that_was_closed_is_not_done(own_database: str) -> None:
    with session_scope() as session:
        asker = person(session, "planner")
    number = ask("test_count", asker, steps=1)
    with session_scope() as session:
        session.execute(text("UPDATE accounts.account SET active = false WHERE 'user:' || id = :a"), {"a": asker.actor})
    drain()
    assert (state(number).status, state(number).code) == ("failed", "job_account_closed")


def test_stopped_work_is_queued_again_and_no_loss(own_database: str) -> None:
    number = ask("test_count", steps=30, step_s=0.05)
    with working():
        wait_for(number, lambda s: s.status == "running" and s.done > 0)
    found = state(number)
    assert (found.status, found.attempts) == ("queued", 1)
    assert as_owner(own_database, "SELECT lost FROM jobs.work") == [(0,)]
    drain()
    assert (state(number).status, state(number).attempts) == ("done", 2)


def message(url: str) -> int:
    return int(as_owner(url, "SELECT queue_job_id FROM jobs.work")[0][0])


def test_three_losses_are_enough_and_the_dead_write_nothing(own_database: str) -> None:
    number = ask("test_count", steps=1)
    books = Books(2)
    try:
        became: list[Any] = []
        for attempt in (1, 2, 3):
            started = books.start(message(own_database))
            assert started is not None
            assert started.attempt == attempt
            assert books.requeue_lost(60) == {}, "it lives"
            became.append(books.requeue_lost(0))
        assert became == [{number: "queued"}, {number: "queued"}, {number: "failed"}]
        assert not books.finish(number, 2, None, result={}), "taken for dead"
        with pytest.raises(Superseded):
            books.progress(number, 2, (1, 1, ""))
    finally:
        books.close()
    assert (state(number).status, state(number).code) == ("failed", "job_worker_lost")


def test_a_message_that_was_lost_is_sent_again(own_database: str) -> None:
    number = ask("test_count", steps=1)
    as_owner(own_database, "DELETE FROM jobs.procrastinate_jobs")
    with working():
        assert wait_for(number, ended).status == "done"


def test_a_database_that_was_away_costs_an_attempt(own_database: str) -> None:
    cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = 'hatang_app' AND datname = current_database()"""
    with working(lost_after_s=2.5):
        number = ask("test_count", steps=20, step_s=0.1)
        wait_for(number, lambda s: s.done > 0)
        as_owner(own_database, cut)
        found = wait_for(number, ended)
        assert (found.status, found.attempts) == ("done", 2)
        as_owner(own_database, cut)
        assert wait_for(ask("test_count", steps=1), ended).status == "done"


def test_the_queue_is_the_workers(own_database: str) -> None:
    ask("test_count", steps=1)
    with session_scope(PLANNER) as session:
        assert session.scalar(text("SELECT count(*) FROM jobs.procrastinate_jobs")) == 0
        assert session.execute(text("UPDATE jobs.work SET stage = 'x' RETURNING id")).all() == []
    for statement in (
        "INSERT INTO jobs.work (kind, args, asked_by, roles, organisations, communes) "
        "VALUES ('k', '{}', 'user:1', '{system}', '{}', '{}')",
        "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name) VALUES ('test_count', 'work')",
        "UPDATE jobs.work SET roles = '{system}'",
        "SELECT jobs.send(1, 'test_count')",
        "SELECT jobs.requeue(1, 0, false)",
        "DELETE FROM jobs.work",
    ):
        with pytest.raises(Forbidden), session_scope(PLANNER) as session:
            session.execute(text(statement))
    with pytest.raises(Forbidden), session_scope(Scope()) as session:
        jobs.defer(session, "test_count", {"steps": 1})
    with pytest.raises(LookupError), session_scope(PLANNER) as session:
        jobs.defer(session, "nonsense", {})


def test_cancelled_while_its_worker_stops_is_not_queued_again(own_database: str) -> None:
    number = ask("test_count", steps=1000, step_s=0.05)
    with working() as worker:
        wait_for(number, lambda s: s.status == "running" and s.done > 0)
        with session_scope(PLANNER) as session:
            queries.cancel(session, number)
        worker.stop()
    found = state(number)
    assert (found.status, found.code, found.attempts) == ("cancelled", "job_cancelled", 1)
    assert found.done > 0
    assert as_owner(own_database, "SELECT count(*) FROM jobs.procrastinate_jobs") == [(0,)]


def test_cancelled_work_that_does_not_listen_is_given_up_as_cancelled(own_database: str) -> None:
    number = ask("test_count", steps=1)
    books = Books(1)
    try:
        assert books.start(message(own_database)) is not None
        with session_scope(PLANNER) as session:
            assert queries.cancel(session, number).status == "running"
        assert not books.requeue(number, 2), "another attempt's"
        assert books.requeue(number, 1, (1, 4, "đếm"))
        assert not books.requeue(number, 1), "it has ended"
    finally:
        books.close()
    found = state(number)
    assert (found.status, found.code, found.done, found.total) == ("cancelled", "job_cancelled", 1, 4)


class Told:
    """Books that know the work was cancelled."""

    def progress(self, *_: Any) -> bool:
        return True


def test_what_is_known_to_be_cancelled_is_not_taken_for_stopped() -> None:
    stopping: list[bool] = []
    job = Job(Told(), 1, "test_count", PLANNER, 1, lambda: bool(stopping))  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(Cancelled) as raised:
            job.progress(0, 1)
        assert not isinstance(raised.value, Stopped)
        stopping.append(True)
