"""Work is done with what its asker may when it begins, of what the asker might when asking."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from app.database import Scope, session_scope
from app.jobs.books import Books, Started
from tests.accounts.people import as_owner
from tests.jobs.conftest import ask, drain, state
from tests.jobs.test_running import message, person


def asker(role: str, organisation: str | None = None) -> Scope:
    with session_scope() as session:
        return person(session, role, organisation)


def give(scope: Scope, role: str, organisation: str | None = None, unit: int | None = None) -> None:
    with session_scope() as session:
        session.execute(
            text("""INSERT INTO accounts.account_role (account_id, role, organisation_code, unit_id)
                    VALUES (:account, :role, :organisation, :unit)"""),
            {"account": int(scope.actor[5:]), "role": role, "organisation": organisation, "unit": unit},
        )


def withdraw(scope: Scope, role: str) -> None:
    """End the role today, as `app.accounts.users` does."""
    with session_scope() as session:
        session.execute(
            text("""UPDATE accounts.account_role SET valid_to = greatest(valid_from, accounts.today())
                    WHERE account_id = :account AND role = :role"""),
            {"account": int(scope.actor[5:]), "role": role},
        )


def started(url: str) -> Started:
    books = Books(1)
    try:
        found = books.start(message(url))
    finally:
        books.close()
    assert found is not None
    return found


@pytest.fixture
def two(own_database: str) -> dict[str, int]:
    """Two operators, by their codes."""
    with session_scope() as session:
        rows = session.execute(text("SELECT code, id FROM registry.organisation WHERE code IN ('VIETTEL', 'VNPT')"))
        found = {code: number for code, number in rows}
    assert len(found) == 2
    return found


def test_a_role_withdrawn_while_the_work_waited(own_database: str) -> None:
    planner = asker("planner")
    number = ask("test_write", planner, name="X")
    withdraw(planner, "planner")
    drain()
    found = state(number)
    assert (found.status, found.code) == ("failed", "job_account_closed")
    assert found.message is not None
    assert "thu hồi vai trò" in found.message.vi
    assert "role withdrawn" in found.message.en


def test_a_role_withdrawn_between_attempts(own_database: str) -> None:
    planner = asker("planner")
    number = ask("test_count", planner, steps=1)
    books = Books(1)
    try:
        first = books.start(message(own_database))
        assert first is not None
        assert (first.closed, first.scope) == (False, planner)
        assert books.requeue(number, 1)
    finally:
        books.close()
    withdraw(planner, "planner")
    second = started(own_database)
    assert (second.attempt, second.closed, second.scope.roles) == (2, True, ())


def test_an_account_that_is_not_there_has_no_rights(own_database: str) -> None:
    ask("test_count", Scope("user:0", ("planner",)), steps=1)
    assert started(own_database).closed


def test_what_is_left_is_what_the_work_has(two: dict[str, int], own_database: str) -> None:
    operator = asker("operator", "VIETTEL")
    give(operator, "planner")
    number = ask("test_write", Scope(operator.actor, ("operator", "planner"), (two["VIETTEL"],)), name="X")
    withdraw(operator, "planner")
    drain()
    assert (state(number).status, state(number).code) == ("failed", "not_yours"), "done as an operator"


def test_what_was_given_since_is_not_added(two: dict[str, int], own_database: str) -> None:
    operator = asker("operator", "VIETTEL")
    ask("test_count", operator, steps=1)
    give(operator, "planner")
    give(operator, "operator", "VNPT")
    found = started(own_database)
    assert (found.closed, found.scope) == (False, operator)


def test_another_operators_role_is_not_the_one_asked_with(two: dict[str, int], own_database: str) -> None:
    operator = asker("operator", "VIETTEL")
    ask("test_count", operator, steps=1)
    withdraw(operator, "operator")
    give(operator, "operator", "VNPT")
    assert started(own_database).closed


def test_a_communes_officer(own_database: str) -> None:
    [(here,), (there,)] = as_owner(
        own_database,
        """INSERT INTO registry.unit (level, code, name, valid_from, source) VALUES
           ('commune', '90001', 'Xã thử', '2025-07-01', 'SYNTHETIC'),
           ('commune', '90002', 'Xã bên', '2025-07-01', 'SYNTHETIC') RETURNING id""",
    )
    planner = asker("planner")
    give(planner, "commune_officer", unit=here)
    ask("test_count", Scope(planner.actor, ("commune_officer", "planner"), (), (here, there)), steps=1)
    withdraw(planner, "planner")
    assert started(own_database).scope == Scope(planner.actor, ("commune_officer",), (), (here,))


@pytest.mark.parametrize(
    ("asked", "held", "left"),
    [
        ("planner", "administrator", ("planner",)),  # a token without `administer`
        ("administrator", "planner", ("planner",)),
        ("administrator", "administrator", ("administrator", "planner")),
        ("planner", "other_department", None),
    ],
)
def test_a_planner_within_an_administrator(own_database: str, asked: str, held: str, left: Any) -> None:
    holder = asker(held)
    ask("test_count", Scope(holder.actor, (asked,)), steps=1)
    found = started(own_database)
    assert (None if found.closed else found.scope.roles) == left


def test_commands_keep_theirs(own_database: str) -> None:
    ask("test_count", Scope("system:root", ("system",)), steps=1)
    found = started(own_database)
    assert (found.closed, found.scope) == (False, Scope("system:root", ("system",)))
