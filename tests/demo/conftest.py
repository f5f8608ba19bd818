"""One small demo province shared by the tests of this folder, rolled back at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sqlalchemy.orm import Session

from app import database
from app.demo.service import build_demo

SEED, SCALE = 254, 0.03


class Built(NamedTuple):
    session: Session
    counts: dict[str, int]


@pytest.fixture(scope="module")
def built(worker_database: str) -> Iterator[Built]:
    with database.engine().connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.begin_nested()
            database.enter(session, database.system())
            yield Built(session, build_demo(session, SEED, SCALE))
        transaction.rollback()
