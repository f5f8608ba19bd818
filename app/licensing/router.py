"""Licensing over HTTP: the co-location check."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.accounts.access import DbSession
from app.kit.page import today
from app.licensing import service
from app.licensing.schemas import ColocationRequest

router = APIRouter(prefix="/api", tags=["licensing"])


@router.post("/colocation")
def colocation(session: DbSession, asked: ColocationRequest) -> dict[str, Any]:
    """Structures around a proposed tower, room on them, effect on the sharing ratios, and advice with reasons."""
    values = asked.model_dump() | {"as_of": asked.as_of or today()}
    return service.check_colocation(session, **values)
