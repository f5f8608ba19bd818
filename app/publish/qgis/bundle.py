"""The QGIS project with its data in a GeoPackage beside it: for a machine without a network."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
import pyogrio.raw
from sqlalchemy.orm import Session

from app.areas import queries as areas
from app.coverage.queries import latest_run
from app.kit.geo import WGS84
from app.kit.progress import Report
from app.publish import queries
from app.publish.exports import gpkg, task
from app.publish.exports.selection import select
from app.publish.exports.service import scratch
from app.publish.exports.slots import export_slot
from app.publish.qgis import service
from app.publish.qgis.looks import LOOKS
from app.publish.qgis.project import geopackage, qgz
from app.publish.qgis.styles import reader
from app.publish.service import collection, run_json

DATA: Final = "hatang.gpkg"
PROJECT: Final = "hatang.qgz"
EVERY_VILLAGE: Final = 1_000_000
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
        for name in sorted(service.layers(session) - {service.VERDICTS}):
            work = task.begin(session, name, select(session, name, as_of, None, commune), report=report)
            gpkg.write(work, data)
            told[name] = work.about
        told[service.VERDICTS] = _verdicts(session, data, as_of, commune)
        made = service.project(session, geopackage(DATA), as_of, commune)
        if not told[service.VERDICTS]["count"]:  # no villages, no such table
            made = replace(made, styles=frozenset(n for n in made.styles if LOOKS[n].layer != service.VERDICTS))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as target:
            target.write(data, DATA)
            target.writestr(PROJECT, qgz(made))
            target.writestr("metadata.json", orjson.dumps(told, option=orjson.OPT_INDENT_2))
            target.writestr("DOC-TRUOC.txt", README)
    finally:
        data.unlink(missing_ok=True)
    return told


def _verdicts(session: Session, data: Path, as_of: dt.date, commune: str | None) -> dict[str, Any]:
    """Write the villages with the verdict of the newest run of the default rule; they are few, unlike poles."""
    rule = queries.rule(session, None, as_of).name
    run = latest_run(session, rule, as_of)
    unit_id = areas.commune(session, commune, as_of).id if commune else None
    wanted = queries.Wanted(as_of=as_of, rule=rule, run_id=run.id if run else None, unit_id=unit_id,
                            limit=EVERY_VILLAGE)  # fmt: skip
    matched, features = queries.villages(session, wanted)
    if features:
        meta, _, geometry, columns = pyogrio.raw.read(collection(features, matched=matched))
        pyogrio.raw.write(
            data, geometry, columns, meta["fields"], layer=service.VERDICTS, driver="GPKG", crs=WGS84,
            geometry_type="Unknown", append=data.exists(), layer_options={"GEOMETRY_NAME": "geom", "FID": "fid"},
        )  # fmt: skip
        gpkg.add_styles(data, service.VERDICTS, reader(session, as_of))
    return {"rule": rule, "run": run_json(run), "as_of": as_of.isoformat(), "count": matched}
