"""Coverage maps: blocks that resume, files QGIS reads, pictures that tell no more than the caller may know."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rasterio
import shapely
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage import surface, surface_files
from app.coverage.engine import Network, Receiver
from app.coverage.rasters import Raster
from app.coverage.service import run_coverage
from app.coverage.terrain import from_rasters
from app.database import PUBLIC, Scope
from app.errors import Invalid
from app.kit.geo import from_wgs84
from tests.conftest import client_in
from tests.coverage.conftest import AS_OF, NORTH, STEP, WEST, Station, Village, hills

RECEIVER = Receiver(1.5, 45.0, 370.0, 11.0, 35.0)
RIDGE = from_rasters([Raster(hills(), WEST, NORTH, STEP, STEP)], "ridge", True)
CRS = "EPSG:9214"
AREA = shapely.box(107.42, 16.46, 107.66, 16.54)
NETWORK = Network(
    np.array([107.45]), np.array([16.5]), np.array([0, 1]), np.array([[30.0, 0, 2, 0, 8, 1.8, 31.2]]),
    np.zeros(1, np.int64),
)  # fmt: skip
ONE = np.zeros(1, np.int64)
DAY = {"as_of": AS_OF.isoformat()}
TILE = "/tiles/coverage/4G/12/{}/{}.png"


def test_the_grid_has_metric_pixels_on_whole_steps() -> None:
    grid = surface.frame(AREA, 250, CRS)
    assert (grid.west % 250, grid.north % 250) == (0, 0)
    east, north = from_wgs84(107.66, 16.54, CRS)
    assert grid.west + grid.width * 250 >= east - 1e-6
    assert grid.north >= north
    rows, columns = next(grid.blocks(64))
    lon, lat = grid.centres(rows, columns)
    x, y = from_wgs84(lon[0, 0], lat[0, 0], CRS)
    assert (float(x), float(y)) == pytest.approx((grid.west + 125, grid.north - 125), abs=0.01)


@pytest.mark.parametrize(
    ("area", "step_m", "code"),
    [(AREA, 5, "resolution_range"), (AREA, 2000, "resolution_range"), (AREA, float("nan"), "resolution_range"),
     (shapely.Point(), 100, "no_area"), (shapely.box(103, 8, 109, 23), 50, "too_many_pixels")],
)  # fmt: skip
def test_grids_that_cannot_be(area: shapely.Geometry, step_m: float, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        surface.frame(area, step_m, CRS)
    assert refused.value.code == code


@pytest.fixture
def mapped(hilly: Session, village: Village, station: Station) -> Session:
    """The session with a run of maps over VIETTEL's, VNPT's and a restricted site."""
    village("NEAR", (107.47, 16.5, 100, 30))
    station("VT", 107.45, 16.5)
    station("VN", 107.56, 16.48, operator="VNPT")
    station("HUSH", 107.44, 16.42, restricted=True)
    run_coverage(hilly, as_of=AS_OF, resolution_m=250)
    return hilly


def test_files_any_gis_reads(mapped: Session) -> None:
    [kept] = mapped.scalars(text("SELECT counts->'raster' FROM registry.coverage_run"))
    assert kept["maps"]["4G"]["operators"] == ["VIETTEL", "VNPT"]
    run = mapped.scalar(text("SELECT id FROM registry.coverage_run")) or 0
    found = surface_files.Surface(run, "4G", ("VIETTEL", "VNPT"))
    with rasterio.open(found.levels) as file:
        assert file.descriptions == ("*", "VIETTEL", "VNPT")
        assert (file.crs.to_epsg(), file.res, file.scales[0], file.nodata) == (9214, (250, 250), 0.1, surface.OUTSIDE)
        assert file.profile["tiled"]
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.tags()["SOURCE"] == "SYNTHETIC"
        assert (file.tags()["NO_SIGNAL"], file.tags()["UNKNOWN"]) == ("-32767", "-32766")
        best, *operators = file.read()
        assert (best == np.max(operators, axis=0)).all(), "the best of all is the greatest value, whatever is unknown"
        assert {-32766, -32767} <= set(np.unique(operators).tolist())
        x, y = from_wgs84([107.45, 107.56, 107.44], [16.5, 16.48, 16.42], CRS)
        at_vt, at_vn, at_hush = file.sample(list(zip(x, y, strict=True)))
    assert at_vt[0] == at_vt[1] > at_vt[2]
    assert at_vn[0] == at_vn[2] > at_vn[1]
    assert at_hush[0] == at_vt[0] or at_hush[0] < -700, "a restricted station is in no map"
    cells = set(mapped.scalars(text("SELECT id FROM registry.cell WHERE code NOT LIKE 'HUSH%'")))
    with rasterio.open(found.servers) as file:
        assert set(np.unique(file.read(1)).tolist()) - {0} == cells


def colours(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def tile_of(lon: float, lat: float, z: int = 12) -> str:
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**z)
    return f"/tiles/coverage/4G/{z}/{x}/{y}.png"


def test_pictures_for_the_map(mapped: Session, client: TestClient) -> None:
    [told] = client.get("/api/coverage/maps", params=DAY).json()
    assert (told["technology"], told["operators"], told["step_m"], told["synthetic"]) == (
        "4G", ["VIETTEL", "VNPT"], 250, True,
    )  # fmt: skip
    answer = client.get(tile_of(107.47, 16.5), params=DAY)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"].startswith("private")
    seen = {tuple(c) for c in colours(answer.content).reshape(-1, 4).tolist()}
    assert seen & set(surface_files.COLOURS[1:])
    again = client.get(tile_of(107.47, 16.5), params=DAY, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert client.get(tile_of(108.47, 15.5), params=DAY).status_code == 204
    assert client.get(tile_of(107.47, 16.5), params=DAY | {"operator": "FPT"}).status_code == 204
    assert client.get("/tiles/coverage/5G/12/3271/1858.png", params=DAY).json()["code"] == "no_coverage_map"
    assert client.get("/tiles/coverage/4G/30/1/1.png", params=DAY).json()["code"] == "tile_zoom"
    assert client.get(tile_of(107.47, 16.5), params={"as_of": "2020-01-01"}).status_code == 404
    whole = client.get("/api/coverage/maps/4G/levels.tif", params=DAY)
    assert whole.status_code == 200
    with rasterio.MemoryFile(whole.content) as memory, memory.open() as file:
        assert file.count == 3


def test_others_see_squares(mapped: Session, client: TestClient) -> None:
    ids = {code: key for code, key in mapped.execute(text("SELECT code, id FROM registry.organisation"))}
    exact = colours(client.get(tile_of(107.47, 16.5, 14), params=DAY).content)
    viettel = Scope("user:5", ("operator",), (ids["VIETTEL"],))
    for scope, operator, same in (
        (PUBLIC, None, False), (viettel, None, False), (viettel, "VNPT", False), (viettel, "VIETTEL", True),
        (Scope("user:6", ("other_department",)), None, True),
    ):  # fmt: skip
        asked = DAY | ({"operator": operator} if operator else {})
        with client_in(mapped, scope) as other:
            answer = other.get(tile_of(107.47, 16.5, 14), params=asked)
        picture = colours(answer.content)
        # A tile of zoom 14 is 2.3 km wide: 500 m squares are about 53 pixels.
        changes = (np.diff(picture.astype(int), axis=1) != 0).any(axis=(0, 2)).sum()
        if same and operator is None:
            assert (picture == exact).all()
        elif not same:
            assert changes <= 6


def test_maps_lie_under_var() -> None:
    assert surface_files.folder(7) == settings().var_dir / "coverage" / "7"
