"""GeoPackage for QGIS 3.22: version 1.2, our styles as `layer_styles`, the metadata in `gpkg_metadata`."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from pathlib import Path

from app.publish.exports import gis
from app.publish.exports.task import Task
from app.publish.qgis.sld import sld
from app.publish.qgis.styles import Reader, of_layer, reader

_STYLES = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
"""
"""As QGIS makes it itself."""


def write(task: Task, path: Path) -> None:
    """Write one layer with its styles for QGIS; a file that is there already gets one layer more."""
    title, told = task.about["title"], gis.flat(task.about)
    options = {"IDENTIFIER": title["vi"], "DESCRIPTION": title["en"], "FID": "fid", "GEOMETRY_NAME": "geom"}
    gis.write(task, path, "GPKG", dataset_options={"VERSION": "1.2"}, layer_options=options, layer_metadata=told)
    add_styles(path, task.name, reader(task.session, dt.date.fromisoformat(task.about["as_of"])))


def add_styles(path: Path, name: str, caller: Reader) -> None:
    """Put the layer's styles into the file; QGIS opens the layer in the one of its own name."""
    found = [
        (name, style, qml, sld(style) or "", default, title) for style, title, qml, default in of_layer(name, caller)
    ]
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute(_STYLES)
        file.execute(
            "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )
        file.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
            " styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, 'geom', ?, ?, ?, ?, ?, '')",
            found,
        )
