"""Files that GDAL writes, from Arrow batches: constant memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from app.publish.exports.selection import GEOMETRY
from app.publish.exports.task import Task

GDAL_TYPES = {"POINT": "Point", "LINESTRING": "LineString", "MULTILINESTRING": "MultiLineString",
              "POLYGON": "Polygon", "MULTIPOLYGON": "MultiPolygon"}  # fmt: skip
Change = Callable[[pa.RecordBatch], pa.RecordBatch]
_LABEL = "label"
"""What a place of KML is called by; the driver takes this field out, so it is a copy."""


def write(
    task: Task, path: Path, driver: str, *, schema: pa.Schema | None = None, change: Change | None = None,
    geometry_type: str | None = None, **options: Any,
) -> None:  # fmt: skip
    """Write the rows of `task`, each batch as `change` makes it, whose columns are those of `schema`."""
    columns = schema or task.rows.schema

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in task.batches():
            yield change(batch) if change else batch

    reader = pa.RecordBatchReader.from_batches(columns, batches())
    try:
        pyogrio.write_arrow(
            reader, path, layer=task.name, driver=driver, geometry_name=GEOMETRY, crs=task.rows.crs,
            geometry_type=geometry_type or only_type(task.shapes), **options,
        )  # fmt: skip
    except Exception:
        if task.failed:
            raise task.failed[0] from None
        raise


def only_type(shapes: Mapping[str, int]) -> str:
    """Return GDAL's name of the one geometry type there is; "Unknown" allows any."""
    return GDAL_TYPES.get(next(iter(shapes)), "Unknown") if len(shapes) == 1 else "Unknown"


def flat(about: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata as GDAL keeps it: text by name."""
    return {k: v if isinstance(v, str) else orjson.dumps(v).decode() for k, v in about.items()}


def flatgeobuf(task: Task, path: Path) -> None:
    """Write FlatGeobuf with its spatial index; the metadata stands in its header."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        write(task, path, "FlatGeobuf", layer_metadata=flat(task.about),
              layer_options={"TEMPORARY_DIR": scratch, "TITLE": task.about["title"]["vi"]})  # fmt: skip


def kml(task: Task, path: Path) -> None:
    """Write KML; a place is called by its name, else its code."""
    schema = task.rows.schema
    days = [i for i, f in enumerate(schema) if pa.types.is_date(f.type)]
    called = schema.names.index(next((n for n in ("name", "code") if n in schema.names), "id"))
    texts = [f.with_type(pa.string()) if i in days else f for i, f in enumerate(schema)]
    written = pa.schema([pa.field(_LABEL, pa.string()), *texts])

    def change(batch: pa.RecordBatch) -> pa.RecordBatch:  # KML would write 2026/01/31
        columns = [pc.cast(c, pa.string()) if i in days else c for i, c in enumerate(batch.columns)]
        return pa.RecordBatch.from_arrays([pc.cast(columns[called], pa.string()), *columns], schema=written)

    write(task, path, "KML", schema=written, change=change, dataset_options={"NameField": _LABEL})
