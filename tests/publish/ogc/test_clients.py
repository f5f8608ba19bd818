"""Real clients: ogrinfo and ogr2ogr, OWSLib, QGIS."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.publish.ogc.serving import Service

gdal = pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's command-line tools are not installed")


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def credentials(service: Service, role: str) -> tuple[str, ...]:
    return ("-oo", "USERPWD=" + ":".join(service.basic(role)))


@gdal
def test_ogrinfo_lists_what_the_caller_may_read(service: Service) -> None:
    public = run("ogrinfo", f"OAPIF:{service.address}/ogc")
    assert "communes" in public
    assert "poles" not in public
    assert "poles" in run("ogrinfo", *credentials(service, "evn"), f"OAPIF:{service.address}/ogc")


@gdal
def test_ogrinfo_pages_through_poles(service: Service) -> None:
    told = run("ogrinfo", *credentials(service, "evn"), "-oo", "PAGE_SIZE=7", "-al", f"OAPIF:{service.address}/ogc",
               "poles")  # fmt: skip
    assert told.count("OGRFeature(poles)") == 31
    assert "height_m (Real) = 8.5" in told
    assert "POINT (107.5123457 16.41)" in told


@gdal
def test_ogr2ogr_takes_a_box(service: Service, tmp_path: Path) -> None:
    out = tmp_path / "poles.gpkg"
    run("ogr2ogr", *credentials(service, "planner"), "-spat", "107.6", "16.3", "107.6105", "16.5", str(out),
        f"OAPIF:{service.address}/ogc", "poles")  # fmt: skip
    assert "Feature Count: 10" in run("ogrinfo", "-so", str(out), "poles")


def test_owslib_reads_collections_schema_and_pages(service: Service) -> None:
    from owslib.ogcapi.features import Features  # type: ignore[import-untyped]

    client = Features(f"{service.address}/ogc/", headers={"Authorization": f"Bearer {service.basic('evn')[1]}"})
    assert "poles" in client.feature_collections()
    assert client.collection("poles")["title"] == "Cột treo cáp"
    assert client.collection_queryables("poles")["properties"]["height_m"]["x-ogc-unit"] == "m"
    first = client.collection_items("poles", limit=20)
    assert len(first["features"]) == 20
    asked = client.collection_items("poles", bbox=[107.6, 16.3, 107.6055, 16.5], filter="height_m > 8")
    assert {f["properties"]["code"] for f in asked["features"]} == {"Q3", "Q4", "Q5"}
    one = client.collection_item("poles", first["features"][0]["id"])
    assert one["properties"] == first["features"][0]["properties"]


# PyQGIS is the system's: it runs as a program of its own, and says what it found as JSON.
QGIS = """
import json, sys
from qgis.core import (QgsApplication, QgsAuthMethodConfig, QgsFeatureRequest, QgsRectangle, QgsVectorLayer)
address, name, token = sys.argv[1:]
QgsApplication.setPrefixPath('/usr', True)
app = QgsApplication([], False)
app.initQgis()
manager = QgsApplication.authManager()
assert manager.setMasterPassword('test', True)
basic = QgsAuthMethodConfig('Basic')
basic.setName('hatang')
basic.setConfig('username', name)
basic.setConfig('password', token)
assert manager.storeAuthenticationConfig(basic)
def layer(typename, auth):
    told = f"authcfg={basic.id()} " if auth else ""
    return QgsVectorLayer(f"{told}pageSize='7' restrictToRequestBBOX='1' typename='{typename}' url='{address}/ogc'",
                          typename, 'OAPIF')
poles = layer('poles', True)
boxed = [f['code'] for f in poles.getFeatures(QgsFeatureRequest(QgsRectangle(107.6, 16.3, 107.6055, 16.5)))]
poles.setSubsetString('"height_m" >= 9')
high = [f['height_m'] for f in layer('poles', True).getFeatures('"height_m" >= 14')]
everything = layer('poles', True)
print(json.dumps({
    'valid': everything.isValid(), 'count': len(list(everything.getFeatures())), 'boxed': sorted(boxed),
    'fields': [f.name() for f in everything.fields()], 'types': {f.name(): f.typeName() for f in everything.fields()},
    'high': high, 'crs': everything.crs().authid(), 'public': len(list(layer('villages', False).getFeatures())),
    'refused': layer('poles', False).isValid(),
}))
sys.stdout.flush()
import os
os._exit(0)
"""
HAS_QGIS = subprocess.run(["/usr/bin/python3", "-c", "import qgis.core"], capture_output=True).returncode == 0


@pytest.mark.skipif(not HAS_QGIS, reason="PyQGIS is not installed for the system's Python")
def test_qgis_opens_a_layer_with_a_token(service: Service, tmp_path: Path) -> None:
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path),
                   "QGIS_AUTH_DB_DIR_PATH": str(tmp_path), "PATH": "/usr/bin:/bin"}  # fmt: skip
    done = subprocess.run(["/usr/bin/python3", "-c", QGIS, service.address, *service.basic("evn")], timeout=200,
                          capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["valid"]
    assert told["count"] == 31
    assert told["boxed"] == ["Q1", "Q2", "Q3", "Q4", "Q5"]
    assert {"code", "owner", "height_m", "occupants", "surveyed_on"} <= set(told["fields"])
    assert told["high"]
    assert min(told["high"]) >= 14
    assert told["crs"] in ("OGC:CRS84", "EPSG:4326")
    assert told["public"] == 3
    assert told["refused"] is False
