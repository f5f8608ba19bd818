"""Two organisations and a restricted site around one point, and callers of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import access
from app.database import Scope, session_scope
from app.main import create_app
from app.organisations.models import Organisation
from tests.sharing import registry

LON, LAT = 107.55, 16.45
Caller = Callable[[Scope], TestClient]


@pytest.fixture
def committed(own_database: str) -> str:
    """Return the URL of a database that holds `surroundings`; questions are logged in transactions of their own."""
    with session_scope() as session:
        surroundings(session)
    return own_database


def surroundings(session: Session) -> None:
    """VNPT: one with room at 300 m, one of unknown capacity at 400 m; VIETTEL's own; a restricted one with room."""
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    mast = {"height_m": 45.0, "tenant_capacity": 3}
    shy: dict[str, Any] = {"name": "Đồi Vọng Cảnh", "address": "KHONGDUOCLO", "owner": "VNPT", "synthetic": True}
    registry.site(session, "VNROOM", LON + 0.0028, LAT, "VNPT", structure=mast, **shy)
    registry.site(session, "VNDARK", LON - 0.0037, LAT, "VNPT", structure={"height_m": 45.0}, **shy)
    registry.site(session, "VTOWN", LON, LAT + 0.001, "VIETTEL VNPT", owner="VIETTEL", structure=mast)
    registry.site(session, "HUSH", LON, LAT - 0.001, "VNPT", owner="VNPT", structure=mast, restricted=True)


def operator(session: Session, *codes: str, actor: str = "user:7") -> Scope:
    """Return the scope of an operator's account."""
    ids = session.scalars(select(Organisation.id).where(Organisation.code.in_(codes)))
    return Scope(actor, ("operator",), tuple(ids))


@pytest.fixture
def calling(committed: str) -> Iterator[Caller]:
    """Return a function from a scope to an HTTP client whose requests are transactions of their own."""
    with ExitStack() as stack:

        def client(scope: Scope) -> TestClient:
            def entered() -> Iterator[Session]:
                with session_scope(scope) as session:
                    yield session

            app = create_app()
            app.dependency_overrides[access.request_session] = entered
            return stack.enter_context(TestClient(app))

        yield client
