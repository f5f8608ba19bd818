"""Exports in the background over HTTP, and the Open Fibre Data Standard."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import PUBLIC, SIGNED_IN, allow
from app.policy.past import in_time
from app.publish.exports import jobs, ofds
from app.publish.exports.formats import named
from app.publish.exports.router import Stream, begun
from app.publish.exports.schemas import ExportOrder, FibreQuestion, Ordered

router = APIRouter(tags=["exports"])
_BINARY: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.post(
    "/api/exports", status_code=202, summary="Make an export in the background", openapi_extra=allow(*SIGNED_IN),
    responses={409: {"description": "The commune has no boundary yet"},
               429: {"description": "Too many exports of the caller are under way"}},
)  # fmt: skip
def post_export(session: WritingSession, order: ExportOrder) -> Ordered:
    """Ask for a file; follow the job, whose result has the address of the download, good for 24 hours."""
    in_time(session, order)
    number = jobs.ask(session, order)
    return Ordered(job=number, links=[{"rel": "job", "href": f"/api/jobs/{number}"}])


@router.get(
    "/api/exports/files/{token}", summary="Fetch an export made in the background", openapi_extra=allow(*SIGNED_IN),
    response_class=FileResponse, responses={200: _BINARY},
)  # fmt: skip
def get_file(
    session: DbSession, token: Annotated[str, Path(max_length=60, description="What the finished job gave its asker")]
) -> Response:
    """Only for who asked for it, until 24 hours after it was made."""
    path, told = jobs.fetch(session, token)
    media_type = "application/zip" if told["file"].endswith(".zip") else named(told["format"]).media_type
    return FileResponse(
        path, media_type=media_type, filename=told["file"], headers={"Cache-Control": "private, no-store"}
    )


@router.get(
    "/api/exports/fibre.ofds.json", summary="Ducts, cables and nodes as Open Fibre Data Standard 0.3",
    openapi_extra=allow(PUBLIC), responses={401: {"description": "The networks are told to signed-in callers only"}},
)  # fmt: skip
def get_fibre(session: DbSession, asked: Annotated[FibreQuestion, Query()]) -> Response:
    """One network for each owner: manholes and distribution points as nodes, ducts and cables as spans.

    The owner (physicalInfrastructureProvider) stands apart from the users (networkProviders).
    """
    in_time(session, asked)
    chosen = ofds.select_all(session, asked.on, asked.bbox, asked.commune)
    body = begun(ofds.streamed(session, chosen))
    name = f'attachment; filename="fibre-{asked.on}.ofds.json"'
    return Stream(body, media_type="application/json", headers={"Content-Disposition": name})
