"""Every format: what real readers find in it, for whom, and what it says of itself."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.kit.geo import from_wgs84
from app.publish.exports.formats import FORMATS
from app.publish.exports.shapefile import NAME_LENGTH, short_names
from tests.publish.callers import LAYERS, as_caller, everybody
from tests.publish.province import NASTY, build
from tests.registry import two_networks
from tests.registry.two_networks import Networks

READ_BY_GDAL = ("geojson", "geojsonl", "geojsons", "gpkg", "fgb", "kml", "shp.zip")
FORMULA = '=HYPERLINK("http://x","y")'


@pytest.fixture
def province(session: Session) -> dict[str, Any]:
    return build(session)


@pytest.fixture
def networks(session: Session) -> Networks:
    return two_networks.build(session)


def get(client: TestClient, name: str, **params: str) -> bytes:
    answer = client.get(f"/api/exports/{name}", params=params)
    assert answer.status_code == 200, answer.text
    assert not list((settings().var_dir / "exports").glob("part-*")), "nothing temporary stays"
    return answer.content


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_of_every_layer_has_as_many_objects(
    client: TestClient, province: dict[str, Any], tmp_path: Path, suffix: str
) -> None:
    for layer in ("poles", "villages", "communes", "ducts", "cables", "sites", "sites_blurred", "village_coverage"):
        wanted = len(json.loads(get(client, f"{layer}.geojson"))["features"])
        path = put(tmp_path, f"{layer}.{suffix}", get(client, f"{layer}.{suffix}"))
        assert count(path, suffix) == wanted, layer


def count(path: Path, suffix: str) -> int:
    if suffix in READ_BY_GDAL:
        source = f"/vsizip/{path}" if suffix == "shp.zip" else path
        return sum(
            len(pyogrio.raw.read(source, layer=name)[2])
            for name, _ in pyogrio.list_layers(source)
            if name != "layer_styles"
        )
    if suffix == "parquet":
        return int(pq.read_metadata(path).num_rows)
    if suffix == "xlsx":
        return len(sheet(path))
    return len(list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))) - 1


@pytest.mark.parametrize("suffix", READ_BY_GDAL)
def test_gdal_of_this_machine_reads_text_and_places(
    client: TestClient, province: dict[str, Any], tmp_path: Path, suffix: str
) -> None:
    if shutil.which("ogr2ogr") is None:
        pytest.skip("no ogr2ogr: apt-get install gdal-bin")
    path = put(tmp_path, f"sites.{suffix}", get(client, f"sites.{suffix}"))
    source = f"/vsizip/{path}" if suffix == "shp.zip" else str(path)
    done = subprocess.run(["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", source, "sites"], capture_output=True, check=True)
    (site,) = json.loads(done.stdout)["features"]
    properties = {k.lower(): v for k, v in site["properties"].items()}
    assert properties["name"].replace("\r", "") == NASTY
    assert properties["code"] == "S1"
    assert site["geometry"]["coordinates"] == pytest.approx([107.53, 16.43])


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "parquet", "csv", "xlsx", "shp.zip"])
def test_vn2000_to_the_centimetre(client: TestClient, session: Session, tmp_path: Path, suffix: str) -> None:
    """The vector of domain.md: without the datum shift it is 225 m off."""
    session.execute(
        text("INSERT INTO registry.pole (code, geom) VALUES ('V', ST_SetSRID(ST_MakePoint(107.5776, 16.4667), 4326))")
    )
    path = put(tmp_path, f"poles.{suffix}", get(client, f"poles.{suffix}", crs="epsg:9214"))
    if suffix in READ_BY_GDAL:
        meta, _, shapes, _ = pyogrio.raw.read(f"/vsizip/{path}" if suffix == "shp.zip" else path, layer="poles")
        assert suffix == "shp.zip" or meta["crs"] == "EPSG:9214"
        place = shapely.from_wkb(shapes[0])
        x, y = place.x, place.y
    elif suffix == "parquet":
        assert json.loads(pq.read_metadata(path).metadata[b"geo"])["columns"]["geometry"]["crs"]["id"]["code"] == 9214
        place = shapely.from_wkb(pq.read_table(path).column("geometry")[0].as_py())
        x, y = place.x, place.y
    else:
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))) if suffix == "csv" else sheet(path)
        x, y = float(rows[0]["x"]), float(rows[0]["y"])
    assert (x, y) == pytest.approx((561476.79, 1821306.80), abs=0.01)
    assert from_wgs84(107.5776, 16.4667, "EPSG:9214") == pytest.approx((x, y), abs=0.001)


def sheet(path: Path) -> list[dict[str, Any]]:
    head, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def test_what_cannot_be_asked(client: TestClient, province: dict[str, Any]) -> None:
    for name, params, status, code in (
        ("poles.dwg", {}, 404, "unknown_format"), ("poles.zip", {}, 404, "unknown_format"),
        ("poles.GPKG.exe", {}, 404, "unknown_format"), ("..%2F..%2Fetc.gpkg", {}, 404, "not_found"),
        ("....gpkg", {}, 404, "unknown_format"), ("x'; DROP TABLE pole.csv", {}, 404, "unknown_layer"),
        ("poles.geojson", {"crs": "EPSG:9214"}, 400, "crs_not_for_format"),
        ("poles.kml", {"crs": "EPSG:9214"}, 400, "crs_not_for_format"),
        ("poles.gpkg", {"crs": "EPSG:3857"}, 400, "unknown_crs"), ("poles.csv", {"bundle": "rar"}, 422, None),
    ):  # fmt: skip
        answer = client.get(f"/api/exports/{name}", params=params)
        assert (answer.status_code, answer.json()["code"]) == (status, code or answer.json()["code"]), name
    assert client.get("/api/exports/poles.dwg").json()["supported"] == list(FORMATS)


def test_geopackage_is_of_version_1_2_and_says_what_it_is(
    client: TestClient, province: dict[str, Any], tmp_path: Path
) -> None:
    path = put(tmp_path, "poles.gpkg", get(client, "poles.gpkg"))
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (10200,)
        assert file.execute("SELECT count(*) FROM gpkg_metadata").fetchone() == (1,)
    file.close()
    told = pyogrio.read_info(path, layer="poles")["layer_metadata"]
    assert (told["as_of"], told["synthetic"], told["licence"]) == (told["as_of"], "true", "null")
    assert json.loads(told["licence_note"])["vi"].startswith("Chưa có giấy phép")
    assert int(told["snapshot"]) > 0


def test_metadata_in_each_format(client: TestClient, province: dict[str, Any], tmp_path: Path) -> None:
    told: dict[str, Any] = {}
    told["fgb"] = pyogrio.read_info(put(tmp_path, "p.fgb", get(client, "poles.fgb")))["layer_metadata"]
    parquet = put(tmp_path, "p.parquet", get(client, "poles.parquet"))
    told["parquet"] = json.loads(pq.read_metadata(parquet).metadata[b"hatang"])
    book = openpyxl.load_workbook(put(tmp_path, "p.xlsx", get(client, "poles.xlsx")))
    told["xlsx"] = {row[0]: row[1] for row in book["Thông tin"].iter_rows(values_only=True)}
    for name, params in (("poles.shp.zip", {}), ("poles.csv", {"bundle": "zip"}), ("poles.kml", {"bundle": "zip"})):
        with zipfile.ZipFile(io.BytesIO(get(client, name, **params))) as packed:
            told[name] = json.loads(packed.read("metadata.json"))
    told["geojson"] = client.get("/api/exports/poles.geojson").json()["metadata"]
    answer = client.get("/api/exports/poles.csv", params={"as_of": "2026-01-01"})
    link = answer.headers["link"].partition(">")[0][1:]
    told["link"] = client.get(link).json()
    assert told["link"]["as_of"] == "2026-01-01"
    for name, found in told.items():
        assert {"source", "as_of", "known_at", "licence", "licence_note", "snapshot", "synthetic"} <= set(found), name
        assert found["source"].startswith("SYNTHETIC"), name


def test_geoparquet_follows_1_1(client: TestClient, province: dict[str, Any], tmp_path: Path) -> None:
    path = put(tmp_path, "villages.parquet", get(client, "villages.parquet"))
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], column["encoding"], column["geometry_types"]) == ("1.1.0", "WKB", ["MultiPolygon", "Point"])
    shapes = shapely.from_wkb(pq.read_table(path).column("geometry").to_numpy())
    assert column["bbox"] == pytest.approx(shapely.total_bounds(shapes).tolist())
    assert pq.read_schema(path).field("valid_from").type == "date32[day]"


def test_shapefile_of_two_kinds_with_its_real_names(client: TestClient, province: dict[str, Any]) -> None:
    with zipfile.ZipFile(io.BytesIO(get(client, "villages.shp.zip"))) as packed:
        names = set(packed.namelist())
        fields = list(csv.DictReader(io.StringIO(packed.read("fields.csv").decode())))
        assert packed.read("villages_area.cpg") == b"UTF-8"
        assert b"WGS_1984" in packed.read("villages_area.prj")
    assert {"villages_area.shp", "villages_point.shp", "metadata.json"} <= names
    assert {"shapefile": "commune_na", "hatang": "commune_name"} in fields


def test_short_names_are_short_and_each_another() -> None:
    names = ["position_accuracy_m", "position_accuracy_x", "position_b", "code", *(f"position_a{i}" for i in range(12))]
    found = short_names(names)
    assert len(set(found.values())) == len(names)
    assert max(map(len, found.values())) <= NAME_LENGTH
    assert found["code"] == "code"


def test_no_cell_is_a_formula(client: TestClient, session: Session, province: dict[str, Any], tmp_path: Path) -> None:
    session.execute(text("UPDATE registry.pole SET street = :f WHERE code = 'P1'"), {"f": FORMULA})
    raw = get(client, "poles.csv")
    assert raw.startswith(b"\xef\xbb\xbf"), "Excel reads Vietnamese right"
    rows = {r["code"]: r for r in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))}
    assert rows["P1"]["street"] == "'" + FORMULA
    book = openpyxl.load_workbook(put(tmp_path, "p.xlsx", get(client, "poles.xlsx")))
    cell = next(c for row in book["poles"].iter_rows() for c in row if c.value == FORMULA)
    assert cell.data_type == "s"


def test_kml_calls_places_and_keeps_dates(client: TestClient, province: dict[str, Any]) -> None:
    raw = get(client, "villages.kml").decode()
    assert "<name>Thôn Thuỷ Yên 100%</name>" in raw
    assert '<SimpleData name="valid_to">2030-01-01</SimpleData>' in raw


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "parquet", "csv", "xlsx", "kml", "shp.zip", "geojsonl"])
def test_nothing_restricted_and_nothing_withheld(
    session: Session, networks: Networks, tmp_path: Path, suffix: str
) -> None:
    """The same objects and the same nulls as in GeoJSON, which test_disclosure goes through attribute by attribute."""
    for who, scope in everybody(networks).items():
        with as_caller(session, scope) as client:
            for layer in LAYERS:
                plain = client.get(f"/api/exports/{layer}.geojson")
                answer = client.get(f"/api/exports/{layer}.{suffix}")
                assert answer.status_code == plain.status_code, (who, layer)
                if plain.status_code != 200:
                    continue
                wanted = {f["properties"]["code"]: f for f in plain.json()["features"]}
                found = properties(put(tmp_path, f"{layer}.{suffix}", answer.content), suffix)
                assert set(found) == set(wanted), (who, layer)
                for code, row in found.items():
                    for name, value in wanted[code]["properties"].items():
                        if value is None:
                            assert row.get(name) in (None, ""), (who, layer, name)
                    if wanted[code]["geometry"] is None:
                        assert row["geometry"] is None, (who, layer)


def properties(path: Path, suffix: str) -> dict[str, dict[str, Any]]:
    """Return code → properties, `geometry` among them."""
    if suffix == "parquet":
        rows = pq.read_table(path).to_pylist()
    elif suffix in {"csv", "xlsx"}:
        rows = sheet(path) if suffix == "xlsx" else list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
        rows = [r | {"geometry": r.get("wkt") or r.get("lon") or None} for r in rows]
    else:
        source = f"/vsizip/{path}" if suffix == "shp.zip" else path
        meta, _, shapes, columns = pyogrio.raw.read(source, layer=path.name.partition(".")[0])
        names = short_names(["id", *_names(path.name.partition(".")[0])])
        long = {short: name for name, short in names.items()} if suffix == "shp.zip" else {}
        rows = [
            {long.get(n, n): plain(v) for n, v in zip(meta["fields"], values, strict=True)} | {"geometry": shape}
            for shape, *values in zip(shapes, *columns, strict=True)
        ]
    return {r["code"]: r for r in rows}


def _names(layer: str) -> list[str]:
    from app.publish.layers import LAYERS as ALL

    return list(ALL[layer].properties)


def plain(value: Any) -> Any:
    return None if value is None or value != value or str(value) == "NaT" else value


@pytest.mark.parametrize("suffix", ["gpkg", "csv", "xlsx", "geojson", "shp.zip", "kml"])
def test_an_export_is_loaded_again(
    client: TestClient, session: Session, province: dict[str, Any], tmp_path: Path, suffix: str
) -> None:
    from app.intake.service import load_file

    path = put(tmp_path, f"poles.{suffix}", get(client, f"poles.{suffix}"))
    given = {short: name for name, short in short_names(["id", *_names("poles")]).items() if short != name}
    report = load_file(session, "poles", path, mapping=given if suffix == "shp.zip" else {}, update=True)
    assert report.accepted, report
    assert [c for c in client.get("/api/exports/poles.geojson").json()["features"] if c["properties"]["code"] == "P1"]


def test_of_a_moment_and_a_commune(client: TestClient, province: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(get(client, "villages.csv", commune="19774").decode("utf-8-sig"))))
    assert [r["code"] for r in rows] == ["V1", "V2"]
    rows = list(csv.DictReader(io.StringIO(get(client, "villages.csv", as_of="2025-09-30").decode("utf-8-sig"))))
    assert [r["code"] for r in rows] == ["V1", "V2", "V3", "V4"]
    assert get(client, "poles.csv", bbox="105,20,106,21").count(b"\n") == 1


def test_the_command_writes_every_format(session: Session, province: dict[str, Any], tmp_path: Path) -> None:
    import datetime as dt

    from app.publish import files

    seen: list[tuple[int, int, str]] = []
    for suffix in FORMATS:
        result = files.write(session, "villages", tmp_path / f"v.{suffix}", as_of=dt.date(2026, 6, 1),
                             progress=lambda *step: seen.append(step))  # fmt: skip
        assert (result["features"], seen[-1][:2]) == (3, (3, 3)), suffix
    files.write(session, "villages", tmp_path / "v.csv.zip", as_of=dt.date(2026, 6, 1), bundle=True)
    assert zipfile.ZipFile(tmp_path / "v.csv.zip").namelist() == ["villages.csv", "metadata.json"]
    assert len(os.listdir(tmp_path)) == len(FORMATS) + 1, "nothing temporary stays"
