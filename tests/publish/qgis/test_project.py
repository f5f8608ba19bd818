"""Projects as QGIS opens them, and what each caller's project holds."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyogrio
import pyogrio.raw
import pytest
from sqlalchemy.orm import Session

from app.database import PUBLIC
from app.publish.layers import LAYERS
from app.publish.qgis import service
from app.publish.qgis.looks import GROUPS, LOOKS, VERDICT_WORDS
from app.publish.qgis.project import AUTHCFG, THEMES, geopackage, qgz
from app.publish.qgis.styles import qml, reader
from tests.publish.callers import PLANNER, as_caller, export, operator
from tests.publish.province import build
from tests.publish.qgis.pyqgis import ask
from tests.registry.two_networks import build as two_networks

ON = dt.date(2026, 6, 1)
NETWORKS = {"sites", "structures", "poles", "manholes", "ducts", "cables", "distribution_points"}


def geojson(session: Session, folder: Path) -> dict[str, Path]:
    """Write every published layer as a file, and the villages with their verdict."""
    files = {}
    with as_caller(session, PLANNER) as client:
        for name in LAYERS:
            files[name] = folder / f"{name}.geojson"
            files[name].write_text(json.dumps(export(client, name, as_of=ON.isoformat())))
        files["coverage"] = folder / "coverage.geojson"
        files["coverage"].write_text(client.get("/api/villages", params={"as_of": ON.isoformat()}).text)
    return files


def packed(files: dict[str, Path], path: Path) -> None:
    """Put them into one GeoPackage, as QGIS 3.22 reads it."""
    for name, file in files.items():
        meta, _, geometry, columns = pyogrio.raw.read(file)
        pyogrio.raw.write(
            path, geometry, columns, meta["fields"], layer=name, driver="GPKG", crs="EPSG:4326",
            geometry_type="Unknown", append=path.exists(), dataset_options={"VERSION": "1.2"},
        )  # fmt: skip


@pytest.fixture
def seen(session: Session, tmp_path: Path) -> dict[str, Any]:
    """Return what QGIS says of every style and of the planner's project over a GeoPackage."""
    build(session)
    files = geojson(session, tmp_path)
    packed(files, tmp_path / "hatang.gpkg")
    styles = []
    for name, look in LOOKS.items():
        written = qml(name, reader(session, ON))
        assert written is not None
        (tmp_path / f"{name}.qml").write_text(written)
        kind = f"|geometrytype={look.places}" if look.places else ""
        source = f"{tmp_path / 'hatang.gpkg'}|layername={look.layer}{kind}"
        styles.append({"qml": str(tmp_path / f"{name}.qml"), "data": source})
    made = service.project(session, geopackage("hatang.gpkg"), ON)
    (tmp_path / "hatang.qgz").write_bytes(qgz(made))
    job = {"styles": styles, "project": str(tmp_path / "hatang.qgz"), "png": str(tmp_path / "map.png"),
           "point": [107.5776, 16.4667]}  # fmt: skip
    answer = ask(job, tmp_path / "home")
    assert (tmp_path / "map.png").stat().st_size > 5000
    return answer


def test_qgis_loads_every_style_and_opens_the_project(seen: dict[str, Any]) -> None:
    for (name, look), found in zip(LOOKS.items(), seen["styles"], strict=True):
        assert found["loaded"], (name, found["message"])
        assert found["renderer"] == ("categorizedSymbol" if look.by else "singleSymbol"), name
        if look.by:
            assert found["categories"] == [[c.value, c.label] for c in look.categories], name
            assert found["expression_error"] == ""
            values = {c.value for c in look.categories}
            assert "" in values or set(found["counts"]) <= values, (name, found["counts"])
        assert found["min_scale"] == look.from_scale, name
        if look.label:
            assert found["label_scale"] == look.label.from_scale
            assert found["label"][1] == "", name
        assert "[%" not in found["tip"], name
    told = dict(zip(LOOKS, seen["styles"], strict=True))
    assert told["poles"]["aliases"]["occupants"] == "Đơn vị đang dùng"
    # One organisation of two and a cable nobody claimed; nobody has surveyed the bare pole.
    assert told["poles"]["counts"] == {"shared": 1, "unknown": 1}
    assert told["ducts"]["counts"] == {"shared": 1}
    assert told["sites"]["counts"] == {"shared": 1}
    assert told["sites_technology"]["counts"] == {"4G": 1}
    assert told["poles"]["min_scale"] == 25_000

    project = seen["project"]
    assert project["read"], project["error"]
    assert project["crs"] == "EPSG:9214"
    assert project["point"] == pytest.approx([561476.79, 1821306.80], abs=0.01)  # the datum shift is not dropped
    assert [g for g in GROUPS if g in project["groups"]] == list(project["groups"]) == list(GROUPS)
    layers = {layer["name"]: layer for layer in project["layers"]}
    assert all(layer["valid"] for layer in layers.values()), layers
    # The planner sees every site, so no grid; the communes are one area and one without a boundary.
    assert set(layers) == {look.title for name, look in LOOKS.items() if name != "sites_blurred"}
    assert layers[LOOKS["coverage"].title]["counts"] == {"covered": 1}
    assert layers[LOOKS["coverage_points"].title]["counts"] == {"not_covered": 1, "unknown": 1}
    assert {label for _, label in layers[LOOKS["coverage"].title]["categories"]} == set(VERDICT_WORDS.values())
    assert "SYNTHETIC" in project["title"]
    assert "SYNTHETIC" in project["abstract"]
    assert LOOKS["poles"].title in project["checked"]
    assert LOOKS["sites_technology"].title not in project["checked"]
    assert project["colours"] > 20
    assert project["layouts"] == ["Bản đồ khổ A3"]
    assert project["themes"] == sorted(THEMES)


def unpacked(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return file.read("hatang.qgs").decode()


def test_a_project_holds_what_its_caller_may_see_and_no_secret(session: Session) -> None:
    networks = two_networks(session)
    build(session)
    with as_caller(session, PUBLIC) as client:
        answer = client.get("/api/qgis/project.qgz")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-qgis-project"
        public = unpacked(answer.content)
        dated = unpacked(client.get("/api/qgis/project.qgz?as_of=2025-12-31").content)
        refused = client.get("/api/qgis/project.qgz", params={"commune": "no such commune"})
    assert {n for n in LOOKS if f"<id>hatang_{n}</id>" in public} == {
        n for n, look in LOOKS.items() if look.layer not in NETWORKS}  # fmt: skip
    assert "authcfg" not in public
    assert "url='http://testserver/ogc'" in public
    assert "url='http://testserver/ogc?datetime=2025-12-31'" in dated
    assert refused.status_code == 404
    with as_caller(session, operator(networks)) as client:
        mine = unpacked(client.get("/api/qgis/project.qgz", headers={"Host": "x.vn"}).content)
        style = client.get("/api/qgis/styles/poles.qml")
    assert {n for n in LOOKS if f"<id>hatang_{n}</id>" in mine} == set(LOOKS)
    assert f"authcfg={AUTHCFG} " in mine
    assert "url='http://x.vn/ogc'" in mine
    # Of a pole of another's it is told itself alone: who else is there is unknown to it, as on the map.
    assert "coalesce(\"owner\" IN ('VIETTEL'), false)" in style.text.replace("&quot;", '"')
    with as_caller(session, PLANNER) as client:
        assert "hatang_sites_blurred" not in unpacked(client.get("/api/qgis/project.qgz").content)


def test_styles_are_files(session: Session) -> None:
    with as_caller(session, PUBLIC) as client:
        for name in LOOKS:
            answer = client.get(f"/api/qgis/styles/{name}.qml")
            assert answer.status_code == 200
            assert answer.headers["content-disposition"] == f'attachment; filename="{name}.qml"'
        assert client.get("/api/qgis/styles/coverage.sld").headers["content-type"].startswith("application/vnd.ogc.sld")
        unknown = client.get("/api/qgis/styles/pole.qml")
        assert unknown.status_code == 404
        assert unknown.json()["code"] == "unknown_style"
        assert client.get("/api/qgis/styles/poles.sld").status_code == 404
        assert client.get("/api/qgis/styles/poles.svg").status_code == 422
