"""Land cover: classes of files, their heights along a path, and what a verdict says without."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio import Affine
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coverage import grid, land_cover, raster_store
from app.coverage.engine import compute
from app.coverage.land_cover import CLASSES, LandCover
from app.coverage.models import LandCoverTile
from app.coverage.paths import path_loss
from app.coverage.propagation.climate import INLAND, SEA
from app.coverage.propagation.p1812 import basic_transmission_loss
from app.coverage.rasters import Raster
from app.coverage.service import run_coverage
from app.errors import AppError
from app.kit.geo import from_wgs84
from tests.coverage.conftest import AS_OF, STEP, Station, Village
from tests.coverage.test_engine import RECEIVER, RIDGE, one_mast
from tests.rasters import write_tif

TREES, OPEN, SEA_CLASS = CLASSES.index("trees"), CLASSES.index("open"), CLASSES.index("sea")
HEIGHTS = land_cover.class_heights({"water": 0, "open": 0, "suburban": 10, "trees": 15, "urban": 15, "dense_urban": 20})
WEST, NORTH = 107.4, 16.6


def cover_of(classes: NDArray[np.uint8]) -> LandCover:
    return land_cover.from_rasters([Raster(classes, WEST, NORTH, STEP, STEP)], HEIGHTS, "test", synthetic=True)


def striped(width: int = 400) -> NDArray[np.uint8]:
    """Open ground with a wood between columns 100 and 200 and a column nobody knows."""
    classes = np.full((width, width), OPEN, np.uint8)
    classes[:, 100:200] = TREES
    classes[:, 300] = land_cover.UNKNOWN
    return classes


def write(path: Path, values: NDArray[Any], **more: Any) -> Path:
    return write_tif(path, values, WEST, NORTH, **more)


def add(session: Session, *paths: Path, scheme: str = "worldcover") -> list[dict[str, Any]]:
    return land_cover.add_files(session, paths, scheme, AS_OF)


def test_values_of_a_file_become_classes(session: Session, tmp_path: Path) -> None:
    values = np.full((20, 30), 30, np.uint8)
    values[:, 10:] = 10
    values[:, 20:] = 77  # no value of the legend
    [report] = add(session, write(tmp_path / "cover.tif", values, nodata=0))
    assert report["added"]
    assert report["void_share"] == pytest.approx(1 / 3)
    opened = land_cover.open_land_cover(session, AS_OF)
    lon = WEST + (np.array([5, 15, 25, 999]) + 0.5) * STEP
    assert opened.classes(lon, np.full(4, NORTH - 5 * STEP)).tolist() == [OPEN, TREES, 0, 0]
    assert opened.height_m[TREES] == 15
    assert not add(session, tmp_path / "cover.tif")[0]["added"]
    assert len(raster_store.status(session, LandCoverTile)) == 1


def test_a_metric_file_keeps_its_classes(session: Session, tmp_path: Path) -> None:
    """Warped to the nearest pixel: no class between two others comes into being."""
    values = np.full((80, 80), 3, np.int16)
    values[:, 40:] = 7
    x, y = from_wgs84(107.5, 16.5, "EPSG:9214")
    place = Affine(10, 0, float(x), 0, -10, float(y))
    add(session, write(tmp_path / "metric.tif", values, crs="EPSG:9214", transform=place), scheme="hatang")
    opened = land_cover.open_land_cover(session, AS_OF)
    middle = NORTH - 0.1 - 400 / 111_000
    at = 107.5 + np.array([100.0, 700.0]) / 106_700
    assert opened.classes(at, np.full(2, middle)).tolist() == [CLASSES.index("open"), CLASSES.index("dense_urban")]
    assert set(np.unique(opened.grids[0])) <= {0, CLASSES.index("open"), CLASSES.index("dense_urban")}


def test_what_a_turned_frame_brings_in_is_unknown(session: Session, tmp_path: Path) -> None:
    """Warped from another zone, the corners of the frame hold nothing: they are no class, whatever 0 means."""
    session.execute(
        text("""INSERT INTO policy.parameter (kind, name, value, citation)
        VALUES ('land_cover_scheme', 'zero', '{"0": "sea", "7": "urban"}', 'test')""")
    )
    x, y = from_wgs84(107.5, 16.5, "EPSG:32648")
    place = Affine(100, 0, float(x), 0, -100, float(y))
    path = write(tmp_path / "utm.tif", np.full((50, 50), 7, np.uint8), crs="EPSG:32648", transform=place)
    [report] = add(session, path, scheme="zero")
    opened = land_cover.open_land_cover(session, AS_OF)
    assert set(np.unique(opened.grids[0])) == {0, CLASSES.index("urban")}
    assert report["void_share"] > 0


def test_the_same_file_by_another_scheme_takes_its_place(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "cover.tif", np.full((9, 9), 10, np.uint8))
    at = (np.array([WEST + 4 * STEP]), np.array([NORTH - 4 * STEP]))
    seen = []
    for meaning in ('{"10": "trees"}', '{"10": "urban"}'):
        value = {"v": meaning}
        if not session.execute(
            text("UPDATE policy.parameter SET value = CAST(:v AS jsonb) WHERE name = 'mine' RETURNING id"), value
        ).all():
            session.execute(
                text("""INSERT INTO policy.parameter (kind, name, value, citation)
                VALUES ('land_cover_scheme', 'mine', CAST(:v AS jsonb), 'test')"""), value
            )  # fmt: skip
        assert add(session, path, scheme="mine")[0]["added"]
        opened = land_cover.open_land_cover(session, AS_OF)
        seen.append((CLASSES[opened.classes(*at)[0]], opened.version))
    assert [name for name, _ in seen] == ["trees", "urban"]
    assert seen[0][1] != seen[1][1], "losses over the former classes are not found again"
    assert len(raster_store.status(session, LandCoverTile)) == 1


@pytest.mark.parametrize(
    ("values", "more", "code"),
    [
        (np.full((5, 5), 1.5, np.float32), {}, "land_cover_type"),
        (np.full((5, 5), 10, np.uint8), {"count": 3}, "land_cover_type"),
        (np.full((5, 5), 10, np.uint8), {"crs": None}, "land_cover_no_crs"),
        (np.full((5, 5), 1, np.uint8), {}, "land_cover_no_class"),
        (np.full((5, 5), -7, np.int16), {}, "land_cover_no_class"),
        (np.full((5, 5), 10, np.uint8), {"transform": Affine(STEP, 0, 7, 0, -STEP, 47)}, "raster_no_overlap"),
    ],
)
def test_what_is_no_land_cover_is_refused(
    session: Session, tmp_path: Path, values: NDArray[Any], more: dict[str, Any], code: str
) -> None:
    path = write(tmp_path / "bad.tif", values, **more)
    with pytest.raises(AppError) as refused:
        add(session, path)
    assert (refused.value.code, refused.value.field) == (code, "bad.tif")
    assert refused.value.vi != refused.value.en
    assert raster_store.status(session, LandCoverTile) == []


def test_other_refusals(session: Session, tmp_path: Path) -> None:
    good = write(tmp_path / "good.tif", np.full((9, 9), 10, np.uint8))
    (tmp_path / "cut.tif").write_bytes(good.read_bytes()[:150])
    for path, scheme, code in (
        (good, "nobody's", "unknown_scheme"), (tmp_path / "cut.tif", "worldcover", "land_cover_unreadable"),
        (tmp_path / "none.tif", "worldcover", "no_such_file"),
    ):  # fmt: skip
        with pytest.raises(AppError) as refused:
            add(session, path, scheme=scheme)
        assert refused.value.code == code
    for heights in (
        {"open": 0},
        {**dict.fromkeys(CLASSES[2:], 0), "trees": -3},
        {**dict.fromkeys(CLASSES[2:], 0), "urban": "x"},
    ):
        with pytest.raises(AppError) as refused:
            land_cover.class_heights(heights)
        assert refused.value.code == "land_cover_height"
    for table in ({"300": "trees"}, {"1": "jungle"}, {"-1": "trees"}):
        with pytest.raises(AppError) as refused:
            land_cover.scheme_table("mine", table)
        assert refused.value.code == "land_cover_scheme"


def test_a_file_that_went_away_is_said(session: Session, tmp_path: Path) -> None:
    add(session, write(tmp_path / "cover.tif", np.full((9, 9), 10, np.uint8)))
    for path in raster_store.folder(LandCoverTile).glob("*.npy"):
        path.unlink()
    with pytest.raises(AppError) as refused:
        land_cover.open_land_cover(session, AS_OF)
    assert refused.value.code == "land_cover_file_missing"
    assert "hatang land-cover add" in refused.value.en


@pytest.mark.parametrize("classes", [striped(), np.where(striped() == TREES, SEA_CLASS, OPEN).astype(np.uint8)])
def test_a_path_over_cover_is_the_recommendations(classes: NDArray[np.uint8]) -> None:
    """The sweep against the reference: representative heights between the ends, sea where the class says so."""
    cover, (lon1, lat), lon2 = cover_of(classes), (107.41, 16.55), 107.47
    found = compute(
        RIDGE, one_mast(lon1, lat), np.array([lon2]), np.array([lat]), np.array([-200.0]), RECEIVER, cover=cover
    )
    profile = RIDGE.profiles(lon1, lat, lon2, lat, 30.0)
    posts = np.linspace(lon1, lon2, profile.h_m.size)
    above = HEIGHTS[cover.classes(posts, np.full(posts.size, lat))]
    assert len(set(above.tolist())) == 2
    above[[0, -1]] = np.minimum(above[[0, -1]], 0)
    told = basic_transmission_loss(
        1.8, 50, profile.d_km, profile.h_m, np.maximum(above, 0), np.where(above < 0, SEA, INLAND), 30, 1.5, 2, lat,
        lat, lon1, lon2,
    )  # fmt: skip
    assert found.loss_db[0, 0] == pytest.approx(told.loss_db, abs=1e-6)
    bare = compute(RIDGE, one_mast(lon1, lat), np.array([lon2]), np.array([lat]), np.array([-200.0]), RECEIVER)
    assert found.loss_db[0, 0] != pytest.approx(bare.loss_db[0, 0], abs=1e-3)


def test_a_verdict_says_what_stands_in(hilly: Session, village: Village, station: Station, tmp_path: Path) -> None:
    station("S1", 107.45, 16.5)
    inside, outside = village("IN", (107.46, 16.5, 100, 30)), village("OUT", (107.49, 16.5, 100, 30))
    hilly.execute(
        text("UPDATE registry.demand_point SET source = 'x [whole village]' WHERE village_id = :v"), {"v": outside}
    )

    def said() -> dict[int, Any]:
        run = run_coverage(hilly, as_of=AS_OF)
        query = """SELECT village_id, why FROM registry.verdict
            WHERE run_id = :r AND operator_id IS NULL AND technology IS NULL"""
        return dict(hilly.execute(text(query), {"r": run.id}).all()) | {0: run}

    before = said()
    assert before[inside]["assumed"] == ["bare_ground"]
    assert before[outside]["assumed"] == ["bare_ground", "whole_village"]
    assert any("mặt đất trống" in s for s in before[inside]["vi"])
    assert any("village's point" in s for s in before[outside]["en"])
    values = np.full((720, 290), 10, np.uint8)  # as far as 107.48
    add(hilly, write(tmp_path / "cover.tif", values))
    after = said()
    assert "assumed" not in after[inside]
    assert after[outside]["assumed"] == ["bare_ground", "whole_village"]
    assert after[0].inputs_sha256 != before[0].inputs_sha256
    assert (after[0].counts["points_on_bare_ground"], after[0].counts["villages_as_one_point"]) == (1, 1)


def test_path_loss_sees_the_wood(hilly: Session, tmp_path: Path) -> None:
    ask = (107.42, 16.5, 10.0, 107.47, 16.5, 1.5, 1800.0)
    bare = path_loss(hilly, *ask)
    add(hilly, write(tmp_path / "cover.tif", np.full((720, 900), 10, np.uint8)))
    wood = path_loss(hilly, *ask)
    assert (bare["highest_cover_m"], wood["highest_cover_m"]) == (0.0, 15.0)
    assert wood["loss_db"] > bare["loss_db"] + 10


def test_heights_follow_the_policy_of_the_day(session: Session, tmp_path: Path) -> None:
    add(session, write(tmp_path / "cover.tif", np.full((9, 9), 10, np.uint8)))
    session.execute(text("UPDATE policy.parameter SET valid_to = '2026-01-01' WHERE kind = 'land_cover'"))
    session.execute(
        text("""INSERT INTO policy.parameter (kind, name, value, citation, valid_from)
        SELECT kind, name, value || '{"trees": 22}', 'test', '2026-01-01' FROM policy.parameter
        WHERE kind = 'land_cover'""")
    )
    assert land_cover.open_land_cover(session, dt.date(2025, 6, 1)).height_m[TREES] == 15
    assert land_cover.open_land_cover(session, AS_OF).height_m[TREES] == 22


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 400))
def test_posts_of_a_path_have_the_class_of_their_place(seed: int, posts: int) -> None:
    """Grid by grid along the line is point by point: grids that overlap, with holes, lines outside and along edges."""
    random = np.random.default_rng(seed)
    rasters = []
    for _ in range(int(random.integers(0, 4))):
        classes = random.integers(0, len(CLASSES), random.integers(2, 30, 2)).astype(np.uint8)
        west, north = random.uniform(107.4, 107.5), random.uniform(16.4, 16.6)
        rasters.append(Raster(classes, west, north, *random.choice([0.001, 0.003, 0.02], 2).tolist()))
    numbered = np.arange(len(CLASSES), dtype=np.float64)
    cover = land_cover.from_rasters(rasters, numbered, "x", synthetic=True)
    (lon1, lon2), (lat1, lat2) = random.uniform(107.35, 107.6, 2), random.uniform(16.3, 16.7, 2)
    if seed % 5 == 0:
        lat2 = lat1
    out = np.empty(posts)
    grid.cover_into(cover.cells, cover.height_m, lon1, lat1, lon2, lat2, posts, out)
    share = np.arange(posts) / (posts - 1)
    there = cover.classes(lon1 + (lon2 - lon1) * share, lat1 + (lat2 - lat1) * share)
    # A post on the very edge of a pixel may fall to either side by rounding.
    assert (out == there).mean() >= 1 - 1 / posts
