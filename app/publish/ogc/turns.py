"""Each caller's questions by turns, so that a hundred of one caller leave room for everybody else's."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import Request

from app.accounts.credentials import COOKIE, address
from app.errors import TooMany

AT_ONCE = 4
"""Questions of one caller worked on at a time; QGIS asks for six pages at once, and the pool has twenty connections."""
WAITING = 60
"""Further ones that wait; beyond, 429."""


@dataclass
class _Queue:
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    callers: int = 0


_queues: dict[str, _Queue] = {}


async def turn(request: Request) -> AsyncIterator[None]:
    """Wait for a place among the caller's own questions; waiting holds neither a thread nor a connection.

    Raises
    ------
    TooMany
        Too many of the caller's questions wait already.
    """
    caller = _caller(request)
    queue = _queues.setdefault(caller, _Queue())
    if queue.callers >= AT_ONCE + WAITING:
        raise TooMany(
            "too_many_questions",
            f"Quá {AT_ONCE + WAITING} yêu cầu cùng lúc; hãy gửi ít hơn",
            f"More than {AT_ONCE + WAITING} questions at the same time; send fewer",
            retry_after_s=2,
        )
    queue.callers += 1
    try:
        async with queue.places:
            yield
    finally:
        queue.callers -= 1
        if queue.callers == 0:
            # Nobody waits on it: a semaphore belongs to the event loop it was waited on in.
            _queues.pop(caller, None)


def _caller(request: Request) -> str:
    """Return whose question it is: by its credential, true or not, else by its address."""
    said = request.headers.get("authorization") or request.cookies.get(COOKIE) or f"@{address(request)}"
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
