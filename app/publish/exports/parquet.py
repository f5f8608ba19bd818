"""GeoParquet 1.1: WKB, a row group every 65,536 rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from app.kit.geo import WGS84
from app.publish.exports.gis import GDAL_TYPES
from app.publish.exports.selection import GEOMETRY
from app.publish.exports.task import Task

GROUP_ROWS = 65_536


def write(task: Task, path: Path) -> None:
    """Write the rows; the file's box is known at the end, where Parquet keeps its metadata anyway."""
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    with pq.ParquetWriter(path, task.rows.schema, compression="zstd") as writer:
        held: list[pa.RecordBatch] = []
        for batch in task.batches():
            found = shapely.total_bounds(shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False)))
            box[:2], box[2:] = np.fmin(box[:2], found[:2]), np.fmax(box[2:], found[2:])
            held.append(batch)
            if sum(b.num_rows for b in held) >= GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held), row_group_size=GROUP_ROWS)
                held = []
        if held:
            writer.write_table(pa.Table.from_batches(held), row_group_size=GROUP_ROWS)
        bounds = box.tolist() if np.isfinite(box).all() else None
        writer.add_key_value_metadata({"geo": orjson.dumps(_geo(task, bounds)), "hatang": orjson.dumps(task.about)})


def _geo(task: Task, bounds: list[float] | None) -> dict[str, Any]:
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(GDAL_TYPES[t] for t in task.shapes if t in GDAL_TYPES),
    }
    if task.rows.crs != WGS84:  # without a CRS it is OGC:CRS84, longitude first
        column["crs"] = CRS.from_user_input(task.rows.crs).to_json_dict()
    if bounds:
        column["bbox"] = bounds
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
