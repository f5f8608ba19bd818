"""The commands as a user types them: tables, JSON, and refusals without a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope
from tests.conftest import Hatang
from tests.coverage.conftest import NORTH, STEP, WEST, hills
from tests.coverage.test_terrain import from_origin
from tests.rasters import write_tif

PATH = ("--lon1", "107.45", "--lat1", "16.5", "--height1", "30", "--height2", "1.5", "--lat2", "16.5")


def answer(hatang: Hatang, *words: str) -> Any:
    code, out, err = hatang(*words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def province(own_database: str, tmp_path: Path) -> Path:
    """The ridge as a file, one village west of it and one site, committed."""
    file = write_tif(tmp_path / "ridge.tif", hills(), transform=from_origin(WEST, NORTH, STEP, STEP))
    with session_scope() as session:
        seed(session)
    return file


def seed(session: Session) -> None:
    for statement in (
        """INSERT INTO registry.village (code, name, population, point, synthetic)
           VALUES ('A', 'Thôn A', 100, ST_SetSRID(ST_MakePoint(107.47, 16.5), 4326), true)""",
        "INSERT INTO registry.demand_point (village_id, point, population) SELECT id, point, 100 FROM registry.village",
        "INSERT INTO registry.site (code, geom) VALUES ('S', ST_SetSRID(ST_MakePoint(107.45, 16.5), 4326))",
        """INSERT INTO registry.base_station (site_id, code, operator_id, technology)
           SELECT s.id, 'S-V', o.id, '4G' FROM registry.site s, registry.organisation o WHERE o.code = 'VIETTEL'""",
        "INSERT INTO registry.cell (base_station_id, code) SELECT id, 'S-V-1' FROM registry.base_station",
    ):
        session.execute(text(statement))


def test_from_terrain_to_verdict(hatang: Hatang, province: Path, tmp_path: Path) -> None:
    assert answer(hatang, "coverage", "run", "--as-of", "2026-11-01")["unknown"] == 1
    [added] = answer(hatang, "terrain", "add", str(province))
    assert added["added"]
    [again] = answer(hatang, "terrain", "add", str(province))
    assert not again["added"]
    code, out, _ = hatang("terrain", "status")
    assert code == 0
    assert "ridge.tif" in out
    [tile] = answer(hatang, "terrain", "status")
    assert tile["void_share"] == pytest.approx(float(np.isnan(hills()).mean()))
    run = answer(hatang, "coverage", "run", "--as-of", "2026-11-01")
    assert (run["covered"], run["not_covered"], run["unknown"], run["fibre_unknown"]) == (1, 0, 0, 1)
    loss = answer(hatang, "coverage", "path-loss", *PATH, "--lon2", "107.53", "--frequency-mhz", "1800")
    assert loss["diffraction_db"] > 20
    assert loss["loss_db"] == pytest.approx(loss["free_space_db"] + loss["diffraction_db"], abs=0.01)
    assert loss["model"] == "ITU-R P.1812-7"
    code, out, _ = hatang("coverage", "path-loss", *PATH, "--lon2", "107.47", "--frequency-mhz", "1800")
    assert code == 0
    assert "line_of_sight" in out
    refusals = {
        ("coverage", "path-loss", *PATH, "--lon2", "107.62", "--frequency-mhz", "1800"): "unknown_terrain",
        ("coverage", "path-loss", *PATH, "--lon2", "107.45", "--frequency-mhz", "1800"): "same_place",
        ("coverage", "path-loss", *PATH, "--lon2", "16.5", "--frequency-mhz", "1800"): "coordinate_range",
        ("coverage", "path-loss", *PATH, "--lon2", "107.47", "--frequency-mhz", "90000"): "frequency_range",
        ("coverage", "run", "--resolution", "5"): "resolution_range",
        ("coverage", "run", "--rule", "nope"): "unknown_rule",
        ("terrain", "add", str(tmp_path / "none.tif")): "no_such_file",
        ("coverage", "check-profiles", str(tmp_path)): "profiles_format",
    }
    for words, reason in refusals.items():
        code, out, err = hatang(*words, "--json")
        assert (code, json.loads(out)["code"]) == (1, reason), words
        assert err.strip()
    assert hatang("coverage", "run", "--as-of", "soon")[0] == 2, "wrong usage"
