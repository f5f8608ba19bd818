"""QGIS opens what is exported: every object, every field, Vietnamese as it is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.publish.exports.shapefile import short_names
from app.publish.layers import LAYERS
from tests.publish.province import build
from tests.publish.qgis.pyqgis import PYTHON, installed

SUFFIXES = ("gpkg", "geojson", "fgb", "shp.zip", "kml")


@pytest.mark.skipif(not installed(), reason="PyQGIS is not installed: apt-get install python3-qgis qgis-providers")
def test_qgis_opens_each_file(client: TestClient, session: Session, tmp_path: Path) -> None:
    build(session)
    job: dict[str, str] = {}
    for layer in ("villages", "poles", "ducts"):
        for suffix in SUFFIXES:
            path = tmp_path / f"{layer}.{suffix}"
            path.write_bytes(client.get(f"/api/exports/{layer}.{suffix}").content)
            job[f"{layer}.{suffix}"] = f"/vsizip/{path}" if suffix == "shp.zip" else str(path)
    metric = tmp_path / "metric.gpkg"
    metric.write_bytes(client.get("/api/exports/poles.gpkg", params={"crs": "EPSG:9214"}).content)
    found = opened(job | {"metric": str(metric)}, tmp_path)
    assert found["metric"]["crs"] == "EPSG:9214"
    assert found["metric"]["rows"]["P1"]["wkt"].startswith("Point (554")
    for name, told in found.items():
        layer, _, suffix = name.partition(".")
        assert told["valid"], name
        if name == "metric" or name == "villages.shp.zip":  # the zip holds points apart from areas
            continue
        plain = {f["properties"]["code"]: f["properties"]
                 for f in client.get(f"/api/exports/{layer}.geojson").json()["features"]}  # fmt: skip
        assert (told["count"], set(told["rows"])) == (len(plain), set(plain)), name
        assert told["crs"] == "EPSG:4326", name
        fields = short_names(["id", *LAYERS[layer].properties]) if suffix == "shp.zip" else {}
        for code, row in told["rows"].items():
            for key, value in plain[code].items():
                if isinstance(value, str) and not key.startswith("valid_"):
                    shown = row.get(fields.get(key, key), row.get(key.capitalize()))
                    assert shown == value, (name, code, key)


def opened(job: dict[str, str], home: Path) -> dict[str, Any]:
    env = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8",
           "PATH": os.environ["PATH"]}  # fmt: skip
    script = str(Path(__file__).with_name("in_qgis.py"))
    done = subprocess.run([PYTHON, script], input=json.dumps(job), capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
