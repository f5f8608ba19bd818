"""Documents of an application over HTTP: the bytes are the body, so that nothing of them is unpacked on the way."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.accounts.access import DbSession, WritingSession
from app.kit.page import MAX_ID
from app.licensing.applications import rules, uploads
from app.licensing.applications.router import ILLEGAL, WRITES, ApplicationId
from app.licensing.applications.schemas import DocumentOut

router = APIRouter(prefix="/api/applications/{application_id}/documents", tags=["applications"])
DocumentId = Annotated[int, Path(ge=1, le=MAX_ID, description="Identifier of the document")]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
_FILES: dict[int | str, dict[str, Any]] = {200: {"content": {m: _BINARY for m in uploads.MEDIA_TYPES.values()}}}


async def document_body(request: Request, session: WritingSession) -> bytes:
    """Return the body, read no further than the policy allows; who may not call has been refused before."""
    limits = await run_in_threadpool(rules.rule, session, "application_document", "limits", rules.DocumentLimits)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.max_bytes:
            raise uploads.too_large(limits.max_bytes)
        parts.append(part)
    return b"".join(parts)


@router.post(
    "",
    response_model=DocumentOut,
    status_code=201,
    summary="Hand in a document",
    responses=ILLEGAL,
    openapi_extra=WRITES | _UPLOAD,
)
def add_document(
    session: WritingSession,
    application_id: ApplicationId,
    name: Annotated[str, Query(min_length=1, max_length=200, description="Name to keep it under")],
    content: Annotated[bytes, Depends(document_body)],
) -> dict[str, Any]:
    """Hand in a PDF, JPG or text DXF as the raw body; its content decides which, not its name."""
    return uploads.add(session, application_id, name, content)


@router.get(
    "/{document_id}", response_class=Response, responses=_FILES, summary="A document's bytes", openapi_extra=WRITES
)
def get_document(session: DbSession, application_id: ApplicationId, document_id: DocumentId) -> Response:
    """Give it as an attachment; no browser shows it in place or guesses what it is."""
    found, content = uploads.read(session, application_id, document_id)
    return Response(content, media_type=uploads.MEDIA_TYPES[found.kind], headers=uploads.headers(found))
