"""Exports made in the background: a file that its asker fetches within a day, by a name nobody can guess."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import jobs
from app.database import look_back, scope_of
from app.errors import NotFound, TooMany
from app.jobs.models import Work
from app.kit.files import remove_if_unused
from app.kit.page import parse_instant
from app.publish.exports import service
from app.publish.exports.formats import named, projected
from app.publish.exports.schemas import ExportOrder
from app.publish.exports.selection import select as select_objects

KIND = "export"
KEPT_S = 86_400
MAX_OPEN = 5
"""Exports of one asker that wait or run."""


def ask(session: Session, order: ExportOrder) -> int:
    """Ask for an export; return the number of the job.

    Raises
    ------
    TooMany
        The asker has as many under way as one may.
    NotFound, BadRequest, Unauthorized, Conflict
        What the export itself would refuse; nothing is asked for then.
    """
    projected(named(order.format), order.crs)
    select_objects(session, order.layer, order.on, order.bbox, order.commune)
    mine = select(func.count()).where(
        Work.kind == KIND, Work.asked_by == scope_of(session).actor, Work.finished_at.is_(None)
    )
    if (session.scalar(mine) or 0) >= MAX_OPEN:
        raise TooMany(
            "too_many_export_jobs",
            f"Đang có {MAX_OPEN} lượt xuất nền của bạn chưa xong; hãy chờ hoặc huỷ bớt",
            f"{MAX_OPEN} background exports of yours are under way; wait for one or cancel it",
            retry_after_s=60,
        )
    return jobs.defer(session, KIND, order.model_dump(mode="json") | {"as_of": order.on.isoformat()})


@jobs.work(KIND)
def run(
    job: jobs.Job, layer: str, format: str, as_of: str, known_at: str | None, bbox: str | None, commune: str | None,
    crs: str | None, bundle: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Write the file; the result says where to fetch it."""
    sweep()
    form = named(format)
    day = dt.date.fromisoformat(as_of)
    token = secrets.token_urlsafe(24)
    target = files() / token
    try:
        with job.session() as session, service.scratch() as here:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            look_back(session, parse_instant(known_at) if known_at else None)
            selection = select_objects(session, layer, day, bbox, commune)
            made, features = service.write(session, layer, selection, form, here, projected(form, crs),
                                           bundle=bundle is not None, report=job.progress)  # fmt: skip
            size = made.stat().st_size
            made.replace(target)
    except BaseException:  # cancelled at the last moment too: then nobody is told the name
        target.unlink(missing_ok=True)
        raise
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=KEPT_S)
    return {
        "layer": layer, "format": form.suffix, "features": features, "bytes": size,
        "file": f"{layer}-{as_of}.{'zip' if bundle else form.suffix}", "token": token,
        "url": f"/api/exports/files/{token}", "expires_at": expires.isoformat(timespec="seconds"),
    }  # fmt: skip


def fetch(session: Session, token: str) -> tuple[Path, dict[str, Any]]:
    """Return the file of a finished export and the job's result.

    Raises
    ------
    NotFound
        No such file, no longer, or somebody else's.
    """
    found = session.scalar(
        select(Work.result).where(
            Work.kind == KIND, Work.asked_by == scope_of(session).actor, Work.status == "done",
            Work.result["token"].astext == token, Work.finished_at > func.now() - dt.timedelta(seconds=KEPT_S),
        )
    )  # fmt: skip
    if found is None or not (files() / found["token"]).is_file():
        raise NotFound(
            "unknown_download",
            "Không có tệp này, hoặc đã quá 24 giờ; hãy xuất lại",
            "There is no such file, or it is older than 24 hours; export again",
            field="token",
        )
    return files() / found["token"], found


def files() -> Path:
    """Return where finished exports lie."""
    found = service.folder() / "files"
    found.mkdir(exist_ok=True)
    return found


def sweep() -> None:
    """Remove what nobody can fetch any more, and what killed workers left."""
    for path in files().iterdir():
        remove_if_unused(path, KEPT_S)
