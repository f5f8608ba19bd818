"""A population raster becomes demand points: people of pixels, shared out as the villages themselves record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio import Affine
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import AppError
from app.intake.population import apportion
from app.intake.service import load_file
from app.kit.geo import from_wgs84

STEP = 0.001  # 107 m by 111 m
WEST, NORTH = 107.50, 16.50


def write(path: Path, values: Any, **more: Any) -> Path:
    data = np.asarray(values)
    profile = {
        "driver": "GTiff", "width": data.shape[1], "height": data.shape[0], "count": 1, "dtype": data.dtype,
        "crs": "EPSG:4326", "transform": Affine(STEP, 0, WEST, 0, -STEP, NORTH),
    } | more  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        for band in range(1, profile["count"] + 1):
            target.write(data, band)
    return path


def village(
    session: Session, code: str, lon: float, lat: float, polygon: tuple[float, ...] | None = None, **more: Any
) -> None:
    row = {"population": None, "households": None} | more
    box = "ST_Multi(ST_MakeEnvelope({}, {}, {}, {}, 4326))".format(*polygon) if polygon else "NULL"
    session.execute(
        text(f"""WITH made AS (INSERT INTO registry.village (code, name, population, households, point, geom, source)
            VALUES (:code, 'Thôn thử', :population, :households, ST_Point(:lon, :lat, 4326), {box}, 'SYNTHETIC')
            RETURNING id, point)
            INSERT INTO registry.demand_point (village_id, point, population, dwellings, source)
            SELECT id, point, coalesce(:population, 0), coalesce(:households, 0), 'SYNTHETIC [whole village]'
            FROM made"""),
        row | {"code": code, "lon": lon, "lat": lat},
    )


def points(session: Session, code: str) -> list[tuple[float, float, float, int]]:
    rows = session.execute(
        text("""SELECT round(ST_X(d.point)::numeric, 5)::float, round(ST_Y(d.point)::numeric, 5)::float,
                round(d.population::numeric, 4)::float, d.dwellings
            FROM registry.demand_point d JOIN registry.village v ON v.id = d.village_id
            WHERE v.code = :code AND d.population > 0 ORDER BY 1, 2"""),
        {"code": code},
    )
    return [tuple(r) for r in rows]


@pytest.fixture
def villages(session: Session) -> Session:
    """A with a polygon and its people recorded, B with a polygon alone, C a point near by, D far away."""
    village(session, "A", 107.5015, 16.4985, (107.5, 16.498, 107.502, 16.5), population=90, households=31)
    village(session, "B", 107.5035, 16.4985, (107.502, 16.498, 107.504, 16.5))
    village(session, "C", 107.5060, 16.4985, households=4)
    village(session, "D", 107.6500, 16.4985, population=50)
    return session


PEOPLE = np.array([[10, 20, 5, 0, 8, 0], [0, 15, 0, 0, 0, 0]], np.float32)


def test_people_live_where_the_raster_says(villages: Session, tmp_path: Path) -> None:
    report = load_file(villages, "demand_points", write(tmp_path / "pop.tif", PEOPLE))
    assert report.accepted, report.findings
    assert (report.loaded, report.updated) == (2, 3), "each village's one point becomes its first"
    # 90 people in proportion 10 : 20 : 15; 31 households likewise, whole.
    assert points(villages, "A") == [
        (107.5005, 16.4995, 20.0, 7),
        (107.5015, 16.4985, 30.0, 10),
        (107.5015, 16.4995, 40.0, 14),
    ]
    assert points(villages, "B") == [(107.5025, 16.4995, 5.0, 0)], "nothing recorded: the raster's own number"
    assert points(villages, "C") == [(107.5045, 16.4995, 8.0, 4)], "no polygon: the nearest village within 2 km"
    assert points(villages, "D") == [(107.65, 16.4985, 50.0, 0)], "nobody in the raster: it keeps its point"
    assert {n.code for n in report.notices} == {"scaled_to_villages", "villages_without_people"}


def test_a_second_raster_asks_for_update(villages: Session, tmp_path: Path) -> None:
    load_file(villages, "demand_points", write(tmp_path / "pop.tif", PEOPLE))
    other = write(tmp_path / "newer.tif", PEOPLE[:, ::-1].copy())
    assert not load_file(villages, "demand_points", other).accepted
    assert load_file(villages, "demand_points", other, update=True).accepted
    assert sum(p[2] for p in points(villages, "A")) == pytest.approx(0 + 90)


def test_fine_pixels_are_taken_together(villages: Session, tmp_path: Path) -> None:
    """Nine by nine pixels of 11 m are one point, in the middle of its people."""
    fine = np.zeros((18, 18), np.float32)
    fine[0, 0], fine[8, 8] = 1, 3
    path = write(tmp_path / "fine.tif", fine, transform=Affine(STEP / 10, 0, WEST, 0, -STEP / 10, NORTH))
    load_file(villages, "demand_points", path)
    middle = (0.5 + 3 * 8.5) / 4 * STEP / 10
    assert points(villages, "A") == [(round(WEST + middle, 5), round(NORTH - middle, 5), 90.0, 31)]


def test_a_raster_in_metres_lies_where_it_should(villages: Session, tmp_path: Path) -> None:
    x, y = (float(v) for v in from_wgs84(107.5035, 16.4990, "EPSG:9214"))
    path = write(
        tmp_path / "m.tif", np.full((1, 1), 12.0), crs="EPSG:9214", transform=Affine(100, 0, x - 50, 0, -100, y + 50)
    )
    load_file(villages, "demand_points", path)
    assert points(villages, "B") == [(107.5035, 16.499, 12.0, 0)]


@pytest.mark.parametrize(
    ("values", "more", "code"),
    [
        ([[1.0, -3.0]], {}, "population_negative"),
        ([[0.0, 0.0]], {}, "population_nobody"),
        ([[np.nan, np.inf]], {}, "population_nobody"),
        ([[1.0, 1.0]], {"count": 2}, "population_type"),
        ([[1.0, 1.0]], {"crs": None}, "population_no_crs"),
        ([[1.0, 1.0]], {"transform": Affine(STEP, 0, 105.0, 0, -STEP, 20.0)}, "population_no_people_in_villages"),
    ],
)
def test_what_is_no_population_is_refused(
    villages: Session, tmp_path: Path, values: Any, more: dict[str, Any], code: str
) -> None:
    with pytest.raises(AppError) as refused:
        load_file(villages, "demand_points", write(tmp_path / "bad.tif", np.array(values), **more))
    assert (refused.value.code, refused.value.field) == (code, "file")
    assert "bad.tif" in refused.value.vi


def test_nothing_to_share_out_to(session: Session, tmp_path: Path) -> None:
    good = write(tmp_path / "pop.tif", PEOPLE)
    with pytest.raises(AppError) as refused:
        load_file(session, "demand_points", good)
    assert refused.value.code == "population_no_villages"
    (tmp_path / "cut.tif").write_bytes(good.read_bytes()[:100])
    with pytest.raises(AppError) as refused:
        load_file(session, "demand_points", tmp_path / "cut.tif")
    assert refused.value.code == "population_unreadable"


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.lists(st.floats(0.01, 100), min_size=1, max_size=9)), min_size=1, max_size=6
    )
)
def test_whole_numbers_add_up(villages: list[tuple[int, list[float]]]) -> None:
    totals = np.array([v[0] for v in villages], np.float64)
    group = np.repeat(np.arange(len(villages)), [len(v[1]) for v in villages])
    weight = np.concatenate([np.array(v[1]) for v in villages])
    share = weight / np.bincount(group, weight)[group]
    found = apportion(totals, group, share)
    assert (found >= 0).all()
    assert np.bincount(group, found).tolist() == totals.tolist()
    assert (np.abs(found - totals[group] * share) <= 1 + 1e-6).all()
