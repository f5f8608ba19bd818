"""The checks of proposed poles and ducts over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.accounts.access import DbSession
from app.accounts.roles import ADMINISTRATOR, OPERATOR, OTHER_DEPARTMENT, PLANNER, allow
from app.licensing.lines import service
from app.licensing.lines.schemas import DuctsAnswer, DuctsRequest, PolesAnswer, PolesRequest

router = APIRouter(prefix="/api/licensing", tags=["licensing"])
# An operator is let in to be told where to ask instead.
_AUTHORITIES = allow(OPERATOR, OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR)


@router.post("/poles", response_model=PolesAnswer, summary="Check proposed poles", openapi_extra=_AUTHORITIES)
def check_poles(session: DbSession, asked: PolesRequest) -> dict[str, Any]:
    """Whether to hang on existing poles, go underground, share a trench or license new poles, with reasons.

    For authorities; an operator is refused with `ask_privately`. Restricted poles and ducts are told to the
    department only, apart from the others, and change no advice.
    """
    return service.check_poles(session, asked)


@router.post("/ducts", response_model=DuctsAnswer, summary="Check a proposed duct", openapi_extra=_AUTHORITIES)
def check_ducts(session: DbSession, asked: DuctsRequest) -> dict[str, Any]:
    """Ducts with free bores along a route, how much of it they take, the gaps, and advice with reasons.

    For authorities; an operator is refused with `ask_privately`. Restricted ducts are told to the department only,
    apart from the others, and change no advice.
    """
    return service.check_ducts(session, asked)
