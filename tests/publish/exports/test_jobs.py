"""Exports in the background: a file for its asker alone, for a day, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.config import settings
from app.database import Scope, session_scope
from app.errors import AppError
from app.jobs import queries
from app.jobs.running import Worker
from app.publish.exports import jobs, service
from app.publish.exports.schemas import ExportOrder
from tests.jobs.conftest import drain
from tests.publish.province import build

ASKER = Scope("system:test", ("planner",))
OTHER = Scope("system:other", ("planner",))


@pytest.fixture
def province(own_database: str) -> None:
    with session_scope() as session:
        build(session)


def ask(**order: Any) -> int:
    with session_scope(ASKER) as session:
        return jobs.ask(session, ExportOrder(**{"layer": "villages", "format": "gpkg", "as_of": "2026-06-01"} | order))


def work() -> None:
    drain(Worker(("app.publish.exports.jobs",), wait=False, heartbeat_s=0.5))


def result(number: int) -> Any:
    with session_scope(ASKER) as session:
        return queries.job(session, number)


def left() -> list[Path]:
    folder = settings().var_dir / "exports"
    return [p for p in folder.rglob("*") if p.is_file()] + list(folder.glob("part-*"))


def test_made_fetched_by_its_asker_alone_and_swept(province: None, monkeypatch: pytest.MonkeyPatch) -> None:
    number = ask()
    work()
    state = result(number)
    assert state.status == "done", state
    told = state.result
    assert (told["features"], told["file"], told["url"]) == (
        3, "villages-2026-06-01.gpkg", f"/api/exports/files/{told['token']}"
    )  # fmt: skip
    assert (state.done, state.total) == (3, 3)
    assert len(told["token"]) >= 32
    with session_scope(ASKER) as session:
        path, _ = jobs.fetch(session, told["token"])
        assert path.read_bytes()[:15] == b"SQLite format 3"
    for scope, token in ((OTHER, told["token"]), (ASKER, "../" + told["token"]), (ASKER, "x")):
        with session_scope(scope) as session, pytest.raises(AppError) as refused:
            jobs.fetch(session, token)
        assert refused.value.code == "unknown_download"
    monkeypatch.setattr(jobs, "KEPT_S", 0)
    with session_scope(ASKER) as session, pytest.raises(AppError):
        jobs.fetch(session, told["token"])
    assert path.exists()
    jobs.sweep()
    assert left() == []


def test_cancelled_in_the_middle_leaves_nothing(province: None, monkeypatch: pytest.MonkeyPatch) -> None:
    number = ask(format="csv")
    real = service.write

    def cancelling(*given: Any, **more: Any) -> Any:
        with session_scope(ASKER) as session:
            queries.cancel(session, number)
        return real(*given, **more)

    monkeypatch.setattr(service, "write", cancelling)
    work()
    assert result(number).status == "cancelled"
    assert left() == []


def test_what_breaks_leaves_nothing(province: None, monkeypatch: pytest.MonkeyPatch) -> None:
    number = ask(format="fgb")

    def breaking(*given: Any, **_: Any) -> Any:
        (given[4] / "half.fgb").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(service, "write", breaking)
    work()
    assert result(number).status == "failed"
    assert left() == []


def test_refused_before_it_is_asked(province: None) -> None:
    for order, code in (({"format": "dwg"}, "unknown_format"), ({"layer": "nothing"}, "unknown_layer"),
                        ({"format": "kml", "crs": "EPSG:9214"}, "crs_not_for_format"),
                        ({"commune": "nowhere"}, "unknown_commune")):  # fmt: skip
        with pytest.raises(AppError) as refused:
            ask(**order)
        assert refused.value.code == code
    for _ in range(jobs.MAX_OPEN):
        ask()
    with pytest.raises(AppError) as refused:
        ask()
    assert (refused.value.status, refused.value.code) == (429, "too_many_export_jobs")
