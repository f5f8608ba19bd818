"""The objects a ratio counted as one file, a page of them in memory at a time.

As in every export, restricted objects are in none, not even the department's.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, cast, get_args

import orjson
import shapely
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from shapely.geometry import shape
from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.orm import Session

from app.database import outside, reads_all, scope_of
from app.errors import Invalid
from app.kit.files import whole
from app.sharing.definitions import KIND_OF, Definition
from app.sharing.objects import Counted, Selected, page, selected

Format = Literal["csv", "geojson", "xlsx"]
MEDIA_TYPES: Final[dict[str, str]] = {
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COLUMNS: Final = (
    "id", "code", "name", "definition", "counted", "numerator", "denominator", "unknown", "k", "tenants", "why_vi",
    "why_en", "members", "synthetic", "lon", "lat", "geometry",
)  # fmt: skip
_PAGE_ROWS = 2000
_SHEET_ROWS = 1_048_575  # of an Excel sheet, below its head
_BLOCK_BYTES = 64 * 1024
# What a spreadsheet would take for a formula when it opens the file.
_FORMULA = re.compile(r"^[=+\-@\t\r]")


@dataclass(frozen=True)
class Chosen:
    """What is exported, and what the file says about itself."""

    counted: Selected
    about: Definition
    name: str
    head: dict[str, Any]


def select(
    session: Session, indicator: str, as_of: dt.date, wanted: str | None, counted: Counted, commune: str | None
) -> Chosen:
    """Return what to export.

    Raises
    ------
    Invalid, NotFound
        As `app.sharing.objects.counted_objects`.
    """
    with outside(session):
        found = selected(session, indicator, as_of, wanted, counted, commune)
    about = found.ratio.definition
    known_at: dt.datetime | None = session.info.get("known_at")
    head = {
        "title": {"vi": about.title_vi, "en": about.title_en},
        "indicator": indicator,
        "definition": about.code,
        "version": about.version,
        "citation": about.citation,
        "counted": counted,
        "counted_in": about.counted_in,
        "commune": commune,
        "as_of": as_of.isoformat(),
        "known_at": known_at.isoformat() if known_at else None,
        "generated_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "objects": int(found.units.size),
    }
    return Chosen(found, about, f"{indicator}-{about.code}-{counted}-{as_of}", head)


def written(session: Session, chosen: Chosen, form: Format) -> Iterator[bytes]:
    """Return the blocks of the file.

    Raises
    ------
    Invalid
        More objects than an Excel sheet has rows.
    """
    if form == "xlsx" and chosen.counted.units.size > _SHEET_ROWS:
        raise Invalid(
            "too_many_rows",
            f"Excel chỉ chứa {_SHEET_ROWS} dòng, ở đây có {chosen.counted.units.size}; hãy dùng csv",
            f"Excel holds {_SHEET_ROWS} rows and there are {chosen.counted.units.size}; use csv",
            field="form",
        )
    return {"csv": _csv, "geojson": _geojson, "xlsx": _xlsx}[form](session, chosen)


def write(
    session: Session, indicator: str, target: Path, as_of: dt.date, wanted: str | None, counted: str,
    commune: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Write the file `target`, its format by its suffix; it appears only when it is complete.

    Raises
    ------
    Invalid, NotFound
        As `select` and `written`; no such format, indicator or way of being counted.
    """
    form = target.suffix.removeprefix(".").lower()
    for value, choices, name in (
        (form, get_args(Format), "output"), (counted, get_args(Counted), "counted"),
        (indicator, tuple(KIND_OF), "indicator"),
    ):  # fmt: skip
        if value not in choices:
            raise Invalid(
                f"unknown_{name}", f"Không có {value[:40]!r}; chọn: {', '.join(choices)}",
                f"There is no {value[:40]!r}; choose from {', '.join(choices)}", field=name,
            )  # fmt: skip
    chosen = select(session, indicator, as_of, wanted, cast("Counted", counted), commune)
    with whole(target) as file:
        for block in written(session, chosen, cast("Format", form)):
            file.write(block)
    return {"file": str(target), **{k: chosen.head[k] for k in ("definition", "counted", "as_of", "objects")}}


def _features(session: Session, chosen: Chosen) -> Iterator[dict[str, Any]]:
    kind = chosen.counted.survey.kind
    if reads_all(session) or scope_of(session).communes:
        session.execute(sql_select(func.audit.saw("export", f"{kind}s", None, False)))
    with outside(session):
        for offset in range(0, chosen.counted.units.size, _PAGE_ROWS):
            yield from page(session, chosen.counted, offset, _PAGE_ROWS)


def _geojson(session: Session, chosen: Chosen) -> Iterator[bytes]:
    yield b'{"type":"FeatureCollection","name":' + orjson.dumps(chosen.name)
    yield b',"metadata":' + orjson.dumps(chosen.head) + b',"features":['
    separator = b"\n"
    for feature in _features(session, chosen):
        yield separator + orjson.dumps(feature)
        separator = b",\n"
    yield b"]}\n"


def _rows(session: Session, chosen: Chosen) -> Iterator[list[Any]]:
    for feature in _features(session, chosen):
        told, geometry = feature["properties"], feature["geometry"]
        lon, lat = geometry["coordinates"] if geometry and geometry["type"] == "Point" else (None, None)
        values = told | {
            "id": feature["id"],
            "counted": ";".join(told["counted"]),
            "tenants": None if told["tenants"] is None else ";".join(told["tenants"]),
            "members": ";".join(told.get("members") or ()) or None,
            "why_vi": told["why"]["vi"],
            "why_en": told["why"]["en"],
            "lon": lon,
            "lat": lat,
            "geometry": shapely.to_wkt(shape(geometry), rounding_precision=7) if geometry else None,
        }
        yield [_plain(values[column]) for column in COLUMNS]


def _plain(value: Any) -> Any:
    """Return a cell no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    return f"'{text}" if _FORMULA.match(text) else text


def _csv(session: Session, chosen: Chosen) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")  # without it Excel reads Vietnamese wrong
    writer.writerow(COLUMNS)
    for row in _rows(session, chosen):
        writer.writerow(row)
        if buffer.tell() > _BLOCK_BYTES:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _xlsx(session: Session, chosen: Chosen) -> Iterator[bytes]:
    """Yield a workbook of the rows and a sheet that says what they are; written to a file first."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(chosen.counted.survey.kind)
    sheet.append(list(COLUMNS))
    for row in _rows(session, chosen):
        sheet.append(row)
    about = book.create_sheet("metadata")
    for name, value in chosen.head.items():
        about.append([name, _plain(" · ".join(value.values()) if isinstance(value, dict) else value)])
    with tempfile.TemporaryFile() as file:
        book.save(cast("IO[bytes]", file))
        file.seek(0)
        while block := file.read(_BLOCK_BYTES):
            yield block
