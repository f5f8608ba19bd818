"""An object's history as callers are shown it: who changed which field, from what to what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.objects import changes, queries
from app.objects.changes import Change
from app.objects.kinds import Kind
from app.objects.queries import Found, Told
from app.objects.schemas import HistoryPage
from app.objects.service import described, not_there
from app.objects.shapes import moved_m, to_geojson
from app.objects.states import Difference, diff


def history(session: Session, kind: Kind, object_id: int, asked: HistoryPage, path: str) -> dict[str, Any]:
    """Return one page of the changes the caller may see, newest first; the look is logged.

    Raises
    ------
    NotFound
        No such object, and no history of it that the caller may see.
    """
    matched, found = changes.page(session, kind, object_id, asked.limit, asked.offset)
    _looked(session, kind, object_id, matched)
    told, actors = queries.told(session, kind), changes.who(session, (c.actor for c in found))
    return {
        "layer": kind.layer,
        "object_id": object_id,
        "numberMatched": matched,
        "numberReturned": len(found),
        "links": [link | {"type": "application/json"} for link in asked.links(path, matched)],
        "history": [_entry(kind, change, told, actors) for change in found],
    }


def _looked(session: Session, kind: Kind, object_id: int, matched: int) -> None:
    """Log the look. What was sold is not the former owner's to see any more, its part of the history is."""
    found = queries.one(session, kind, object_id)
    if found is None and (matched == 0 or kind.condition != "TRUE"):
        raise not_there(kind)
    seen = found or Found({}, mine=False, restricted=False, labels={})
    queries.saw(session, "history", kind, object_id, [seen])


def change(session: Session, kind: Kind, object_id: int, change_id: int) -> dict[str, Any]:
    """Return one change with both states in full; the look is logged.

    Raises
    ------
    NotFound
        No such change of this object, or not the caller's to see.
    """
    found = required(session, kind, object_id, change_id)
    _looked(session, kind, object_id, 1)
    told, actors = queries.told(session, kind), changes.who(session, [found.actor])
    columns = told.of(found.mine)
    sides = {"before": found.before, "after": found.after}
    states = {n: described(kind, s, columns) if s is not None else None for n, s in sides.items()}
    return _entry(kind, found, told, actors) | states


def required(session: Session, kind: Kind, object_id: int, change_id: int) -> Change:
    """Return the change.

    Raises
    ------
    NotFound
        No such change of this object, or not the caller's to see.
    """
    found = changes.one(session, kind, object_id, change_id)
    if found is None:
        raise NotFound(
            "unknown_change",
            "Đối tượng này không có thay đổi mang số ấy",
            "This object has no change of that number",
            field="change_id",
        )
    return found


def _entry(kind: Kind, found: Change, told: Told, actors: Mapping[str, Mapping[str, str | None]]) -> dict[str, Any]:
    columns = told.of(found.mine)
    return {
        "id": found.id,
        "at": found.at,
        "operation": found.operation,
        "actor": actors[found.actor],
        "reason": found.reason,
        "batch": found.batch,
        "changes": [_told(kind, d) for d in diff(found.before, found.after) if d.field in columns],
    }


def _told(kind: Kind, difference: Difference) -> dict[str, Any]:
    if difference.field not in kind.geometries:
        return {"field": difference.field, "before": difference.before, "after": difference.after}
    return {
        "field": "geometry" if difference.field == "geom" else difference.field,
        "before": to_geojson(difference.before),
        "after": to_geojson(difference.after),
        "moved_m": moved_m(difference.before, difference.after),
    }
