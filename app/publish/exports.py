"""Layers streamed out of COPY as GeoJSON: constant memory, whatever the number of rows.

COPY takes no bind parameters, so values pass through `psycopg.sql.Literal` and nothing else. A caller gets the objects
row-level security shows it, each with the attributes it may be told; restricted objects and whatever belongs to them
are in no export, not even the department's, nor in a count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import func, text
from sqlalchemy import select as sql_select
from sqlalchemy.orm import Session

from app.areas import queries as areas
from app.database import outside, reads_all, scope_of
from app.errors import Conflict, NotFound, Unavailable
from app.kit.bulk import raw_connection
from app.kit.page import BBox, parse_bbox
from app.policy import disclosure
from app.policy.disclosure import Level
from app.publish.layers import LAYERS, Layer

Format = Literal["geojson", "geojsonl"]
GEOMETRY = "geometry"
DIGITS = 7  # of a degree: 1 cm (RFC 7946 section 11.2)
FEATURE = b'{"type":"Feature","id":'
"""How every feature begins; nothing inside one can look like it, since quotes are escaped there."""
_BLOCK_BYTES = 64 * 1024
# A control character is always escaped in JSON text, so this CSV never quotes and every row is one line.
_COPY = "COPY ({}) TO STDOUT (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01', ENCODING 'UTF8')"


@dataclass(frozen=True)
class Selection:
    """Which objects of a layer: in force on `as_of`, touching `bbox` (degrees), belonging to commune `unit_id`.

    `withheld` names the attributes the caller is not told of objects that are not its own. The default tells
    everything, which is for the department alone: `select` fills it in.
    """

    as_of: dt.date
    bbox: BBox | None = None
    unit_id: int | None = None
    withheld: Mapping[str, Level] = field(default_factory=dict)


def layer(name: str) -> Layer:
    """Return the layer `name`.

    Raises
    ------
    NotFound
        No such layer; the message lists those there are.
    """
    if name not in LAYERS:
        known = ", ".join(sorted(LAYERS))
        raise NotFound(
            "unknown_layer",
            f"Không có lớp {name[:40]!r}; hiện có: {known}",
            f"There is no layer {name[:40]!r}; there are: {known}",
            field="layer",
            suggestions=areas.nearest(name, {n: LAYERS[n].title_en for n in LAYERS}),
        )
    return LAYERS[name]


def select(
    session: Session, name: str, as_of: dt.date, bbox: str | None = None, commune: str | None = None
) -> Selection:
    """Return the selection, the commune looked up as it was on `as_of`.

    Raises
    ------
    NotFound
        Unknown layer or commune.
    Unauthorized
        Nobody is signed in, and the public is told nothing of the layer's objects.
    Conflict
        The objects can only be told by position and the commune has no boundary yet.
    """
    wanted = layer(name)
    attributes = (*wanted.properties, GEOMETRY)
    withheld = disclosure.withheld(session, name, attributes)
    if len(withheld) == len(attributes):
        disclosure.require_sign_in(
            session,
            f"Lớp {name!r} không công bố: hãy đăng nhập; lớp sites_blurred cho biết số vị trí trạm theo ô lưới",
            f"The layer {name!r} is not public: sign in; sites_blurred tells how many sites lie in each grid cell",
            field="layer",
        )
    box = parse_bbox(bbox) if bbox else None
    if commune is None:
        return Selection(as_of, box, None, withheld)
    unit = areas.commune(session, commune, as_of)
    if wanted.membership is None and unit.geom is None:
        raise Conflict(
            "commune_without_boundary",
            f"{unit.name} chưa có ranh giới: nạp bằng hatang load areas, hoặc dùng bbox",
            f"{unit.name} has no boundary yet: load it with hatang load areas, or use bbox",
            field="commune",
        )
    return Selection(as_of, box, unit.id, withheld)


def statement(name: str, selection: Selection, prefix: str = "") -> sql.Composed:
    """Return the SELECT of one text column: the GeoJSON feature of every selected object, after `prefix`."""
    chosen = layer(name)
    values = _values(selection)
    bounded = selection.bbox is not None or selection.unit_id is not None
    ids = sql.SQL("IN (SELECT o.id {})").format(_source(chosen, selection)) if bounded else sql.SQL("IS NOT NULL")
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_told(chosen, selection, key, expression), sql.Identifier(key))
        for key, expression in chosen.properties.items()
    )
    return sql.SQL(
        """SELECT {prefix} || '{{"type":"Feature","id":' || o.id || ',"geometry":'
       || coalesce(ST_AsGeoJSON({written}, {digits}), 'null')
       || ',"properties":' || (SELECT row_to_json(row) FROM (SELECT {columns}) row)::text || '}}'
  FROM {source} o {joins} WHERE {where} ORDER BY o.id"""
    ).format(
        prefix=sql.Literal(prefix),
        written=_told(chosen, selection, GEOMETRY, chosen.written or chosen.geometry),
        digits=sql.Literal(DIGITS),
        columns=columns,
        source=_from(chosen, values),
        joins=sql.SQL(chosen.joins).format(**values, chosen=ids),
        where=_where(chosen, selection),
    )


def _values(selection: Selection) -> dict[str, sql.Composable]:
    as_of = sql.SQL("{}::date").format(sql.Literal(selection.as_of.isoformat()))
    return {"as_of": as_of, "unit_id": sql.Literal(selection.unit_id)}


def _told(chosen: Layer, selection: Selection, name: str, expression: str) -> sql.Composable:
    """Return `expression`, or null where the caller is not told it."""
    if name not in selection.withheld:
        return sql.SQL(expression)
    if chosen.owner is None:
        return sql.SQL("NULL")
    mine = "(SELECT registry.my_organisations())::bigint[]"
    return sql.SQL(f"CASE WHEN {chosen.owner} = ANY ({mine}) THEN {expression} END")


def _from(chosen: Layer, values: Mapping[str, sql.Composable]) -> sql.Composable:
    return sql.SQL(chosen.source).format(**values) if chosen.source else sql.Identifier(chosen.table)


def _source(chosen: Layer, selection: Selection) -> sql.Composed:
    return sql.SQL("FROM {} o WHERE {}").format(_from(chosen, _values(selection)), _where(chosen, selection))


def _where(chosen: Layer, selection: Selection) -> sql.Composed:
    values, geometry = _values(selection), sql.SQL(chosen.geometry)
    parts: list[sql.Composable] = [sql.SQL(chosen.condition)]
    if chosen.source is None:
        parts.append(sql.SQL("registry.in_force(o.valid_from, o.valid_to, {as_of})").format(**values))
    if selection.bbox is not None:
        corners = sql.SQL(", ").join(sql.Literal(v) for v in selection.bbox)
        # Row-level security lets the index serve `&&` alone: ST_Intersects is not leakproof.
        box = sql.SQL("ST_MakeEnvelope({}, 4326)").format(corners)
        parts.append(sql.SQL("{0} && {1} AND ST_Intersects({0}, {1})").format(geometry, box))
    if selection.unit_id is not None:
        # Read by its parts, so that the object's own index is used; IN makes an object on a seam count once.
        lies_in = (
            "o.id IN (SELECT i.id FROM unit_part p JOIN {table} i ON p.geom && i.geom AND ST_Intersects(p.geom, i.geom)"
            " WHERE p.unit_id = {unit_id})"
        )
        belongs = sql.SQL(chosen.membership or lies_in)
        parts.append(belongs.format(**values, table=sql.Identifier(chosen.table)))
    return sql.SQL(" AND ").join(parts)


def count(session: Session, name: str, selection: Selection) -> int:
    """Return how many objects are selected."""
    query = sql.SQL("SELECT count(*) {}").format(_source(layer(name), selection))
    with outside(session):
        row = raw_connection(session).execute(query).fetchone()
    return int(row[0]) if row else 0


def note(session: Session, name: str) -> None:
    """Write into the view log that somebody takes a layer of the operators' networks who is no operator."""
    if layer(name).owner and (reads_all(session) or scope_of(session).communes):
        session.execute(sql_select(func.audit.saw("export", name, None, False)))


def metadata(session: Session, name: str, selection: Selection) -> dict[str, object]:
    """Return the foreign member "metadata" that heads an export; a stream cannot know its count."""
    chosen = layer(name)
    query = sql.SQL("SELECT EXISTS (SELECT {} AND o.synthetic)").format(_source(chosen, selection))
    row = raw_connection(session).execute(query).fetchone()
    synthetic = bool(row and row[0])
    known_at: dt.datetime | None = session.info.get("known_at")
    grid_m = session.scalar(text("SELECT publish.grid_m()")) if "grid_m" in chosen.properties else None
    return {
        "title": {"vi": chosen.title_vi, "en": chosen.title_en},
        "source": "SYNTHETIC: at least some objects; see their property synthetic" if synthetic else "Hatang registry",
        "as_of": selection.as_of.isoformat(),
        "bbox": list(selection.bbox) if selection.bbox else None,
        "generated_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "known_at": known_at.isoformat() if known_at else None,
        "grid_m": grid_m,
        "withheld": dict(selection.withheld),
        "synthetic": synthetic,
        "licence": None,
        "count": None,
    }


def stream(session: Session, name: str, selection: Selection, form: Format = "geojson") -> Generator[bytes, None, None]:
    """Yield the layer as a FeatureCollection, or as one feature a line.

    The closing brackets come only after the last row: a stream that breaks is no valid document.
    """
    note(session, name)
    with outside(session):
        yield from _stream(session, name, selection, form)


def _stream(session: Session, name: str, selection: Selection, form: Format) -> Generator[bytes, None, None]:
    if form == "geojsonl":
        yield from _blocks(raw_connection(session), statement(name, selection))
        return
    head = orjson.dumps(metadata(session, name, selection))
    yield b'{"type":"FeatureCollection","name":"' + name.encode() + b'","metadata":' + head + b',"features":['
    # Every row brings its comma from the database; the first one's is cut off here.
    blocks = _blocks(raw_connection(session), statement(name, selection, prefix=","))
    first = next(blocks, b"")
    yield b"\n" + first[1:]
    yield from blocks
    yield b"]}\n"


def _blocks(connection: psycopg.Connection, query: sql.Composed) -> Generator[bytes, None, None]:
    try:
        # A savepoint: when the reader leaves, the note that it looked is kept.
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(sql.SQL(_COPY).format(query)) as copy:
            rows: list[bytes | bytearray | memoryview] = []
            size = 0
            while row := copy.read():
                rows.append(row)
                size += len(row)
                if size > _BLOCK_BYTES:
                    yield b"".join(rows)
                    rows, size = [], 0
            yield b"".join(rows)
    except psycopg.OperationalError as error:
        raise Unavailable(
            "export_broken_off",
            "Xuất dữ liệu bị dừng giữa chừng: quá thời gian hoặc mất kết nối cơ sở dữ liệu",
            "The export was broken off: out of time, or the database went away",
        ) from error
