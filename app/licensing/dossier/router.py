"""Appraisals over HTTP; for the department."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import DEPARTMENT, allow
from app.kit.page import MAX_ID, today
from app.licensing.dossier import service
from app.licensing.dossier.schemas import AppraisalIn, AppraisalOut, SheetQuestion, VerificationOut

router = APIRouter(prefix="/api/appraisals", tags=["licensing"])
MAY = allow(*DEPARTMENT)
MEDIA = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {t: {"schema": {"type": "string", "format": "binary"}} for t in MEDIA.values()}}
}
AppraisalId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the appraisal")]


@router.post("", response_model=AppraisalOut, status_code=201, openapi_extra=MAY)
def make_appraisal(session: WritingSession, asked: AppraisalIn) -> Any:
    """Check a proposed tower and freeze the answer with everything it follows from; nobody changes it afterwards."""
    dated = asked.model_copy(update={"as_of": asked.as_of or today()})
    return service.told(service.make(session, dated))


# Before the next one, which would take "1.pdf" for a number.
@router.get("/{appraisal_id}.{format}", response_class=Response, responses=FILES, openapi_extra=MAY)
def get_sheet(
    session: DbSession,
    appraisal_id: AppraisalId,
    format: Annotated[Literal["pdf", "docx"], Path(description="pdf or docx")],
    asked: Annotated[SheetQuestion, Query()],
) -> Response:
    """Return the appraisal sheet (phiếu thẩm định) as PDF or Word, with its map; restricted structures are left out."""
    content = service.write(service.find(session, appraisal_id), format, english=asked.english)
    name = f'attachment; filename="phieu-tham-dinh-{appraisal_id}.{format}"'
    return Response(content, media_type=MEDIA[format], headers={"Content-Disposition": name})


@router.get("/{appraisal_id}", response_model=AppraisalOut, openapi_extra=MAY)
def get_appraisal(session: DbSession, appraisal_id: AppraisalId) -> Any:
    """Return an appraisal as it was made."""
    return service.told(service.find(session, appraisal_id))


@router.get("/{appraisal_id}/verify", response_model=VerificationOut, openapi_extra=MAY)
def verify_appraisal(session: DbSession, appraisal_id: AppraisalId) -> Any:
    """Compute the answer again from the frozen inputs, and the hash of the record; say what differs."""
    return {"id": appraisal_id} | asdict(service.check(service.find(session, appraisal_id)))
