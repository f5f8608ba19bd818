"""One columnar table in memory, and its readers for CSV and XLSX; the row numbers are those a person sees."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import openpyxl
from numpy.typing import NDArray

from app.errors import AppError, Invalid
from app.kit.text import nfc

Values = NDArray[np.object_]
Rows = NDArray[np.int64]

FIELD_LIMIT = 16 << 20
"""Longest cell in characters: the WKT of a commune's boundary fits, a gigabyte in one cell does not."""
_DELIMITERS = ";,\t|"
csv.field_size_limit(FIELD_LIMIT)


@dataclass(frozen=True)
class Notice:
    """Something assumed while reading that a person should know."""

    code: str
    vi: str
    en: str


@dataclass
class Table:
    """Columns of one file.

    Attributes
    ----------
    format : str
        csv, xlsx, geojson, gpkg, shp or kml.
    columns : dict of str to ndarray of object, shape (n,)
        Values as the file has them, None where empty.
    rows : ndarray of int64, shape (n,)
        Where each row stands: CSV line, sheet row, feature number from 1, GeoPackage fid.
    geometry : ndarray of shapely geometries, shape (n,), or None
        In `crs`; None where a row has no geometry or an unreadable one.
    unreadable : ndarray of bool, shape (n,), or None
        Rows whose geometry is there but cannot be read.
    crs : str or None
        What the file itself declares ("EPSG:9214" or WKT).
    ragged : dict of int to int
        Row number → number of cells, of rows that do not match the header.
    """

    format: str
    columns: dict[str, Values]
    rows: Rows
    geometry: Values | None = None
    unreadable: NDArray[np.bool_] | None = None
    crs: str | None = None
    ragged: dict[int, int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)


def objects(values: Sequence[Any]) -> Values:
    """Return `values` as a one-dimensional object array, whatever they are."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def broken(what: str, why: str) -> Invalid:
    """Return the error of a file of the right kind that cannot be read to its end."""
    return Invalid(
        "file_broken",
        f"Tệp {what} bị hỏng hoặc bị cắt cụt: {why}",
        f"The {what} file is damaged or cut short: {why}",
        field="file",
    )


def empty(what: str) -> Invalid:
    """Return the error of a file without rows."""
    return Invalid("file_empty", f"Tệp {what} không có dòng dữ liệu nào", f"The {what} file has no rows", field="file")


def read_csv(data: bytes) -> Table:
    """Read delimited text: UTF-8 (with or without BOM), UTF-16 with BOM, else Windows-1258 with a notice.

    Raises
    ------
    Invalid
        No rows, quotes that never close, two columns of one name.
    """
    text, notices = decode(data)
    # The header decides, not the rows: their cells may hold lists such as 0;120;240.
    header = next((line for line in io.StringIO(text, newline="") if any(d in line for d in _DELIMITERS)), "")
    bare = re.sub('"[^"]*"', "", header)
    delimiter = max(_DELIMITERS, key=bare.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records = list(reader)
    except csv.Error as error:
        raise broken("CSV", f"dòng/line {reader.line_num}: {error}") from error
    numbers = np.arange(1, len(records) + 1)
    if reader.line_num != len(records):  # cells with line breaks: count the lines each record takes
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        ends = np.fromiter((reader.line_num for _ in reader), np.int64, len(records))
        numbers = np.concatenate(([0], ends[:-1])) + 1
    return _tabulate("csv", records, numbers, notices)


def decode(data: bytes) -> tuple[str, list[Notice]]:
    """Return the text of `data` and a notice when its encoding had to be guessed."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), []
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        notice = Notice(
            "encoding_assumed",
            "Tệp không phải UTF-8, đọc theo Windows-1258; hãy kiểm tra dấu tiếng Việt",
            "The file is not UTF-8 and was read as Windows-1258; check the Vietnamese marks",
        )
        return data.decode("cp1258", "replace"), [notice]


def read_xlsx(data: bytes, sheet: str | None = None) -> Table:
    """Read one sheet of a workbook: `sheet`, or the first one.

    Raises
    ------
    Invalid
        Damaged workbook, no such sheet, no rows, two columns of one name.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and validations it does not keep
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            names = book.sheetnames
            page = book[choose("sheet", names, sheet or names[0])]
            page.reset_dimensions()  # some writers state a wrong size
            records = [list(row) for row in page.iter_rows(values_only=True)]
        except AppError:
            raise
        except Exception as error:  # openpyxl has no error of its own: whatever it raises, the workbook is unreadable
            raise broken("XLSX", str(error) or type(error).__name__) from error
    table = _tabulate("xlsx", records, np.arange(1, len(records) + 1), [])
    if sheet is None and len(names) > 1:
        others = ", ".join(names[1:])
        table.notices.append(
            Notice(
                "first_sheet",
                f"Chỉ đọc trang tính đầu tiên {names[0]!r}; còn: {others} (--sheet)",
                f"Only the first sheet {names[0]!r} was read; there are also: {others} (--sheet)",
            )
        )
    return table


def choose(what: str, names: Sequence[str], wanted: str | None) -> str:
    """Return `wanted` if it is among `names`, or the only one there is.

    Raises
    ------
    Invalid
        Not there, or several and none was chosen.
    """
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    listed = ", ".join(names)
    code = "choose_sheet" if wanted is None else "unknown_sheet"
    raise Invalid(
        code,
        f"Hãy chọn bằng --sheet một trong: {listed}",
        f"Choose the {what} with --sheet; there are: {listed}",
        field="sheet",
    )


def _tabulate(kind: str, records: list[list[Any]], numbers: Rows, notices: list[Notice]) -> Table:
    filled = np.array([any(r) or any(c is not None and c != "" for c in r) for r in records], bool)
    kept = np.flatnonzero(filled)
    # A sheet may carry a title above its header: the header is the first row with two filled cells.
    widths = [sum(c is not None and str(c).strip() != "" for c in records[i]) for i in kept[:20]]
    head = next((i for i, width in enumerate(widths) if width > 1), 0)
    if len(kept) <= head + 1:
        raise empty(kind.upper())
    header = [nfc(str(c)) if c is not None else "" for c in records[kept[head]]]
    while header and not header[-1]:
        header.pop()
    body = kept[head + 1 :]
    width = len(header)
    rows = [records[i] for i in body]
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ragged: dict[int, int] = {}
    for i in np.flatnonzero(lengths != width):
        extra = rows[i][width:]
        if any(c not in (None, "") for c in extra) or (lengths[i] < width and kind == "csv"):
            ragged[int(numbers[body[i]])] = int(lengths[i])
        rows[i] = (list(rows[i]) + [None] * width)[:width]
    columns = {}
    for name, values in zip(_named(header), zip(*rows, strict=True), strict=True):
        columns[name] = _blank_to_none(objects(values))
    for name in [n for n in columns if n.startswith("#") and all(v is None for v in columns[n])]:
        del columns[name]
    return Table(kind, columns, numbers[body], ragged=ragged, notices=notices)


def _named(header: list[str]) -> list[str]:
    names = [name or f"#{i + 1}" for i, name in enumerate(header)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        listed = ", ".join(twice)
        raise Invalid("duplicate_column", f"Tên cột lặp lại: {listed}", f"Column names occur twice: {listed}",
                      field=twice[0])  # fmt: skip
    return names


def _blank_to_none(values: Values) -> Values:
    values[values == ""] = None
    return values
