"""Applications over HTTP: list, write, act; what an action needs is in its refusals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import ADMINISTRATOR, DEPARTMENT, OPERATOR, OTHER_DEPARTMENT, PLANNER, allow
from app.kit.page import MAX_ID
from app.licensing.applications import acting, asking, service
from app.licensing.applications.schemas import (
    ActionIn,
    ApplicationIn,
    ApplicationOut,
    ApplicationPatch,
    Applications,
    ApplicationsQuestion,
    RequestIn,
    RequestOut,
)
from app.licensing.applications.states import ACTIONS

router = APIRouter(prefix="/api/applications", tags=["applications"])
READS = allow(OPERATOR, OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR)
WRITES = allow(OPERATOR, PLANNER, ADMINISTRATOR)
ApplicationId = Annotated[int, Path(ge=1, le=MAX_ID, description="Identifier of the application")]
Action = Annotated[str, Path(max_length=60, description="What to do", json_schema_extra={"enum": list(ACTIONS)})]
IfMatch = Annotated[str | None, Header(max_length=1000, description="ETag of the version that was read")]
ILLEGAL: dict[int | str, dict[str, Any]] = {
    409: {"description": "Not in the present state (`state`, `allowed_actions`), or a condition is not met"}
}
CONDITION: dict[int | str, dict[str, Any]] = {
    412: {"description": "Not the version that was read: `current` and `wanted` are in the body"},
    428: {"description": "If-Match is missing"},
}


def _answer(response: Response, answer: service.Answer) -> dict[str, Any]:
    response.headers["ETag"] = answer[0]
    return answer[1]


@router.get("", response_model=Applications, summary="Applications", openapi_extra=READS)
def get_applications(session: DbSession, asked: Annotated[ApplicationsQuestion, Query()]) -> dict[str, Any]:
    """One page of one's own applications; of everybody's for the department and, states only, other authorities."""
    return service.page(session, asked)


@router.post("", response_model=ApplicationOut, status_code=201, summary="Begin an application", openapi_extra=WRITES)
def create_application(session: WritingSession, response: Response, asked: ApplicationIn) -> dict[str, Any]:
    """Make a draft, which its organisation and the department see."""
    answer = service.create(session, asked)
    response.headers["Location"] = f"{router.prefix}/{answer[1]['id']}"
    return _answer(response, answer)


@router.get("/{application_id}", response_model=ApplicationOut, summary="One application", openapi_extra=READS)
def get_application(session: DbSession, response: Response, application_id: ApplicationId) -> dict[str, Any]:
    """Give it with clocks, history, requests, documents and what the caller may do now; its version as ETag."""
    return _answer(response, service.one(session, application_id))


@router.patch(
    "/{application_id}",
    response_model=ApplicationOut,
    summary="Change a draft",
    responses=ILLEGAL | CONDITION,
    openapi_extra=WRITES,
)
def change_application(
    session: WritingSession, response: Response, application_id: ApplicationId, asked: ApplicationPatch,
    if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Change what is not submitted yet, or was returned, in the version that was read."""
    return _answer(response, service.change(session, application_id, asked, if_match))


@router.post(
    "/{application_id}/actions/{action}",
    response_model=ApplicationOut,
    summary="Move an application on",
    responses=ILLEGAL | {k: v for k, v in CONDITION.items() if k == 412},
    openapi_extra=WRITES,
)
def act(
    session: WritingSession, response: Response, application_id: ApplicationId, action: Action, given: ActionIn,
    if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Do one of `allowed_actions`; done twice, the second is refused (409) and changes nothing."""
    return _answer(response, acting.act(session, application_id, action, given, if_match))


@router.post(
    "/{application_id}/requests",
    response_model=RequestOut,
    status_code=201,
    summary="Ask an owner",
    responses=ILLEGAL,
    openapi_extra=allow(*DEPARTMENT),
)
def ask_owner(session: WritingSession, application_id: ApplicationId, given: RequestIn) -> dict[str, Any]:
    """Ask the owner of one structure, pole or duct; the action `ask_owners` asks those of the pre-check by itself."""
    return asking.ask(session, application_id, given)
