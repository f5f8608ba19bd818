"""/ogc on a real socket over committed rows, for real clients; who asks has a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from app.database import session_scope
from app.main import create_app
from tests.accounts.people import bearer, make_person, token_of
from tests.publish import province
from tests.publish.live import running

HYPHENS = {"bbox_crs": "bbox-crs", "filter_crs": "filter-crs", "filter_lang": "filter-lang"}


@dataclass(frozen=True)
class Service:
    """An address, and accounts by role: (name, token)."""

    address: str
    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)

    def get(self, path: str, role: str = "", **params: Any) -> httpx2.Response:
        """Ask as somebody of a role, or as nobody."""
        headers = bearer(self.accounts[role][1]) if role else {}
        return httpx2.get(f"{self.address}/ogc{path}", headers=headers, timeout=60,
                          params={HYPHENS.get(k, k): v for k, v in params.items()} or None)  # fmt: skip

    def basic(self, role: str) -> tuple[str, str]:
        """Return the user name and password of basic authentication."""
        return self.accounts[role]


@contextmanager
def serving() -> Iterator[Service]:
    """Serve the few objects of tests.publish.province with 30 poles more."""
    with session_scope() as session:
        province.build(session)
        add_poles(session, 30)
        who = {
            "operator": make_person(session, "operator", "VIETTEL"),
            "evn": make_person(session, "operator", "EVN"),
            **{role: make_person(session, role) for role in ("other_department", "planner")},
        }
        accounts = {role: (name, token_of(session, name)) for role, (name, _) in who.items()}
    with running(create_app()) as address:
        yield Service(address, accounts)


def add_poles(session: Any, count: int) -> None:
    from sqlalchemy import text

    session.execute(
        text("""INSERT INTO registry.pole (code, owner_id, height_m, material, geom, source, synthetic, surveyed_on)
                SELECT 'Q' || i, (SELECT id FROM registry.organisation WHERE code = 'EVN'), 6 + i % 10, 'bê tông',
                       ST_SetSRID(ST_MakePoint(107.6 + i * 0.001, 16.4), 4326), 'SYNTHETIC test', true,
                       DATE '2025-01-01' + i
                FROM generate_series(1, :count) i"""),
        {"count": count},
    )
