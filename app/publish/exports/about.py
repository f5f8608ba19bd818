"""What an export says of itself, and what is noted of whoever took it."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version
from typing import Any

from psycopg import sql
from sqlalchemy import func, text
from sqlalchemy import select as sql_select
from sqlalchemy.orm import Session

from app.database import outside, reads_all, scope_of
from app.kit.bulk import raw_connection
from app.kit.page import today
from app.policy import queries as policy
from app.policy.disclosure import signed_in
from app.publish.exports.selection import Selection, layer
from app.publish.exports.statements import source

NO_LICENCE = {
    "vi": "Chưa có giấy phép nào được nêu: chỉ dùng trong công việc với Sở; hỏi Sở trước khi công bố lại",
    "en": "No licence is stated: for work with the department only; ask it before publishing any of this",
}


def note(session: Session, name: str) -> None:
    """Write into the view log that somebody takes a layer of the operators' networks who is no operator."""
    if layer(name).owner and (reads_all(session) or scope_of(session).communes):
        session.execute(sql_select(func.audit.saw("export", name, None, False)))


def licence(session: Session) -> dict[str, Any] | None:
    """Return the licence of what the public is told, for the public; what others are told bears none."""
    if signed_in(session):
        return None
    return policy.parameters(session, "publication", today()).get("open_licence")


def metadata(session: Session, name: str, selection: Selection, crs: str, count: int | None = None) -> dict[str, Any]:
    """Return what a file of the layer says of itself; a stream cannot know its count."""
    chosen = layer(name)
    query = sql.SQL("SELECT EXISTS (SELECT {} AND o.synthetic)").format(source(chosen, selection))
    with outside(session):
        row = raw_connection(session).execute(query).fetchone()
    synthetic = bool(row and row[0])
    known_at: dt.datetime | None = session.info.get("known_at")
    grid_m = session.scalar(text("SELECT publish.grid_m()")) if "grid_m" in chosen.properties else None
    allowed = licence(session)
    return {
        "layer": name,
        "title": {"vi": chosen.title_vi, "en": chosen.title_en},
        "source": "SYNTHETIC: at least some objects; see their property synthetic" if synthetic else "Hatang registry",
        "publisher": f"Hatang {version('hatang')}",
        "as_of": selection.as_of.isoformat(),
        "known_at": known_at.isoformat() if known_at else None,
        "snapshot": snapshot(session, known_at),
        "generated_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "bbox": list(selection.bbox) if selection.bbox else None,
        "crs": crs,
        "grid_m": grid_m,
        "withheld": dict(selection.withheld),
        "synthetic": synthetic,
        "licence": allowed,
        "licence_note": None if allowed else NO_LICENCE,
        "count": count,
    }


def snapshot(session: Session, known_at: dt.datetime | None) -> int | None:
    """Return the number of the last change of the registry that is in what is read: the version of the data.

    None for the public, which is not told when something it may not see has changed, and of an earlier moment, which
    `known_at` names.
    """
    if known_at is not None or not signed_in(session):
        return None
    last: int | None = session.scalar(text("SELECT last FROM audit.moment()"))
    return last
