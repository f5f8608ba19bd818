"""GeoPackage for QGIS 3.22: version 1.2, our styles as `layer_styles`, the metadata in `gpkg_metadata`."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from app.publish.exports import gis
from app.publish.exports.task import Task

_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT CURRENT_TIMESTAMP)
"""
"""As QGIS makes it itself."""


def write(task: Task, path: Path) -> None:
    """Write one layer; with the style QGIS opens it in, if there is one."""
    title, told = task.about["title"], gis.flat(task.about)
    options = {"IDENTIFIER": title["vi"], "DESCRIPTION": title["en"], "FID": "fid", "GEOMETRY_NAME": "geom"}
    gis.write(task, path, "GPKG", dataset_options={"VERSION": "1.2"}, layer_options=options, layer_metadata=told)
    add_style(path, task.name)


def add_style(path: Path, name: str) -> None:
    """Put the layer's style into the file as its default."""
    qml = style(name)
    if qml is None:
        return
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute(_STYLES)
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', ?)",
            ["layer_styles"],
        )
        file.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
            " styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '')",
            [name, name, qml, "Hatang"],
        )


def style(name: str) -> str | None:
    """Return the QGIS style of a layer."""
    return None
