"""GeoJSON, GeoPackage, zipped Shapefile and KML → `Table`; what a file is, its content says, not its name."""

from __future__ import annotations

import codecs
import io
import os
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

from app.errors import AppError, Invalid, NotFound
from app.kit import table as tables
from app.kit.geojson import read_geojson
from app.kit.table import Notice, Table, broken, choose, objects
from app.kit.text import thousands_vi

MAX_BYTES = 1 << 30
"""Largest file, and largest sum of an archive's unpacked members."""
MAX_RATIO = 200
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)
"""What zipfile raises on damaged archives."""
_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def read_file(path: Path, sheet: str | None = None, max_bytes: int = MAX_BYTES) -> Table:
    """Read `path` into one table.

    Parameters
    ----------
    sheet : str or None
        Sheet of a workbook, layer of a GeoPackage or KML, shapefile of an archive; may be left out when
        there is only one (a workbook: the first).
    max_bytes : int
        Larger files, and archives that unpack to more, are refused.

    Raises
    ------
    Invalid, NotFound
        Missing, empty, damaged, too large, or of a kind that is not read here.
    """
    data = _bytes(path, max_bytes)
    if data.startswith(b"PK"):
        return _archive(data, sheet, max_bytes)
    if data.startswith(b"SQLite format 3\0"):
        return _ogr(data, "gpkg", sheet)
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n\x1e")
    if start[:1] in (b"{", b"["):
        return read_geojson(data)
    if start[:1] == b"<":
        return _xml(data, sheet)
    if _is_text(data):
        return tables.read_csv(data)
    raise _unknown(data)


def _bytes(path: Path, max_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise OSError("not a file")
        if size > max_bytes:
            raise _too_large(size, max_bytes)
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotFound(
            "file_missing", f"Không đọc được tệp {path}: {reason}", f"Cannot read {path}: {reason}", field="file"
        ) from error
    if not data.strip():
        raise tables.empty(path.suffix.lstrip(".").upper() or path.name)
    return data


def _too_large(size: int, limit: int) -> Invalid:
    return Invalid(
        "file_too_large",
        f"Tệp (sau khi giải nén) quá lớn: {thousands_vi(size)} byte, giới hạn {thousands_vi(limit)}",
        f"The file is too large (unpacked): {size:,} bytes, the limit is {limit:,}",
        field="file",
    )


def _unknown(data: bytes) -> Invalid:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        vi, en = "đây là .xls cũ hoặc tệp có mật khẩu; hãy lưu lại thành .xlsx", (
            "this is an old .xls or a password-protected workbook; save it as .xlsx"
        )  # fmt: skip
    elif data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        vi, en = "đây là một trang HTML (tải xuống bị lỗi?)", "this is an HTML page (a failed download?)"
    else:
        vi, en = "không nhận ra nội dung", "its content is of none of these kinds"
    known = "GeoJSON, GeoPackage, Shapefile (.zip), KML/KMZ, CSV, XLSX"
    return Invalid("file_format", f"Không đọc được tệp: {vi}. Chấp nhận: {known}",
                   f"Cannot read the file: {en}. Accepted: {known}", field="file")  # fmt: skip


def _is_text(data: bytes) -> bool:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    start = data[:65536]
    control = sum(start.count(bytes([byte])) for byte in (*range(1, 9), *range(14, 32)))
    return b"\0" not in data and control <= 8 + len(start) // 100  # a stray control character is a finding of its row


# -- GeoPackage, Shapefile, KML through GDAL ---------------------------------------------------------


def _xml(data: bytes, sheet: str | None) -> Table:
    start = data[:4096].lower()
    if b"<kml" not in start:
        raise _unknown(data)
    if b"<!doctype" in start or b"<!entity" in data.lower():
        raise broken("KML", "không chấp nhận DOCTYPE/ENTITY; DOCTYPE and ENTITY are not accepted")
    if b"</kml>" not in data[-4096:].lower():
        raise broken("KML", "thiếu </kml>; the closing tag is missing")
    return _ogr(data, "kml", sheet)


def _archive(data: bytes, sheet: str | None, max_bytes: int) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            total = sum(m.file_size for m in members)
            if total > max_bytes or (total > 64 << 20 and total > MAX_RATIO * len(data)):
                raise _too_large(total, max_bytes)
            if any(m.flag_bits & 1 for m in members):
                raise Invalid(
                    "file_encrypted", "Tệp nén có mật khẩu", "The archive is password-protected", field="file"
                )
            names = [m.filename for m in members]
            if "[Content_Types].xml" in names and any(n.startswith("xl/") for n in names):
                return tables.read_xlsx(data, sheet)
            kml = [n for n in names if n.lower().endswith(".kml")]
            if kml:
                return _xml(archive.read(sorted(kml, key=lambda n: (n.lower() != "doc.kml", n))[0]), sheet)
            return _shapefile(archive, names, sheet)
    except _ZIP_ERRORS as error:
        raise broken("ZIP/XLSX", str(error)) from error


def _shapefile(archive: zipfile.ZipFile, names: list[str], sheet: str | None) -> Table:
    stems = {Path(n).stem: n[:-4] for n in names if n.lower().endswith(".shp") and not n.startswith("__MACOSX")}
    if not stems:
        raise Invalid(
            "no_shapefile",
            "Tệp nén không chứa .shp nào",
            f"The archive holds no .shp; it holds: {', '.join(names[:10]) or 'nothing'}",
            field="file",
        )
    stem = stems[choose("shapefile", sorted(stems), sheet)]
    parts = {n[len(stem) :].lower(): n for n in names if n.startswith(stem + ".")}
    missing = [p for p in (".shx", ".dbf") if p not in parts]
    if missing:
        listed = ", ".join(missing)
        raise Invalid("shapefile_part", f"Shapefile thiếu phần {listed}", f"The shapefile lacks its {listed}",
                      field="file")  # fmt: skip
    content = {p: archive.read(parts[p]) for p in _SHAPE_PARTS if p in parts}
    encoding, notices = _dbf_encoding(content)
    with tempfile.TemporaryDirectory(prefix="hatang-shp-") as folder:
        for suffix, body in content.items():
            if suffix != ".cpg":  # the encoding is handed to GDAL by us
                Path(folder, "data" + suffix).write_bytes(body)
        found = _read(Path(folder, "data.shp"), "shp", None, encoding)
    found.notices.extend(notices)
    return found


def _dbf_encoding(content: dict[str, bytes]) -> tuple[str, list[Notice]]:
    """Return the codec of the attribute table: as its .cpg says, else UTF-8 or Windows-1258 by its bytes."""
    declared = content.get(".cpg", b"").decode("ascii", "ignore").strip().lower()
    for name in filter(None, (declared, declared.removeprefix("ansi ").replace("windows-", "cp"), f"cp{declared}")):
        try:
            return codecs.lookup(name).name, []
        except LookupError:
            continue
    try:
        content[".dbf"][32:].decode("utf-8")  # the first 32 bytes are the binary header
    except UnicodeDecodeError:
        return "cp1258", tables.decode(content[".dbf"][32:])[1]
    return "utf-8", []


def _ogr(data: bytes, kind: str, sheet: str | None) -> Table:
    with tempfile.TemporaryDirectory(prefix="hatang-ogr-") as folder:
        path = Path(folder, f"data.{kind}")
        path.write_bytes(data)
        with _gdal(kind):
            names = [str(n) for n, geometry in pyogrio.list_layers(path) if geometry is not None]
            names = names or [str(n) for n, _ in pyogrio.list_layers(path)]
        if not names:
            raise tables.empty(kind.upper())
        return _read(path, kind, choose("layer", names, sheet), None)


def _read(path: Path, kind: str, layer: str | None, encoding: str | None) -> Table:
    with _gdal(kind) as messages:
        # As text, times keep their offset: a GeoPackage's are UTC.
        meta, fids, wkb, fields = pyogrio.raw.read(
            path, layer=layer, encoding=encoding, return_fids=True, datetime_as_string=True
        )
    if not len(fids):
        raise tables.empty(kind.upper())
    geometry = None if wkb is None else shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    columns = {str(n): _plain(values) for n, values in zip(meta["fields"], fields, strict=True)}
    first = 0 if kind == "gpkg" or not len(fids) else 1 - int(fids.min())
    return Table(
        kind,
        columns,
        fids.astype(np.int64) + first,
        geometry=geometry,
        unreadable=None if wkb is None else (wkb != None) & shapely.is_missing(geometry),  # noqa: E711
        crs=meta["crs"] or None,
        notices=[Notice("reader_warning", m, m) for m in dict.fromkeys(messages)],
    )


def _plain(values: Any) -> tables.Values:
    """Return a GDAL column as objects, None where null (GDAL gives NaN)."""
    null = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    plain = objects(values.tolist())
    plain[null] = None
    plain[plain == ""] = None
    return plain


@contextmanager
def _gdal(kind: str) -> Iterator[list[str]]:
    """Turn GDAL's exceptions into a refusal and its warnings into a list of messages."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield messages
        except AppError:
            raise
        except (ValueError, RuntimeError) as error:  # pyogrio's own errors are RuntimeErrors
            # GDAL names our temporary copy, which means nothing to the reader.
            raise broken(kind.upper(), str(error).replace(tempfile.gettempdir() + os.sep, "")) from error
    messages.extend(str(w.message) for w in caught)
