"""Readers of GeoJSON, GeoPackage, zipped Shapefile and KML; the files are made by the tests."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from app.errors import AppError
from app.kit.angle import parse_angle
from app.kit.spatial_file import read_file

POINTS = shapely.points([[107.5, 16.4], [107.6, 16.5]])


def ogr(path: Path, driver: str, crs: str | None, names: list[str], **options: Any) -> Path:
    pyogrio.raw.write(path, shapely.to_wkb(POINTS), [np.array(names, object)], ["name"], geometry_type="Point",
                      crs=crs, driver=driver, **options)  # fmt: skip
    return path


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_geojson_collection_stream_and_legacy_crs(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [107.5, 16.4, 3.0]}
    features = [feature(point, code="A", tags=["x", "y"]), feature(None, code="B", extra={"k": 1})]
    path = tmp_path / "a.csv"  # the name lies, the content counts
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::9214"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    table = read_file(path)
    assert (table.format, table.crs, table.rows.tolist()) == ("geojson", "urn:ogc:def:crs:EPSG::9214", [1, 2])
    assert table.columns["tags"].tolist() == ["x;y", None]
    assert table.columns["extra"].tolist() == [None, '{"k": 1}']
    assert table.geometry is not None
    assert shapely.get_x(table.geometry)[0] == 107.5
    for separator in ("\n", "\n\x1e"):
        path.write_text("\x1e" * (len(separator) - 1) + separator.join(map(json.dumps, features)) + "\n")
        assert read_file(path).columns["code"].tolist() == ["A", "B"]


def test_geojson_unreadable_geometry_is_marked_not_fatal(tmp_path: Path) -> None:
    features = [
        feature({"type": "Point", "coordinates": ["x", 1]}),
        feature({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}),
        feature({"type": "Point", "coordinates": [float("nan"), 16.0]}),
        feature(None),
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    table = read_file(path)
    assert table.unreadable is not None
    assert table.unreadable[[0, 1, 3]].tolist() == [True, True, False]


def test_geopackage_keeps_fids_and_chooses_layers(tmp_path: Path) -> None:
    path = ogr(tmp_path / "a.gpkg", "GPKG", "EPSG:9214", ["Huế", "Vỹ Dạ"], layer="one")
    table = read_file(path)
    assert (table.crs, table.rows.tolist(), table.columns["name"].tolist()) == ("EPSG:9214", [1, 2], ["Huế", "Vỹ Dạ"])
    ogr(path, "GPKG", "EPSG:4326", ["a", "b"], layer="two", append=True)
    with pytest.raises(AppError, match="one, two") as caught:
        read_file(path)
    assert caught.value.code == "choose_sheet"
    assert read_file(path, "two").columns["name"].tolist() == ["a", "b"]


@pytest.mark.parametrize(("encoding", "cpg"), [("UTF-8", "UTF-8"), ("CP1252", "1252"), ("CP1252", "windows-1252")])
def test_shapefile_encodings(tmp_path: Path, encoding: str, cpg: str) -> None:
    ogr(tmp_path / "communes.shp", "ESRI Shapefile", "EPSG:4326", ["Huế" if encoding == "UTF-8" else "Huê", "B"],
        encoding=encoding)  # fmt: skip
    (tmp_path / "communes.cpg").write_text(cpg)
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for part in tmp_path.glob("communes.*"):
            target.write(part, f"folder/{part.name}")
    table = read_file(archive)
    assert table.columns["name"][0] == ("Huế" if encoding == "UTF-8" else "Huê")
    assert table.crs is not None
    assert table.rows.tolist() == [1, 2]


def test_shapefile_without_cpg_guesses_by_its_bytes(tmp_path: Path) -> None:
    ogr(tmp_path / "a.shp", "ESRI Shapefile", "EPSG:4326", ["Huế", "B"], encoding="UTF-8")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for suffix in (".shp", ".shx", ".dbf"):
            target.write(tmp_path / f"a{suffix}", f"a{suffix}")
    table = read_file(archive)
    assert (table.columns["name"][0], table.crs) == ("Huế", None)


def test_kml_and_kmz(tmp_path: Path) -> None:
    path = ogr(tmp_path / "a.kml", "KML", "EPSG:4326", ["Huế", "B"])
    table = read_file(path)
    assert (table.format, table.crs, len(table)) == ("kml", "EPSG:4326", 2)
    kmz = tmp_path / "a.kmz"
    with zipfile.ZipFile(kmz, "w") as target:
        target.write(path, "doc.kml")
    assert read_file(kmz).columns.keys() == table.columns.keys()


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("16.4667", 16.4667),
        ("16,4667", 16.4667),
        ("16°28'00.12\"N", 16.4667),
        ("16 28 0.12", 16.4667),
        ("N16d28m0.12s", 16.4667),
        ("107°34′39,36″Đ", 107.5776),
        ("107 34.656 E", 107.5776),
        ("16°28'0.12\"S", -16.4667),
        ("-16.4667", -16.4667),
        ("16°61'0\"", None),
        ("16.5°20'", None),
        ("N16 28 0 S", None),
        ("1821306.8", None),
        ("abc", None),
    ],
)
def test_angles(text: str, degrees: float | None) -> None:
    assert parse_angle(text) == (None if degrees is None else pytest.approx(degrees, abs=1e-9))
