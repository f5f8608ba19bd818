"""Answers kept while the database shows the same: what is costly to count and asked for again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

T = TypeVar("T")
_STATE = text("""
    SELECT current_database() || ' ' || pg_current_snapshot(), pg_current_xact_id_if_assigned() IS NOT NULL
""")


def state(session: Session) -> Hashable | None:
    """Return what names all that the transaction sees; None when it has written itself, so that nothing does.

    Two statements whose snapshots are equal see the same rows: which transactions count as committed is all that a
    snapshot says. Transactions bear their numbers across the databases of a cluster, so the database is named too.
    """
    session.flush()
    seen, written = session.execute(_STATE).one()
    return None if written else (str(session.get_bind().engine.url), seen)


class Unchanged(Generic[T]):
    """The last few answers to questions, each as long as the database shows what it showed.

    Parameters
    ----------
    size : int
        How many are kept.
    """

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, session: Session, asked: Hashable, count: Callable[[], T]) -> T:
        """Return the answer kept for `asked`, else what `count` returns now.

        `asked` names everything else the answer depends on: dates, the moment of knowledge, who asks.
        """
        seen = state(session)
        if seen is None:
            return count()
        key = (seen, asked)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        # Statements see what committed in between: what is counted is kept only if nothing did.
        found = count()
        if state(session) == seen:
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
        return found
