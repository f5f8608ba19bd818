"""The small demo province keeps what it promises: counts, ratios, geometry, labels, time."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from app.coverage.terrain import open_terrain
from app.demo.parameters import read
from app.sharing.service import sharing_on
from tests.demo.conftest import SCALE, Built

pytestmark = pytest.mark.xdist_group("demo")
TODAY = read("province")["built_on"]
POINTS = {
    "village": "point", "demand_point": "point", "site": "geom", "structure": "geom", "pole": "geom",
    "manhole": "geom", "distribution_point": "geom", "facility": "geom",
}  # fmt: skip
SYNTHETIC = (
    "unit", "village", "demand_point", "site", "structure", "base_station", "cell", "structure_occupancy", "pole",
    "pole_occupancy", "manhole", "trench", "duct", "duct_occupancy", "cable", "distribution_point", "facility",
    "facility_connection", "terrain_tile", "constraint_area",
)  # fmt: skip


def one(built: Built, query: str, **values: Any) -> Any:
    return built.session.execute(text(query), values).scalar_one()


def ratio(built: Built, definition: str) -> dict[str, Any]:
    found = sharing_on(built.session, TODAY, wanted=definition)
    return dict(found["ratios"][0])


def test_what_it_reports_is_what_is_there(built: Built) -> None:
    for table, count in built.counts.items():
        extra = " WHERE synthetic" if table == "organisation" else ""
        assert one(built, f"SELECT count(*) FROM registry.{table}{extra}") == count, table


def test_sizes_follow_the_scale(built: Built) -> None:
    units = "SELECT count(*) FROM registry.unit WHERE level = :l AND registry.in_force(valid_from, valid_to, :d)"
    for level, day, count in (
        ("commune", TODAY, 40), ("commune", "2025-06-30", 133), ("commune", "2024-12-31", 0),
        ("district", TODAY, 0), ("district", "2025-06-30", 9),
        ("province", TODAY, 1), ("province", "2024-12-31", 1),
    ):  # fmt: skip
        assert one(built, units, l=level, d=day) == count, (level, day)
    assert 40 <= built.counts["village"] <= 46
    assert one(built, "SELECT count(*) FROM registry.pole WHERE valid_to IS NULL") == 60_000 * SCALE
    assert one(built, "SELECT count(*) FROM registry.site WHERE valid_to IS NULL") == 1500 * SCALE
    stations = one(
        built, "SELECT count(*) FROM registry.base_station WHERE registry.in_force(valid_from, valid_to, :d)", d=TODAY
    )
    assert stations == pytest.approx(3000 * SCALE, rel=0.12)
    assert built.counts["distribution_point"] == 3500 * SCALE
    duct_km = one(built, "SELECT sum(length_m) / 1000 FROM registry.duct")
    assert duct_km == pytest.approx(900 * SCALE, rel=0.03)


def test_population_adds_up(built: Built) -> None:
    total = one(built, "SELECT sum(population) FROM registry.village")
    assert total == int(1_170_000 * SCALE)
    households = one(built, "SELECT sum(households) FROM registry.village")
    assert total / households == pytest.approx(3.7, rel=0.01)
    wrong = one(built, """
        SELECT count(*) FROM registry.village v JOIN (
            SELECT village_id, sum(population) AS people, sum(dwellings) AS homes, count(*) AS n
            FROM registry.demand_point GROUP BY village_id) d ON d.village_id = v.id
        WHERE abs(d.people - v.population) > 1e-6 OR d.homes <> v.households OR n NOT BETWEEN 5 AND 12""")  # fmt: skip
    assert wrong == 0
    assert one(built, "SELECT count(DISTINCT village_id) FROM registry.demand_point") == built.counts["village"]


def test_ratios_come_out_near_the_published_ones(built: Built) -> None:
    # 45 positions, 1,800 poles and 27 km: one object more or less moves them this far.
    assert ratio(built, "S1")["ratio"] == pytest.approx(13, abs=2.5)
    assert ratio(built, "P1")["ratio"] == pytest.approx(92, abs=2.0)
    assert ratio(built, "D1")["ratio"] == pytest.approx(49, abs=2.5)


def test_some_things_are_not_known(built: Built) -> None:
    for definition in ("P1", "D1"):
        assert ratio(built, definition)["unknown"] > 0
    for table, column in (("structure", "tenant_capacity"), ("cell", "tilt_deg"), ("pole", "cable_capacity")):
        share = one(built, f"SELECT avg(({column} IS NULL)::int) FROM registry.{table}")
        assert 0 < share < 0.6, (table, column)
    assert one(built, "SELECT count(*) FROM registry.pole_occupancy WHERE tenant_id IS NULL") > 0


def test_years_make_a_difference(built: Built) -> None:
    def stations(day: str) -> int:
        return int(
            one(
                built,
                "SELECT count(*) FROM registry.base_station WHERE registry.in_force(valid_from, valid_to, :d)",
                d=day,
            )
        )

    assert 0 < stations("2012-01-01") < stations("2019-01-01") < stations(str(TODAY))
    assert (
        one(built, "SELECT count(*) FROM registry.base_station WHERE technology = '5G' AND valid_from < '2024-10-01'")
        == 0
    )
    for table in ("site", "base_station", "pole"):
        assert one(built, f"SELECT count(*) FROM registry.{table} WHERE valid_to <= :d", d=TODAY) > 0, table


def test_everything_says_synthetic(built: Built) -> None:
    for table in SYNTHETIC:
        assert one(built, f"SELECT count(*) FROM registry.{table}") > 0, table
        query = f"SELECT count(*) FROM registry.{table} WHERE NOT synthetic OR source NOT LIKE 'SYNTHETIC%'"
        assert one(built, query) == 0, table
    company = built.session.execute(text("SELECT name, kind FROM registry.organisation WHERE synthetic")).one()
    assert "SYNTHETIC" in company.name
    assert company.kind == "tower_company"


def test_communes_are_the_real_ones_by_name_code_and_position(built: Built) -> None:
    found = built.session.execute(text("""
        SELECT c.name, c.kind, p.code, ST_X(c.centre), ST_Y(c.centre), c.valid_from::text, ST_Contains(c.geom, c.centre)
        FROM registry.unit c JOIN registry.unit p ON p.id = c.parent_id
        WHERE c.code = '19753' AND c.valid_to IS NULL""")).one()  # fmt: skip
    assert tuple(found[:3]) == ("Phường Phú Xuân", "phường", "46")
    assert found[3:5] == (pytest.approx(107.577, abs=1e-6), pytest.approx(16.4785, abs=1e-6))
    assert tuple(found[5:]) == ("2025-07-01", True)
    query = "SELECT kind, count(*) FROM registry.unit WHERE level = 'commune' AND valid_to IS NULL GROUP BY kind"
    kinds = {kind: n for kind, n in built.session.execute(text(query))}
    assert kinds == {"phường": 21, "xã": 19}
    off = one(built, "SELECT count(*) FROM registry.unit WHERE NOT ST_DWithin(geom::geography, centre::geography, 500)")
    assert off == 0


def test_boundaries_have_no_gap_and_no_overlap(built: Built) -> None:
    current = "level = 'province' AND valid_to IS NULL"
    whole = one(built, f"SELECT ST_Area(geom::geography) / 1e6 FROM registry.unit WHERE {current}")
    assert whole == pytest.approx(4950, rel=0.04)
    for part in (
        "registry.unit WHERE level = 'commune' AND valid_to IS NULL", "registry.village",
        "registry.unit WHERE level = 'commune' AND valid_to IS NOT NULL", "registry.unit WHERE level = 'district'",
    ):  # fmt: skip
        parts = one(built, f"SELECT sum(ST_Area(geom::geography)) / 1e6 FROM {part}")
        assert parts == pytest.approx(whole, abs=1e-3)
        union = one(built, f"SELECT ST_Area(ST_Union(geom)::geography) / 1e6 FROM {part}")
        assert union == pytest.approx(whole, abs=1e-3)
    invalid = one(
        built, "SELECT count(*) FROM registry.village WHERE NOT ST_IsValid(geom) OR NOT ST_Contains(geom, point)"
    )
    assert invalid == 0
    astray = one(built, """
        SELECT count(*) FROM registry.village v JOIN registry.village_unit m ON m.village_id = v.id
        JOIN registry.unit u ON u.id = m.unit_id
        WHERE NOT ST_Contains(u.geom, v.point) OR (left(v.code, 5) <> u.code AND u.valid_to IS NULL)""")  # fmt: skip
    assert astray == 0
    without = """SELECT count(*) FROM registry.village v WHERE 1 <> (SELECT count(*) FROM registry.village_unit m
                 WHERE m.village_id = v.id AND registry.in_force(m.valid_from, m.valid_to, :d))"""
    for day in ("2025-01-01", "2025-06-30", "2025-07-01", TODAY):
        assert one(built, without, d=day) == 0, day


def test_every_point_lies_in_the_province(built: Built) -> None:
    for table, column in POINTS.items():
        outside = one(
            built,
            f"""
            SELECT count(*) FROM registry.{table} t
            WHERE NOT EXISTS (
                SELECT FROM registry.unit u WHERE u.level = 'province' AND ST_Intersects(u.geom, t.{column}))
        """,
        )
        assert outside == 0, table


def test_names_are_composed_characters(built: Built) -> None:
    names = list(built.session.scalars(text(
        "SELECT name FROM registry.unit UNION ALL SELECT name FROM registry.village "
        "UNION ALL SELECT name FROM registry.facility "
        "UNION ALL SELECT DISTINCT street FROM registry.pole")))  # fmt: skip
    assert len(names) > 100
    assert [n for n in names if n != unicodedata.normalize("NFC", n) or n != n.strip()] == []
    twice = one(built, """
        SELECT count(*) FROM (SELECT FROM registry.village v JOIN registry.village_unit m ON m.village_id = v.id
        WHERE m.valid_to IS NULL GROUP BY m.unit_id, v.name HAVING count(*) > 1) x""")  # fmt: skip
    assert twice == 0


def test_terrain_has_mountains_sea_and_a_void(built: Built) -> None:
    terrain = open_terrain(built.session)
    sea, plain, ridge = terrain.heights([108.1, 107.58, 107.20], [16.6, 16.47, 16.16])
    assert sea == 0
    assert 0 < plain < 40
    assert ridge > 400
    points = built.session.execute(text("SELECT ST_X(point), ST_Y(point) FROM registry.village")).all()
    unknown = np.isnan(terrain.heights([p[0] for p in points], [p[1] for p in points]))
    assert 3 <= unknown.sum() <= 6
    places = built.session.execute(text("SELECT ST_X(geom), ST_Y(geom) FROM registry.site")).all()
    assert not np.isnan(terrain.heights([p[0] for p in places], [p[1] for p in places])).any()


def test_segments_join_at_manholes(built: Built) -> None:
    loose = one(built, """
        SELECT count(*) FROM registry.duct d JOIN registry.manhole a ON a.id = d.from_manhole_id
        JOIN registry.manhole b ON b.id = d.to_manhole_id
        WHERE NOT ST_DWithin(ST_StartPoint(d.geom), a.geom, 1e-9) OR NOT ST_DWithin(ST_EndPoint(d.geom), b.geom, 1e-9)
           OR d.length_m NOT BETWEEN 50 AND 160""")  # fmt: skip
    assert loose == 0
    assert (
        one(
            built,
            "SELECT count(*) FROM registry.duct_occupancy o JOIN registry.bore b ON b.id = o.bore_id "
            "WHERE b.duct_id <> o.duct_id",
        )
        == 0
    )
    assert one(built, "SELECT count(*) FROM (SELECT FROM registry.duct GROUP BY trench_id HAVING count(*) = 2) x") > 0


def test_constraints(built: Built) -> None:
    rows = built.session.execute(text("SELECT kind, count(*) FROM registry.constraint_area GROUP BY kind"))
    kinds = {kind: count for kind, count in rows}
    assert kinds["planned_zone"] == 21
    assert {"heritage", "airport", "underground_street"} <= kinds.keys()
    assert one(built, "SELECT count(*) FROM registry.constraint_area WHERE NOT (synthetic AND name ~ 'SYNTHETIC')") == 0
    bare = """
        SELECT count(*) FROM registry.constraint_area c WHERE c.kind = 'underground_street' AND NOT EXISTS (
            SELECT FROM registry.pole p WHERE ST_DWithin(p.geom::geography, c.geom::geography, c.reach_m))
    """
    assert one(built, bare) == 0, "poles stand along every street that goes underground"
