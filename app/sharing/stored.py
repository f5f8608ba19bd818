"""Kept columns on disk, so that a new process does not read a million rows again.

A file bears its moment and is brought up to date like what is kept in memory. It is the department's or the other
readers', as its key says; the folder is this user's alone. A missing, damaged, old or foreign file costs a cold read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from app.config import settings
from app.kit.files import remove_abandoned, remove_if_unused, whole

Columns = dict[str, NDArray[Any]]
LEAST_BYTES: Final = 1_000_000
"""Less is read from the database as fast."""
MOST_AGE_S: Final = 7 * 86_400
"""An older file is not used: what changed since is looked for in all the history since."""
_ABOUT: Final = "about"
log = logging.getLogger("hatang.sharing")


@dataclass(frozen=True)
class Moment:
    """When something was read: what had ended by then, and the last change there was (id, and its time as text)."""

    ended: str
    last: int | None
    last_at: str | None


def load(key: Hashable) -> tuple[Moment, Columns] | None:
    """Return the columns stored under `key` with their moment, None without a file that can be read."""
    path = _path(key)
    try:
        if time.time() - path.stat().st_mtime > MOST_AGE_S:
            return None
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
        about = json.loads(str(columns.pop(_ABOUT)))
        if about["key"] != repr(key):
            return None
        return Moment(about["ended"], about["last"], about["last_at"]), columns
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        log.warning("%s cannot be read, the registry is: %s", path, error)
        return None


def store(key: Hashable, moment: Moment, columns: Columns) -> None:
    """Store columns of many rows under `key`; a full disk costs the next process time, this one nothing."""
    if moment.last is None or sum(column.nbytes for column in columns.values()) < LEAST_BYTES:
        return
    path = _path(key)
    about = {"key": repr(key), "ended": moment.ended, "last": moment.last, "last_at": moment.last_at}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)  # restricted rows lie in it
        with whole(path) as handle:
            np.savez(handle, **columns, **{_ABOUT: np.array(json.dumps(about))})  # type: ignore[arg-type]
        remove_abandoned(path.parent)
        for old in path.parent.glob("*.npz"):
            remove_if_unused(old, MOST_AGE_S)
    except OSError as error:
        log.warning("%s is not written: %s", path, error)


def _path(key: Hashable) -> Path:
    name = hashlib.sha256((_code() + repr(key)).encode()).hexdigest()[:32]
    return settings().var_dir / "sharing" / f"{name}.npz"


@lru_cache
def _code() -> str:
    """Return the hash of the code that reads and places: another program's files are not this one's."""
    here = Path(__file__).parent
    sources = [*here.glob("*.py"), *(here.parent / "areas").glob("*.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()
