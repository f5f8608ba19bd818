"""What stands on the ground: classes of a land-cover raster and their representative heights (ITU-R P.1812-7, table 2).

A file's own values become the few classes below when it is added, by the policy row `land_cover_scheme/<scheme>`; what
height a class has is the dated policy row `land_cover/height_m`, read by each run. Where nothing is known the ground is
taken as bare, and what rests on that says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import ArrayLike, NDArray
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from sqlalchemy.orm import Session

from app.coverage import grid, raster_store
from app.coverage.calibration import UNCLASSIFIED
from app.coverage.models import LandCoverTile
from app.coverage.rasters import MAX_PIXELS, WGS84, Raster, check_frame
from app.errors import Invalid
from app.policy.queries import parameter, parameters

Floats = NDArray[np.float64]
Classes = NDArray[np.uint8]

CLASSES = (UNCLASSIFIED, "sea", "water", "open", "suburban", "trees", "urban", "dense_urban")
"""By index; 0 is where no raster knows."""
UNKNOWN, SEA = 0, 1
SEA_M = -1.0
"""Stands for the sea among the heights, so that the kernel finds it."""


@dataclass(frozen=True)
class LandCover:
    """Open land cover: the mapped grids, the tables the kernels read, and the height of every class."""

    grids: tuple[Classes, ...]
    sizes: NDArray[np.int64]
    frames: Floats
    height_m: Floats
    """Shape (classes,): metres, `SEA_M` for the sea, 0 where unknown."""
    version: str
    """Hash over the tiles; "none" without any."""
    synthetic: bool

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as classes and frames: addresses in memory mean nothing in another process."""
        rasters = [Raster(np.asarray(g), *frame) for g, frame in zip(self.grids, self.frames.tolist(), strict=True)]
        return from_rasters, (rasters, self.height_m, self.version, self.synthetic)

    @property
    def state(self) -> str:
        """Return the hash of what it holds and how high that stands; "none" without any."""
        if not self.grids:
            return "none"
        return hashlib.sha256(self.version.encode() + self.height_m.tobytes()).hexdigest()

    @property
    def cells(self) -> grid.Grids:
        """The grids as the kernels read them."""
        return grid.Grids(self.sizes, self.frames)

    def classes(self, lon: ArrayLike, lat: ArrayLike) -> Classes:
        """Return the class of each point, shape (n,); degrees, EPSG:4326."""
        x, y = (np.ascontiguousarray(v, np.float64) for v in (lon, lat))
        out = np.zeros(x.size, np.uint8)
        grid.classes_at(self.cells, x, y, out)
        return out


def from_rasters(rasters: Sequence[Raster], height_m: Floats, version: str, synthetic: bool) -> LandCover:
    """Return land cover over grids in memory; their values are C-contiguous uint8."""
    sizes = [(r.heights.ctypes.data, *r.heights.shape) for r in rasters]
    frames = [(r.west, r.north, r.step_lon_deg, r.step_lat_deg) for r in rasters]
    return LandCover(
        tuple(r.heights for r in rasters), np.array(sizes, np.int64).reshape(-1, 3),
        np.array(frames, np.float64).reshape(-1, 4), height_m, version, synthetic,
    )  # fmt: skip


BARE = from_rasters((), np.zeros(len(CLASSES)), "none", synthetic=False)
"""No land cover at all: bare ground everywhere."""


def open_land_cover(session: Session, as_of: dt.date) -> LandCover:
    """Open every tile, with the heights of classes in force on `as_of`.

    Raises
    ------
    Unavailable
        A tile the registry knows is gone from the disk or is not the file that was added.
    NotFound
        There are tiles but no heights on that date.
    """
    rows = raster_store.rows(session, LandCoverTile)
    if not rows:
        return BARE
    rasters = [Raster(raster_store.opened(r, np.uint8), r.west, r.north, r.step_lon_deg, r.step_lat_deg) for r in rows]
    heights = class_heights(parameter(session, "land_cover", "height_m", as_of).value)
    return from_rasters(rasters, heights, raster_store.version(r.sha256 for r in rows), any(r.synthetic for r in rows))


def class_heights(given: Mapping[str, Any]) -> Floats:
    """Return the representative height of every class in metres.

    Raises
    ------
    Invalid
        A class is missing, or a height is no number from 0 to 100 m.
    """
    heights = np.zeros(len(CLASSES))
    heights[SEA] = SEA_M
    for index, name in enumerate(CLASSES):
        if index in (UNKNOWN, SEA):
            continue
        value = given.get(name)
        if not isinstance(value, int | float) or not 0 <= value <= 100:
            raise Invalid(
                "land_cover_height",
                f"Chiều cao của lớp phủ {name} phải từ 0 đến 100 m",
                f"The height of land cover {name} must be 0 to 100 m",
                field="land_cover/height_m",
            )
        heights[index] = value
    return heights


def add_files(
    session: Session, paths: Iterable[Path], scheme: str, as_of: dt.date, progress: raster_store.Progress | None = None
) -> list[dict[str, Any]]:
    """Add GeoTIFFs of classes; one report a file, as `raster_store.add_files`.

    Parameters
    ----------
    scheme : str
        Whose values the files hold: a policy row land_cover_scheme in force on `as_of`.

    Raises
    ------
    Invalid
        No such scheme; not a GeoTIFF of whole numbers with a CRS; none of its values is in the scheme.
    """
    known = parameters(session, "land_cover_scheme", as_of)
    if scheme not in known:
        listed = ", ".join(sorted(known))
        raise Invalid("unknown_scheme", f"Không có bảng lớp phủ {scheme!r}; có: {listed}",
                      f"There is no land-cover scheme {scheme!r}; there are: {listed}", field="scheme")  # fmt: skip
    table = scheme_table(scheme, known[scheme])
    read = partial(read_classes, scheme, table)
    meaning = scheme.encode() + table.tobytes()
    return raster_store.add_files(session, LandCoverTile, paths, read, progress, meaning=meaning)


def scheme_table(scheme: str, given: Mapping[str, Any]) -> Classes:
    """Return the class of every value from 0 to 255 of a scheme.

    Raises
    ------
    Invalid
        A value is no number from 0 to 255 or a class is none of CLASSES.
    """
    table = np.zeros(256, np.uint8)
    for value, name in given.items():
        if not (str(value).isdecimal() and int(value) < len(table) and name in CLASSES):
            raise Invalid("land_cover_scheme", f"Bảng lớp phủ {scheme}: {value} → {name} không hợp lệ",
                          f"Land-cover scheme {scheme}: {value} → {name} cannot be",
                          field=f"land_cover_scheme/{scheme}")  # fmt: skip
        table[int(value)] = CLASSES.index(name)
    return table


def read_classes(scheme: str, table: Classes, path: Path) -> tuple[Raster, dict[str, Any]]:
    """Return the classes of a file in EPSG:4326 (another CRS: the nearest pixel's) and what its row keeps.

    Raises
    ------
    Invalid
        See `add_files`.
    """
    try:
        with rasterio.open(path, driver="GTiff") as source:
            _check(source, path.name)
            # Nearest; WGS84 stays as it is. The mask tells what a turned frame brought in, which is filled with 0.
            with WarpedVRT(source, crs=WGS84, add_alpha=source.nodata is None) as warped:
                if warped.width * warped.height > MAX_PIXELS:
                    raise _refusal("too_large", path.name, "ảnh quá lớn; hãy cắt nhỏ", "too large; cut it into pieces")
                values, known = warped.read(1), warped.dataset_mask() > 0
                transform = warped.transform
    except (RasterioError, MemoryError) as error:
        raise _refusal(
            "unreadable",
            path.name,
            "không đọc được như ảnh lớp phủ GeoTIFF (sai định dạng hoặc bị cắt cụt)",
            "cannot be read as a GeoTIFF of land cover (wrong format or truncated file)",
        ) from error
    known &= (values >= 0) & (values <= 255)
    classes = table[np.where(known, values, 0).astype(np.uint8)]
    classes[~known] = UNKNOWN
    raster = Raster(classes, transform.c, transform.f, transform.a, -transform.e)
    check_frame(raster, path.name)
    void_share = float((classes == UNKNOWN).mean())
    if void_share == 1.0:
        raise _refusal("no_class", path.name, f"không giá trị nào có trong bảng lớp phủ {scheme}",
                       f"none of its values is in the land-cover scheme {scheme}")  # fmt: skip
    return raster, {"void_share": void_share, "scheme": scheme}


def _check(source: Any, name: str) -> None:
    if source.count != 1 or not np.issubdtype(np.dtype(source.dtypes[0]), np.integer):
        raise _refusal(
            "type",
            name,
            f"cần đúng 1 kênh số nguyên, tệp có {source.count} kênh {source.dtypes[0]}",
            f"one band of whole numbers is needed, the file has {source.count} of {source.dtypes[0]}",
        )
    if source.crs is None:
        raise _refusal("no_crs", name, "không khai báo hệ toạ độ; hãy gán bằng gdal_edit.py -a_srs EPSG:…",
                       "declares no coordinate reference system; set it with gdal_edit.py -a_srs EPSG:…")  # fmt: skip


def _refusal(code: str, name: str, vi: str, en: str) -> Invalid:
    return Invalid(f"land_cover_{code}", f"{name}: {vi}", f"{name}: {en}", field=name)
