"""Runs from before who serves was kept apart: the migration splits them, and can put them together again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from app.config import ROOT
from app.database import PUBLIC, session_scope
from tests.conftest import test_cluster as cluster_of_run

WHY: dict[str, Any] = {
    "vi": [
        "91% dân số được phủ sóng, quy tắc yêu cầu từ 80%",
        "Điểm trung vị thu -92 dBm từ CELL-1 (VIETTEL 4G), cách 2,1 km; ngưỡng -110 dBm",
        "Địa hình che chắn làm mất 12 dB",
        "Lấy giá trị mặc định cho: tần số",
        "Một câu không ai nghĩ tới về CELL-1",
        "SYNTHETIC: dựa trên dữ liệu giả lập",
    ],
    "en": [
        "91% of the population is covered, the rule asks for 80%",
        "The median point receives -92 dBm from CELL-1 (VIETTEL 4G), 2.1 km away; the threshold is -110 dBm",
        "Terrain in the way takes 12 dB",
        "Defaults stand in for: frequency_mhz",
        "A sentence about CELL-1 nobody thought of",
        "SYNTHETIC: rests on made-up data",
    ],
    "reasons": ["covered"], "synthetic": True, "threshold_dbm": -110.0,
    "server": {"cell": "CELL-1", "site": "SITE-1", "operator": "VIETTEL", "technology": "4G"},
    "distance_m": 2135, "diffraction_db": 12.0, "obstructed": True, "defaulted": ["frequency_mhz"],
}  # fmt: skip
PLAIN = {"vi": ["Chưa rõ: chưa nạp địa hình"], "en": ["Unknown: no terrain has been loaded"], "reasons": ["no_terrain"]}
SEED = """
INSERT INTO registry.village (code, name, point)
    SELECT c, c, ST_SetSRID(ST_MakePoint(107.5, 16.4), 4326) FROM unnest('{A,B}'::text[]) AS c;
INSERT INTO registry.site (code, geom) VALUES ('SITE-1', ST_SetSRID(ST_MakePoint(107.5, 16.4), 4326));
INSERT INTO registry.organisation (code, name, kind, has_radio)
    SELECT 'VIETTEL', 'Viettel', 'operator', true
    WHERE NOT EXISTS (SELECT FROM registry.organisation WHERE code = 'VIETTEL');
INSERT INTO registry.base_station (site_id, code, operator_id, technology)
    SELECT s.id, 'B', (SELECT id FROM registry.organisation WHERE code = 'VIETTEL' LIMIT 1), '4G' FROM registry.site s;
INSERT INTO registry.cell (base_station_id, code) SELECT id, 'CELL-1' FROM registry.base_station;
INSERT INTO registry.distribution_point (code, operator_id, geom)
    SELECT 'BOX', operator_id, ST_SetSRID(ST_MakePoint(107.5, 16.4), 4326) FROM registry.base_station;
INSERT INTO registry.coverage_run (as_of, rule, rule_version, rule_value, model, model_version, terrain_version,
                                   inputs_sha256, status, counts)
    VALUES ('2026-01-01', 'village-80', 1, '{}', 'm', '1', 'none', '0', 'done',
            '{"covered": 1, "cells": 7, "paths": 9, "stations_without_cells": 2}');
"""
OLD_ROWS = """
INSERT INTO registry.verdict (run_id, village_id, verdict, share, best_cell_id, rsrp_dbm, why)
    SELECT r.id, v.id, CASE v.code WHEN 'A' THEN 'covered' ELSE 'unknown' END, NULL,
           CASE v.code WHEN 'A' THEN (SELECT id FROM registry.cell) END, CASE v.code WHEN 'A' THEN -92.34 END,
           CASE v.code WHEN 'A' THEN %s::jsonb ELSE %s::jsonb END
    FROM registry.coverage_run r, registry.village v
"""
OLD_FIBRE = """
INSERT INTO registry.fibre_reach (run_id, village_id, verdict, nearest_point_id, nearest_distance_m)
    SELECT r.id, v.id, 'covered', CASE v.code WHEN 'A' THEN (SELECT id FROM registry.distribution_point) END,
           CASE v.code WHEN 'A' THEN 321.5 END
    FROM registry.coverage_run r, registry.village v
"""


@pytest.fixture
def migrated(own_database: str) -> tuple[str, Config]:
    """Return the database's name after old rows went through the migration, and what migrates."""
    config, name = Config(str(ROOT / "alembic.ini")), own_database.split("/")[3].split("?")[0]
    command.downgrade(config, "0013")
    with cluster_of_run().superuser(name) as connection:
        connection.execute(SEED)
        connection.execute(OLD_ROWS, (json.dumps(WHY), json.dumps(PLAIN)))
        connection.execute(OLD_FIBRE)
    command.upgrade(config, "head")
    return name, config


def rows(name: str, query: str) -> list[Any]:
    with cluster_of_run().superuser(name) as connection:
        return connection.execute(query).fetchall()


def test_old_rows_are_split(migrated: tuple[str, Config]) -> None:
    name, _ = migrated
    query = "SELECT r.why, w.why, c.code FROM registry.verdict r LEFT JOIN registry.served w ON w.verdict_id = r.id " \
            "LEFT JOIN registry.cell c ON c.id = w.cell_id ORDER BY r.id"  # fmt: skip
    (public, served, cell), (plain, nothing, _) = rows(name, query)
    assert public == {
        "vi": [WHY["vi"][0], WHY["vi"][5], "Điểm trung vị thu -92 dBm; ngưỡng -110 dBm"],
        "en": [WHY["en"][0], WHY["en"][5], "The median point receives -92 dBm; the threshold is -110 dBm"],
        "reasons": ["covered"], "synthetic": True, "threshold_dbm": -110.0,
    }  # fmt: skip
    assert served == {
        "vi": ["Trạm phục vụ: CELL-1 (VIETTEL 4G), cách 2,1 km", *WHY["vi"][2:5]],
        "en": ["Served by CELL-1 (VIETTEL 4G), 2.1 km away", *WHY["en"][2:5]],
        "distance_m": 2135, "diffraction_db": 12.0, "obstructed": True, "defaulted": ["frequency_mhz"],
    }  # fmt: skip
    assert cell == "CELL-1"
    assert (plain, nothing) == (PLAIN, None), "what named nobody stays"
    assert rows(name, "SELECT d.code, n.distance_m FROM registry.fibre_nearest n "
                      "JOIN registry.distribution_point d ON d.id = n.point_id") == [("BOX", 321.5)]  # fmt: skip
    [(counts,)] = rows(name, "SELECT counts FROM registry.coverage_run")
    assert counts == {"covered": 1}
    with session_scope(PUBLIC) as session:
        told = session.connection().exec_driver_sql("SELECT why::text FROM registry.verdict").fetchall()
    assert "CELL-1" not in str(told)
    told_of = "SELECT count(*) FROM audit.change WHERE table_name = 'registry.coverage_run' AND operation = 'update'"
    assert rows(name, told_of) == [(0,)], "the history is public too and keeps no count of restricted cells"


def test_and_put_together_again(migrated: tuple[str, Config]) -> None:
    name, config = migrated
    command.downgrade(config, "0013")
    query = """SELECT why, c.code FROM registry.verdict v LEFT JOIN registry.cell c ON c.id = v.best_cell_id
               ORDER BY v.id"""
    (whole, cell), (plain, _) = rows(name, query)
    assert cell == "CELL-1"
    assert {k: v for k, v in whole.items() if k not in {"vi", "en"}} == {
        k: v for k, v in WHY.items() if k not in {"vi", "en"}
    }
    assert "Trạm phục vụ: CELL-1 (VIETTEL 4G), cách 2,1 km" in whole["vi"]
    assert plain == PLAIN
    assert rows(name, "SELECT count(nearest_point_id), max(nearest_distance_m) FROM registry.fibre_reach") == [
        (1, 321.5)
    ]
    command.upgrade(config, "head")
    assert rows(name, "SELECT count(*) FROM registry.served") == [(1,)]
