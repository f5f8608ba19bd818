"""What constrains a place, asked of a real registry; the rows refused by the database itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database import PUBLIC, Scope, enter, session_scope, system
from app.kit.geo import geodesic_m
from app.licensing.constraints import queries
from app.licensing.constraints.judgement import Finding
from app.licensing.constraints.service import code_of, constraints_at
from tests.conftest import test_cluster as cluster_of_run
from tests.licensing.constraints.conftest import LAT, LON, SURFACES, box, put
from tests.sharing import registry

DAY = dt.date(2025, 12, 31)
Found = dict[tuple[str, str], Finding]


def ask(session: Session, lon: float = LON, lat: float = LAT, **more: Any) -> Found:
    values: dict[str, Any] = {"height_m": 30.0, "code": "A2b", "as_of": DAY} | more
    return {(f.kind, f.check): f for f in constraints_at(session, lon, lat, **values)}


def test_every_kind_at_one_place(place: Session) -> None:
    found = ask(place)
    assert {k: f.status for k, f in found.items()} == {
        ("planned_zone", "code"): "ok", ("planned_zone", "height"): "ok", ("heritage", "code"): "refuse",
        ("airport", "height"): "ok", ("underground_street", "undergrounding"): "warning",
        ("military_height", "height"): "ok", ("distance_urban", "distance"): "ok",
    }  # fmt: skip
    monument, aerodrome = found["heritage", "code"], found["airport", "height"]
    assert monument.distance_m == pytest.approx(float(geodesic_m(LON, LAT, LON, LAT + 0.002711)), abs=0.01)
    metres = float(geodesic_m(LON, LAT, LON + 0.04684, LAT))
    assert aerodrome.distance_m == pytest.approx(metres, abs=0.01)
    assert aerodrome.limit == pytest.approx(15 + 45 + 0.05 * (metres - 4000) - 5, abs=0.01)
    assert all(f.synthetic for f in (monument, aerodrome))
    assert ask(place, height_m=106)["airport", "height"].status == "refuse"
    assert ask(place, code="A1b")["heritage", "code"].status == "ok"


def test_the_edge_of_a_buffer(place: Session) -> None:
    away = 0.002711 + 0.00451800  # 499.95 m north of the monument; the buffer ends at 500 m
    assert ("heritage", "code") in ask(place, lat=LAT + away)
    assert ("heritage", "code") not in ask(place, lat=LAT + away + 0.0001)


def test_the_day_counts(place: Session) -> None:
    put(place, "other", "O1", box(0.01), {"note": "Từ 2026"}, valid_from=dt.date(2026, 1, 1))
    assert ("other", "note") not in ask(place)
    assert ask(place, as_of=dt.date(2026, 1, 1))["other", "note"].status == "warning"


def test_unknown_ground_is_unknown(place: Session) -> None:
    put(place, "airport", "VVDN", shapely.Point(108.2, 16.05), {"elevation_m": 10, "surfaces": SURFACES})
    found = ask(place, 108.21, 16.05)["airport", "height"]
    assert (found.code, found.status, found.limit) == ("VVDN", "unknown", None)


def test_neighbours_warn_in_a_ward_and_restricted_ones_are_none(place: Session) -> None:
    registry.site(place, "HUSH", LON, LAT + 0.0002, structure={"height_m": 40}, restricted=True)
    assert ask(place)["distance_urban", "distance"].status == "ok"
    registry.site(place, "NEAR", LON, LAT + 0.0009, structure={"height_m": 40})
    near = ask(place)["distance_urban", "distance"]
    assert near.status == "warning"
    assert near.value == pytest.approx(99.6, abs=0.2)
    enter(place, PUBLIC)
    assert ("distance_urban", "distance") not in ask(place), "where structures stand is not told to the public"
    enter(place, system())


def test_a_search_area_meets_what_its_nearest_corner_meets(place: Session) -> None:
    area = shapely.to_wkb(box(0.02))
    found = ask(place, area=area)
    zone = found["planned_zone", "code"]
    assert (zone.status, zone.partly, zone.distance_m) == ("ok", True, 0)
    assert found["heritage", "code"].status == "warning"
    inner = ask(place, area=shapely.to_wkb(box(0.0001)))
    assert (inner["heritage", "code"].status, inner["planned_zone", "code"].partly) == ("refuse", False)


def test_restricted_constraints_stay_in_the_department(place: Session) -> None:
    put(place, "other", "SECRET", box(0.001), {"note": "Kho"}, restricted=True)
    assert ask(place)["other", "note"].restricted
    for scope in (PUBLIC, Scope("user:3", ("other_department",)), Scope("user:7", ("operator",), (1,))):
        enter(place, scope)
        assert ("other", "note") not in ask(place)
        history = "SELECT count(*) FROM audit.change WHERE table_name = 'registry.constraint_area'"
        hidden = " AND after->>'code' = 'SECRET'"
        assert place.scalar(text(history + hidden)) == 0
        assert place.scalar(text(history)) == 4, scope
    enter(place, system())


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"mounting": "ground", "disguised": False}, "A2b"),
        ({"mounting": None}, None),
        ({"mounting": "ground"}, None),
        ({"mounting": "post", "height_m": 2.0, "half_width_m": 0.3, "disguised": False}, "A1b"),
    ],
)
def test_the_type_a_proposal_would_have(session: Session, given: dict[str, Any], code: str | None) -> None:
    assert code_of(session, DAY, **given) == code


POINT, AREA = "POINT(107.5 16.4)", "POLYGON((107.5 16.4, 107.6 16.4, 107.6 16.5, 107.5 16.4))"
REFUSED = [
    ("planned_zone", AREA, '{"allowed_codes": ["A9"]}', "rule"),
    ("planned_zone", AREA, '{"allowed_codes": "A1a"}', "rule"),
    ("planned_zone", AREA, '{"allowed_codes": [], "max_height_m": 0}', "rule"),
    ("planned_zone", AREA, "{}", "rule"),
    ("planned_zone", AREA, "[]", "rule"),
    ("planned_zone", POINT, '{"allowed_codes": []}', "geom_type"),
    ("heritage", POINT, '{"allowed_codes": ["A1b"]}', "rule"),
    ("heritage", POINT, '{"allowed_codes": ["A1b"], "buffer_m": -1}', "rule"),
    ("airport", POINT, '{"elevation_m": 15}', "rule"),
    ("airport", POINT, '{"elevation_m": 15, "surfaces": []}', "rule"),
    ("airport", AREA, '{"elevation_m": 15, "surfaces": [{"to_m": 4000, "height_m": 45}]}', "geom_type"),
    ("underground_street", POINT, '{"within_m": 20, "from": "2025-01-01"}', "geom_type"),
    ("underground_street", AREA, '{"within_m": 20}', "rule"),
    ("underground_street", AREA, '{"within_m": 20, "from": "soon"}', "rule"),
    ("temple", AREA, "{}", "kind"),
    ("other", "POINT(16.4 107.5)", "{}", "geom_in_country"),
    ("other", "POLYGON((107.5 16.4, 107.6 16.5, 107.6 16.4, 107.5 16.5, 107.5 16.4))", "{}", "geom_in_country"),
]


@pytest.mark.parametrize(("kind", "wkt", "rule", "constraint"), REFUSED)
def test_the_database_refuses(session: Session, kind: str, wkt: str, rule: str, constraint: str) -> None:
    statement = text(
        "INSERT INTO registry.constraint_area (kind, code, name, citation, rule, geom)"
        " VALUES (:kind, 'X', 'X', 'X', CAST(:rule AS jsonb), ST_GeomFromText(:wkt, 4326))"
    )
    with pytest.raises(DBAPIError) as refused, session.begin_nested():
        session.execute(statement, {"kind": kind, "wkt": wkt, "rule": rule})
    assert f"ck_constraint_area_{constraint}" in str(refused.value)


@pytest.mark.parametrize("column", ["code", "name", "citation"])
def test_the_database_wants_words(session: Session, column: str) -> None:
    with pytest.raises(DBAPIError) as refused, session.begin_nested():
        put(session, "other", **{"code": "X", "shape": box(0.1), "rule": {}, column: "  "})
    assert f"ck_constraint_area_{column}" in str(refused.value)


def test_one_code_is_in_force_once(session: Session) -> None:
    put(session, "other", "X", box(0.1), {}, valid_to=dt.date(2025, 1, 1))
    put(session, "other", "X", box(0.1), {}, valid_from=dt.date(2025, 1, 1))
    with pytest.raises(DBAPIError) as refused, session.begin_nested():
        put(session, "other", "X", box(0.1), {}, valid_from=dt.date(2024, 1, 1), valid_to=dt.date(2025, 1, 2))
    assert "ex_constraint_area_validity" in str(refused.value)


def test_nobody_else_writes(place: Session) -> None:
    for scope in (PUBLIC, Scope("user:3", ("other_department",)), Scope("user:7", ("operator",), (1,))):
        enter(place, scope)
        with pytest.raises(DBAPIError), place.begin_nested():
            put(place, "other", "MINE", box(0.1), {})
        done: Any = place.execute(text("UPDATE registry.constraint_area SET name = 'X'"))
        assert done.rowcount == 0
    enter(place, system())


def test_the_index_of_reaches_is_used(own_database: str) -> None:
    """Of 20,000 zones the question touches the few around the point, for whoever asks."""
    fill = """
        INSERT INTO registry.constraint_area (kind, code, name, citation, rule, geom, synthetic)
        SELECT 'planned_zone', 'Z' || i, 'Z', 'X', '{"allowed_codes": ["A2b"]}',
               ST_MakeEnvelope(x, y, x + 0.004, y + 0.004, 4326), true
        FROM (SELECT i, 107 + (i % 200) * 0.005 AS x, 16 + (i / 200) * 0.005 AS y FROM generate_series(0, 19999) i) g
    """
    with session_scope() as session:
        session.execute(text(fill))
    with cluster_of_run().superuser(own_database.split("/")[3].split("?")[0]) as connection:
        connection.execute("ANALYZE registry.constraint_area")
    for scope in (system(), PUBLIC, Scope("user:7", ("operator",), (1,))):
        with session_scope(scope) as session:
            values = {"lon": 107.502, "lat": 16.302, "area": None, "as_of": DAY}
            plan = session.execute(text(f"EXPLAIN (FORMAT JSON) {queries._AROUND}"), values).scalar_one()
            assert "idx_constraint_area_reach" in str(plan), scope
            assert len(queries.around(session, 107.502, 16.302, None, DAY)) == 1
