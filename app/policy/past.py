"""What the registry believed at an earlier moment: `known_at` of every question is handled here, once."""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from sqlalchemy.orm import Session

from app.database import look_back
from app.policy.disclosure import require_sign_in


class Timed(Protocol):
    """A question that may name the moment of knowledge."""

    @property
    def known_at(self) -> dt.datetime | None:
        """Moment of knowledge; None is now."""


def in_time(session: Session, asked: Timed) -> None:
    """Let everything this transaction reads from here on be as the registry knew it at `asked.known_at`.

    Call it before the first read. Row scope stays that of today: what the caller may not see now, or what is
    restricted now, is not shown of the past either.

    Raises
    ------
    Unauthorized
        `known_at` is for signed-in callers only.
    """
    if asked.known_at is not None:
        require_sign_in(
            session,
            "Cần đăng nhập để xem dữ liệu theo hiểu biết tại một thời điểm (known_at)",
            "Sign in to ask what the registry knew at an earlier moment (known_at)",
            field="known_at",
        )
    look_back(session, asked.known_at)
