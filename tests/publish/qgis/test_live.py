"""The downloaded project, opened by QGIS against a running server: every layer through /ogc, with account and token."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from app.publish.qgis.looks import LOOKS
from app.publish.qgis.project import AUTHCFG
from tests.publish.ogc.serving import serving
from tests.publish.qgis.pyqgis import ask

NOW = {"covered": 1, "not_covered": 1, "unknown": 1}
BEFORE_THE_RUN = {"unknown": 4}  # one village more was in force then


@pytest.mark.parametrize(("as_of", "verdicts"), [("", NOW), ("2025-08-01", BEFORE_THE_RUN)])
def test_the_project_opens_every_layer_of_the_server(
    own_database: str, tmp_path: Path, as_of: str, verdicts: dict[str, int]
) -> None:
    with serving() as service:
        who = service.basic("planner")
        found = httpx2.get(f"{service.address}/api/qgis/project.qgz", auth=who, params={"as_of": as_of}, timeout=60)
        assert found.status_code == 200
        (tmp_path / "hatang.qgz").write_bytes(found.content)
        job = {"account": [AUTHCFG, *who], "project": str(tmp_path / "hatang.qgz")}
        project = ask(job, tmp_path / "home")["project"]
    assert project["read"], project["error"]
    layers = {layer["name"]: layer for layer in project["layers"]}
    assert set(layers) == {look.title for name, look in LOOKS.items() if name != "sites_blurred"}
    assert all(layer["valid"] and layer["provider"] == "OAPIF" for layer in layers.values())
    poles = layers[LOOKS["poles"].title]
    assert poles["counts"] == {"shared": 1, "unknown": 1, "empty": 30}
    assert poles["aliases"]["height_m"] == "Chiều cao (m)"
    # All villages, those with an area and those without: each look draws its own kind.
    assert layers[LOOKS["coverage"].title]["counts"] == verdicts
    assert who[1] not in project["layers"][0]["source"]
