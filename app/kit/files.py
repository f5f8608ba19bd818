"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PART = ".part"
_ABANDONED_S = 86_400


@contextmanager
def whole(target: Path) -> Iterator[IO[bytes]]:
    """Yield a file to write to, which becomes `target` when all was written; a reader never sees half of it.

    Every writer has a file of its own, threads of one process too: of two that write the same, the later one's stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=PART, dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        part.chmod(0o644)  # mkstemp's are the owner's alone; a worker may be another user than the command
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove what writers that were killed left; younger files may be a living one's."""
    for path in folder.glob(f".*{PART}"):
        remove_if_unused(path, _ABANDONED_S)


def remove_if_unused(path: Path, for_s: float) -> None:
    """Remove a file last written or touched so many seconds ago; somebody else may have done so meanwhile."""
    try:
        if time.time() - path.stat().st_mtime > for_s:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
