"""The few places for exports of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.errors import Unavailable

MAX_EXPORTS = 4
"""Exports at a time in one process: each holds a connection for as long as its reader takes."""
TIMEOUT_S = 1800
RETRY_AFTER_S = 30
_places = threading.BoundedSemaphore(MAX_EXPORTS)


@contextmanager
def export_slot(session: Session) -> Iterator[None]:
    """Hold one of the few places for exports, with a time limit fit for slow readers.

    Raises
    ------
    Unavailable
        All places are taken.
    """
    if not _places.acquire(blocking=False):
        raise Unavailable(
            "exports_busy",
            f"Đang có {MAX_EXPORTS} lượt xuất dữ liệu; hãy thử lại sau ít phút, hoặc xuất nền bằng POST /api/exports",
            f"{MAX_EXPORTS} exports are running; try again in a few minutes, or in the background: POST /api/exports",
            retry_after_s=RETRY_AFTER_S,
        )
    try:
        session.execute(text(f"SET LOCAL statement_timeout = '{TIMEOUT_S}s'"))
        yield
        session.execute(text(f"SET LOCAL statement_timeout = '{settings().statement_timeout_s}s'"))
    finally:
        _places.release()
