"""What was read of the registry, kept in memory or on disk, and brought up to date by the rows that changed since.

Reading and placing a million poles takes seconds, and every question about sharing needs both. What was read is kept
with its moment (the transactions that had ended by then) and the tables it depends on. The next question asks which
rows of these were changed by transactions that had not ended then, so that a change counts whatever number it bears
and however late it commits. None: it is used as it is; a few: they alone are read again, by whoever keeps it and can do
that; else all is read anew. A transaction that has changed something itself is answered with its changes and leaves
nothing behind: they may be undone. Restricted rows are kept apart: what the department reads is never handed to anybody
else.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import is_department, reads_all
from app.sharing import stored
from app.sharing.stored import Columns, Moment

T = TypeVar("T")
Changes = dict[str, NDArray[np.int64]]
"""Ids of the changed rows of each table, ascending; only tables with changes."""
LIMIT_BYTES: Final = 1_000_000_000
"""About four dates of 1,000,000 poles; the least lately used go first."""
MOST_CHANGES: Final = 50_000
"""With more, all is read anew: 5 % of 1,000,000 poles."""

_DATABASE = text("""
    SELECT (SELECT system_identifier FROM pg_control_system()) || ':' || oid FROM pg_database
    WHERE datname = current_database()
""")
_NOW = text("SELECT m.ended::text, m.last, m.last_at::text, m.writing FROM audit.moment() m")
_SINCE = text("""
    SELECT m.ended::text, m.last, m.last_at::text, m.writing, c.tables, c.rows,
           audit.holds(:last, CAST(:last_at AS timestamptz)) AS holds
    FROM audit.moment() m CROSS JOIN (
        SELECT array_agg(table_name) AS tables, array_agg(row_id) AS rows
        FROM audit.changes_since(CAST(:ended AS pg_snapshot), :names, :most)) c
""")


@dataclass(frozen=True)
class _Kept:
    moment: Moment
    value: Any
    size: int


_kept: OrderedDict[Hashable, _Kept] = OrderedDict()
_lock = threading.Lock()


def kept(
    session: Session,
    what: tuple[Hashable, ...],
    tables: tuple[str, ...],
    read: Callable[[], T],
    renew: Callable[[T, Changes], T | None] | None = None,
    *,
    on_disk: bool = False,
) -> T:
    """Return what `read` reads, from memory as far as nothing it depends on has changed; nobody may write to it.

    Parameters
    ----------
    what : tuple
        Names what is read, beside the moment of knowledge and whether restricted rows are among it.
    tables : tuple of str
        The audited tables it depends on, "registry.pole"; also those that row-level security asks.
    read : callable
        Reads it in the transaction of `session`, as its caller sees the rows.
    renew : callable, optional
        Returns an older value with the changed rows read again, None where that is not worth it. For what is known
        now: the past is read anew.
    on_disk : bool
        What `read` returns are columns, to be kept for other processes too (`app.sharing.stored`).
    """
    if not reads_all(session):
        return read()  # its own part of the rows, which nobody else sees
    session.flush()
    known_at: dt.datetime | None = session.info.get("known_at")
    key = (_database(session), known_at, is_department(session), *what)
    lasting = on_disk and known_at is None
    with _lock:
        found = _kept.get(key)
    if found is None and lasting:
        found = _from_disk(key)
    if found is None:
        row, changes = session.execute(_NOW).one(), None
    else:
        row = session.execute(_SINCE, vars(found.moment) | {"names": list(tables), "most": MOST_CHANGES + 1}).one()
        changes = _by_table(row.tables or [], row.rows or []) if row.holds else None
    value: T | None = None
    if found is not None and changes is not None:
        if not changes:
            value = found.value
        elif renew is not None and known_at is None and len(row.rows) <= MOST_CHANGES:
            value = renew(found.value, changes)
    anew = value is None
    if value is None:
        value = read()
    if not row.writing:
        moment = Moment(row.ended, row.last, row.last_at)
        _keep(key, _Kept(moment, value, _bytes(value)))
        if anew and lasting:
            stored.store(key, moment, cast("Columns", value))
    return value


def _from_disk(key: Hashable) -> _Kept | None:
    found = stored.load(key)
    return None if found is None else _Kept(*found, _bytes(found[1]))


def _database(session: Session) -> str:
    """Return which database of which server it is, asked once a connection."""
    info = session.connection().info
    if "database" not in info:
        info["database"] = session.scalars(_DATABASE).one()
    name: str = info["database"]
    return name


def _by_table(tables: list[str], rows: list[int]) -> Changes:
    names, ids = np.array(tables, np.str_), np.array(rows, np.int64)
    return {str(name): np.sort(ids[names == name]) for name in np.unique(names)}


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
