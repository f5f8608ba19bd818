"""Owners with masts around a place, and callers of every kind over the test's uncommitted rows; all SYNTHETIC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import Scope
from app.organisations.models import Organisation
from tests.conftest import client_in
from tests.licensing.conftest import LAT, LON, surroundings

As = Callable[[str], TestClient]
DRAFT: dict[str, Any] = {
    "kind": "tower", "title": "Trạm Vọng Cảnh", "purpose": "Phủ sóng 4G cho thôn", "height_m": 42,
    "technologies": ["4G", "5G"], "geometry": {"type": "Point", "coordinates": [LON, LAT]},
    "in_deployment_list": True,
}  # fmt: skip


def scopes(session: Session) -> dict[str, Scope]:
    found = session.execute(select(Organisation.code, Organisation.id)).all()
    who = {code: key for code, key in found}
    return {
        "mobifone": Scope("user:1", ("operator",), (who["MOBIFONE"],)),
        "vnpt": Scope("user:2", ("operator",), (who["VNPT"],)),
        "viettel": Scope("user:3", ("operator",), (who["VIETTEL"],)),
        "other": Scope("user:4", ("other_department",)),
        "planner": Scope("user:5", ("planner",)),
    }


@pytest.fixture
def acting(session: Session) -> Iterator[As]:
    """Return a function: name of a caller → its HTTP client."""
    surroundings(session)
    known: dict[str, TestClient] = {}
    who = scopes(session)
    with ExitStack() as stack:

        def client_of(name: str) -> TestClient:
            if name not in known:
                known[name] = stack.enter_context(client_in(session, who[name]))
            return known[name]

        yield client_of


def begun(client: TestClient, **changes: Any) -> dict[str, Any]:
    """Make a draft and return it."""
    answer = client.post("/api/applications", json=DRAFT | changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def act(client: TestClient, number: int, action: str, /, **given: Any) -> dict[str, Any]:
    """Do an action that is allowed; return the application."""
    answer = client.post(f"/api/applications/{number}/actions/{action}", json=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: TestClient, number: int, action: str, /, **given: Any) -> tuple[int, str]:
    """Return status and code of an action that is not."""
    answer = client.post(f"/api/applications/{number}/actions/{action}", json=given)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["code"]


def asked(acting: As, **changes: Any) -> dict[str, Any]:
    """Return MOBIFONE's application whose owners are being asked."""
    number = begun(acting("mobifone"), **changes)["id"]
    act(acting("mobifone"), number, "submit")
    act(acting("planner"), number, "precheck")
    return act(acting("planner"), number, "ask_owners")
