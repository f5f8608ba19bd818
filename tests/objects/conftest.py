"""Two networks and clients of every role over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.database import Scope
from tests.conftest import client_in
from tests.registry.two_networks import Networks, build

As = Callable[[str], TestClient]


@pytest.fixture
def networks(session: Session) -> Networks:
    return build(session)


def scopes(networks: Networks) -> dict[str, Scope]:
    who = networks.organisations
    return {
        "viettel": Scope("user:1", ("operator",), (who["VIETTEL"],)),
        "vnpt": Scope("user:2", ("operator",), (who["VNPT"],)),
        "officer": Scope("user:3", ("commune_officer",), (), (networks.commune,)),
        "other": Scope("user:4", ("other_department",)),
        "planner": Scope("user:5", ("planner",)),
        "administrator": Scope("user:6", ("administrator",)),
    }


@pytest.fixture
def acting(session: Session, networks: Networks) -> Iterator[As]:
    """Return a function: name of a caller → its HTTP client, over the test's uncommitted rows."""
    known: dict[str, TestClient] = {}
    with ExitStack() as stack:

        def client_of(name: str) -> TestClient:
            if name not in known:
                known[name] = stack.enter_context(client_in(session, scopes(networks)[name]))
            return known[name]

        yield client_of


def read(client: TestClient, path: str, **params: Any) -> tuple[str, dict[str, Any]]:
    """Return version and feature of an object."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"], answer.json()


def patched(client: TestClient, path: str, **body: Any) -> dict[str, Any]:
    """Change an object in its present version."""
    version, _ = read(client, path)
    answer = client.patch(path, json=body, headers={"If-Match": version})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
