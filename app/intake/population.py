"""Turns a population raster into the demand points of villages: where their people live, pixel by pixel.

A pixel's people belong to the village whose polygon holds its middle, else to the nearest village without a polygon
within 2 km. Pixels finer than 100 m are first taken together to squares of about 100 m; a square's people belong as a
whole to where the middle of its people lies, which need not be a pixel's. Of several villages, polygons that overlap or
points as near, it is the one of the lowest id. What a village itself records counts more than the raster: its people
are shared out over its squares in the raster's proportions, its households likewise.

Rasters reach far beyond a province and may be much finer than a square: they are read in blocks of rows, and only
within the box of the villages and 2 km around is anything kept of them but a sum.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.errors import CRSError, RasterioError
from rasterio.windows import Window
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.rasters import MAX_PIXELS
from app.errors import Invalid
from app.kit.geo import WGS84, from_wgs84, geodesic_m, to_wgs84
from app.kit.table import Notice, Table, objects
from app.kit.text import thousands_vi

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SUFFIXES = (".tif", ".tiff")
CELL_M = 100.0
"""Least size of a demand point's square."""
NEAR_M = 2000.0
"""How far from the point of a village without a polygon its people may live."""
"""Of what is read."""
_BLOCK_PIXELS = 4_000_000
_DEGREE_M = 110_000.0
"""Less than a degree of latitude has."""
_VILLAGES = """
    SELECT code, ST_X(point), ST_Y(point), ST_AsBinary(geom), population, households FROM village
    WHERE registry.in_force(valid_from, valid_to, :as_of) ORDER BY id
"""


class _Box(NamedTuple):
    """Columns and rows of a raster, ends excluded; empty where they meet."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass
class _People:
    """The squares where somebody lives."""

    lon: Floats
    lat: Floats
    people: Floats
    elsewhere: float
    """People of the raster too far from every village to be a square here."""
    all_read: bool
    """False: the raster is too large for `elsewhere` to be known."""


@dataclass
class _Villages:
    """In the order of their ids."""

    codes: NDArray[np.object_]
    at: Floats
    polygons: NDArray[np.object_]
    population: Floats
    households: Floats


def read_population(session: Session, path: Path, as_of: dt.date) -> Table:
    """Return the rows of layer demand_points that a raster of people a pixel makes.

    Raises
    ------
    Invalid
        Not a GeoTIFF of one band with a geographic or projected CRS, too large around the villages, values below 0,
        nobody in it or in any village, no village on that date.
    """
    try:
        with rasterio.open(path, driver="GTiff") as source:
            _check(source, path)
            villages = _villages(session, path, as_of)
            found = _read(source, path, villages)
    except CRSError as error:
        raise _unfit_crs(path) from error
    except (RasterioError, MemoryError) as error:
        raise _refusal(
            "unreadable", path, "không đọc được như raster dân số GeoTIFF (sai định dạng hoặc bị cắt cụt)",
            "cannot be read as a GeoTIFF of population (wrong format or truncated file)",
        ) from error  # fmt: skip
    if found.all_read and not found.people.size and not found.elsewhere:
        raise _refusal("nobody", path, "không ô nào có người", "no pixel has anybody in it")
    lon, lat, people = found.lon, found.lat, found.people
    village = _assign(lon, lat, villages)
    lost, kept = found.elsewhere + float(people[village < 0].sum()), np.flatnonzero(village >= 0)
    if not kept.size:
        raise _refusal("no_people_in_villages", path, "không ai sống trong thôn nào của sổ đăng ký",
                       "nobody in it lives in a village of the registry")  # fmt: skip
    kept = kept[np.argsort(village[kept], kind="stable")]
    village, lon, lat, people = village[kept], lon[kept], lat[kept], people[kept]
    total = np.bincount(village, people, len(villages.codes))
    share = people / total[village]
    known = ~np.isnan(villages.population)
    table = Table("geotiff", {
        "village": villages.codes[village],
        "population": objects((np.where(known, villages.population, total)[village] * share).tolist()),
        "dwellings": objects(apportion(villages.households, village, share).tolist()),
    }, np.arange(1, len(kept) + 1), shapely.points(lon, lat), crs=WGS84)  # fmt: skip
    table.notices += _notices(lost, found.all_read, int((total == 0).sum()), int(known.sum()), len(known))
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


def _villages(session: Session, path: Path, as_of: dt.date) -> _Villages:
    rows = session.execute(text(_VILLAGES), {"as_of": as_of}).all()
    if not rows:
        raise _refusal("no_villages", path, "chưa có thôn nào để chia dân số; hãy nạp thôn trước",
                       "there are no villages to share the people out to; load villages first")  # fmt: skip
    return _Villages(
        objects([r[0] for r in rows]),
        np.array([r[1:3] for r in rows], np.float64),
        shapely.from_wkb([bytes(r[3]) if r[3] is not None else None for r in rows]),
        np.array([r[4] for r in rows], np.float64),
        np.nan_to_num(np.array([r[5] for r in rows], np.float64)),
    )


def _read(source: Any, path: Path, villages: _Villages) -> _People:
    """Return the squares near villages, and how many people live elsewhere."""
    crs, near = source.crs.to_wkt(), _near(source, villages)
    whole = _Box(0, 0, source.width, source.height)
    all_read = whole.pixels <= MAX_PIXELS
    if not all_read and near.pixels > MAX_PIXELS:
        raise _refusal("too_large", path, "raster quá lớn ở vùng các thôn; hãy dùng ô thô hơn",
                       "too large around the villages; use coarser pixels")  # fmt: skip
    across, down = _pixels_a_square(source, near) if near.pixels else (1, 1)
    squares, elsewhere = [], 0.0
    for left, top, values in _blocks(source, whole if all_read else near):
        if values.min(initial=0) < 0:
            raise _refusal(
                "negative", path, "có ô dưới 0 người; hãy khai báo nodata bằng gdal_edit.py -a_nodata …",
                "has pixels of fewer than 0 people; declare its nodata with gdal_edit.py -a_nodata …",
            )  # fmt: skip
        first = max(near.top - top, 0)
        inside = values[first : max(near.bottom - top, first), near.left - left : near.right - left]
        row, column = np.nonzero(inside)
        people = inside[row, column].astype(np.float64)
        row, column = row + top + first, column + near.left
        square = row // down * (source.width // across + 1) + column // across
        squares.append(_summed(square, people, people * (column + 0.5), people * (row + 0.5)))
        # Emptied and not subtracted: where the rest is empty its sum is then exactly 0.
        inside[...] = 0
        elsewhere += float(values.sum(dtype=np.float64))
    # A square may lie in two blocks.
    _, total, x, y = _summed(*(np.concatenate(v) for v in zip(*squares, strict=True))) if squares else np.zeros((4, 0))
    # The middle of the people, not of the square.
    east, north = _through(source.transform, x / total, y / total)
    lon, lat = to_wgs84(east, north, crs)
    there = np.isfinite(lon) & np.isfinite(lat)
    return _People(lon[there], lat[there], total[there], elsewhere, all_read)


def _through(transform: Any, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    a, b, c, d, e, f = transform[:6]
    return a * x + b * y + c, d * x + e * y + f


def _summed(square: Ints, *values: Floats) -> tuple[Any, ...]:
    """Return the squares, each once, and the sums of their values."""
    once, which = np.unique(square, return_inverse=True)
    return once, *(np.bincount(which, v, len(once)) for v in values)


def _blocks(source: Any, box: _Box) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Yield the column and row where a block begins and its people a pixel, 0 where nothing is known."""
    scale, offset = source.scales[0], source.offsets[0]
    scaled = (scale, offset) != (1.0, 0.0)
    kind = np.float64 if scaled else np.result_type(source.dtypes[0], np.float32)
    width = box.right - box.left
    # Whole tiles, else each would be unpacked twice.
    tile, rows = source.block_shapes[0][0], max(1, _BLOCK_PIXELS // max(width, 1))
    rows = rows // tile * tile or rows
    top = box.top
    while top < box.bottom and width:
        bottom = min((top // rows + 1) * rows, box.bottom)
        read = source.read(1, window=Window(box.left, top, width, bottom - top), masked=True)
        values, nothing = np.ma.getdata(read).astype(kind), np.ma.getmaskarray(read)
        values[nothing] = 0
        if scaled:
            with np.errstate(over="ignore", invalid="ignore"):
                values = values * scale + offset
            values[nothing] = 0
        np.nan_to_num(values, copy=False, nan=0, posinf=0, neginf=-1)
        yield box.left, top, values
        top = bottom


def _near(source: Any, villages: _Villages) -> _Box:
    """Return the pixels of the box around the villages' points and polygons and 2 km more."""
    bounds = np.vstack([villages.at, shapely.bounds(villages.polygons).reshape(-1, 2)])
    (west, south), (east, north) = np.nanmin(bounds, axis=0), np.nanmax(bounds, axis=0)
    up = NEAR_M / _DEGREE_M
    aside = up / math.cos(math.radians(max(abs(south), abs(north)) + up))
    # Its edges are curves in another system, so by many points; what they bulge in between is less than a pixel or the
    # little that the degree above is too short.
    along = np.linspace(0, 1, 33)
    across, level = np.meshgrid(west - aside + along * (east - west + 2 * aside),
                                south - up + along * (north - south + 2 * up))  # fmt: skip
    x, y = from_wgs84(across.ravel(), level.ravel(), source.crs.to_wkt())
    column, row = _through(~source.transform, x, y)
    there = np.isfinite(column) & np.isfinite(row)
    if not there.any():
        return _Box(0, 0, 0, 0)
    limits = np.array([source.width, source.height])
    least = np.floor([column[there].min(), row[there].min()]) - 1
    most = np.ceil([column[there].max(), row[there].max()]) + 1
    left, top = (int(v) for v in np.clip(least, 0, limits))
    right, bottom = (int(v) for v in np.clip(most, 0, limits))
    return _Box(left, top, right, bottom)


def _pixels_a_square(source: Any, near: _Box) -> tuple[int, int]:
    """Return how many pixels across and down make about 100 m, in the middle of what is near."""
    column, row = (near.left + near.right) / 2, (near.top + near.bottom) / 2
    x, y = _through(source.transform, np.array([0, 1, 0]) + column, np.array([0, 0, 1]) + row)
    lon, lat = to_wgs84(x, y, source.crs.to_wkt())
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return 1, 1
    # On the ground, along the sides of the pixel: a raster may be turned, and its pixels need not be square.
    across, down = (max(1, round(CELL_M / max(m, 1e-3))) for m in geodesic_m(lon[0], lat[0], lon[1:], lat[1:]))
    return across, down


def _check(source: Any, path: Path) -> None:
    if source.count != 1 or np.dtype(source.dtypes[0]).kind not in "iuf":
        raise _refusal(
            "type", path, f"cần đúng 1 kênh số người mỗi ô, tệp có {source.count} kênh {source.dtypes[0]}",
            f"one band of people a pixel is needed, the file has {source.count} of {source.dtypes[0]}",
        )  # fmt: skip
    if source.crs is None:
        raise _refusal("no_crs", path, "không khai báo hệ toạ độ; hãy gán bằng gdal_edit.py -a_srs EPSG:…",
                       "declares no coordinate reference system; set it with gdal_edit.py -a_srs EPSG:…")  # fmt: skip
    if not (source.crs.is_geographic or source.crs.is_projected):
        raise _unfit_crs(path)
    if not abs(source.transform.determinant) > 0:  # neither 0 nor NaN
        raise _refusal("no_position", path, "không khai báo vị trí và cỡ ô; hãy gán bằng gdal_edit.py -a_ullr …",
                       "declares no position and pixel size; set them with gdal_edit.py -a_ullr …")  # fmt: skip


def _unfit_crs(path: Path) -> Invalid:
    return _refusal(
        "crs", path, "hệ toạ độ không phải hệ địa lý hay hệ chiếu; hãy gán đúng hệ bằng gdal_edit.py -a_srs EPSG:…",
        "its coordinate reference system is neither geographic nor projected; set the right one with gdal_edit.py "
        "-a_srs EPSG:…",
    )  # fmt: skip


def _assign(lon: Floats, lat: Floats, villages: _Villages) -> Ints:
    """Return each point's village, -1 none; of several the first."""
    nobody = len(villages.polygons)
    found = np.full(len(lon), nobody, np.int64)
    point, polygon = shapely.STRtree(villages.polygons).query(shapely.points(lon, lat), predicate="intersects")
    np.minimum.at(found, point, polygon)  # the tree's order is its own
    bare, rest = np.flatnonzero(shapely.is_missing(villages.polygons)), np.flatnonzero(found == nobody)
    if bare.size and rest.size:
        metric = settings().metric_crs
        tree = shapely.STRtree(shapely.points(*from_wgs84(villages.at[bare, 0], villages.at[bare, 1], metric)))
        there = shapely.points(*from_wgs84(lon[rest], lat[rest], metric))
        near, which = tree.query_nearest(there, max_distance=NEAR_M, all_matches=True)
        np.minimum.at(found, rest[near], bare[which])
    found[found == nobody] = -1
    return found


def _notices(lost: float, all_read: bool, empty: int, known: int, villages: int) -> list[Notice]:
    found = []
    if lost >= 0.5:
        found.append(Notice("people_outside_villages", f"{thousands_vi(lost)} người của raster không thuộc thôn nào",
                            f"{lost:,.0f} people of the raster belong to no village"))  # fmt: skip
    if not all_read:
        found.append(Notice("people_elsewhere_not_counted", "Raster quá lớn: chỉ đọc vùng các thôn và 2 km xung quanh",
                            "The raster is too large: only the villages and 2 km around were read"))  # fmt: skip
    if empty:
        found.append(Notice("villages_without_people",
                            f"{thousands_vi(empty)} thôn không có ai trong raster: giữ điểm dân cư cũ",
                            f"{empty:,} villages have nobody in the raster: they keep their points"))  # fmt: skip
    if known:
        found.append(Notice(
            "scaled_to_villages",
            f"{thousands_vi(known)}/{thousands_vi(villages)} thôn có dân số riêng: raster chỉ chia tỷ lệ",
            f"{known:,}/{villages:,} villages record their people: the raster only shares them out"))  # fmt: skip
    return found


def _refusal(code: str, path: Path, vi: str, en: str) -> Invalid:
    return Invalid(f"population_{code}", f"{path.name}: {vi}", f"{path.name}: {en}", field="file")
