"""One file per format through a whole load; positions to a centimetre."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely

from app.config import ROOT
from app.kit.geo import from_wgs84, geodesic_m
from tests.intake.conftest import Ask, Load, found

LON, LAT = 107.5776, 16.4667
X, Y = 561476.79, 1821306.80
WARDS = ROOT.parent / "shared" / "data" / "hue_wards_2025.geojson"


def at_vector(ask: Ask, table: str = "pole", tolerance_m: float = 0.01) -> None:
    """Hold every stored point against the published test vector."""
    points = ask(f"SELECT ST_X(geom), ST_Y(geom) FROM registry.{table}")
    assert points
    for lon, lat in points:
        assert float(geodesic_m(lon, lat, LON, LAT)) <= tolerance_m


@pytest.mark.parametrize("crs", ["EPSG:9214", "epsg:9214"])
def test_csv_in_vn2000_holds_the_test_vector_to_a_centimetre(load: Load, ask: Ask, province: None, crs: str) -> None:
    report = load(
        "poles", f'Mã cột;Chủ sở hữu;X;Y\nC1;EVN;{X};{Y}\nC2;EVN;"{X}";"1 821 306,80"\n'.replace(".", ","), crs=crs
    )
    assert (report.accepted, report.rows, report.loaded, found(report)) == (True, 2, 2, [])
    assert report.file == "poles.csv"
    at_vector(ask)
    assert ask("SELECT raw_x, raw_y, raw_crs FROM registry.pole") == [(X, Y, "EPSG:9214")] * 2
    assert ask("SELECT source FROM registry.pole LIMIT 1") == [f"poles.csv ({report.sha256[:12]})"]


def test_dms(load: Load, ask: Ask, province: None) -> None:
    report = load("poles", 'code,lon,lat\nA,"107°34\'39.36""E",16°28\'00.12 N\nB,107.5776,"16,4667"\n')
    assert report.accepted
    at_vector(ask)


def test_xlsx(load: Load, ask: Ask, province: None, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["Mã cột", "Kinh độ", "Vĩ độ", "Chiều cao (m)", "Ngày khảo sát"])
    page.append([12, LON, LAT, 8.5, "03/02/2026"])
    book.save(tmp_path / "a.xlsx")
    assert load("poles", tmp_path / "a.xlsx").loaded == 1
    at_vector(ask)
    assert ask("SELECT code, height_m, surveyed_on::text FROM registry.pole") == [("12", 8.5, "2026-02-03")]


@pytest.mark.parametrize("driver", ["GPKG", "ESRI Shapefile", "GeoJSON", "KML"])
@pytest.mark.parametrize("crs", ["EPSG:9214", "EPSG:4326"])
def test_geometry_files_are_transformed_from_their_own_system(
    load: Load, ask: Ask, province: None, tmp_path: Path, driver: str, crs: str
) -> None:
    if driver == "KML" and crs != "EPSG:4326":
        pytest.skip("KML has no coordinate system but WGS84")
    suffix = {"GPKG": "gpkg", "ESRI Shapefile": "shp", "GeoJSON": "geojson", "KML": "kml"}[driver]
    path = tmp_path / f"poles.{suffix}"
    point = shapely.points([[X, Y] if crs == "EPSG:9214" else [LON, LAT]])
    options: dict[str, Any] = {"RFC7946": "NO"} if driver == "GeoJSON" else {}
    field = "Name" if driver == "KML" else "code"
    pyogrio.raw.write(path, shapely.to_wkb(point), [np.array(["C1"], object)], [field], geometry_type="Point", crs=crs,
                      driver=driver, **options)  # fmt: skip
    if suffix == "shp":
        with zipfile.ZipFile(tmp_path / "poles.zip", "w") as target:
            for part in tmp_path.glob("poles.*"):
                if part.suffix != ".zip":
                    target.write(part, part.name)
        path = tmp_path / "poles.zip"
    report = load("poles", path, mapping={"Name": "code"} if driver == "KML" else {})
    assert (report.loaded, found(report)) == (1, [])
    at_vector(ask)
    assert ask("SELECT raw_crs FROM registry.pole") == ["EPSG:9214" if crs == "EPSG:9214" else None]


def test_geojson_in_metres_without_a_system_needs_one(load: Load, ask: Ask, province: None, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    feature = {"type": "Feature", "properties": {"code": "A"}, "geometry": {"type": "Point", "coordinates": [X, Y]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    report = load("poles", path)
    assert found(report) == [(1, "geometry", "metres_in_degrees")]
    assert "--crs EPSG:9214" in report.findings.items()[0].vi
    assert load("poles", path, crs="EPSG:9214").loaded == 1
    at_vector(ask)


@pytest.mark.skipif(not WARDS.exists(), reason="the real communes are not beside this checkout")
def test_the_real_communes_load_as_they_are(load: Load, ask: Ask) -> None:
    report = load("areas", WARDS)
    assert (report.accepted, report.rows, report.loaded, report.updated) == (True, 40, 40, 0)
    assert found(report) == []
    assert {"valid_from_assumed", "level_assumed"} <= {n.code for n in report.notices}
    assert (report.file, report.as_dict()["file"]) == (WARDS.name, WARDS.name)
    assert ask("SELECT DISTINCT level FROM registry.unit") == ["commune"]
    kinds = dict(ask("SELECT kind, count(*) FROM registry.unit WHERE valid_from = '2025-07-01' GROUP BY 1"))
    assert kinds == {"phường": 21, "xã": 19}
    assert ask("SELECT name FROM registry.unit WHERE code = '19753'") == ["Phú Xuân"]
    assert ask("SELECT count(*) FROM registry.unit WHERE ST_Contains(geom, centre)") == [40]
    again = load("areas", WARDS)
    assert (again.loaded, again.updated) == (0, 40)
    assert ask("SELECT count(*) FROM registry.unit") == [40]


def test_wkt_lines_in_csv(load: Load, ask: Ask, province: None) -> None:
    content = 'code,owner,wkt\nK1,VNPT,"LINESTRING (107.50 16.45, 107.51 16.45)"\n'
    assert load("cables", content).loaded == 1
    (length,) = ask("SELECT length_m FROM registry.cable")
    assert length == pytest.approx(float(geodesic_m(107.50, 16.45, 107.51, 16.45)), rel=1e-9)


def test_neighbouring_zone_is_75_km_away() -> None:
    # The mistake the wrong_zone finding is about: 45 minutes of longitude.
    x, y = from_wgs84(LON, LAT, "EPSG:5899")
    assert abs(float(x) - X) > 75_000
    assert abs(float(y) - Y) < 1_000
