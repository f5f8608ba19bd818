"""What an answer kept in memory needs to know before it is given: has anything changed since, and who asks.

One question to the database answers both, for all requests that wait at once: while it is under way others gather for
the next. It begins after they came, so that a change committed before a request came, or a session ended by then, is
never missed; and thousands of requests a second cost the database some hundreds of small questions.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any

import asyncpg

from app.accounts.identity import Kind, sha256

log = logging.getLogger("hatang.standing")

Holder = dict[str, Any]
"""What `accounts.holder` says of a secret."""
Secret = tuple[Kind, str]
QUESTION = "SELECT ended, touched, holders FROM publish.standing($1, $2, $3)"
PATIENCE_S = 5.0
PAUSE_S = 1.0
"""After the database did not answer; meanwhile nothing kept is given."""


class Unknown(Exception):
    """The database did not answer."""


class Standing:
    """Counts the changes of each table as one connection sees them; for one event loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._ended: str | None = None
        self._life = 0
        self._changes: Counter[str] = Counter()
        self._waiting: list[tuple[Secret | None, asyncio.Future[Holder | None]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._silent_until = 0.0

    async def ask(self, secret: Secret | None) -> Holder | None:
        """Bring the counts up to this moment; returns who holds `secret`, None without one.

        Raises
        ------
        Unknown
            The database did not answer.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until:
            raise Unknown
        answer: asyncio.Future[Holder | None] = loop.create_future()
        self._waiting.append((secret, answer))
        if self._asking is None:
            self._asking = loop.create_task(self._answer_all())
        return await answer

    def stamp(self, tables: Iterable[str]) -> tuple[int, ...]:
        """Return what stays the same as long as none of `tables` changes."""
        return (self._life, *(self._changes[table] for table in tables))

    async def close(self) -> None:
        """Give the connection back."""
        if self._asking is not None:
            await self._asking
        if self._connection is not None:
            await self._connection.close(timeout=PATIENCE_S)
            self._connection = None

    async def _answer_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            secrets = list(dict.fromkeys(secret for secret, _ in waiting if secret is not None))
            try:
                holders = dict(zip(secrets, await self._question(secrets), strict=True))
            except Exception as error:  # of the network, the server or a schema not migrated: routes tell the caller
                log.warning("kept answers are not used: %s: %s", type(error).__name__, error)
                self._lose()
                for _, answer in waiting:
                    if not answer.done():
                        answer.set_exception(Unknown())
                continue
            for secret, answer in waiting:
                if not answer.done():  # done: its request was cancelled
                    answer.set_result(None if secret is None else holders[secret])
        self._asking = None

    async def _question(self, secrets: list[Secret]) -> list[Holder]:
        if self._connection is None:
            # What was changed without a connection nobody counted: nothing kept before it holds.
            self._life += 1
            self._ended = None
            self._connection = await asyncpg.connect(
                self.url, timeout=PATIENCE_S, command_timeout=PATIENCE_S,
                server_settings={"jit": "off", "timezone": "UTC", "application_name": "hatang tiles"},
            )  # fmt: skip
        kinds = [kind for kind, _ in secrets]
        row = await self._connection.fetchrow(QUESTION, self._ended, kinds, [sha256(s) for _, s in secrets])
        assert row is not None, "a function without conditions returns a row"
        self._ended = row["ended"]
        self._changes.update(row["touched"] or ())
        found: list[Holder] = json.loads(row["holders"] or "[]")
        return found

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        self._silent_until = asyncio.get_running_loop().time() + PAUSE_S
