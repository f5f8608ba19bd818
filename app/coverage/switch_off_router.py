"""Switching technologies off over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.accounts.roles import SIGNED_IN, allow
from app.coverage.switch_off_answers import switch_off
from app.coverage.switch_off_schemas import SwitchOff, SwitchOffQuestion
from app.policy.past import in_time

router = APIRouter(prefix="/api/coverage", tags=["coverage"])


@router.get(
    "/switch-off", response_model=SwitchOff, openapi_extra=allow(*SIGNED_IN),
    responses={409: {"description": "The populated points changed since the run"}},
)  # fmt: skip
def get_switch_off(session: DbSession, asked: Annotated[SwitchOffQuestion, Query()]) -> dict[str, Any]:
    """Villages and people that lose service when technologies are switched off, of all operators or of one.

    The verdict under the rule over all its technologies beside that over those that stay; and the people whose only
    signal is of what goes. An operator may name its own network only.
    """
    in_time(session, asked)
    return switch_off(session, asked)
