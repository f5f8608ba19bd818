"""A population raster becomes demand points: people of pixels, shared out as the villages themselves record."""

from __future__ import annotations

import datetime as dt
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
from app.intake import population
from app.intake.population import apportion
from app.intake.service import load_file
from app.kit.geo import from_wgs84
from tests.rasters import write_tif

STEP = 0.001  # 107 m by 111 m
WEST, NORTH = 107.50, 16.50


def write(path: Path, values: Any, **more: Any) -> Path:
    return write_tif(path, values, WEST, NORTH, STEP, **more)


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
        ([[1.0, 1.0]], {"transform": Affine(STEP, 0, WEST, 0, 0, NORTH)}, "population_no_position"),
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


def refusal(session: Session, path: Path) -> AppError:
    with pytest.raises(AppError) as refused:
        load_file(session, "demand_points", path)
    return refused.value


def rotated(degrees: float, size_m: float, size: int) -> dict[str, Any]:
    """A raster in metres whose middle is village A's."""
    x, y = (float(v) for v in from_wgs84(107.501, 16.499, "EPSG:9214"))
    turned = Affine.translation(x, y) @ Affine.rotation(degrees) @ Affine.scale(size_m, -size_m)
    return {"crs": "EPSG:9214", "transform": turned @ Affine.translation(-size / 2, -size / 2)}


@pytest.mark.parametrize("degrees", [0, 30, 89.9, 180])
def test_a_turned_raster_keeps_its_pixels(villages: Session, tmp_path: Path, degrees: float) -> None:
    path = write(tmp_path / "turned.tif", np.ones((200, 200), np.float32), **rotated(degrees, 100, 200))
    report = load_file(villages, "demand_points", path)
    assert report.accepted, report.findings
    found = points(villages, "A")
    assert 3 <= len(found) <= 6, "213 m by 221 m"
    assert sum(p[2] for p in found) == pytest.approx(90)
    [outside] = [n for n in report.notices if n.code == "people_outside_villages"]
    assert outside.en.startswith(f"{40_000 - report.loaded - report.updated:,} "), "one a pixel, wherever the box lies"


def test_pixels_that_are_not_square_are_taken_together_by_side(villages: Session, tmp_path: Path) -> None:
    """Pixels of 10.7 m by 111 m: nine across make a square, one down."""
    narrow = Affine(STEP / 10, 0, WEST, 0, -STEP, NORTH)
    load_file(villages, "demand_points", write(tmp_path / "n.tif", np.ones((2, 18), np.float32), transform=narrow))
    assert len(points(villages, "A")) == 4


def test_the_bands_scale_and_offset_count(villages: Session, tmp_path: Path) -> None:
    values = np.full((2, 6), 255, np.uint8)
    values[0, 2] = 40
    path = write(tmp_path / "scaled.tif", values, nodata=255)
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.5,), (2.0,)
    load_file(villages, "demand_points", path)
    assert points(villages, "B") == [(107.5025, 16.4995, 22.0, 0)]
    assert points(villages, "A") == [(107.5015, 16.4985, 90.0, 31)], "no data is nobody, not the offset"


def test_what_lies_far_from_villages_is_only_counted(
    villages: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = np.ones((6, 1000), np.float32)
    wide[0, 500], wide[0, -1] = 7, 12_345
    path = write(tmp_path / "wide.tif", wide, transform=Affine(STEP, 0, WEST - 0.5, 0, -STEP, NORTH))
    seen: list[int] = []
    assign = population._assign

    def counted(lon: Any, *more: Any) -> Any:
        seen.append(len(lon))
        return assign(lon, *more)

    monkeypatch.setattr(population, "_assign", counted)
    report = load_file(villages, "demand_points", path)
    assert seen[0] < 6 * 210, "150 pixels of villages and 2 km about"
    [outside] = [n for n in report.notices if n.code == "people_outside_villages"]
    kept = report.loaded + report.updated + 6  # the pixel of seven is A's
    people = 6000 + 6 + 12_344
    assert outside.en == f"{people - kept:,} people of the raster belong to no village"
    assert outside.vi == f"{people - kept:,} người của raster không thuộc thôn nào".replace(",", ".")


@pytest.mark.parametrize("metres", [False, True])
def test_a_country_is_read_around_the_villages(
    villages: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metres: bool
) -> None:
    monkeypatch.setattr(population, "MAX_PIXELS", 40_000)
    x, y = (float(v) for v in from_wgs84(107.501, 16.499, "EPSG:9214"))
    more: dict[str, Any] = (
        {"crs": "EPSG:9214", "transform": Affine(100, 0, x - 45_000, 0, -100, y + 45_000)} if metres
        else {"transform": Affine(STEP, 0, WEST - 0.5, 0, -STEP, NORTH + 0.5)}
    )  # fmt: skip
    path = write(tmp_path / "country.tif", np.ones((900, 900), np.float32), **more)
    report = load_file(villages, "demand_points", path)
    assert report.accepted
    assert 3 <= len(points(villages, "A")) <= 6
    assert "people_elsewhere_not_counted" in {n.code for n in report.notices}
    monkeypatch.setattr(population, "MAX_PIXELS", 1000)
    assert refusal(villages, path).code == "population_too_large"


def test_blocks_of_rows_make_no_difference(villages: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Squares of nine rows, blocks of five."""
    fine = np.random.default_rng(1).integers(0, 4, (40, 70)).astype(np.int32)
    path = write(tmp_path / "fine.tif", fine, transform=Affine(STEP / 10, 0, WEST, 0, -STEP / 10, NORTH), blockysize=1)
    tables = []
    for pixels in (4_000_000, 5 * 70):
        monkeypatch.setattr(population, "_BLOCK_PIXELS", pixels)
        tables.append(population.read_population(villages, path, dt.date(2026, 1, 1)))
    one, many = tables
    assert len(one) == len(many) > 10
    assert one.columns["village"].tolist() == many.columns["village"].tolist()
    assert many.columns["population"].tolist() == pytest.approx(one.columns["population"].tolist())
    assert [n.vi for n in one.notices] == [n.vi for n in many.notices]


def test_of_villages_that_overlap_the_first_has_the_people(session: Session, tmp_path: Path) -> None:
    for number in range(40):
        step = number * 1e-5
        village(session, f"O{number:02}", 107.5015, 16.4985, (107.5 - step, 16.498 - step, 107.502 + step, 16.5 + step))
    for number in range(5):
        village(session, f"P{number}", 107.5065, 16.4985)
    load_file(session, "demand_points", write(tmp_path / "pop.tif", PEOPLE))
    assert len(points(session, "O00")) == 3
    assert len(points(session, "P0")) == 2, "of points as near likewise"
    assert not any(points(session, f"O{n:02}") for n in range(1, 40))
    assert not any(points(session, f"P{n}") for n in range(1, 5))


def test_a_crs_of_neither_kind_is_refused(villages: Session, tmp_path: Path) -> None:
    local = 'LOCAL_CS["bản vẽ",UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
    for crs in (local, "EPSG:4978"):
        told = refusal(villages, write(tmp_path / "local.tif", PEOPLE, crs=crs))
        assert (told.code, told.field) == ("population_crs", "file")
        assert "hệ toạ độ không phải hệ địa lý hay hệ chiếu" in told.vi
        assert "neither geographic nor projected" in told.en


def test_numbers_in_vietnamese_notices(villages: Session, tmp_path: Path) -> None:
    wide = np.zeros((2, 300), np.float32)
    wide[:, :6], wide[0, 299] = PEOPLE, 1_234_567
    report = load_file(villages, "demand_points", write(tmp_path / "far.tif", wide))
    [told] = [n for n in report.notices if n.code == "people_outside_villages"]
    assert told.vi == "1.234.567 người của raster không thuộc thôn nào"
    assert told.en == "1,234,567 people of the raster belong to no village"
