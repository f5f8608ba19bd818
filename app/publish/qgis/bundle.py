"""The QGIS project with its data in a GeoPackage beside it: for a machine without a network."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy.orm import Session

from app.kit.geo import WGS84
from app.kit.progress import Report
from app.publish.exports import gpkg, task
from app.publish.exports.selection import select
from app.publish.exports.service import scratch
from app.publish.exports.slots import export_slot
from app.publish.qgis import service
from app.publish.qgis.looks import EXPORTED_AS
from app.publish.qgis.project import geopackage, qgz

DATA: Final = "hatang.gpkg"
PROJECT: Final = "hatang.qgz"
_BLOCK_BYTES: Final = 256 * 1024
README: Final = f"""Giải nén mọi tệp vào một thư mục, rồi mở {PROJECT} bằng QGIS 3.22 hoặc mới hơn.
Unpack all files into one folder, then open {PROJECT} with QGIS 3.22 or newer.
"""


def streamed(session: Session, as_of: dt.date, commune: str | None) -> Generator[bytes, None, None]:
    """Yield the zip; holds one of the places for exports.

    Raises
    ------
    Unavailable
        All places are taken.
    NotFound, Conflict
        See `write`.
    """
    with export_slot(session), scratch() as here:
        made = here / "hatang-qgis.zip"
        write(session, made, as_of, commune)
        with made.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block


def write(
    session: Session, path: Path, as_of: dt.date, commune: str | None = None, report: Report | None = None
) -> dict[str, Any]:
    """Write the zip at `path`: the layers the caller is told of, whole or of one commune.

    Returns
    -------
    dict
        What each layer holds.

    Raises
    ------
    NotFound, Conflict
        See `app.publish.exports.selection.select`.
    """
    data = path.with_name(f".{path.name}.{DATA}")
    try:
        told: dict[str, Any] = {}
        for name in sorted(EXPORTED_AS.get(name, name) for name in service.layers(session)):
            work = task.begin(session, name, select(session, name, as_of, None, commune), WGS84, report)
            gpkg.write(work, data)
            told[name] = work.about
        made = service.project(session, geopackage(DATA), as_of, commune)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as target:
            target.write(data, DATA)
            target.writestr(PROJECT, qgz(made))
            target.writestr("metadata.json", orjson.dumps(told, option=orjson.OPT_INDENT_2))
            target.writestr("DOC-TRUOC.txt", README)
    finally:
        data.unlink(missing_ok=True)
    return told
