"""Projects as QGIS opens them, and what each caller's project holds."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyogrio
import pytest
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, session_scope
from app.publish.layers import LAYERS
from app.publish.qgis.looks import EXPORTED_AS, GROUPS, LOOKS, VERDICT_WORDS
from app.publish.qgis.project import AUTHCFG, THEMES
from app.publish.qgis.styles import qml, reader
from tests.conftest import Hatang
from tests.publish.callers import PLANNER, as_caller, operator
from tests.publish.province import build
from tests.publish.qgis.pyqgis import ask
from tests.registry.two_networks import build as two_networks

ON = dt.date(2026, 6, 1)
NETWORKS = {"sites", "structures", "poles", "manholes", "ducts", "cables", "distribution_points"}


def downloaded(session: Session, scope: Scope, folder: Path) -> Path:
    """Return the folder into which a caller's project and data are unpacked."""
    with as_caller(session, scope) as client:
        answer = client.get("/api/qgis/project.zip", params={"as_of": ON.isoformat()})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    found = folder / (scope.roles[0] if scope.roles else "public")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        file.extractall(found)
    return found


@pytest.fixture
def seen(session: Session, tmp_path: Path) -> dict[str, Any]:
    """Return what QGIS says of every style and of the planner's project over a GeoPackage."""
    build(session)
    files = {"planner": downloaded(session, PLANNER, tmp_path), "public": downloaded(session, PUBLIC, tmp_path)}
    here = files["planner"]
    assert sorted(path.name for path in here.iterdir()) == [
        "DOC-TRUOC.txt", "hatang.gpkg", "hatang.qgz", "metadata.json"]  # fmt: skip
    assert json.loads((here / "metadata.json").read_text())["poles"]["count"] == 2
    styles = []
    for name, look in LOOKS.items():
        written = qml(name, reader(session, ON))
        assert written is not None
        (tmp_path / f"{name}.qml").write_text(written)
        kind = f"|geometrytype={look.places}" if look.places else ""
        whose = files["public" if name == "sites_blurred" else "planner"]  # the planner sees every site, so no grid
        source = f"{whose / 'hatang.gpkg'}|layername={EXPORTED_AS.get(look.layer, look.layer)}{kind}"
        styles.append({"qml": str(tmp_path / f"{name}.qml"), "data": source})
    layers = [*(set(LAYERS) - {"sites_blurred"}), "village_coverage"]
    told = ask(
        {"styles": styles, "project": str(here / "hatang.qgz"), "png": str(tmp_path / "map.png"),
         "point": [107.5776, 16.4667], "stored": [str(here / "hatang.gpkg"), layers]},
        tmp_path / "home",
    )  # fmt: skip
    assert (tmp_path / "map.png").stat().st_size > 5000
    return told


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
    for layer, stored in seen["stored"].items():  # in the GeoPackage itself: how QGIS opens a layer alone
        assert stored[0], layer
        assert set(stored[1]) == {
            look.title for look in LOOKS.values() if EXPORTED_AS.get(look.layer, look.layer) == layer
        }
    told = dict(zip(LOOKS, seen["styles"], strict=True))
    assert told["poles"]["aliases"]["occupants"] == "Bên sử dụng"
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


def test_command_writes_a_project(own_database: str, hatang: Hatang, tmp_path: Path) -> None:
    with session_scope() as session:
        build(session)
    code, told, _ = hatang("qgis-project", "-o", str(tmp_path / "p.zip"), "--json")
    assert code == 0
    assert json.loads(told)["bytes"] == (tmp_path / "p.zip").stat().st_size
    code, _, _ = hatang("qgis-project", "-o", str(tmp_path / "p.qgz"), "--ogc", "https://x.vn/ogc")
    assert code == 0
    assert "url='https://x.vn/ogc'" in unpacked((tmp_path / "p.qgz").read_bytes())
    code, _, message = hatang("qgis-project", "-o", str(tmp_path / "p.qgz"))
    assert code == 1
    assert ".zip" in message
    assert hatang("qgis-project", "-o", str(tmp_path / "no" / "p.zip"))[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "var") == ["p.qgz", "p.zip"]


def test_a_bundle_holds_what_its_caller_may_see(session: Session, tmp_path: Path) -> None:
    two_networks(session)
    build(session)
    with as_caller(session, PUBLIC) as client:
        answer = client.get("/api/qgis/project.zip")
        refused = client.get("/api/qgis/project.zip", params={"commune": "no such commune"})
    assert refused.status_code == 404
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        file.extract("hatang.gpkg", tmp_path)
    names = {name for name, _ in pyogrio.list_layers(tmp_path / "hatang.gpkg")}
    assert names == {"communes", "villages", "facilities", "sites_blurred", "village_coverage", "layer_styles"}
