"""What the application's own database role can read of accounts, whatever SQL it is made to run."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.accounts import tokens, users
from app.accounts.identity import sha256
from app.database import PUBLIC, Scope, enter, system
from tests.accounts.people import make_person, number_of, token_of

TABLES = ("account", "account_role", "session", "token", "seen", "attempt")
START = text("""SELECT accounts.start_session(:id, NULL, :secret, 'the csrf', 60, 60, 'agent', '198.51.100.1', NULL)""")


@pytest.fixture
def two(session: Session) -> tuple[int, int]:
    """Two operators, each with a session and a token."""
    made = []
    for code in ("VIETTEL", "VNPT"):
        name, _ = make_person(session, "operator", code)
        token_of(session, name)
        number = number_of(session, name)
        session.execute(START, {"id": number, "secret": sha256(name)})
        enter(session, system())
        made.append(number)
    return made[0], made[1]


def denied(session: Session, statement: str) -> str:
    with pytest.raises(DBAPIError) as refused, session.begin_nested():
        session.execute(text(statement))
    return str(getattr(refused.value.orig, "sqlstate", ""))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM accounts.account",
        "SELECT * FROM accounts.account",
        "SELECT count(*) FROM accounts.account WHERE password_hash LIKE '$argon2%'",
        "SELECT a FROM accounts.account a",
        "SELECT to_jsonb(a) FROM accounts.account a",
        "UPDATE accounts.account SET display_name = password_hash",
        "UPDATE accounts.account SET password_hash = 'x'",
        "UPDATE accounts.account SET must_change_password = false",
        "UPDATE accounts.account SET name = 'root'",
        "UPDATE accounts.account SET active = true RETURNING password_hash",
        "INSERT INTO accounts.account (name, display_name, password_hash) VALUES ('eve', 'Eve', 'x')",
        "SELECT secret_sha256 FROM accounts.session",
        "SELECT csrf FROM accounts.session",
        "SELECT secret_sha256 FROM accounts.token",
        "UPDATE accounts.token SET expires_at = '2999-01-01'",
        "UPDATE accounts.token SET scopes = '{administer}'",
        "UPDATE accounts.session SET account_id = 1",
        "INSERT INTO accounts.session (account_id, secret_sha256, csrf, expires_at, idle_s) "
        "VALUES (1, sha256('x'), 'x', '2999-01-01', 9)",
        "UPDATE accounts.account_role SET role = 'administrator'",
        "UPDATE accounts.account_role SET organisation_code = 'VNPT'",
        "UPDATE accounts.attempt SET ok = true",
        "DELETE FROM accounts.attempt",
        "DELETE FROM accounts.account",
        "TRUNCATE accounts.attempt",
        "SELECT * FROM accounts.oidc_login",
        "ALTER TABLE accounts.account DISABLE ROW LEVEL SECURITY",
        "CREATE FUNCTION accounts.me() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ],
)
def test_secrets_and_powers_are_out_of_reach_of_any_statement(session: Session, two: None, statement: str) -> None:
    """Even in the scope of an administrator or a command: the role itself has no such right."""
    for scope in (system(), Scope("user:1", ("administrator",)), PUBLIC):
        enter(session, scope)
        assert denied(session, statement) == "42501"


def test_an_operator_sees_itself_only(session: Session, two: tuple[int, int]) -> None:
    one, other = two
    organisation = session.scalar(text("SELECT id FROM organisation WHERE code = 'VIETTEL'"))
    for roles in (("operator",), ("planner",), ("other_department",), ("operator", "commune_officer", "planner")):
        enter(session, Scope(f"user:{one}", roles, (int(organisation or 0),)))
        assert list(session.scalars(text("SELECT id FROM accounts.account"))) == [one]
        for table in ("account_role", "session", "token"):
            assert set(session.scalars(text(f"SELECT account_id FROM accounts.{table}"))) == {one}
        assert session.scalar(text("SELECT count(*) FROM accounts.seen")) == 2
        assert session.scalar(text("SELECT count(*) FROM accounts.attempt")) == 0
        for statement in (
            f"UPDATE accounts.account SET display_name = 'x' WHERE id IN ({one}, {other})",
            f"UPDATE accounts.account_role SET valid_to = NULL WHERE account_id IN ({one}, {other})",
            f"UPDATE accounts.session SET revoked_at = now() WHERE account_id = {other}",
            f"UPDATE accounts.token SET revoked_at = now() WHERE account_id = {other}",
        ):
            assert session.execute(text(statement)).rowcount == 0  # type: ignore[attr-defined]
        for statement in (
            f"INSERT INTO accounts.account_role (account_id, role) VALUES ({one}, 'administrator')",
            "INSERT INTO accounts.account (name, display_name) VALUES ('eve', 'Eve')",
            f"SELECT accounts.set_password({other}, 'x', false)",
            f"SELECT accounts.add_token({other}, 'x', sha256('x'), '{{read}}', 1)",
            f"UPDATE accounts.token SET revoked_at = NULL WHERE account_id = {one}",
            f"UPDATE accounts.session SET revoked_at = NULL WHERE account_id = {one}",
        ):
            assert denied(session, statement) == "42501", statement


@pytest.mark.parametrize(
    "actor",
    ["", "user:", "user:0", "user:-1", "user:1 ", "user:1 OR true", "system:user:1", "user:99999999999999999999"],
)
def test_who_is_nobody_sees_nobody(session: Session, two: tuple[int, int], actor: str) -> None:
    enter(session, Scope(actor))
    for table in TABLES:
        assert session.scalar(text(f"SELECT count(*) FROM accounts.{table}")) == 0, table


def test_statistics_count_no_accounts(session: Session, two: tuple[int, int]) -> None:
    enter(session, Scope(f"user:{two[0]}", ("statistics",)))
    assert session.scalar(text("SELECT count(*) FROM accounts.account")) == 1


def test_the_history_of_accounts_holds_no_secret(session: Session, two: tuple[int, int]) -> None:
    name, _ = make_person(session, "planner")
    number = number_of(session, name)
    token = token_of(session, name)
    users.reset_password(session, number)
    users.change(session, number, {"display_name": "Lan", "active": False})
    told = session.execute(
        text(
            "SELECT table_name, operation, actor, concat(before, after) AS row FROM audit.change "
            "WHERE table_name LIKE 'accounts.%' ORDER BY id"
        )
    ).all()
    assert {(t.table_name, t.operation) for t in told} >= {
        ("accounts.account", "insert"), ("accounts.account", "update"), ("accounts.account_role", "insert"),
        ("accounts.session", "insert"), ("accounts.token", "insert"), ("accounts.token", "update"),
    }  # fmt: skip
    everything = str(told)
    for secret in ("argon2", "secret_sha256", "csrf", "password_hash", token, sha256(token).hex()):
        assert secret not in everything, secret
    assert all(t.actor for t in told)
    # A new password is a change on record, though neither the old one nor the new one is.
    assert sum("password_changed_at" in t.row and t.operation == "update" for t in told) >= 2
    enter(session, Scope("user:0", ("planner",)))
    assert session.scalar(text("SELECT count(*) FROM audit.change WHERE table_name LIKE 'accounts.%'")) == 0


def test_a_token_can_be_listed_and_revoked_without_its_secret(session: Session, two: tuple[int, int]) -> None:
    one, other = two
    enter(session, Scope(f"user:{one}", ("operator",)))
    (mine,) = tokens.tokens(session, one)
    assert tokens.tokens(session, other) == []
    tokens.revoke(session, mine["id"], one)
    assert tokens.tokens(session, one)[0]["revoked_at"] is not None
