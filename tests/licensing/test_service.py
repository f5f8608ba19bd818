"""The co-location check against a real registry: distance, capacity, validity, refusals."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import Scope, session_scope, system
from app.errors import Invalid
from app.kit.geo import geodesic_m
from app.licensing import queries
from app.licensing.answers import answer as answer_of
from app.licensing.inputs import thawed
from app.licensing.service import check_colocation, gather
from tests.conftest import test_cluster as cluster_of_run
from tests.sharing import registry
from tests.sharing.registry import DAY

LON, LAT = 107.55, 16.45


def square(lon: float, lat: float, side: float = 0.002) -> dict[str, Any]:
    ring = [(lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side), (lon, lat)]
    return {"type": "Polygon", "coordinates": [ring]}


BOW_TIE = {"type": "Polygon", "coordinates": [
    [(107.55, 16.45), (107.552, 16.452), (107.552, 16.45), (107.55, 16.452), (107.55, 16.45)]]}  # fmt: skip
MANY = {"type": "Polygon", "coordinates": [
    [*((107.55 + i * 1e-6, 16.45) for i in range(600)), (107.55, 16.46), (107.55, 16.45)]]}  # fmt: skip


@pytest.fixture
def province(session: Session) -> Session:
    """One commune; a tower with room at 300 m, a full one at 60 m, one of unknown capacity at 400 m."""
    registry.commune(session, "90001", 107.5, 16.4, name="Xã Thử")
    mast = {"height_m": 45.0}
    registry.site(session, "FREE", LON + 0.0028, LAT, "VNPT", owner="VNPT", structure=mast | {"tenant_capacity": 3})
    registry.site(
        session, "FULL", LON, LAT + 0.00054, "VNPT", "MOBIFONE", owner="VNPT", structure=mast | {"tenant_capacity": 2}
    )
    registry.site(session, "DARK", LON - 0.0037, LAT, "MOBIFONE", structure=mast)
    registry.site(session, "FAR", LON + 0.0060, LAT, "VNPT", owner="VNPT", structure=mast | {"tenant_capacity": 3})
    ended: dict[str, Any] = {"valid_from": dt.date(2020, 1, 1), "valid_to": dt.date(2025, 6, 1)}
    registry.site(
        session, "GONE", LON, LAT + 0.0001, "VNPT", owner="VNPT", structure=mast | {"tenant_capacity": 9}, **ended
    )
    hut = {"kind": "house", "tenant_capacity": 9}
    registry.site(session, "HUT", LON, LAT + 0.0002, structure=hut)
    registry.site(session, "HUSH", LON, LAT + 0.0003, structure=mast | {"tenant_capacity": 9}, restricted=True)
    registry.pole(session, "P-1", LON + 0.001, LAT, "VNPT")
    registry.pole(session, "P-2", LON + 0.02, LAT, "VNPT")
    return session


def ask(session: Session, **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"lon": LON, "lat": LAT, "operator": "VIETTEL", "height_m": 42, "as_of": DAY} | more
    return check_colocation(session, **values)


def test_candidates_by_true_distance(province: Session) -> None:
    answer = ask(province)
    assert [c["site"] for c in answer["candidates"]] == ["FREE", "DARK", "FULL"]
    for c in answer["candidates"]:
        assert c["distance_m"] == pytest.approx(float(geodesic_m(LON, LAT, c["lon"], c["lat"])), abs=0.01)
    free, dark, full = answer["candidates"]
    assert (free["spare"], free["spare_state"], free["tenants"]) == (2, "free", ["VNPT"])
    assert (dark["spare"], dark["spare_state"]) == (None, "unknown")
    assert (full["spare"], full["spare_state"], full["tenants"]) == (0, "full", ["MOBIFONE", "VNPT"])
    assert [c["site"] for c in answer["near_duplicates"]] == ["FULL"]
    assert [c["site"] for c in answer["restricted"]] == ["HUSH"], "the department is told, apart from the others"
    assert answer["restricted"][0]["restricted"]
    assert answer["poles_nearby"] == 1
    assert answer["commune"] == {"code": "90001", "name": "Xã Thử", "kind": "xã"}
    assert (answer["advice"]["code"], answer["province"]) == ("share", True)
    assert "coverage_not_compared" in {r["code"] for r in answer["reasons"]}


def test_effect_on_the_ratios(province: Session) -> None:
    # Positions in force with an operator: FREE 1, FULL 2, DARK 1, FAR 1; HUT and HUSH were never surveyed.
    effect = ask(province)["effect"]
    assert effect["S1"] == pytest.approx({"before": 25, "after_new": 20, "after_shared": 50, "after": 50})
    assert effect["S2"] == pytest.approx(
        {"before": 40, "after_new": 200 / 6, "after_shared": 400 / 6, "after": 400 / 6}
    )


def test_radius_bounds_the_answer(province: Session) -> None:
    assert [c["site"] for c in ask(province, radius_m=700)["candidates"]] == ["FREE", "FAR", "DARK", "FULL"]
    small = ask(province, radius_m=50)
    assert (small["candidates"], [c["site"] for c in small["near_duplicates"]]) == ([], ["FULL"])
    assert small["advice"]["code"] == "license_shared"


def test_the_date_decides_what_stands(province: Session) -> None:
    # Before 1 Jul 2025 the commune is not in force, so the place cannot be checked; GONE still stands.
    before = ask(province, as_of=dt.date(2025, 5, 31))
    assert before["candidates"][0]["site"] == "GONE"
    assert (before["advice"]["code"], before["province"]) == ("needs_a_person", None)
    assert "boundaries_unknown" in {r["code"] for r in before["reasons"]}


def test_a_point_just_outside_is_tolerated_and_said(province: Session) -> None:
    answer = ask(province, lon=107.49, lat=16.45)
    assert answer["commune"]["code"] == "90001"
    assert "just_outside" in {r["code"] for r in answer["reasons"]}


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"lon": 107.4, "lat": 16.45}, "outside_province", "lon"),
        ({"lon": 16.45, "lat": 107.55}, "swapped_axes", "lon"),
        ({"lon": 561476.79, "lat": 1821306.8}, "outside_world", "lon"),
        ({"lon": float("nan")}, "not_finite", "lon"),
        ({"lat": float("inf")}, "not_finite", "lat"),
        ({"height_m": 0}, "out_of_range", "height_m"),
        ({"height_m": -5}, "out_of_range", "height_m"),
        ({"height_m": 350.1}, "out_of_range", "height_m"),
        ({"height_m": float("nan")}, "not_finite", "height_m"),
        ({"radius_m": 0}, "out_of_range", "radius_m"),
        ({"radius_m": 20001}, "out_of_range", "radius_m"),
        ({"radius_m": float("inf")}, "not_finite", "radius_m"),
        ({"operator": "VIETEL"}, "unknown_operator", "operator"),
        ({"operator": "'; DROP TABLE registry.site; --"}, "unknown_operator", "operator"),
        ({"operator": "EVN"}, "operator_without_radio", "operator"),
        ({"technologies": ["6G"]}, "unknown_technology", "technologies"),
        ({"purpose": "fun"}, "unknown_purpose", "purpose"),
        ({"type_code": "A9"}, "unknown_type_code", "type_code"),
        ({"lon": None}, "point_or_area", "area"),
        ({"area": square(107.55, 16.45)}, "point_or_area", "area"),
        ({"lon": None, "lat": None, "area": square(107.3, 16.45)}, "outside_province", "lon"),
        ({"lon": None, "lat": None, "area": square(107.55, 16.45, 0.2)}, "area_too_large", "area"),
        ({"lon": None, "lat": None, "area": square(16.45, 107.55)}, "swapped_axes", "area"),
        (
            {"lon": None, "lat": None, "area": {"type": "Point", "coordinates": [107.5, 16.4]}},
            "wrong_geometry_type",
            "area",
        ),
        ({"lon": None, "lat": None, "area": {"type": "Polygon", "coordinates": "x"}}, "not_a_geometry", "area"),
        ({"lon": None, "lat": None, "area": BOW_TIE}, "self_crossing", "area"),
        ({"lon": None, "lat": None, "area": MANY}, "too_many_vertices", "area"),
    ],
)
def test_refusals(province: Session, more: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask(province, **more)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.vi


def test_a_search_area_counts_from_its_edge(province: Session) -> None:
    # From 107.5494 to 107.5530: FREE at 107.5528 is inside, FULL 60 m north of the south edge is inside too.
    west, south, east, north = 107.5494, 16.4499, 107.553, 16.452
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    area = {"type": "Polygon", "coordinates": [ring]}
    answer = ask(province, lon=None, lat=None, area=area, radius_m=400)
    at = {c["site"]: c["distance_m"] for c in answer["candidates"]}
    assert at["FREE"] == at["FULL"] == 0
    assert at["DARK"] == pytest.approx(float(geodesic_m(107.5494, LAT, LON - 0.0037, LAT)), abs=0.5)
    inside = answer["proposal"]
    assert 107.5494 < inside["lon"] < 107.553
    assert inside["area"].startswith("POLYGON")
    assert [c["site"] for c in answer["near_duplicates"]] == ["FREE", "FULL"]


def test_the_same_frozen_inputs_give_the_same_answer(province: Session) -> None:
    given = gather(province, lon=LON, lat=LAT, operator="VIETTEL", height_m=42, as_of=DAY)
    frozen = json.loads(json.dumps(given.frozen()))
    again = thawed(frozen)
    assert again == given
    assert answer_of(again) == answer_of(given)
    assert again.sha256() == given.sha256() == answer_of(given)["snapshot"]["sha256"]
    frozen["candidates"][0]["tenant_capacity"] = 8
    assert thawed(frozen).sha256() != given.sha256()


def test_load_and_antenna_heights_come_from_the_tenants(province: Session) -> None:
    province.execute(text("UPDATE registry.structure SET load_capacity_kg = 900 WHERE code = 'FREE-S'"))
    free = ask(province)["candidates"][0]
    assert (free["spare_load_kg"], free["free_height_m"]) == (None, None), "nobody recorded what VNPT put there"
    structure = "(SELECT id FROM registry.structure WHERE code = 'FREE-S')"
    organisation = "(SELECT id FROM registry.organisation WHERE code = 'VNPT')"
    province.execute(text(f"""
        INSERT INTO registry.structure_occupancy (structure_id, tenant_id, component, load_kg, source)
        VALUES ({structure}, {organisation}, 'mast', 700, '')
        ON CONFLICT (structure_id, tenant_id, component) WHERE valid_to IS NULL DO UPDATE SET load_kg = 700
    """))  # fmt: skip
    free = next(c for c in ask(province)["candidates"] if c["site"] == "FREE")
    assert (free["spare_load_kg"], free["spare_state"], [f["code"] for f in free["fails"]]) == (
        200,
        "full",
        ["no_load"],
    )
    province.execute(text(f"""
        INSERT INTO registry.cell (base_station_id, code, antenna_height_m, source)
        SELECT b.id, 'FREE-C', 44, '' FROM registry.base_station b WHERE b.structure_id = {structure}
    """))  # fmt: skip
    free = next(c for c in ask(province)["candidates"] if c["site"] == "FREE")
    assert free["free_height_m"] == 41


def test_a_station_nobody_gave_a_structure_takes_its_place_on_each(province: Session) -> None:
    before = ask(province)["candidates"][0]
    province.execute(text("UPDATE registry.base_station SET structure_id = NULL WHERE code LIKE 'FREE-%'"))
    after = ask(province)["candidates"][0]
    assert (after["site"], after["tenants"], after["spare"]) == ("FREE", ["VNPT"], before["spare"])


def test_two_owners_may_use_one_code(province: Session) -> None:
    registry.site(province, "TWIN", LON + 0.001, LAT, "MOBIFONE VIETNAMOBILE", owner="MOBIFONE",
                  structure={"height_m": 45.0, "tenant_capacity": 4})  # fmt: skip
    province.execute(text("UPDATE registry.structure SET code = 'FREE-S' WHERE code = 'TWIN-S'"))
    given = gather(province, lon=LON, lat=LAT, operator="VIETTEL", height_m=42, as_of=DAY)
    of = {c.site: given.hosts[c.structure_id].k for c in given.candidates if c.structure == "FREE-S"}
    assert of == {"FREE": 1, "TWIN": 2}


def test_unknown_operator_suggests_codes(province: Session) -> None:
    with pytest.raises(Invalid) as refused:
        ask(province, operator="vietel")
    assert refused.value.extra["suggestions"][0] == "VIETTEL"
    assert ask(province, operator=" viettel ", technologies=["4g", "4G"])["proposal"]["technologies"] == ["4G"]


def test_the_spatial_index_is_used(own_database: str) -> None:
    """Of 20,000 structures the query touches the few near the point, for whoever asks."""
    with session_scope() as session:
        session.execute(
            text("""
                WITH s AS (
                    INSERT INTO registry.site (code, geom, source, synthetic)
                    SELECT 'X' || i, ST_SetSRID(ST_MakePoint(107 + (i % 200) * 0.005, 16 + (i / 200) * 0.005), 4326),
                           '', false
                    FROM generate_series(0, 19999) AS i RETURNING id, code, geom
                )
                INSERT INTO registry.structure (site_id, code, geom, source, synthetic)
                SELECT id, code || '-S', geom, '', false FROM s
            """)
        )
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        connection.execute("ANALYZE registry.site, registry.structure")
    for scope in (system(), Scope("user:3", ("statistics",)), Scope("user:7", ("operator",), (1,))):
        with session_scope(scope) as session:
            plan = session.execute(
                text(f"EXPLAIN (FORMAT JSON) {queries._CANDIDATES}"),
                queries._values(queries.point(107.5, 16.3), 500, DAY),
            ).scalar_one()
            assert "idx_structure_geom" in str(plan), scope
            found = queries.candidates(session, queries.point(107.5, 16.3), 600, DAY)
            assert len(found) == (0 if scope.organisations else 5)
