"""What is kept in memory is never older than the registry, and never another's."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, engine, enter, look_back, session_scope, system
from app.sharing.kept import Changes, kept
from tests.sharing import registry

ADD = "INSERT INTO registry.pole (code, geom) VALUES (:code, ST_SetSRID(ST_Point(107.5, 16.4), 4326))"
READ = Scope("user:9", ("other_department",))


def codes(session: Session) -> tuple[tuple[str, ...], int]:
    """Return the poles as kept, and how often they were read for it."""
    reads = []

    def read() -> tuple[str, ...]:
        reads.append(1)
        return tuple(session.scalars(text("SELECT code FROM pole ORDER BY code")))

    return kept(session, ("codes",), ("registry.pole",), read), len(reads)


def asked(scope: Scope | None = None) -> tuple[tuple[str, ...], int]:
    with session_scope(scope) as session:
        return codes(session)


def test_read_once_until_something_changes(own_database: str) -> None:
    assert asked() == ((), 1)
    assert asked() == ((), 0)
    with session_scope() as session:
        registry.pole(session, "P-1", 107.5, 16.4)
        assert codes(session) == (("P-1",), 1), "its own changes too"
    assert asked()[0] == ("P-1",)
    assert asked() == (("P-1",), 0)
    with session_scope() as session:
        session.execute(text("UPDATE registry.pole SET valid_to = '2020-01-01'"))
    assert asked() == (("P-1",), 1)


def test_a_change_numbered_before_and_committed_after_counts(own_database: str) -> None:
    """Two writers: the later number commits first, is read and kept, then the earlier one commits."""
    with engine().connect() as slow, slow.begin(), Session(slow) as first:
        enter(first, system())
        first.execute(text(ADD), {"code": "EARLIER"})
        with session_scope() as session:
            session.execute(text(ADD), {"code": "LATER"})
        assert asked() == (("LATER",), 1)
        assert asked() == (("LATER",), 0), "the writer is still at work"
        slow.get_transaction().commit()  # type: ignore[union-attr]
    assert asked() == (("EARLIER", "LATER"), 1)


def test_a_writer_that_asks_before_it_writes_counts(own_database: str) -> None:
    """It has a number already when it asks, and others end before it does."""
    with session_scope() as session:
        session.execute(text("SELECT pg_current_xact_id()"))
        with session_scope() as other:
            registry.pole(other, "OTHER", 107.5, 16.4)
        assert codes(session) == (("OTHER",), 1)
        session.execute(text(ADD), {"code": "OWN"})
        assert codes(session) == (("OTHER", "OWN"), 1)
        assert asked() == (("OTHER",), 0), "not yet there for others"
    assert asked() == (("OTHER", "OWN"), 1)


def test_what_it_does_not_depend_on_may_change(own_database: str) -> None:
    assert asked() == ((), 1)
    with session_scope() as session:
        registry.organisation(session, "VNPT")
        registry.site(session, "S-1", 107.5, 16.4, "VNPT")
    assert asked() == ((), 0)


def test_few_changes_are_read_again_and_many_anew(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[list[int]] = []

    def ids(session: Session) -> tuple[int, ...]:
        return tuple(session.scalars(text("SELECT id FROM pole ORDER BY id")))

    def ask() -> tuple[int, ...]:
        with session_scope() as session:
            return kept(session, ("ids",), ("registry.pole",), lambda: ids(session), again)

    def again(old: tuple[int, ...], changes: Changes) -> tuple[int, ...]:
        renewed.append(changes["registry.pole"].tolist())
        return (*old, *renewed[-1])

    assert ask() == ()
    monkeypatch.setattr("app.sharing.kept.MOST_CHANGES", 2)
    with session_scope() as session:
        made = [registry.pole(session, f"A{k}", 107.5, 16.4).id for k in range(2)]
    assert ask() == tuple(made)
    assert renewed == [made]
    with session_scope() as session:
        made += [registry.pole(session, f"B{k}", 107.5, 16.4).id for k in range(3)]
    assert ask() == tuple(made)
    assert renewed == [made[:2]]


def test_what_was_undone_is_not_kept(own_database: str) -> None:
    with session_scope() as session:
        nested = session.begin_nested()
        session.execute(text(ADD), {"code": "NEVER"})
        assert codes(session)[0] == ("NEVER",)
        nested.rollback()
        assert codes(session)[0] == ()
    assert asked()[0] == ()


def test_restricted_rows_and_own_rows_stay_apart(own_database: str) -> None:
    with session_scope() as session:
        registry.pole(session, "OPEN", 107.5, 16.4)
        registry.pole(session, "BUNKER", 107.5, 16.4, restricted=True)
    assert asked()[0] == ("BUNKER", "OPEN")
    assert asked(READ) == (("OPEN",), 1)
    assert asked(PUBLIC) == ((), 1)
    assert asked(PUBLIC) == ((), 1), "who sees a part of the rows reads them"
    assert asked(Scope("", ("statistics",)))[0] == ("OPEN",)


def test_the_past_is_kept_by_its_moment(own_database: str) -> None:
    with session_scope() as session:
        moment = session.scalar(text("SELECT clock_timestamp()"))
        registry.pole(session, "NEW", 107.5, 16.4)
    with session_scope() as session:
        assert codes(session)[0] == ("NEW",)
        look_back(session, moment)
        assert codes(session)[0] == ()
        look_back(session, None)
        assert codes(session)[0] == ("NEW",)


def test_many_threads_read_the_same(own_database: str) -> None:
    with session_scope() as session:
        registry.pole(session, "P", 107.5, 16.4)
    found: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: found.append(asked()[0])) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [("P",)] * 6
