"""Kept columns outlive the process, are brought up to date, stay apart by reader, and never answer wrongly."""

from __future__ import annotations

import os
import stat
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from app.config import settings
from app.database import Scope, look_back, session_scope
from app.sharing import all_days, kept, stored
from app.sharing.service import sharing_on
from tests.sharing import registry
from tests.sharing.registry import DAY

READ = Scope("user:9", ("other_department",))
KINDS = ("carriers", "lines", "points", "places")


@pytest.fixture
def poles(own_database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three poles, one of them restricted; what is read of them is stored, however little."""
    monkeypatch.setattr(stored, "LEAST_BYTES", 0)
    with session_scope() as session:
        registry.commune(session, "90001", 107.5, 16.4)
        for k in range(3):
            registry.pole(session, f"P{k}", 107.51, 16.42, "VNPT;VIETTEL", restricted=k == 0)
    return settings().var_dir / "sharing"


def ids(scope: Scope | None = None) -> list[int]:
    """Return the poles as a process that has just begun answers, counted by commune too."""
    kept._kept = OrderedDict()
    with session_scope(scope) as session:
        sharing_on(session, DAY, by="commune", wanted="P1")
        found: list[int] = all_days.on(session, "pole", DAY)[0]["id"].tolist()
        return found


@pytest.fixture
def whole_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    reads: list[int] = []
    read = all_days._read_poles

    def counted(session: object, changed: object = None) -> stored.Columns:
        if changed is None:
            reads.append(1)
        return read(session, changed)  # type: ignore[arg-type]

    monkeypatch.setattr(all_days, "_read_poles", counted)
    return reads


def test_a_new_process_reads_what_changed(poles: Path, whole_reads: list[int]) -> None:
    first = ids()
    assert len(first) == 3
    assert len(list(poles.glob("*.npz"))) == len(KINDS)
    assert stat.S_IMODE(poles.stat().st_mode) == 0o700
    assert ids() == first
    with session_scope() as session:
        added = registry.pole(session, "NEW", 107.52, 16.42).id
        session.execute(text("UPDATE registry.pole SET valid_to = '2020-01-01' WHERE code = 'P1'"))
    assert ids() == sorted({*first, added} - {first[1]})
    assert len(whole_reads) == 1


def test_restricted_rows_stay_in_the_departments_files(poles: Path, whole_reads: list[int]) -> None:
    everything = ids()
    assert ids(READ) == everything[1:]
    assert ids() == everything
    assert len(whole_reads) == 2
    assert len(list(poles.glob("*.npz"))) == 2 * len(KINDS)


def test_a_bad_file_is_a_cold_read(poles: Path, whole_reads: list[int]) -> None:
    first = ids()
    for path in poles.glob("*.npz"):
        damaged = bytearray(path.read_bytes())
        third = len(damaged) // 3
        damaged[third : 2 * third] = bytes(third)
        path.write_bytes(damaged)
    assert ids() == first
    for path in poles.glob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    assert ids() == first
    files = sorted(poles.glob("*.npz"))
    contents = [path.read_bytes() for path in files]
    for path, content in zip(files, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)  # another key's
    assert ids() == first
    assert len(whole_reads) == 4
    for path in poles.glob("*.npz"):
        os.utime(path, (time.time() - stored.MOST_AGE_S - 60,) * 2)
    assert ids() == first
    assert len(whole_reads) == 5


def test_a_file_of_a_history_that_was_put_back_is_not_used(poles: Path, whole_reads: list[int]) -> None:
    """As after the files of the server were restored: the last change seen never was, numbers are given again."""
    first = ids()
    for path in poles.glob("*.npz"):
        with np.load(path) as file:
            columns = {name: file[name] for name in file.files}
        columns["about"] = np.array(str(columns["about"]).replace('"last": ', '"last": 9'))
        np.savez(path, **columns)
    assert ids() == first
    assert len(whole_reads) == 2


def test_neither_the_past_nor_the_undone_is_stored(poles: Path) -> None:
    with session_scope() as session:
        moment = session.scalar(text("SELECT clock_timestamp()"))
        look_back(session, moment)
        all_days.on(session, "pole", DAY)
        look_back(session, None)
        registry.pole(session, "NEW", 107.52, 16.42)
        all_days.on(session, "pole", DAY)
        session.rollback()
    assert not list(poles.glob("*.npz"))
    assert len(ids()) == 3
