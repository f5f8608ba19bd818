"""Reads who looked at restricted objects or at another organisation's network."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.schemas import Look, ViewLogQuestion

_WANTED = """
    FROM audit.view_log v
    LEFT JOIN accounts.account a ON v.actor = 'user:' || a.id
    WHERE (CAST(:actor AS text) IS NULL OR v.actor = :actor) AND (CAST(:layer AS text) IS NULL OR v.layer = :layer)
      AND (CAST(:restricted AS boolean) IS NULL OR v.restricted = :restricted)
"""


def looks(session: Session, asked: ViewLogQuestion) -> tuple[list[Look], int]:
    """Return one page of the log, newest first, and how many looks match in all."""
    wanted = asked.model_dump()
    page = text(f"""SELECT v.id, v.at, v.actor, a.name, v.action, v.layer, v.object_id, v.restricted {_WANTED}
                    ORDER BY v.at DESC, v.id DESC LIMIT :limit OFFSET :offset""")
    matched = session.scalar(text(f"SELECT count(*) {_WANTED}"), wanted)
    return [Look(**row) for row in session.execute(page, wanted).mappings()], int(matched or 0)
