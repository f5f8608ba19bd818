"""Surveys and places kept in memory for as long as the registry does not change.

Reading and placing a million poles takes seconds, and every question about sharing needs both. What was read is kept
under the number of the last change it saw and the transactions that were then writing. It is used again while no later
change is there and none of those writers has ended: a change that commits afterwards either has a later number or was
being written. Restricted rows are kept apart: what the department reads is never handed to anybody else.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, TypeVar

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import is_department, reads_all

T = TypeVar("T")
LIMIT_BYTES: Final = 1_000_000_000
"""About four dates of 1,000,000 poles; the least lately used go first."""

_VERSION = text("""
    SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) AS database, audit.version() AS change,
           ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())::text) AS writing
""")


@dataclass(frozen=True)
class _Kept:
    change: int
    writing: frozenset[str]
    value: Any
    size: int


_kept: OrderedDict[Hashable, _Kept] = OrderedDict()
_lock = threading.Lock()


def kept(session: Session, what: tuple[Hashable, ...], read: Callable[[], T]) -> T:
    """Return what `read` reads, from memory while the registry has not changed; nobody may write to it.

    Parameters
    ----------
    what : tuple
        Names what is read, beside the moment of knowledge and whether restricted rows are among it.
    read : callable
        Reads it in the transaction of `session`, as its caller sees the rows.
    """
    if not reads_all(session):
        return read()  # its own part of the rows, which nobody else sees
    session.flush()
    database, change, writing = session.execute(_VERSION).one()
    known_at: dt.datetime | None = session.info.get("known_at")
    key = (database, known_at, is_department(session), *what)
    with _lock:
        found = _kept.get(key)
        if found is not None and found.change == change and found.writing <= set(writing):
            _kept.move_to_end(key)
            value: T = found.value
            return value
    value = read()
    _keep(key, _Kept(change, frozenset(writing), value, _bytes(value)))
    return value


def _keep(key: Hashable, entry: _Kept) -> None:
    with _lock:
        _kept.pop(key, None)
        _kept[key] = entry
        while len(_kept) > 1 and sum(each.size for each in _kept.values()) > LIMIT_BYTES:
            _kept.popitem(last=False)


def _bytes(value: object) -> int:
    """Return the size of the arrays in `value`."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    if isinstance(value, tuple):
        return sum(map(_bytes, value))
    if is_dataclass(value):
        return sum(_bytes(getattr(value, f.name)) for f in fields(value))
    return 0
