"""A layer written to a file: whole or not at all."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import look_back
from app.errors import Invalid
from app.kit.page import option, parse_bbox
from app.kit.progress import Report
from app.publish.exports import ofds, service
from app.publish.exports.formats import FORMATS, Format, projected
from app.publish.exports.selection import select

FIBRE = "fibre"
OFDS = ".ofds.json"
Make = Callable[[Path], tuple[Path, int]]
"""Writes a file into a folder; returns it and how many objects are in it."""


def write(
    session: Session,
    layer: str,
    path: Path,
    *,
    as_of: dt.date,
    known_at: dt.datetime | None = None,
    bbox: str | None = None,
    commune: str | None = None,
    crs: str | None = None,
    bundle: bool = False,
    progress: Report | None = None,
) -> dict[str, Any]:
    """Write `layer` as known at `known_at` (None: now) to `path`, in the format of its suffix.

    The file appears under its name only when it is complete; until then it lies in a folder beside it that goes away.

    Returns
    -------
    dict
        layer, file, features, bytes, as_of.

    Raises
    ------
    Invalid
        An unknown suffix, an unreadable bbox, or a place that cannot be written to.
    BadRequest
        A CRS that the format cannot be in.
    NotFound, Conflict
        See `exports.select`.
    """
    option(parse_bbox, bbox, "bbox")
    look_back(session, known_at)
    make = _fibre if layer == FIBRE else _layer
    making = make(session, layer, path, as_of=as_of, bbox=bbox or None, commune=commune, crs=crs, bundle=bundle,
                  progress=progress)  # fmt: skip
    session.execute(text("SET LOCAL statement_timeout = 0"))  # nobody waits but the one who asked
    try:
        here = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        made, features = making(here)
        size = made.stat().st_size
        made.chmod(0o666 & ~_umask())
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(here, ignore_errors=True)
    return {"layer": layer, "file": str(path), "features": features, "bytes": size, "as_of": as_of.isoformat()}


def _layer(
    session: Session, layer: str, path: Path, *, as_of: dt.date, bbox: str | None, commune: str | None,
    crs: str | None, bundle: bool, progress: Report | None,
) -> Make:  # fmt: skip
    form = format_of(path, bundle)
    wanted = projected(form, crs)
    selection = select(session, layer, as_of, bbox, commune)
    return lambda here: service.write(session, layer, selection, form, here, wanted, bundle=bundle, report=progress)


def _fibre(
    session: Session, layer: str, path: Path, *, as_of: dt.date, bbox: str | None, commune: str | None,
    crs: str | None, bundle: bool, progress: Report | None,
) -> Make:  # fmt: skip
    if not path.name.lower().endswith(OFDS) or crs or bundle:
        raise Invalid(
            "unknown_format",
            f"Lớp {FIBRE!r} chỉ ghi ra tệp {OFDS} (Open Fibre Data Standard, theo độ)",
            f"The layer {FIBRE!r} is only written as {OFDS} (Open Fibre Data Standard, in degrees)",
            field="output",
            supported=[OFDS],
        )
    selection = ofds.select_all(session, as_of, bbox, commune)

    def make(here: Path) -> tuple[Path, int]:
        made, count = here / f"{layer}{OFDS}", 0

        def advance(more: int) -> None:
            nonlocal count
            count += more
            if progress:
                progress(count, count, layer)

        with made.open("wb") as out:
            out.writelines(ofds.package(session, selection, advance))
        return made, count

    return make


def format_of(path: Path, bundle: bool = False) -> Format:
    """Return the format of the suffix of `path`; of a bundle, what stands before its .zip.

    Raises
    ------
    Invalid
        A suffix that cannot be written; the message lists those that can.
    """
    name = path.name.lower()
    if bundle:
        name = name.removesuffix(".zip")
    found = next((f for f in FORMATS.values() if name.endswith(f".{f.suffix}")), None)
    if found is None:
        known = ", ".join(f".{suffix}" for suffix in FORMATS)
        shown = path.suffix or path.name
        raise Invalid(
            "unknown_format",
            f"Không ghi được định dạng {shown!r}; hiện có: {known}",
            f"The format {shown!r} cannot be written; there are: {known}",
            field="output",
            supported=[f".{suffix}" for suffix in FORMATS],
        )
    return found


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _cannot_write(path: Path, error: OSError) -> Invalid:
    return Invalid(
        "cannot_write",
        f"Không ghi được {path}: {error.strerror}",
        f"Cannot write {path}: {error.strerror}",
        field="output",
    )
