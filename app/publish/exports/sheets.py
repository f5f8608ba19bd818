"""Layers for spreadsheets: CSV and XLSX, positions as two columns or WKT, no cell a formula."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import shapely
import xlsxwriter
from pyarrow import csv as arrow_csv
from sqlalchemy.orm import Session

from app.kit.geo import WGS84
from app.publish.exports.about import note
from app.publish.exports.arrow import Rows, read
from app.publish.exports.copying import Advance, silent
from app.publish.exports.selection import GEOMETRY, Selection
from app.publish.exports.statements import shapes
from app.publish.exports.task import Task

SHEET_ROWS = 1_048_575
"""Of an Excel sheet, below its head."""
CELL_CHARACTERS = 32_767
_DEGREES, _METRES = 7, 3  # decimals: 1 cm and 1 mm
_FORMULA = r"^[=+\-@\t\r]"
"""What a spreadsheet would take for a formula when it opens a CSV file."""


def csv(
    session: Session, name: str, selection: Selection, crs: str, advance: Advance = silent
) -> Generator[bytes, None, None]:
    """Yield UTF-8 with the mark without which Excel reads Vietnamese wrong."""
    note(session, name)
    points = set(shapes(session, name, selection)) <= {"POINT"}
    rows = read(session, name, selection, crs)
    with closing(rows.batches()) as found:
        yield b"\xef\xbb\xbf" + _csv(_placed(_empty(rows), crs, points), header=True)
        for batch in found:
            yield _csv(_placed(batch, crs, points), header=False)
            advance(batch.num_rows)


def _csv(batch: pa.RecordBatch, header: bool) -> bytes:
    columns = [_harmless(c) if pa.types.is_string(c.type) else c for c in batch.columns]
    out = pa.BufferOutputStream()
    written = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    arrow_csv.write_csv(written, out, arrow_csv.WriteOptions(include_header=header, quoting_style="needed"))
    return bytes(out.getvalue())


def _harmless(texts: pa.Array) -> pa.Array:
    risky = pc.match_substring_regex(texts, _FORMULA)
    return pc.if_else(risky, pc.binary_join_element_wise("'", texts, ""), texts)


def _empty(rows: Rows) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=rows.schema)


def _placed(batch: pa.RecordBatch, crs: str, points: bool) -> pa.RecordBatch:
    """Return the batch with its geometry as lon, lat (x, y in metres) or as WKT."""
    shape = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
    decimals = _DEGREES if crs == WGS84 else _METRES
    if points:
        x, y = ("lon", "lat") if crs == WGS84 else ("x", "y")
        places = {x: shapely.get_x(shape), y: shapely.get_y(shape)}
        columns = {k: pa.array(v.round(decimals), pa.float64(), from_pandas=True) for k, v in places.items()}
    else:
        columns = {"wkt": pa.array(shapely.to_wkt(shape, rounding_precision=decimals), pa.string())}
    names = [*batch.schema.names[:-1], *columns]
    return pa.RecordBatch.from_arrays([*batch.columns[:-1], *columns.values()], names=names)


def xlsx(task: Task, path: Path) -> None:
    """Write a workbook row by row; more rows than a sheet holds go on on the next one."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False, "nan_inf_to_errors": True, "default_date_format": "yyyy-mm-dd",
               "tmpdir": str(path.parent)}  # fmt: skip
    points = set(task.shapes) <= {"POINT"}
    head = _placed(_empty(task.rows), task.rows.crs, points).schema.names
    too_long = 0
    with xlsxwriter.Workbook(path, options) as book:
        bold = book.add_format({"bold": True})
        sheet, line = _sheet(book, task.name, head, bold), 0  # first, where `hatang load` looks
        about = book.add_worksheet("Thông tin")
        for batch in task.batches():
            for row in _cells(_placed(batch, task.rows.crs, points)):
                if line == SHEET_ROWS:
                    sheet, line = _sheet(book, task.name, head, bold), 0
                line += 1
                for column, value in enumerate(row):
                    if isinstance(value, str) and len(value) > CELL_CHARACTERS:
                        too_long += 1
                    elif value is not None:
                        sheet.write(line, column, value)
        told = task.about | {"cells_too_long": too_long}
        for line, (key, value) in enumerate(told.items()):
            about.write(line, 0, key, bold)
            about.write(line, 1, value if isinstance(value, str | int | None) else orjson.dumps(value).decode())


def _sheet(book: Any, name: str, head: list[str], bold: Any) -> Any:
    number = len(book.worksheets())
    sheet = book.add_worksheet(f"{name} {number}" if number else name)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, head, bold)
    return sheet


def _cells(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(c.to_pylist() for c in batch.columns), strict=True)
