"""Real clients: ogrinfo and ogr2ogr, OWSLib, QGIS."""

from __future__ import annotations

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
