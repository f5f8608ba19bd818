"""Rasters the runs read: one memory-mapped grid a tile under var/, whole or not at all, known to the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.config import settings
from app.coverage.models import Tiled
from app.coverage.rasters import Raster
from app.errors import Invalid, Unavailable
from app.kit.files import whole
from app.kit.page import today

Progress = Callable[[int, int, str], None]
Kind = TypeVar("Kind", bound=Tiled)
METRES_PER_DEGREE = 111_320.0

_OVERLAP = """
    SELECT CASE WHEN count(p.id) = 0 AND NOT EXISTS (SELECT FROM registry.unit WHERE level = 'commune') THEN NULL
           ELSE least(1, coalesce(sum(ST_Area(ST_Intersection(p.geom, t.extent))), 0) / ST_Area(t.extent)) END
    FROM registry.{table} t
    LEFT JOIN (registry.unit_part p JOIN registry.unit u ON u.id = p.unit_id AND u.level = 'commune'
               AND registry.in_force(u.valid_from, u.valid_to, :today)) ON p.geom && t.extent
    WHERE t.id = :id GROUP BY t.extent
"""


def folder(kind: type[Tiled]) -> Path:
    """Return where the grids of a kind lie."""
    return settings().var_dir / kind.folder


def rows(session: Session, kind: type[Kind]) -> list[Kind]:
    """Return every tile of a kind, oldest first: the first that knows a point answers for it."""
    return list(session.scalars(select(kind).order_by(kind.id)))


def add_files(
    session: Session,
    kind: type[Kind],
    paths: Iterable[Path],
    read: Callable[[Path], tuple[Raster, dict[str, Any]]],
    progress: Progress | None = None,
    *,
    meaning: bytes = b"",
) -> list[dict[str, Any]]:
    """Add files that `read` turns into a grid and further columns of their row; one report a file.

    Parameters
    ----------
    meaning : bytes
        What else the grid depends on; the same file with another meaning takes the place of the former.

    Returns
    -------
    list of dict
        As `describe`, with `file` and `added`, false when it was there already.

    Raises
    ------
    Invalid
        The file is not what it should be; nothing of it is kept (the caller rolls back the others).
    """
    files, report = list(paths), []
    for number, path in enumerate(files):
        if progress:
            progress(number, len(files), path.name)
        sha256 = _sha256(path, meaning)
        known = session.scalar(select(kind).where(kind.sha256 == sha256))
        if known is None:
            raster, more = read(path)
            if meaning:
                _make_room(session, kind, raster)
            name = _free_name(session, kind, path.name)
            tile = add(session, kind, name, raster, sha256, path.name, synthetic=False, **more)
        report.append(describe(session, known or tile) | {"file": path.name, "added": known is None})
    if progress:
        progress(len(files), len(files), "")
    return report


def add(
    session: Session, kind: type[Kind], name: str, raster: Raster, sha256: str, source: str, *, synthetic: bool,
    **more: Any,
) -> Kind:  # fmt: skip
    """Write a grid and its row."""
    values = np.ascontiguousarray(raster.heights)
    columns: dict[str, Any] = {
        "name": name, "sha256": sha256, "path": f"{sha256[:16]}.npy", "height": values.shape[0],
        "width": values.shape[1], "west": raster.west, "north": raster.north, "step_lon_deg": raster.step_lon_deg,
        "step_lat_deg": raster.step_lat_deg, "source": source, "synthetic": synthetic,
    }  # fmt: skip
    tile = kind(**columns | more)
    tile.extent = func.ST_MakeEnvelope(*bounds(tile), 4326)
    with whole(folder(kind) / tile.path) as handle:
        np.save(handle, values)
    session.add(tile)
    session.flush()
    return tile


def describe(session: Session, tile: Tiled) -> dict[str, Any]:
    """Return what the commands print of a tile; `overlap_share` is null while no communes are loaded."""
    query = _OVERLAP.format(table=tile.__tablename__)
    share = session.scalar(text(query), {"id": tile.id, "today": today()})
    west, south, east, north = bounds(tile)
    return {
        "name": tile.name,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "width": tile.width,
        "height": tile.height,
        "step_m": round(tile.step_lat_deg * METRES_PER_DEGREE, 1),
        "void_share": tile.void_share,
        "overlap_share": share,
        "notice": "no_overlap" if share == 0 else None,
        "source": tile.source,
        "synthetic": tile.synthetic,
    }


def status(session: Session, kind: type[Tiled]) -> list[dict[str, Any]]:
    """Return a description of every tile."""
    return [describe(session, tile) for tile in rows(session, kind)]


def opened(tile: Tiled, dtype: type[np.generic]) -> NDArray[Any]:
    """Return the mapped grid of a tile.

    Raises
    ------
    Unavailable
        It is gone from the disk or is not the file that was added.
    """
    path = folder(type(tile)) / tile.path
    try:
        data: NDArray[Any] = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise _gone(tile) from error
    if data.shape != (tile.height, tile.width) or data.dtype != dtype or not data.flags.c_contiguous:
        raise _gone(tile)
    return data


def bounds(tile: Tiled) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees."""
    south = tile.north - tile.height * tile.step_lat_deg
    return tile.west, south, tile.west + tile.width * tile.step_lon_deg, tile.north


def version(hashes: Iterable[str]) -> str:
    """Return the hash over what the tiles hold; "none" without any."""
    joined = ",".join(hashes)
    return hashlib.sha256(joined.encode()).hexdigest() if joined else "none"


def _gone(tile: Tiled) -> Unavailable:
    return Unavailable(
        f"{tile.folder}_file_missing",
        f"Tệp {tile.name_vi} {tile.name} ({tile.path}) bị mất hoặc hỏng; hãy chạy lại `{tile.command}`",
        f"The {tile.name_en} file of {tile.name} ({tile.path}) is missing or damaged; run `{tile.command}` again",
        field=tile.name,
    )


def _free_name(session: Session, kind: type[Tiled], name: str) -> str:
    taken = {tile.name for tile in rows(session, kind)}
    return next(n for n in (name, *(f"{name} ({k})" for k in range(2, len(taken) + 3))) if n not in taken)


def _make_room(session: Session, kind: type[Kind], raster: Raster) -> None:
    """Delete tiles of the very same frame: the new one says something else of the same ground."""
    frame = (*raster.heights.shape, raster.west, raster.north, raster.step_lon_deg, raster.step_lat_deg)
    for tile in rows(session, kind):
        if (tile.height, tile.width, tile.west, tile.north, tile.step_lon_deg, tile.step_lat_deg) == frame:
            session.delete(tile)
    session.flush()


def _sha256(path: Path, meaning: bytes) -> str:
    if not path.is_file():
        raise Invalid("no_such_file", f"Không có tệp {path}", f"There is no file {path}", field=str(path))
    with path.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256")
    found.update(meaning)
    return found.hexdigest()
