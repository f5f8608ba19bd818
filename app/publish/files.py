"""A layer written to a file: whole or not at all."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import look_back
from app.errors import Invalid
from app.kit.page import option, parse_bbox
from app.publish import exports

FORMATS: Mapping[str, exports.Format] = {".geojson": "geojson", ".geojsonl": "geojsonl"}
Progress = Callable[[int, int, str], None]


def write(
    session: Session,
    layer: str,
    path: Path,
    *,
    as_of: dt.date,
    known_at: dt.datetime | None = None,
    bbox: str | None = None,
    commune: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write `layer` as known at `known_at` (None: now) to `path`, by its suffix GeoJSON or one feature a line.

    The file appears under its name only when it is complete; until then it has a temporary name beside it.

    Returns
    -------
    dict
        layer, file, features, bytes, as_of.

    Raises
    ------
    Invalid
        A suffix not written yet, an unreadable bbox, or a place that cannot be written to.
    NotFound, Conflict
        See `exports.select`.
    """
    form = format_of(path)
    box = option(parse_bbox, bbox, "bbox")
    look_back(session, known_at)
    selection = exports.select(session, layer, as_of, bbox if box else None, commune)
    session.execute(text("SET LOCAL statement_timeout = 0"))  # nobody waits but the one who asked
    total = exports.count(session, layer, selection) if progress else 0
    features = size = 0
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as out:
            for block in exports.stream(session, layer, selection, form):
                size += out.write(block)
                features += block.count(exports.FEATURE)
                if progress:
                    progress(features, total, layer)
            os.fchmod(out.fileno(), 0o666 & ~_umask())
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)
    return {"layer": layer, "file": str(path), "features": features, "bytes": size, "as_of": as_of.isoformat()}


def format_of(path: Path) -> exports.Format:
    """Return the format of the suffix of `path`.

    Raises
    ------
    Invalid
        A suffix that cannot be written yet; the message lists those that can.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise Invalid(
            "format_not_yet_supported",
            f"Chưa ghi được định dạng {suffix or path.name!r}; hiện có: {known}",
            f"The format {suffix or path.name!r} cannot be written yet; there are: {known}",
            field="output",
            supported=list(FORMATS),
        )
    return FORMATS[suffix]


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
