"""Sharing requests over HTTP: owners list and answer theirs, the department mediates."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import ADMINISTRATOR, DEPARTMENT, OPERATOR, PLANNER, allow
from app.kit.page import MAX_ID
from app.licensing.applications import asking
from app.licensing.applications.router import ILLEGAL
from app.licensing.applications.schemas import (
    AnswerIn,
    FailIn,
    RefusalIn,
    RequestOut,
    Requests,
    RequestsQuestion,
    SettleIn,
)

router = APIRouter(prefix="/api/sharing-requests", tags=["applications"])
MAY = allow(OPERATOR, PLANNER, ADMINISTRATOR)
ONLY = allow(*DEPARTMENT)
RequestId = Annotated[int, Path(ge=1, le=MAX_ID, description="Identifier of the sharing request")]


@router.get("", response_model=Requests, summary="Sharing requests", openapi_extra=MAY)
def get_requests(session: DbSession, asked: Annotated[RequestsQuestion, Query()]) -> dict[str, Any]:
    """One page of what one was asked and what was asked for one; of everything for the department."""
    return asking.page(session, asked)


@router.post("/{request_id}/answer", response_model=RequestOut, summary="Offer", responses=ILLEGAL, openapi_extra=MAY)
def answer_request(session: WritingSession, request_id: RequestId, given: AnswerIn) -> dict[str, Any]:
    """Offer capacity and price, once; late answers are taken until the route is chosen."""
    return asking.answer(session, request_id, given)


@router.post("/{request_id}/refuse", response_model=RequestOut, summary="Refuse", responses=ILLEGAL, openapi_extra=MAY)
def refuse_request(session: WritingSession, request_id: RequestId, given: RefusalIn) -> dict[str, Any]:
    """Refuse with a reason code, once."""
    return asking.refuse(session, request_id, given)


@router.post("/{request_id}/settle", response_model=RequestOut, summary="Settle", responses=ILLEGAL, openapi_extra=ONLY)
def settle_request(session: WritingSession, request_id: RequestId, given: SettleIn) -> dict[str, Any]:
    """Write what a mediation, or an offer taken, agreed on."""
    return asking.settle(session, request_id, given)


@router.post(
    "/{request_id}/fail", response_model=RequestOut, summary="End a mediation", responses=ILLEGAL, openapi_extra=ONLY
)
def fail_request(session: WritingSession, request_id: RequestId, given: FailIn) -> dict[str, Any]:
    """Write that a mediation came to nothing, and why."""
    return asking.fail(session, request_id, given.note)
