"""Layers as GeoJSON text (RFC 7946, RFC 8142), written by the database."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Literal

import orjson
from psycopg import sql
from sqlalchemy.orm import Session

from app.database import outside
from app.kit.bulk import raw_connection
from app.publish.exports.about import metadata, note
from app.publish.exports.copying import Advance, blocks, silent
from app.publish.exports.selection import Selection, layer
from app.publish.exports.statements import rows, told_columns, told_geometry

Form = Literal["geojson", "geojsonl", "geojsons"]
"""One document; one feature a line; one feature a text sequence, led by RS (application/geo+json-seq)."""
CRS = "OGC:CRS84"
DIGITS = 7  # of a degree: 1 cm (RFC 7946 section 11.2)
FEATURE = b'{"type":"Feature","id":'
"""How every feature begins; nothing inside one can look like it, since quotes are escaped there."""
_PREFIX = {"geojson": ",", "geojsonl": "", "geojsons": "\x1e"}
# A control character is always escaped in JSON text, so this CSV never quotes and every row is one line.
COPY_LINES = "COPY ({}) TO STDOUT (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01', ENCODING 'UTF8')"


def statement(name: str, selection: Selection, prefix: str = "") -> sql.Composed:
    """Return the SELECT of one text column: the GeoJSON feature of every selected object, after `prefix`."""
    chosen = layer(name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(expression, sql.Identifier(key))
        for key, expression in told_columns(chosen, selection)
    )
    return sql.SQL(
        """SELECT {prefix} || '{{"type":"Feature","id":' || o.id || ',"geometry":'
       || coalesce(ST_AsGeoJSON({written}, {digits}), 'null')
       || ',"properties":' || (SELECT row_to_json(row) FROM (SELECT {columns}) row)::text || '}}' {rows}"""
    ).format(
        prefix=sql.Literal(prefix),
        written=told_geometry(chosen, selection),
        digits=sql.Literal(DIGITS),
        columns=columns,
        rows=rows(chosen, selection),
    )


def stream(
    session: Session, name: str, selection: Selection, form: Form = "geojson", advance: Advance = silent
) -> Generator[bytes, None, None]:
    """Yield the layer as a FeatureCollection, or as one feature a line or sequence.

    The closing brackets come only after the last row: a stream that breaks is no valid document.
    """
    note(session, name)
    query = statement(name, selection, _PREFIX[form])
    # COPY is closed before the scope changes back: nothing else can be asked while it runs.
    with outside(session), closing(blocks(raw_connection(session), COPY_LINES, query)) as found:
        if form == "geojson":
            head = orjson.dumps(metadata(session, name, selection, CRS))
            yield b'{"type":"FeatureCollection","name":"' + name.encode() + b'","metadata":' + head + b',"features":['
            # Every row brings its comma from the database; the first one's is cut off here.
            first = next(found, b"")
            yield b"\n" + first[1:]
            advance(first.count(FEATURE))
        for block in found:
            yield block
            advance(block.count(FEATURE))
        if form == "geojson":
            yield b"]}\n"
