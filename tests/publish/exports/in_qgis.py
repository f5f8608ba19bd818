"""Run by the system's Python, which has PyQGIS: opens the files named on standard input, and tells what it saw.

In: {"name": "path or data source"}; out, on the last line: {"name": {"valid", "count", "crs", "rows": {code: …}}}.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

core: Any = import_module("qgis.core")


def seen(source: str) -> dict[str, Any]:
    """Open a file as a layer; tell its objects by code."""
    layer = core.QgsVectorLayer(source, "layer", "ogr")
    names = [f.name() for f in layer.fields()]
    rows = {}
    for feature in layer.getFeatures():
        told = {n: None if feature[n] is None or str(feature[n]) == "NULL" else str(feature[n]) for n in names}
        rows[str(told.get("code"))] = told | {"wkt": feature.geometry().asWkt(5)}
    return {"valid": layer.isValid(), "count": layer.featureCount(), "crs": layer.crs().authid(), "rows": rows}


def main() -> None:
    """Do the job."""
    core.QgsApplication.setPrefixPath("/usr", True)
    application = core.QgsApplication([], False)
    application.initQgis()
    answer = {name: seen(source) for name, source in json.load(sys.stdin).items()}
    print(json.dumps(answer), flush=True)
    os._exit(0)  # QGIS ends with a crash now and then, after everything was said


main()
