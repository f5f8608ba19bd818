"""Layers streamed as GeoJSON: whole, filtered, dated; a broken stream never looks whole."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from fastapi.testclient import TestClient
from shapely.geometry import shape
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope
from app.errors import AppError, BadRequest, Conflict, Invalid, NotFound, Unavailable
from app.kit.bulk import raw_connection
from app.publish import exports, files
from app.publish.exports import copying, geojson, slots
from app.publish.layers import LAYERS
from tests.conftest import department_app
from tests.publish.live import running
from tests.publish.province import NASTY, build

TODAY = dt.date(2026, 6, 1)


@pytest.fixture
def province(session: Session) -> dict[str, Any]:
    return build(session)


def export(client: TestClient, layer: str, **params: str) -> dict[str, Any]:
    answer = client.get(f"/api/exports/{layer}.geojson", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    assert "content-encoding" not in answer.headers
    body: dict[str, Any] = answer.json()
    return body


def codes(body: dict[str, Any]) -> list[str]:
    return [f["properties"]["code"] for f in body["features"]]


@pytest.mark.parametrize("layer", [name for name in LAYERS if name != "sites_blurred"])
def test_every_layer_empty_and_full(client: TestClient, session: Session, layer: str) -> None:
    empty = export(client, layer)
    assert (empty["type"], empty["features"], empty["metadata"]["synthetic"]) == ("FeatureCollection", [], False)
    build(session)
    whole = export(client, layer)
    assert whole["features"]
    for feature in whole["features"]:
        assert list(feature) == ["type", "id", "geometry", "properties"]
        assert {"code", "source", "synthetic", "valid_from", "valid_to"} <= feature["properties"].keys()
        assert all(not isinstance(v, dict | list) for v in feature["properties"].values()), "flat properties"
        assert shape(feature["geometry"]).is_valid
    boxed = export(client, layer, bbox="107,16,107.6,17")
    assert set(codes(boxed)) == set(codes(whole)) - {"P2"}
    assert export(client, layer, bbox="105,20,106,21")["features"] == []


def test_metadata_heads_the_file(client: TestClient, province: dict[str, Any]) -> None:
    answer = client.get("/api/exports/poles.geojson", params={"as_of": "2026-06-01"})
    assert answer.text.index('"metadata"') < answer.text.index('"features"')
    assert answer.headers["content-disposition"] == 'attachment; filename="poles-2026-06-01.geojson"'
    told = answer.json()["metadata"]
    assert told["title"] == {"vi": "Cột treo cáp", "en": "Poles"}
    assert told["as_of"] == "2026-06-01"
    assert told["synthetic"] is True
    assert told["source"].startswith("SYNTHETIC")
    assert told["count"] is None
    assert dt.datetime.fromisoformat(told["generated_at"]).tzinfo is not None


def test_owners_and_tenants_by_code(client: TestClient, province: dict[str, Any]) -> None:
    pole, bare = (f["properties"] for f in export(client, "poles")["features"])
    assert (pole["owner"], sorted(pole["occupants"].split(";"))) == ("EVN", ["?", "EVN", "VIETTEL"])
    assert (bare["owner"], bare["occupants"]) == (None, None)
    duct = export(client, "ducts")["features"][0]
    assert sorted(duct["properties"]["occupants"].split(";")) == ["VIETTEL", "VNPT"]
    assert (duct["properties"]["from_manhole"], duct["properties"]["trench"]) == ("M1", "T1")
    assert duct["geometry"]["coordinates"] == [[107.501, 16.45], [107.502, 16.45]], "from the first manhole to the last"
    site = export(client, "sites")["features"][0]["properties"]
    assert (site["stations"], site["tenants"]) == ("VIETTEL:3G+4G;VNPT:4G", "VIETTEL;VNPT")
    assert site["name"] == NASTY
    assert export(client, "structures")["features"][0]["properties"]["tenants"] == "VIETTEL;VNPT"
    assert export(client, "facilities")["features"][0]["properties"]["connections"] == "VNPT:state_network:100"
    assert export(client, "villages")["features"][0]["properties"]["commune"] == "19774"


def test_a_tenant_in_two_bores_is_named_once(client: TestClient, session: Session, province: dict[str, Any]) -> None:
    session.execute(
        text("INSERT INTO registry.bore (duct_id, number) SELECT id, n FROM registry.duct, (VALUES (1), (2)) v(n)")
    )
    session.execute(
        text(
            "INSERT INTO registry.duct_occupancy (duct_id, bore_id, tenant_id, service)"
            " SELECT b.duct_id, b.id, o.id, 'telecom' FROM registry.bore b, registry.organisation o"
            " WHERE o.code = 'FPT'"
        )
    )
    occupants = export(client, "ducts")["features"][0]["properties"]["occupants"].split(";")
    assert sorted(occupants) == ["FPT", "VIETTEL", "VNPT"]


def test_restricted_objects_stay_inside(client: TestClient, province: dict[str, Any]) -> None:
    assert codes(export(client, "sites")) == ["S1"]
    assert codes(export(client, "structures")) == ["S1-S"]


def test_positions_have_seven_decimals_and_rings_run_right(client: TestClient, province: dict[str, Any]) -> None:
    assert export(client, "poles")["features"][0]["geometry"]["coordinates"] == [107.5123457, 16.41]
    for layer in ("communes", "villages"):
        assert shape(export(client, layer)["features"][0]["geometry"]).geoms[0].exterior.is_ccw


def test_as_of(client: TestClient, province: dict[str, Any]) -> None:
    assert codes(export(client, "villages", as_of="2025-09-30")) == ["V1", "V2", "V3", "V4"]
    assert codes(export(client, "villages", as_of="2025-10-01")) == ["V1", "V2", "V3"]
    assert codes(export(client, "communes", as_of="2025-06-30")) == ["19753"]


def test_by_commune(client: TestClient, province: dict[str, Any]) -> None:
    assert codes(export(client, "villages", commune="20044")) == ["V3"]
    assert codes(export(client, "poles", commune="19774")) == ["P1"]
    assert codes(export(client, "ducts", commune="thuan hoa".replace("thuan", "phuong thuan"))) == ["D1"]
    assert codes(export(client, "communes", commune="19774")) == ["19774"]


def test_an_object_on_the_seam_of_a_cut_boundary_comes_once(
    client: TestClient, session: Session, province: dict[str, Any]
) -> None:
    session.execute(text("UPDATE registry.unit SET geom = ST_Multi(ST_Segmentize(geom, 0.001))"))  # cut in pieces
    assert (session.scalar(text("SELECT count(*) FROM registry.unit_part")) or 0) > 1
    session.execute(text("UPDATE registry.pole SET geom = ST_SetSRID(ST_MakePoint(107.55, 16.45), 4326)"))
    assert sorted(codes(export(client, "poles", commune="19774"))) == ["P1", "P2"]


def test_values_are_quoted_not_pasted(session: Session) -> None:
    selection = exports.select(session, "poles", TODAY, "107,16,108,17")
    statement = exports.statement("poles", selection).as_string(raw_connection(session))
    assert "'2026-06-01'::date" in statement
    assert "107.0, 16.0, 108.0, 17.0" in statement
    for bad in ("poles; DROP TABLE x", "", "POLES", "registry.pole"):
        with pytest.raises(NotFound):
            exports.select(session, bad, TODAY)


class Broken(Exception):
    """What a test throws in the middle of a stream."""


def test_a_stream_that_breaks_is_no_document(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a real socket: the client sees a broken connection, never a whole answer."""
    with session_scope() as session:
        build(session)
    real = copying.blocks

    def breaking(*asked: Any) -> Iterator[bytes]:
        yield next(real(*asked))
        raise Broken

    with running(department_app()) as address:
        whole = urlopen(f"{address}/api/exports/villages.geojson").read()
        assert len(json.loads(whole)["features"]) == 3
        monkeypatch.setattr(geojson, "blocks", breaking)
        received = b""
        with urlopen(f"{address}/api/exports/villages.geojson") as answer:
            with pytest.raises(IncompleteRead) as cut:
                answer.read()
            received = cut.value.partial
        assert b"V1" in received
        assert not received.rstrip().endswith(b"]}")
        monkeypatch.setattr(geojson, "blocks", real)
        assert urlopen(f"{address}/readyz").status == 200


def test_parallel_requests_and_readers_who_leave(own_database: str) -> None:
    with session_scope() as session:
        build(session)
        session.execute(
            text(
                "INSERT INTO registry.pole (code, geom) SELECT 'X' || i,"
                " ST_SetSRID(ST_MakePoint(107.3, 16.3), 4326) FROM generate_series(1, 60000) i"
            )
        )
    paths = ["/api/villages", "/api/villages?bbox=107,16,108,17&q=to", "/api/meta", "/api/communes", "/readyz"] * 8
    with running(department_app()) as address, ThreadPoolExecutor(8) as pool:
        for _ in range(slots.MAX_EXPORTS * 2):  # more than there are places: each must be given back
            with urlopen(f"{address}/api/exports/poles.geojson") as answer:
                answer.read(1000)
        answers = list(pool.map(lambda path: urlopen(address + path).status, paths))
        whole = [pool.submit(lambda: urlopen(f"{address}/api/exports/poles.geojson").read()) for _ in range(3)]
        sizes = {len(json.loads(w.result())["features"]) for w in whole}
        metrics = urlopen(f"{address}/metrics").read().decode()
    assert answers == [200] * len(paths)
    assert sizes == {60_002}
    assert 'hatang_http_requests_total{method="GET",route="/api/villages",status="200"} 16' in metrics
    assert 'status="500"' not in metrics


def test_too_many_exports_at_once(client: TestClient, province: dict[str, Any]) -> None:
    taken = [slots._places.acquire(blocking=False) for _ in range(slots.MAX_EXPORTS)]
    try:
        assert all(taken)
        answer = client.get("/api/exports/poles.geojson")
        assert (answer.status_code, answer.json()["code"]) == (503, "exports_busy")
    finally:
        for _ in taken:
            slots._places.release()
    assert client.get("/api/exports/poles.geojson").status_code == 200


def test_an_abandoned_stream_frees_its_connection(session: Session, province: dict[str, Any]) -> None:
    stream = exports.stream(session, "villages", exports.Selection(TODAY))
    next(stream)
    next(stream)
    stream.close()
    assert session.scalar(text("SELECT 1")) == 1


def test_out_of_time_is_said(session: Session, province: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from psycopg import sql

    slow = sql.SQL("SELECT pg_sleep(10)::text").format()
    session.execute(text("SET LOCAL statement_timeout = 50"))
    with pytest.raises(Unavailable) as refused:
        list(copying.blocks(raw_connection(session), "COPY ({}) TO STDOUT", slow))
    assert refused.value.code == "export_broken_off"


def write(session: Session, path: Path, **options: Any) -> dict[str, Any]:
    return files.write(session, "villages", path, as_of=TODAY, **options)


def test_write_a_file(session: Session, province: dict[str, Any], tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    result = write(session, tmp_path / "v.geojson", progress=lambda *step: seen.append(step))
    assert len(json.loads((tmp_path / "v.geojson").read_text())["features"]) == result["features"] == 3
    assert seen[-1] == (3, 3, "villages")
    lines = write(session, tmp_path / "v.GeoJSONL", commune="19774")
    rows = [json.loads(line) for line in (tmp_path / "v.GeoJSONL").read_text().splitlines()]
    assert [r["properties"]["code"] for r in rows] == ["V1", "V2"]
    assert lines["features"] == 2
    assert sorted(os.listdir(tmp_path)) == ["v.GeoJSONL", "v.geojson"], "nothing temporary stays"
    assert (tmp_path / "v.geojson").stat().st_mode & 0o444


@pytest.mark.parametrize(
    ("name", "options", "kind", "code"),
    [
        ("v.dwg", {}, Invalid, "unknown_format"),
        ("v", {}, Invalid, "unknown_format"),
        ("v.geojson", {"crs": "EPSG:9214"}, BadRequest, "crs_not_for_format"),
        ("v.gpkg", {"crs": "EPSG:3857"}, BadRequest, "unknown_crs"),
        ("no/such/v.geojson", {}, Invalid, "cannot_write"),
        ("v.geojson", {"bbox": "16,107,17,108"}, Invalid, "bbox_swapped"),
        ("v.geojson", {"commune": "nowhere"}, NotFound, "unknown_commune"),
    ],
)
def test_files_that_cannot_be_written(
    session: Session,
    province: dict[str, Any],
    tmp_path: Path,
    name: str,
    options: dict[str, str],
    kind: type[AppError],
    code: str,
) -> None:
    with pytest.raises(kind) as refused:
        write(session, tmp_path / name, **options)
    assert refused.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(
    session: Session, province: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v.geojson"
    path.write_text("old")

    def breaking(*_: object) -> Iterator[bytes]:
        yield b"{"
        raise Broken

    monkeypatch.setattr(geojson, "stream", breaking)
    with pytest.raises(Broken):
        write(session, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["v.geojson"]


def test_a_directory_in_the_way(session: Session, province: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "v.geojson").mkdir()
    with pytest.raises(Invalid) as refused:
        write(session, tmp_path / "v.geojson")
    assert refused.value.code == "cannot_write"
    assert os.listdir(tmp_path) == ["v.geojson"]


def test_conflict_of_a_commune_without_boundary(session: Session, province: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        exports.select(session, "poles", TODAY, commune="20044")
    assert exports.select(session, "villages", TODAY, commune="20044").unit_id == province["a_luoi"].id
