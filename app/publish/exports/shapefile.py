"""Zipped Shapefile: short field names with a list of the real ones, UTF-8, one file for each kind of geometry."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import orjson
import pyarrow as pa
import shapely

from app.publish.exports import gis
from app.publish.exports.selection import GEOMETRY
from app.publish.exports.task import Task

NAME_LENGTH = 10
_KINDS = {"POINT": "point", "LINESTRING": "line", "MULTILINESTRING": "line", "POLYGON": "area", "MULTIPOLYGON": "area"}
_TYPE = {"point": "Point", "line": "LineString", "area": "Polygon"}
_TYPE_IDS = {"point": (0,), "line": (1, 5), "area": (3, 6)}
"""Of shapely. A Shapefile does not tell a line from several."""


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return name → a name of at most ten characters, each another."""
    found: dict[str, str] = {}
    for name in names:
        short, number = name[:NAME_LENGTH], 1
        while short in found.values():
            number += 1
            short = f"{name[: NAME_LENGTH - 1 - len(str(number))]}_{number}"
        found[name] = short
    return found


def write(task: Task, path: Path) -> None:
    """Write the zip; positions that are not told are null shapes of the first file."""
    names = short_names(task.rows.schema.names[:-1])
    schema = pa.schema([f.with_name(names.get(f.name, f.name)) for f in task.rows.schema])
    kinds = list(dict.fromkeys(_KINDS.get(t, "point") for t in sorted(task.shapes))) or ["point"]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for kind in kinds:
            stem = task.name if len(kinds) == 1 else f"{task.name}_{kind}"
            task.done = 0
            _write(task, Path(folder) / f"{stem}.shp", schema, kind, kinds)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for part in sorted(Path(folder).iterdir()):
                packed.write(part, part.name)
            packed.writestr("fields.csv", _fields(names))
            packed.writestr("metadata.json", orjson.dumps(task.about, option=orjson.OPT_INDENT_2))


def _write(task: Task, path: Path, schema: pa.Schema, kind: str, kinds: list[str]) -> None:
    def change(batch: pa.RecordBatch) -> pa.RecordBatch:
        renamed = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        if len(kinds) == 1:
            return renamed
        geometry = batch.column(GEOMETRY).to_numpy(zero_copy_only=False)
        types = shapely.get_type_id(shapely.from_wkb(geometry))
        wanted = sum((types == t for t in _TYPE_IDS[kind]), types == (-1 if kind == kinds[0] else -2))
        return renamed.filter(pa.array(wanted.astype(bool)))

    gis.write(task, path, "ESRI Shapefile", schema=schema, change=change, geometry_type=_TYPE[kind],
              encoding="UTF-8")  # fmt: skip


def _fields(names: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["shapefile", "hatang"])
    writer.writerows((short, name) for name, short in names.items())
    return out.getvalue()
