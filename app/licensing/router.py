"""Licensing over HTTP: the co-location check, and the private question of who may not see the map."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.accounts.roles import ADMINISTRATOR, DEPARTMENT, OPERATOR, OTHER_DEPARTMENT, PLANNER, allow
from app.kit.page import today
from app.licensing import questions, service
from app.licensing.schemas import (
    ColocationRequest,
    SharingAnswer,
    SharingOffer,
    SharingQuestionIn,
    SharingQuestions,
    SharingQuestionsQuestion,
)

router = APIRouter(prefix="/api", tags=["licensing"])
_LIMITED: dict[int | str, dict[str, Any]] = {
    429: {"description": "The organisation has asked too often; Retry-After says when the next question is taken"}
}


@router.post(
    "/colocation",
    # An operator is let in to be told where to ask instead.
    openapi_extra=allow(OPERATOR, OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR),
)
def colocation(session: DbSession, asked: ColocationRequest) -> dict[str, Any]:
    """Structures around a proposed tower or search area: room, coverage, constraints, effect, advice with reasons.

    Each candidate says what speaks against it, and whom the same antennas would reach from there (`coverage`,
    `share_of_proposal`) where a coverage run keeps levels; `radio: false` leaves that out and answers at once. The
    `snapshot` is the hash of everything the answer rests on. For authorities. An operator is refused with
    `ask_privately`: see `/api/sharing-question`. Restricted structures are told to the department only, apart from the
    others, and change no advice.
    """
    values = asked.model_dump() | {"as_of": asked.as_of or today()}
    return service.check_colocation(session, **values)


@router.post(
    "/sharing-question",
    response_model=SharingAnswer,
    responses=_LIMITED,
    openapi_extra=allow(OPERATOR, PLANNER, ADMINISTRATOR),
)
def sharing_question(session: DbSession, asked: SharingQuestionIn) -> dict[str, Any]:
    """Whether others' structures around a point can be shared: yes or no, how many, and whom to turn to.

    The answer names no owner and no place: the department asks the owners under the reference it gives. Point and
    structures count as the centres of squares (`searched.grid_m`), so however many questions are asked, a structure
    is never found more exactly than its square; that much can be inferred by asking all around. Heights are raised
    to steps and larger numbers told as "or more". A change between two answers tells that a place was taken or
    freed. Restricted structures never count. Questions are limited for each organisation, and the department reads
    every one.
    """
    return questions.ask(session, asked)


@router.get("/sharing-question", response_model=SharingOffer, openapi_extra=allow(OPERATOR, PLANNER, ADMINISTRATOR))
def sharing_offer(session: DbSession) -> dict[str, Any]:
    """Radii and heights a private sharing question may name, and how many an organisation may ask."""
    return questions.offer(session)


@router.get("/sharing-questions", response_model=SharingQuestions, openapi_extra=allow(*DEPARTMENT))
def sharing_questions(session: DbSession, asked: Annotated[SharingQuestionsQuestion, Query()]) -> dict[str, Any]:
    """Private sharing questions as they were asked and answered, newest first; for the department."""
    return questions.log_page(session, asked)
