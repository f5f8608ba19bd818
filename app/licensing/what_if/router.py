"""Scenarios over HTTP: asked, answered, forgotten."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.accounts.access import DbSession
from app.accounts.roles import ADMINISTRATOR, OTHER_DEPARTMENT, PLANNER, allow
from app.licensing.what_if import service
from app.licensing.what_if.schemas import Scenario, WhatIf

router = APIRouter(prefix="/api", tags=["licensing"])


@router.post(
    "/what-if", response_model=WhatIf, openapi_extra=allow(OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR),
    responses={409: {"description": "Two objects bear the code"}},
)  # fmt: skip
def what_if(session: DbSession, asked: Scenario) -> dict[str, Any]:
    """Villages and sharing ratios before and after towers are licensed, shared or switched off; nothing is written.

    Levels are those the newest run of the rule stored; what a new tower brings, and what is left where one that goes
    had served, is computed now. Villages are those about the places of the scenario: no other changes.
    """
    return service.what_if(session, asked)
