"""Turns a population raster into the demand points of villages: where their people live, pixel by pixel.

A pixel's people belong to the village whose polygon holds its middle, else to the nearest village without a polygon
within 2 km. What a village itself records counts more than the raster: its people are shared out over its pixels in the
raster's proportions, its households likewise. Pixels finer than 100 m are taken together.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.errors import Invalid
from app.kit.geo import WGS84, from_wgs84, to_wgs84
from app.kit.table import Notice, Table, objects

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SUFFIXES = (".tif", ".tiff")
CELL_M = 100.0
"""Least size of a demand point's square."""
NEAR_M = 2000.0
"""How far from the point of a village without a polygon its people may live."""
_MAX_PIXELS = 250_000_000
_VILLAGES = """
    SELECT code, ST_X(point), ST_Y(point), ST_AsBinary(geom), population, households FROM village
    WHERE registry.in_force(valid_from, valid_to, :as_of) ORDER BY id
"""


def read_population(session: Session, path: Path, as_of: dt.date) -> Table:
    """Return the rows of layer demand_points that a raster of people a pixel makes.

    Raises
    ------
    Invalid
        Not a GeoTIFF of one band with a CRS, values below 0, nobody in it or in any village, no village on that date.
    """
    lon, lat, people = _pixels(path)
    rows = session.execute(text(_VILLAGES), {"as_of": as_of}).all()
    if not rows:
        raise _refusal("no_villages", path, "chưa có thôn nào để chia dân số; hãy nạp thôn trước",
                       "there are no villages to share the people out to; load villages first")  # fmt: skip
    at = np.array([r[1:3] for r in rows], np.float64)
    polygons = shapely.from_wkb([bytes(r[3]) if r[3] is not None else None for r in rows])
    village = _assign(lon, lat, at, polygons)
    lost, kept = float(people[village < 0].sum()), np.flatnonzero(village >= 0)
    if not kept.size:
        raise _refusal("no_people_in_villages", path, "không ai sống trong thôn nào của sổ đăng ký",
                       "nobody in it lives in a village of the registry")  # fmt: skip
    kept = kept[np.argsort(village[kept], kind="stable")]
    village, lon, lat, people = village[kept], lon[kept], lat[kept], people[kept]
    recorded = np.array([r[4] for r in rows], np.float64)
    households = np.nan_to_num(np.array([r[5] for r in rows], np.float64))
    total = np.bincount(village, people, len(rows))
    share = people / total[village]
    known = ~np.isnan(recorded)
    codes = objects([r[0] for r in rows])
    table = Table("geotiff", {
        "village": codes[village],
        "population": objects((np.where(known, recorded, total)[village] * share).tolist()),
        "dwellings": objects(apportion(households, village, share).tolist()),
    }, np.arange(1, len(kept) + 1), shapely.points(lon, lat), crs=WGS84)  # fmt: skip
    table.notices += _notices(lost, int((total == 0).sum()), int(known.sum()), len(rows))
    return table


def apportion(totals: Floats, group: Ints, share: Floats) -> Ints:
    """Return whole numbers that add up to each group's total, in proportion to `share`.

    Parameters
    ----------
    totals : float64 array, shape (groups,)
        Whole numbers.
    group : int64 array, shape (n,)
        Ascending.
    share : float64 array, shape (n,)
        Of its group's total; the shares of a group add up to 1.
    """
    running = np.cumsum(share)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.append(0.0, running)[starts]
    within = running - np.repeat(before, np.diff(np.append(starts, len(group))))
    edges = np.round(totals[group] * within)
    edges[np.append(starts[1:], len(group)) - 1] = totals[group[starts]]  # the last takes what rounding left
    first = np.zeros(len(group))
    first[1:] = edges[:-1]
    first[starts] = 0.0
    whole: Ints = (edges - first).astype(np.int64)
    return whole


def _pixels(path: Path) -> tuple[Floats, Floats, Floats]:
    """Return longitude, latitude and people of every square where somebody lives."""
    try:
        with rasterio.open(path, driver="GTiff") as source:
            _check(source, path)
            values = source.read(1, masked=True).astype(np.float64).filled(np.nan)
            transform, crs = source.transform, source.crs.to_wkt()
            size_m = _pixel_m(source)
    except (RasterioError, MemoryError) as error:
        raise _refusal(
            "unreadable", path, "không đọc được như raster dân số GeoTIFF (sai định dạng hoặc bị cắt cụt)",
            "cannot be read as a GeoTIFF of population (wrong format or truncated file)",
        ) from error  # fmt: skip
    if np.nanmin(values, initial=0.0) < 0:
        raise _refusal(
            "negative", path, "có ô dưới 0 người; hãy khai báo nodata bằng gdal_edit.py -a_nodata …",
            "has pixels of fewer than 0 people; declare its nodata with gdal_edit.py -a_nodata …",
        )  # fmt: skip
    row, column = np.nonzero(np.nan_to_num(values, nan=0.0, posinf=0.0) > 0)
    if not row.size:
        raise _refusal("nobody", path, "không ô nào có người", "no pixel has anybody in it")
    people, side = values[row, column], max(1, round(CELL_M / size_m))
    _, square = np.unique(row // side * (values.shape[1] // side + 1) + column // side, return_inverse=True)
    total = np.bincount(square, people).astype(np.float64)
    # The middle of the people, not of the square.
    y, x = (np.bincount(square, people * (v + 0.5)) / total for v in (row, column))
    east = transform.c + transform.a * x + transform.b * y
    north = transform.f + transform.d * x + transform.e * y
    lon, lat = to_wgs84(east, north, crs)
    inside = np.isfinite(lon) & np.isfinite(lat)
    return lon[inside], lat[inside], total[inside]


def _check(source: Any, path: Path) -> None:
    if source.count != 1 or np.dtype(source.dtypes[0]).kind not in "iuf":
        raise _refusal(
            "type", path, f"cần đúng 1 kênh số người mỗi ô, tệp có {source.count} kênh {source.dtypes[0]}",
            f"one band of people a pixel is needed, the file has {source.count} of {source.dtypes[0]}",
        )  # fmt: skip
    if source.crs is None:
        raise _refusal("no_crs", path, "không khai báo hệ toạ độ; hãy gán bằng gdal_edit.py -a_srs EPSG:…",
                       "declares no coordinate reference system; set it with gdal_edit.py -a_srs EPSG:…")  # fmt: skip
    if source.width * source.height > _MAX_PIXELS:
        raise _refusal("too_large", path, "raster quá lớn; hãy cắt theo tỉnh", "too large; cut it to the province")


def _pixel_m(source: Any) -> float:
    """Return about how many metres a pixel is wide, at its middle."""
    step = abs(source.transform.e) or abs(source.transform.d)
    return float(step * 111_320.0 if source.crs.is_geographic else step * source.crs.linear_units_factor[1])


def _assign(lon: Floats, lat: Floats, at: Floats, polygons: NDArray[np.object_]) -> Ints:
    """Return each point's village, -1 none."""
    found = np.full(len(lon), -1, np.int64)
    point, polygon = shapely.STRtree(polygons).query(shapely.points(lon, lat), predicate="intersects")
    found[point[::-1]] = polygon[::-1]  # of polygons that overlap, the first
    bare, rest = np.flatnonzero(shapely.is_missing(polygons)), np.flatnonzero(found < 0)
    if bare.size and rest.size:
        metric = settings().metric_crs
        tree = shapely.STRtree(shapely.points(*from_wgs84(at[bare, 0], at[bare, 1], metric)))
        there = shapely.points(*from_wgs84(lon[rest], lat[rest], metric))
        near, which = tree.query_nearest(there, max_distance=NEAR_M, all_matches=False)
        found[rest[near]] = bare[which]
    return found


def _notices(lost: float, empty: int, known: int, villages: int) -> list[Notice]:
    found = []
    if lost >= 0.5:
        found.append(Notice("people_outside_villages", f"{lost:,.0f} người của raster không thuộc thôn nào",
                            f"{lost:,.0f} people of the raster belong to no village"))  # fmt: skip
    if empty:
        found.append(Notice("villages_without_people", f"{empty} thôn không có ai trong raster: giữ điểm dân cư cũ",
                            f"{empty} villages have nobody in the raster: they keep their points"))  # fmt: skip
    if known:
        of = f"{known}/{villages}"
        found.append(Notice("scaled_to_villages", f"{of} thôn có dân số riêng: raster chỉ chia tỷ lệ",
                            f"{of} villages record their people: the raster only shares them out"))  # fmt: skip
    return found


def _refusal(code: str, path: Path, vi: str, en: str) -> Invalid:
    return Invalid(f"population_{code}", f"{path.name}: {vi}", f"{path.name}: {en}", field="file")
