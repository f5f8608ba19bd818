"""Objects as callers are shown them: features with the attributes they are told, and their versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.areas import queries as areas
from app.database import scope_of
from app.errors import Invalid, NotFound
from app.kit.etag import etag_of
from app.kit.page import parse_bbox
from app.objects import queries
from app.objects.attributes import writable
from app.objects.kinds import KINDS, LAYERS, Kind, kind_named
from app.objects.queries import Found, Told, Wanted
from app.objects.schemas import ItemQuestion, ObjectFilter
from app.objects.shapes import to_geojson
from app.objects.states import State
from app.policy.past import in_time

Answer = tuple[str, dict[str, Any]]
"""Version and feature of an object."""


def shown(state: State, columns: frozenset[str]) -> dict[str, Any]:
    """Return the part of a state the caller is told."""
    return {n: v for n, v in state.items() if n in columns}


def version(kind: Kind, found: Found, told: Told) -> str:
    """Return the ETag of an object: of all the caller is told of it, geometry to the bit."""
    columns = told.of(found.mine)
    return etag_of({"layer": kind.layer, "state": shown(found.told, columns), "codes": _codes(found, columns)})


def _codes(found: Found, columns: frozenset[str]) -> dict[str, Any]:
    return {n: v for n, v in found.labels.items() if n in columns}


def feature(kind: Kind, found: Found, told: Told) -> dict[str, Any]:
    """Return an object as a GeoJSON feature with flat attributes; references with the code of what they refer to."""
    columns = told.of(found.mine)
    parts = described(kind, found.told, columns)
    parts["properties"] |= {kind.attribute(n): v for n, v in _codes(found, columns).items()}
    return {"type": "Feature", "id": found.state["id"], "layer": kind.layer, **parts}


def described(kind: Kind, state: State, columns: frozenset[str]) -> dict[str, Any]:
    """Return geometry and properties of a state, as far as the caller is told; a village's point is a property."""
    visible = shown(state, columns)
    shapes = {n: to_geojson(visible[n]) for n in kind.geometries if n in visible}
    flat = {n: v for n, v in visible.items() if n not in shapes} | {n: v for n, v in shapes.items() if n != "geom"}
    return {"geometry": next((s for s in shapes.values() if s is not None), None), "properties": flat}


def not_there(kind: Kind) -> NotFound:
    """Return the one answer for what does not exist and for what the caller may not see."""
    return NotFound(
        "unknown_object",
        f"Không có đối tượng này trong lớp {kind.layer}",
        f"There is no such object in the layer {kind.layer}",
        field="object_id",
    )


def present(session: Session, kind: Kind, object_id: int) -> Answer:
    """Return what a write left of an object.

    Raises
    ------
    NotFound
        The writer does not see it.
    """
    found = queries.one(session, kind, object_id)
    if found is None:
        raise not_there(kind)
    told = queries.told(session, kind)
    return version(kind, found, told), feature(kind, found, told)


def item(session: Session, kind: Kind, object_id: int, asked: ItemQuestion) -> Answer:
    """Return an object's version and feature, in force on `as_of` if that is asked; the look is logged.

    Raises
    ------
    NotFound
        It does not exist, did not on that date or at that moment, or is not the caller's to see.
    """
    in_time(session, asked)
    found = queries.one(session, kind, object_id, asked.as_of)
    if found is None:
        raise not_there(kind)
    queries.saw(session, "item", kind, object_id, [found])
    told = queries.told(session, kind)
    return version(kind, found, told), feature(kind, found, told)


def items(session: Session, layer: str, asked: ObjectFilter, path: str) -> dict[str, Any]:
    """Return one page of a layer as a GeoJSON FeatureCollection; the look is logged.

    Raises
    ------
    NotFound
        Unknown layer or commune.
    Invalid
        A filter or order the layer does not have, or not for this caller.
    """
    kind = kind_named(layer)
    in_time(session, asked)
    matched, found = queries.page(session, kind, _wanted(session, kind, asked))
    queries.saw(session, "list", kind, None, found)
    told = queries.told(session, kind)
    return {
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": len(found),
        "links": asked.links(path, matched),
        "features": [feature(kind, f, told) for f in found],
    }


def _wanted(session: Session, kind: Kind, asked: ObjectFilter) -> Wanted:
    placed = bool(kind.geometries or kind.parent)
    for name, has in (("q", bool(kind.search)), ("bbox", placed), ("commune", placed), ("parent", bool(kind.parent))):
        if getattr(asked, name) is not None and not has:
            raise Invalid(
                "filter_not_here",
                f"Lớp {kind.layer} không lọc được theo {name}",
                f"The layer {kind.layer} cannot be filtered by {name}",
                field=name,
            )
    column, descending = (asked.sort or "id").removeprefix("-"), (asked.sort or "").startswith("-")
    known = sortable(session, kind)
    if column not in known:
        raise Invalid(
            "unknown_sort",
            f"Không sắp xếp được theo cột này; chọn: {', '.join(known)}",
            f"This layer is not sorted by that; choose from: {', '.join(known)}",
            field="sort",
        )
    unit = areas.commune(session, asked.commune, asked.on).id if asked.commune else None
    return Wanted(
        as_of=asked.on,
        q=asked.q,
        bbox=parse_bbox(asked.bbox) if asked.bbox else None,
        unit_id=unit,
        parent=asked.parent,
        sort=column,
        descending=descending,
        limit=asked.limit,
        offset=asked.offset,
    )


def sortable(session: Session, kind: Kind) -> list[str]:
    """Return the columns a list may be ordered by: an order tells, so only what is told of every object in it."""
    known = queries.told(session, kind).of_others
    return sorted(n for n in kind.columns if n in known and n not in kind.geometries)


def layers(session: Session) -> list[dict[str, Any]]:
    """Return the layers with what the caller is told and may write of each."""
    return [_described(session, KINDS[name]) for name in LAYERS]


def _described(session: Session, kind: Kind) -> dict[str, Any]:
    told = queries.told(session, kind)
    adds, changes = (writable(session, kind, adding=adding) for adding in (True, False))
    return {
        "layer": kind.layer,
        "title": {"vi": kind.vi, "en": kind.en},
        "part_of": kind.parent[1] if kind.parent else None,
        "searched": list(kind.search),
        "adds": kind.added and bool(adds & {"geom", "code", *(kind.parent or ())[:1]}),
        "attributes": [
            {
                "name": "geometry" if n == "geom" else n,
                "type": str(c.type.__class__.__name__).lower(),
                "required": not c.nullable and c.server_default is None and n in adds,
                "added": n in adds,
                "changed": n in changes,
            }
            for n, c in kind.columns.items()
            if n in told.of_mine
        ],
        "organisation": kind.organisation,
        "acts_for": list(scope_of(session).organisations),
    }
