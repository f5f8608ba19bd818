"""Accounts for tests: each with a password, sessions and tokens as people get them."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import passwords, tokens, users
from app.accounts.schemas import RoleGiven
from app.main import create_app
from tests.conftest import test_cluster as cluster_of_run

_NUMBERS = itertools.count(1)
EVERYTHING = ("read", "write", "administer")


def make_person(
    session: Session, role: str | None, organisation: str | None = None, unit_id: int | None = None, **more: Any
) -> tuple[str, str]:
    """Add an account that holds `role` (none when None) and return its name and password."""
    name, password = f"{role or 'nobody'}.{next(_NUMBERS)}".replace("_", "-"), passwords.generated()
    held = {"role": role, "organisation": organisation, "unit_id": unit_id, **more}
    number = users.add(session, name, f"SYNTHETIC {name}", roles=[RoleGiven.model_validate(held)] if role else [])
    users.set_password(session, number, password)
    return name, password


def number_of(session: Session, name: str) -> int:
    return int(session.scalar(text("SELECT id FROM accounts.account WHERE name = :name"), {"name": name}) or 0)


def token_of(session: Session, name: str, scopes: Collection[str] = EVERYTHING, days: int = 30) -> str:
    """Return a new token of the account."""
    return tokens.add(session, number_of(session, name), "test", scopes, days)[1]


def browser() -> TestClient:
    """Return a client of the real application over committed rows, with a cookie jar of its own."""
    return TestClient(create_app())


def signed_in(name: str, password: str) -> TestClient:
    """Return a browser that has signed in and sends its CSRF token, as the front end does."""
    client = browser()
    answer = client.post("/api/session", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def as_owner(url: str, statement: str, *values: Any) -> list[Any]:
    """Run a statement past all policies in the database of that URL; return its rows."""
    with cluster_of_run().superuser(url.split("/")[3].split("?")[0]) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
