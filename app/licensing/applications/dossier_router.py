"""The appraisal sheet of an application over HTTP; for the department."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from app.accounts.access import DbSession
from app.accounts.roles import DEPARTMENT, allow
from app.licensing.applications import dossier
from app.licensing.applications.router import ApplicationId
from app.licensing.dossier.router import FILES, MEDIA
from app.licensing.dossier.schemas import SheetQuestion

router = APIRouter(prefix="/api/applications/{application_id}", tags=["applications"])


@router.get(
    "/dossier.{format}", response_class=Response, summary="Appraisal sheet",
    responses=FILES | {409: {"description": "No pre-check has been made yet"}}, openapi_extra=allow(*DEPARTMENT),
)  # fmt: skip
def get_dossier(
    session: DbSession,
    application_id: ApplicationId,
    format: Annotated[Literal["pdf", "docx"], Path(description="pdf or docx")],
    asked: Annotated[SheetQuestion, Query()],
) -> Response:
    """Return the sheet of its newest pre-check, with requests, answers and decision as they are now."""
    content = dossier.sheet(session, application_id, format, english=asked.english)
    name = f'attachment; filename="ho-so-{application_id}.{format}"'
    return Response(content, media_type=MEDIA[format], headers={"Content-Disposition": name})
