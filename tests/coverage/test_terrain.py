"""Terrain files in, heights out; what is not known stays unknown."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import Affine
from sqlalchemy.orm import Session

from app.config import ROOT
from app.coverage import raster_store, terrain
from app.coverage.models import TerrainTile
from app.errors import AppError
from app.kit.geo import from_wgs84, geodesic_m
from tests.rasters import write_tif

DA_NANG = ROOT.parent / "shared" / "data" / "dem_danang_1arcsec.tif"
STEP = 1 / 3600


def from_origin(west: float, north: float, step_x: float, step_y: float) -> Affine:
    return Affine(step_x, 0, west, 0, -step_y, north)


def plane(rows: int, columns: int, west: float, north: float, step: float = STEP) -> NDArray[np.float64]:
    """Heights of a tilted plane, exact under bilinear interpolation."""
    lon = west + (np.arange(columns) + 0.5) * step
    lat = north - (np.arange(rows) + 0.5) * step
    return plane_at(lon[None, :], lat[:, None])


def plane_at(lon: Any, lat: Any) -> NDArray[np.float64]:
    return np.asarray(300 + 400 * (lon - 107.5) - 300 * (lat - 16.5))


def code_of(session: Session, *paths: Path) -> str:
    with pytest.raises(AppError) as refused:
        terrain.add_files(session, paths)
    assert refused.value.field
    assert refused.value.vi != refused.value.en
    return refused.value.code


def test_bilinear_heights_are_exact_on_a_plane(session: Session, tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif", plane(200, 300, 107.5, 16.6).astype(np.float32))
    [report] = terrain.add_files(session, [tmp_path / "a.tif"])
    assert report["added"]
    assert report["overlap_share"] is None, "no communes are loaded"
    opened = terrain.open_terrain(session)
    random = np.random.default_rng(1)
    lon = random.uniform(107.5 + STEP, 107.5 + 299 * STEP, (40, 50))
    lat = random.uniform(16.6 - 199 * STEP, 16.6 - STEP, (40, 50))
    assert opened.heights(lon, lat) == pytest.approx(plane_at(lon, lat), abs=1e-3)
    assert opened.bounds == pytest.approx((107.5, 16.6 - 200 * STEP, 107.5 + 300 * STEP, 16.6))


def test_outside_and_void_are_nan_not_zero(session: Session, tmp_path: Path) -> None:
    heights = np.full((100, 100), 7, np.int16)
    heights[50, 50], heights[20, 20] = -32768, -9999
    write_tif(tmp_path / "a.tif", heights, nodata=-9999)
    terrain.add_files(session, [tmp_path / "a.tif"])
    opened = terrain.open_terrain(session)

    def post(i: float, j: float) -> tuple[float, float]:
        return 107.5 + (j + 0.5) * STEP, 16.6 - (i + 0.5) * STEP

    assert math.isnan(opened.heights(*post(50, 50))), "-32768 is a void although nodata says -9999"
    assert math.isnan(opened.heights(*post(20, 20)))
    assert math.isnan(opened.heights(*post(50.4, 50.4)))
    assert opened.heights(*post(51, 51)) == 7, "the neighbour's own post is known"
    assert np.isnan(opened.heights([107.4999, 108, np.nan, np.inf], [16.59, 16.59, 16.59, 16.59])).all()


def test_without_terrain_everything_is_unknown(session: Session) -> None:
    opened = terrain.open_terrain(session)
    assert opened.bounds is None
    assert opened.version == "none"
    assert np.isnan(opened.heights([107.5], [16.5])).all()


def test_first_tile_that_knows_answers(session: Session) -> None:
    first = np.full((50, 50), 10.0)
    first[10:20, 10:20] = np.nan
    terrain.add_array(session, "first", first, 107.5, 16.6, STEP, STEP, source="SYNTHETIC test", synthetic=True)
    terrain.add_array(
        session, "second", np.full((50, 90), 20.0), 107.5, 16.6, STEP, STEP, source="SYNTHETIC test", synthetic=True
    )
    opened = terrain.open_terrain(session)
    assert opened.synthetic
    lon = 107.5 + (np.array([5, 15, 60]) + 0.5) * STEP
    assert opened.heights(lon, 16.6 - 15.5 * STEP).tolist() == [10, 20, 20]


def test_tiles_that_meet_leave_no_gap(session: Session) -> None:
    for name, west in (("a", 107.5), ("b", 107.5 + 50 * STEP)):
        terrain.add_array(
            session, name, plane(50, 50, west, 16.6), west, 16.6, STEP, STEP, source="SYNTHETIC", synthetic=True
        )
    lon = np.linspace(107.5, 107.5 + 100 * STEP, 1001)
    heights = terrain.open_terrain(session).heights(lon, 16.6 - 20 * STEP)
    assert heights == pytest.approx(plane_at(lon, 16.6 - 20 * STEP), abs=400 * STEP)


@pytest.mark.parametrize("side", [1201, 3601])
def test_hgt_size_comes_from_the_file(session: Session, tmp_path: Path, side: int) -> None:
    step = 1 / (side - 1)
    heights = plane(side, side, 107 - step / 2, 17 + step / 2, step).round().astype(">i2")
    heights[7, 9] = -32768
    raw = heights.tobytes()
    (tmp_path / "N16E107.hgt").write_bytes(raw)
    [report] = terrain.add_files(session, [tmp_path / "N16E107.hgt"])
    assert (report["width"], report["height"]) == (side, side)
    opened = terrain.open_terrain(session)
    assert opened.heights(107.0, 16.0) == pytest.approx(plane_at(107.0, 16.0), abs=0.6)
    assert opened.heights(108.0, 17.0) == pytest.approx(plane_at(108.0, 17.0), abs=0.6)
    assert math.isnan(opened.heights(107 + 9 * step, 17 - 7 * step))
    with zipfile.ZipFile(tmp_path / "N16E107.hgt.zip", "w") as archive:
        archive.writestr("N16E107.hgt", raw)
    [zipped] = terrain.add_files(session, [tmp_path / "N16E107.hgt.zip"])
    assert zipped["void_share"] == report["void_share"]


def test_the_same_file_twice_is_said_and_not_stored(session: Session, tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", plane(20, 20, 107.5, 16.6).astype(np.float32))
    copy = tmp_path / "b.tif"
    copy.write_bytes(path.read_bytes())
    reports = terrain.add_files(session, [path, copy])
    assert [r["added"] for r in reports] == [True, False]
    assert len(raster_store.status(session, TerrainTile)) == 1


# rasterio 1.4 itself multiplies affine 3 matrices the old way.
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_projected_file_is_warped_with_the_right_datum(session: Session, tmp_path: Path) -> None:
    x, y = from_wgs84(107.5776, 16.4667, "EPSG:9214")
    heights = np.zeros((400, 400), np.float32)
    heights[:, 200:] = 100  # a cliff through the point: 225 m of missing datum shift would be seen
    path = write_tif(
        tmp_path / "vn.tif", heights, crs="EPSG:9214", transform=from_origin(float(x) - 6000, float(y) + 6000, 30, 30)
    )
    terrain.add_files(session, [path])
    opened = terrain.open_terrain(session)
    assert opened.heights(107.5776 - 60 / 106_000, 16.4667) == pytest.approx(0, abs=5)
    assert opened.heights(107.5776 + 60 / 106_000, 16.4667) == pytest.approx(100, abs=5)
    assert math.isnan(opened.heights(107.5776 - 6100 / 106_000, 16.4667 - 5900 / 110_600)), "a corner of the warp"


def test_refusals_name_the_file_and_the_reason(session: Session, tmp_path: Path) -> None:
    good = plane(64, 64, 107.5, 16.6).astype(np.float32)
    (tmp_path / "text.tif").write_text("not a raster")
    assert code_of(session, tmp_path / "text.tif") == "terrain_unreadable"
    write_tif(tmp_path / "whole.tif", np.random.default_rng(2).uniform(0, 99, (300, 300)).astype(np.float32))
    raw = (tmp_path / "whole.tif").read_bytes()
    (tmp_path / "half.tif").write_bytes(raw[: len(raw) // 2])
    assert code_of(session, tmp_path / "half.tif") == "terrain_unreadable"
    assert code_of(session, write_tif(tmp_path / "nocrs.tif", good, crs=None)) == "terrain_no_crs"
    assert code_of(session, write_tif(tmp_path / "rgb.tif", good.astype(np.uint8), count=3)) == "terrain_bands"
    assert code_of(session, write_tif(tmp_path / "byte.tif", good.astype(np.uint8))) == "terrain_dtype"
    assert code_of(session, write_tif(tmp_path / "feet.tif", good + 9500)) == "terrain_absurd_height"
    assert code_of(session, write_tif(tmp_path / "deep.tif", good - 900)) == "terrain_absurd_height"
    assert code_of(session, write_tif(tmp_path / "void.tif", np.full((9, 9), np.nan, np.float32))) == "terrain_all_void"
    alps = from_origin(8.0, 46.0, STEP, STEP)
    assert code_of(session, write_tif(tmp_path / "alps.tif", good, transform=alps)) == "raster_no_overlap"
    assert code_of(session, tmp_path / "none.tif") == "no_such_file"
    (tmp_path / "N16E107.hgt").write_bytes(b"\0" * 1000)
    assert code_of(session, tmp_path / "N16E107.hgt") == "hgt_size"
    (tmp_path / "hue.hgt").write_bytes(b"\0" * 1201 * 1201 * 2)
    assert code_of(session, tmp_path / "hue.hgt") == "hgt_name"
    (tmp_path / "N16E108.hgt.zip").write_bytes(b"PK not a zip")
    assert code_of(session, tmp_path / "N16E108.hgt.zip") == "hgt_size"
    assert raster_store.status(session, TerrainTile) == []


def test_a_lost_tile_is_refused_not_sea_level(session: Session) -> None:
    tile: TerrainTile = terrain.add_array(
        session, "x", np.ones((5, 5)), 107.5, 16.6, STEP, STEP, source="SYNTHETIC", synthetic=True
    )
    (raster_store.folder(TerrainTile) / tile.path).write_bytes(b"damaged")
    with pytest.raises(AppError) as refused:
        terrain.open_terrain(session)
    assert refused.value.code == "terrain_file_missing"
    again = terrain.add_array(
        session, "x", np.zeros((5, 5)), 107.5, 16.6, STEP, STEP, source="SYNTHETIC", synthetic=True
    )
    assert terrain.open_terrain(session).heights(107.5 + STEP, 16.6 - STEP) == 0
    assert again.name == "x"


def test_profiles_are_even_and_geodesic(session: Session) -> None:
    terrain.add_array(
        session, "p", plane(900, 900, 107.5, 16.6), 107.5, 16.6, STEP, STEP, source="SYNTHETIC", synthetic=True
    )
    ends = np.array([[107.51, 16.59, 107.7, 16.4], [107.6, 16.5, 107.6, 16.5001], [107.7, 16.5, 107.9, 16.5]])
    found = terrain.open_terrain(session).profiles(*ends.T)
    length = geodesic_m(*ends.T) / 1000
    for k in range(3):
        d, h = (v[found.offset[k] : found.offset[k + 1]] for v in (found.d_km, found.h_m))
        assert d[0] == 0
        assert d[-1] == pytest.approx(length[k], abs=1e-4)
        assert np.diff(d) == pytest.approx(np.full(d.size - 1, d[1]))
        assert d[1] <= 0.03 + 1e-9
        along = d / d[-1]
        lon, lat = ends[k, 0] + along * (ends[k, 2] - ends[k, 0]), ends[k, 1] + along * (ends[k, 3] - ends[k, 1])
        known = lon < 107.75 - STEP
        assert h[known] == pytest.approx(plane_at(lon, lat)[known], abs=1e-3)
        assert np.isnan(h[lon > 107.75 + STEP]).all()


def test_profiles_and_heights_agree_across_tiles_and_voids(session: Session) -> None:
    """Both roads to a height, over two tiles that meet, a void, an outer half step and the outside."""
    for name, west in (("a", 107.5), ("b", 107.5 + 300 * STEP)):
        heights = plane(300, 300, west, 16.6)
        heights[140:150, 100:110] = np.nan
        terrain.add_array(session, name, heights, west, 16.6, STEP, STEP, source="SYNTHETIC", synthetic=True)
    opened = terrain.open_terrain(session)
    random = np.random.default_rng(5)
    ends = random.uniform((107.49, 16.51, 107.49, 16.51), (107.68, 16.61, 107.68, 16.61), (200, 4))
    ends[0] = 107.5 + STEP / 4, 16.6 - STEP / 4, 107.5 + 599.7 * STEP, 16.6 - STEP / 4
    found = opened.profiles(*ends.T)
    for k in range(len(ends)):
        h = found.h_m[found.offset[k] : found.offset[k + 1]]
        along = np.linspace(0, 1, h.size)
        lon, lat = ends[k, 0] + along * (ends[k, 2] - ends[k, 0]), ends[k, 1] + along * (ends[k, 3] - ends[k, 1])
        direct = opened.heights(lon, lat)
        assert (np.isnan(h) == np.isnan(direct)).mean() > 0.99, "a post on the very edge may round either way"
        both = ~np.isnan(h) & ~np.isnan(direct)
        assert h[both] == pytest.approx(direct[both], abs=1e-3)
    assert np.isfinite(found.h_m[: found.offset[1]]).all()
    assert np.isnan(found.h_m).any()


@pytest.mark.skipif(not DA_NANG.exists(), reason="the real Đà Nẵng terrain is not beside this checkout")
def test_the_real_da_nang_terrain(session: Session) -> None:
    [report] = terrain.add_files(session, [DA_NANG])
    assert report["void_share"] == 0
    opened = terrain.open_terrain(session)
    with rasterio.open(DA_NANG) as source:
        band, transform = source.read(1), source.transform
    row, column = np.unravel_index(band.argmax(), band.shape)
    lon, lat = transform @ (column + 0.5, row + 0.5)
    assert opened.heights(lon, lat) == pytest.approx(band.max(), abs=1e-3)
    assert math.isnan(opened.heights(107.6, 16.46)), "Huế is not in it"
