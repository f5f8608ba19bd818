"""Layers as Arrow record batches out of COPY: no Python object is made per value.

psycopg's rows would cost four times as much. COPY writes text, Arrow's CSV reader gives it the types the database
named, and the geometry comes as hexadecimal WKB that is decoded a column at a time.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from psycopg import sql
from pyarrow import csv
from sqlalchemy.orm import Session

from app.database import outside
from app.kit.bulk import raw_connection
from app.kit.geo import WGS84, from_wgs84
from app.publish.exports.copying import blocks
from app.publish.exports.selection import GEOMETRY, Selection, layer
from app.publish.exports.statements import rows, told_columns, told_geometry

BATCH_BYTES = 4 << 20
_COPY = "COPY ({}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')"
_TYPES = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int32(), 23: pa.int32(), 700: pa.float64(), 701: pa.float64(),
    1700: pa.float64(), 1082: pa.date32(), 1184: pa.timestamp("us", "UTC"),
}  # fmt: skip
"""Of PostgreSQL's type numbers; everything else is text."""


@dataclass(frozen=True)
class Rows:
    """The columns of a layer and its rows; `id`, the properties, and last the geometry as ISO WKB in `crs`."""

    schema: pa.Schema
    crs: str
    batches: Callable[[], Generator[pa.RecordBatch, None, None]]


def read(session: Session, name: str, selection: Selection, crs: str = WGS84) -> Rows:
    """Return the selected objects of a layer as batches; they are read when they are asked for."""
    query = statement(name, selection)
    connection = raw_connection(session)
    described = connection.execute(sql.SQL("SELECT * FROM ({}) q LIMIT 0").format(query)).description or []
    fields = [pa.field(c.name, _TYPES.get(c.type_code, pa.string())) for c in described[:-1]]
    schema = pa.schema([*fields, pa.field(GEOMETRY, pa.binary())])

    def batches() -> Generator[pa.RecordBatch, None, None]:
        # COPY is closed before the scope changes back: nothing else can be asked while it runs.
        with outside(session), closing(blocks(connection, _COPY, query, BATCH_BYTES)) as found:
            for block in found:
                if block:
                    yield from _batches(block, schema, crs)

    return Rows(schema, crs, batches)


def statement(name: str, selection: Selection) -> sql.Composed:
    """Return the SELECT of id, properties and the geometry's hexadecimal WKB."""
    chosen = layer(name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(expression, sql.Identifier(key))
        for key, expression in told_columns(chosen, selection)
    )
    return sql.SQL("SELECT o.id AS id, {}, encode(ST_AsBinary({}), 'hex') AS {} {}").format(
        columns, told_geometry(chosen, selection), sql.Identifier(GEOMETRY), rows(chosen, selection)
    )


def _batches(block: bytes, schema: pa.Schema, crs: str) -> Iterator[pa.RecordBatch]:
    types = {f.name: f.type for f in schema} | {GEOMETRY: pa.string()}
    table = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=schema.names, block_size=len(block) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=types, null_values=[""], true_values=["t"], false_values=["f"], strings_can_be_null=True,
            quoted_strings_can_be_null=False, timestamp_parsers=[csv.ISO8601],
        ),
    )  # fmt: skip
    for part in table.combine_chunks().to_batches():
        geometry = _unhex(part.column(GEOMETRY))
        if crs != WGS84:
            geometry = _projected(geometry, crs)
        yield pa.RecordBatch.from_arrays([*part.columns[:-1], geometry], schema=schema)


def _unhex(texts: pa.StringArray) -> pa.BinaryArray:
    """Return what a whole column of hexadecimal digits says; its bytes are decoded at once."""
    validity, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[: len(texts) + 1]
    raw = binascii.unhexlify(memoryview(data)[: ends[-1]]) if data is not None else b""
    halves = pa.py_buffer((ends // 2).astype(np.int32))
    return pa.Array.from_buffers(pa.binary(), len(texts), [validity, halves, pa.py_buffer(raw)])


def _projected(geometry: pa.BinaryArray, crs: str) -> pa.BinaryArray:
    shapes = shapely.from_wkb(geometry.to_numpy(zero_copy_only=False))
    moved = shapely.transform(shapes, lambda x, y: from_wgs84(x, y, crs), interleaved=False)
    return pa.array(shapely.to_wkb(moved, include_srid=False), pa.binary())
