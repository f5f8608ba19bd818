"""Programmes over HTTP: the cheapest path to a sharing target; for the department, since it names everybody's plant."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import DEPARTMENT, allow
from app.kit.page import MAX_ID
from app.licensing.programme import files, jobs, service
from app.licensing.programme.schemas import (
    Format,
    ProgrammeAsked,
    ProgrammeOut,
    ProgrammeRequest,
    Programmes,
    ProgrammesQuestion,
)

router = APIRouter(prefix="/api/programmes", tags=["licensing"])
Number = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the programme")]

FileFormat = Annotated[Format, Path(description="geojson for maps, csv or xlsx for officers")]


@router.post("", status_code=202, summary="Ask for a programme", openapi_extra=allow(*DEPARTMENT))
def ask_for_programme(session: WritingSession, asked: ProgrammeRequest, response: Response) -> ProgrammeAsked:
    """Queue the ranked list of acts that reaches the target at least cost, solved as an integer programme.

    The answer is the number of a job, which tells progress and can be cancelled; its result names the programme.
    """
    number = jobs.ask(session, service.question(**asked.model_dump()))
    response.headers["Location"] = f"/api/jobs/{number}"
    return ProgrammeAsked(job=number)


@router.get("", response_model=Programmes, openapi_extra=allow(*DEPARTMENT))
def programmes(session: DbSession, asked: Annotated[ProgrammesQuestion, Query()]) -> dict[str, Any]:
    """Programmes that were computed, newest first, without their acts."""
    found, matched = service.page(session, asked.kind, asked.limit, asked.offset)
    items = [service.summary(run) for run in found]
    return {"items": items, "number_matched": matched, "links": asked.links("/api/programmes", matched)}


@router.get("/{programme_id}", response_model=ProgrammeOut, openapi_extra=allow(*DEPARTMENT))
def programme(session: DbSession, programme_id: Number) -> dict[str, Any]:
    """Return a programme with its acts, ranked, each with reasons; ratio before and after, cost, bound and gap."""
    return service.full(service.stored(session, programme_id))


@router.get(
    "/{programme_id}/acts.{form}",
    response_class=Response,
    responses={200: {"content": {media.split(";")[0]: {} for media in files.MEDIA.values()}}},
    openapi_extra=allow(*DEPARTMENT),
)
def acts(session: DbSession, programme_id: Number, form: FileFormat) -> Response:
    """Return the acts as a file: lines from what goes to what is shared, points where something is added or built."""
    run = service.stored(session, programme_id)
    mark = "-SYNTHETIC" if run.synthetic else ""
    name = f'attachment; filename="programme-{run.id}-{run.kind}{mark}.{form}"'
    return Response(files.write(run, form), media_type=files.MEDIA[form], headers={"Content-Disposition": name})
