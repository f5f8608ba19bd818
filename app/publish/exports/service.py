"""A layer as one file or stream, in any format; nothing temporary stays, whatever happens."""

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from sqlalchemy.orm import Session

from app.config import settings
from app.kit.geo import WGS84
from app.kit.progress import Report
from app.publish.exports import task
from app.publish.exports.copying import silent
from app.publish.exports.formats import Format
from app.publish.exports.selection import Selection
from app.publish.exports.slots import export_slot

_BLOCK_BYTES = 256 * 1024
_PART = "part-"
_ABANDONED_S = 86_400


def folder() -> Path:
    """Return where exports lie on this server."""
    found = settings().var_dir / "exports"
    found.mkdir(parents=True, exist_ok=True)
    return found


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder that is gone afterwards; what a killed process left for a day goes first."""
    for left in folder().glob(f"{_PART}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_PART, dir=folder(), ignore_cleanup_errors=True) as name:
        yield Path(name)


def streamed(
    session: Session, name: str, selection: Selection, form: Format, crs: str = WGS84, *, bundle: bool = False
) -> Generator[bytes, None, None]:
    """Yield the file, out of the database as it comes where the format can; holds one of the places for exports."""
    with export_slot(session):
        if form.stream and not bundle:
            yield from form.stream(session, name, selection, crs, silent)
            return
        with scratch() as here:
            path, _ = write(session, name, selection, form, here, crs, bundle=bundle)
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    yield block


def write(
    session: Session, name: str, selection: Selection, form: Format, here: Path, crs: str = WGS84, *,
    bundle: bool = False, report: Report | None = None,
) -> tuple[Path, int]:  # fmt: skip
    """Write the file into the folder `here`; with `bundle` a zip of it and its metadata.

    Returns
    -------
    tuple of Path and int
        The file, and how many objects are in it.
    """
    path = here / f"{name}.{form.suffix}"
    work = task.begin(session, name, selection, crs, report)
    if form.write:
        form.write(work, path)
    else:
        assert form.stream
        with path.open("wb") as out:
            for block in form.stream(session, name, selection, crs, work.advance):
                out.write(block)
    if not bundle:
        return path, work.done
    packed = here / f"{name}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        target.write(path, path.name)
        target.writestr("metadata.json", orjson.dumps(work.about, option=orjson.OPT_INDENT_2))
    return packed, work.done
