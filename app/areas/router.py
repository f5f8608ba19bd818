"""Units over HTTP: search in all times, one unit with its kin, the crosswalk between two days."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.areas import search
from app.areas.schemas import CrosswalkQuestion, UnitQuestion, UnitsQuestion
from app.kit.page import MAX_ID
from app.policy.past import in_time

router = APIRouter(prefix="/api", tags=["areas"])
Id = Annotated[int, Path(ge=1, le=MAX_ID, description="Row id of a unit: a code may mean several in turn")]


@router.get("/units", openapi_extra=allow(PUBLIC))
def units(session: DbSession, asked: Annotated[UnitsQuestion, Query()]) -> dict[str, Any]:
    """Units by code or name, marks or not, with their days, parent, predecessors and successors."""
    in_time(session, asked)
    found, matched = search.find_units(
        session,
        q=asked.q,
        level=asked.level,
        as_of=asked.as_of,
        code=asked.code,
        limit=asked.limit,
        offset=asked.offset,
    )
    return {"units": found, "numberMatched": matched, "numberReturned": len(found)}


@router.get("/units/{unit_id}", openapi_extra=allow(PUBLIC))
def unit(session: DbSession, unit_id: Id, asked: Annotated[UnitQuestion, Query()]) -> dict[str, Any]:
    """One unit, what it came from and went into and by which act, and every unit that bears or bore its code."""
    in_time(session, asked)
    return search.unit(session, unit_id)


@router.get("/crosswalk", openapi_extra=allow(PUBLIC))
def crosswalk(session: DbSession, asked: Annotated[CrosswalkQuestion, Query()]) -> dict[str, Any]:
    """Return which unit of one day is which on another, over every reform between, with the share of each."""
    in_time(session, asked)
    return search.crosswalk(session, asked.level, asked.start, asked.end)
