"""Reads height rasters from files: GeoTIFF in any CRS, SRTM .hgt; every refusal says why."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import Resampling, calculate_default_transform, reproject

from app.errors import Invalid

COUNTRY = (102.0, 7.0, 118.0, 24.0)
"""West, south, east, north of Viet Nam's box in degrees; the registry's geometry checks use the same."""

HEIGHT_RANGE_M = (-500.0, 9000.0)
VOID = -32768
MAX_PIXELS = 250_000_000
_HGT_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})", re.IGNORECASE)
_HGT_SIDES = {side * side * 2: side for side in (1201, 3601)}
_DTYPES = ("int16", "uint16", "int32", "uint32", "float32", "float64")
WGS84 = CRS.from_epsg(4326)


@dataclass(frozen=True)
class Raster:
    """A grid (row 0 north) and its frame: outer west/north edges and steps in degrees."""

    heights: NDArray[Any]
    """Metres as float32, NaN void; of land cover, the classes as uint8."""
    west: float
    north: float
    step_lon_deg: float
    step_lat_deg: float


def read_raster(path: Path) -> Raster:
    """Return the heights of a file, in EPSG:4326.

    A WGS84 grid is kept post by post; any other CRS is warped at its native resolution, bilinear.

    Raises
    ------
    Invalid
        Not a raster, truncated, no CRS, several bands, a type that holds no heights, too large.
    """
    name = path.name.lower()
    if name.endswith((".hgt", ".hgt.zip")):
        return _read_hgt(path)
    try:
        with rasterio.open(path, driver="GTiff") as source:
            _check(source, path.name)
            return _read_geotiff(source)
    except (RasterioError, MemoryError) as error:
        raise Invalid(
            "terrain_unreadable",
            f"{path.name}: không đọc được như ảnh độ cao GeoTIFF (sai định dạng hoặc tệp bị cắt cụt)",
            f"{path.name}: cannot be read as a GeoTIFF of heights (wrong format or truncated file)",
            field=path.name,
        ) from error


def check_raster(raster: Raster, name: str) -> float:
    """Return the share of voids, or refuse what cannot be terrain of this country.

    Raises
    ------
    Invalid
        No grid, outside the country's box, nothing but voids, heights no ground here has.
    """
    check_frame(raster, name)
    heights = raster.heights
    void = np.isnan(heights)
    void_share = float(void.mean())
    if void_share == 1.0:
        raise Invalid("terrain_all_void", f"{name}: không có độ cao nào", f"{name}: every height is void", field=name)
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    if not (low >= HEIGHT_RANGE_M[0] and high <= HEIGHT_RANGE_M[1]):
        raise Invalid(
            "terrain_absurd_height",
            f"{name}: độ cao từ {low:g} đến {high:g} m, chỉ nhận từ -500 đến 9000 m",
            f"{name}: heights from {low:g} to {high:g} m; only -500 to 9000 m can be",
            field=name,
        )
    return void_share


def check_frame(raster: Raster, name: str) -> None:
    """Refuse what is no grid or lies outside this country.

    Raises
    ------
    Invalid
        As said.
    """
    shape = raster.heights.shape
    if len(shape) != 2 or min(shape) < 2 or not (raster.step_lon_deg > 0 and raster.step_lat_deg > 0):
        raise Invalid("raster_shape", f"{name}: lưới không hợp lệ", f"{name}: not a grid", field=name)
    west, north = raster.west, raster.north
    east, south = west + shape[1] * raster.step_lon_deg, north - shape[0] * raster.step_lat_deg
    w, s, e, n = COUNTRY
    if not (west < e and east > w and south < n and north > s):
        raise Invalid(
            "raster_no_overlap",
            f"{name}: nằm ngoài Việt Nam ({west:.3f}–{east:.3f}° Đ, {south:.3f}–{north:.3f}° B)",
            f"{name}: lies outside Viet Nam ({west:.3f}–{east:.3f}° E, {south:.3f}–{north:.3f}° N)",
            field=name,
        )


def _check(source: Any, name: str) -> None:
    if source.count != 1:
        raise Invalid(
            "terrain_bands",
            f"{name}: có {source.count} kênh, đây là ảnh chứ không phải độ cao (cần đúng 1 kênh)",
            f"{name}: has {source.count} bands, which is a picture and not heights (exactly 1 is needed)",
            field=name,
        )
    if source.dtypes[0] not in _DTYPES:
        raise Invalid(
            "terrain_dtype",
            f"{name}: kiểu dữ liệu {source.dtypes[0]} không chứa độ cao; nhận {', '.join(_DTYPES)}",
            f"{name}: type {source.dtypes[0]} holds no heights; accepted: {', '.join(_DTYPES)}",
            field=name,
        )
    if source.crs is None:
        raise Invalid(
            "terrain_no_crs",
            f"{name}: không khai báo hệ toạ độ; hãy gán bằng gdal_edit.py -a_srs EPSG:…",
            f"{name}: declares no coordinate reference system; set it with gdal_edit.py -a_srs EPSG:…",
            field=name,
        )
    if source.width * source.height > MAX_PIXELS:
        raise Invalid(
            "terrain_too_large",
            f"{name}: {source.width} × {source.height} điểm, tối đa {MAX_PIXELS}; hãy cắt nhỏ",
            f"{name}: {source.width} × {source.height} posts, at most {MAX_PIXELS}; cut it into pieces",
            field=name,
        )


def _read_geotiff(source: Any) -> Raster:
    heights = source.read(1, masked=True).astype(np.float32).filled(np.nan)
    heights[heights == VOID] = np.nan
    heights = heights * np.float32(source.scales[0]) + np.float32(source.offsets[0])
    transform = source.transform
    upright = transform.b == 0 and transform.d == 0 and transform.a > 0 and transform.e < 0
    if not (upright and source.crs == WGS84):
        transform, width, height = calculate_default_transform(
            source.crs, WGS84, source.width, source.height, *source.bounds
        )
        if width * height > MAX_PIXELS:
            raise RasterioError("warped raster too large")
        warped = np.full((height, width), np.nan, np.float32)
        reproject(
            heights,
            warped,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=transform,
            dst_crs=WGS84,
            src_nodata=np.nan,
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
        heights = warped
    return Raster(heights, transform.c, transform.f, transform.a, -transform.e)


def _read_hgt(path: Path) -> Raster:
    """Read SRTM's bare grid: big-endian int16, posts on whole degrees, size told by the file alone."""
    match = _HGT_NAME.search(path.name)
    if match is None:
        raise Invalid(
            "hgt_name",
            f"{path.name}: tên tệp .hgt phải cho biết góc tây nam, ví dụ N16E107.hgt",
            f"{path.name}: an .hgt file's name must give its south-west corner, e.g. N16E107.hgt",
            field=path.name,
        )
    raw = _hgt_bytes(path)
    if raw is None or len(raw) not in _HGT_SIDES:
        sizes = ", ".join(f"{size} ({side} × {side})" for size, side in _HGT_SIDES.items())
        raise Invalid(
            "hgt_size",
            f"{path.name}: kích thước không phải của tệp .hgt: {sizes} byte; tệp bị cắt cụt?",
            f"{path.name}: not the size of an .hgt file: {sizes} bytes; truncated?",
            field=path.name,
        )
    side = _HGT_SIDES[len(raw)]
    heights = np.frombuffer(raw, ">i2").reshape(side, side).astype(np.float32)
    heights[heights == VOID] = np.nan
    south_sign, south, west_sign, west = match.groups()
    lat = int(south) * (1 if south_sign in "Nn" else -1)
    lon = int(west) * (1 if west_sign in "Ee" else -1)
    step = 1 / (side - 1)
    return Raster(heights, lon - step / 2, lat + 1 + step / 2, step, step)


def _hgt_bytes(path: Path) -> bytes | None:
    largest = max(_HGT_SIDES)
    if not path.name.lower().endswith(".zip"):
        return path.read_bytes() if path.stat().st_size <= largest else None
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".hgt")]
            # The declared size is checked before unpacking: a small archive may hold gigabytes.
            if len(members) != 1 or members[0].file_size > largest:
                return None
            return archive.read(members[0])
    except (zipfile.BadZipFile, OSError, RuntimeError):  # the last: encrypted, or packed in a way unknown here
        return None
