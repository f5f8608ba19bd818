"""The parameters of a question for features, read whole before the database is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import shapely
from psycopg import sql
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.errors import BadRequest
from app.kit.page import MAX_ID, Instant
from app.publish.ogc import boxes, filters, shapes, systems
from app.publish.ogc.boxes import Days
from app.publish.ogc.properties import Property, properties_of
from app.publish.ogc.refusing import bad, unknown_parameter
from app.publish.ogc.views import GEOMETRY

MAX_LIMIT = 10_000
MAX_OFFSET = 1_000_000
ID = Property("integer", "Số hiệu", "Identifier of the feature")
MAX_LONG = 16_000
Format = Literal["json", "geojson"]


def _at_most(value: Any) -> Any:
    """Take too large a limit for the largest, as the standard wants (requirement 22)."""
    return min(int(value), MAX_LIMIT) if str(value).isdecimal() and len(str(value)) < 40 else value


class Seen(BaseModel):
    """How features are written."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    crs: str | None = Field(None, max_length=200, description="URI of the CRS of the answer; default CRS84")
    known_at: Instant | None = Field(
        None, description="What the registry knew at this moment (ISO 8601 with zone); for signed-in callers"
    )
    datetime: str | None = Field(
        None,
        max_length=100,
        description="Day, instant or interval on which the objects are in force; default today in Viet Nam",
        examples=["2026-01-01", "2025-01-01/.."],
    )
    properties: str | None = Field(None, max_length=2_000, description="Properties to answer, separated by commas")
    f: Format | None = Field(None, description="geojson, the only one")


class TileAsked(BaseModel):
    """A question for a tile: its day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    known_at: Instant | None = Field(None, description="What the registry knew at this moment; for signed-in callers")
    datetime: str | None = Field(None, max_length=100, description="Day or instant; default today in Viet Nam")


class Asked(Seen):
    """A question for the features of a collection; any property of it is a parameter too."""

    limit: Annotated[int, BeforeValidator(_at_most)] = Field(
        100, ge=1, description=f"Features a page; more than {MAX_LIMIT} is {MAX_LIMIT}"
    )
    after: int | None = Field(None, ge=0, le=MAX_ID, description="Features after this identifier; `next` links use it")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Features to skip; slow when large, `next` is not")
    bbox: str | None = Field(None, max_length=300,
                             description="west,south,east,north in bbox-crs; heights of six do not count",
                             examples=["107.0,15.9,108.3,16.8"])  # fmt: skip
    bbox_crs: str | None = Field(None, alias="bbox-crs", max_length=200, description="URI of the CRS of bbox")
    filter: str | None = Field(None, max_length=MAX_LONG, description="CQL2", examples=["code LIKE 'P%'"])
    filter_lang: Literal["cql2-text", "cql2-json"] | None = Field(None, alias="filter-lang", description="Its language")
    filter_crs: str | None = Field(None, alias="filter-crs", max_length=200, description="URI of the CRS of filter")
    sortby: str | None = Field(None, max_length=500, description="Properties, each with + or - before it")


@dataclass(frozen=True)
class Question:
    """What is wanted of a collection: the view `v` holds it."""

    collection: str
    days: Days
    known_at: dt.datetime | None
    crs: str
    shown: Sequence[str]
    where: Sequence[sql.Composable] = ()
    order: Sequence[tuple[str, bool]] = ()
    """Properties and whether they descend; without any, by identifier."""
    limit: int = 1
    offset: int = 0


def single(collection: str, seen: Seen, feature_id: int) -> Question:
    """Return the question for one feature.

    Raises
    ------
    BadRequest
        A parameter that cannot be.
    """
    _refuse_unknown(seen, ())
    where = sql.SQL("v.id = {}").format(sql.Literal(feature_id))
    return Question(collection, *_seen(collection, seen), where=(where,))


def many(collection: str, asked: Asked) -> Question:
    """Return the question for a page of features.

    Raises
    ------
    BadRequest
        A parameter that cannot be.
    """
    properties = properties_of(collection)
    _refuse_unknown(asked, properties)
    where = [_equal(name, text, properties[name]) for name, text in (asked.model_extra or {}).items()]
    box = boxes.area(asked.bbox, systems.system("bbox-crs", asked.bbox_crs))
    if box is not None:
        where.append(_touches(box))
    filter_crs = systems.system("filter-crs", asked.filter_crs)
    if asked.filter is not None:
        parsed = filters.parse(asked.filter, asked.filter_lang)
        where.append(filters.condition(parsed, {"id": ID, **properties}, GEOMETRY, filter_crs))
    order = _order(asked.sortby, properties)
    if asked.after is not None:
        if order:
            raise bad("after", "after_with_sortby", "after không đi cùng sortby; dùng offset",
                      "after does not go with sortby; use offset")  # fmt: skip
        where.append(sql.SQL("v.id > {}").format(sql.Literal(asked.after)))
    return Question(
        collection, *_seen(collection, asked), where=where, order=order, limit=asked.limit, offset=asked.offset
    )


def _seen(collection: str, seen: Seen) -> tuple[Days, dt.datetime | None, str, list[str]]:
    return boxes.days(seen.datetime), seen.known_at, systems.system("crs", seen.crs), _shown(collection, seen)


def _shown(collection: str, seen: Seen) -> list[str]:
    known = properties_of(collection)
    if seen.properties is None:
        return list(known)
    wanted = [p.strip() for p in seen.properties.split(",") if p.strip()]
    for name in wanted:
        if name not in known and name != GEOMETRY:
            raise filters.unknown_property("properties", name, known)
    return [name for name in known if name in wanted]


def _refuse_unknown(seen: Seen, properties: Any) -> None:
    known = [field.alias or name for name, field in type(seen).model_fields.items()]
    for name in seen.model_extra or {}:
        if name not in properties:
            raise unknown_parameter(name, [*known, *properties])


def _equal(name: str, text: Any, meaning: Property) -> sql.Composable:
    """Return the condition of `?name=text`."""
    node: Any = text if isinstance(text, str) else str(text)
    try:
        if meaning.kind in ("integer", "number"):
            node = float(node)
        elif meaning.kind == "boolean":
            node = {"true": True, "false": False}[node]
        elif meaning.kind == "date":
            node = {"date": node}
    except (ValueError, KeyError):
        raise bad(name, "invalid_value", f"{name} cần giá trị kiểu {meaning.kind}",
                  f"{name} takes a value of kind {meaning.kind}") from None  # fmt: skip
    expression = {"op": "=", "args": [{"property": name}, node]}
    try:
        return filters.condition(expression, {name: meaning}, GEOMETRY, systems.CRS84)
    except BadRequest as error:
        error.field = name
        raise


def _touches(box: shapely.Geometry) -> sql.Composable:
    # Row-level security lets the index serve `&&` alone: ST_Intersects is not leakproof.
    return sql.SQL("v.{0} && {1} AND ST_Intersects(v.{0}, {1})").format(sql.Identifier(GEOMETRY), shapes.as_sql(box))


def _order(sortby: str | None, properties: dict[str, Property]) -> list[tuple[str, bool]]:
    found = []
    for part in (sortby or "").split(","):
        name = part.strip().lstrip("+-").strip()
        if not name:
            continue
        if name not in properties and name != "id":
            raise filters.unknown_property("sortby", name, {"id": ID, **properties})
        found.append((name, part.strip().startswith("-")))
    return [] if found == [("id", False)] else found


def next_query(asked: Asked, question: Question, last_id: int) -> str:
    """Return the query of the next page: after the last identifier, or by offset where another order was asked."""
    values = asked.model_dump(mode="json", exclude_unset=True, by_alias=True)
    values |= {"limit": asked.limit}
    values.pop("after", None)
    values.pop("offset", None)
    if question.order:
        values["offset"] = question.offset + question.limit
    else:
        values["after"] = last_id
    return urlencode({k: v for k, v in values.items() if v is not None})
