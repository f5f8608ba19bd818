"""What changed in a sharing ratio between two sides, over HTTP; the objects of every part."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.accounts.roles import ADMINISTRATOR, OTHER_DEPARTMENT, PLANNER, allow
from app.sharing import change_answer
from app.sharing.change_schemas import ChangeObjectsQuestion, ChangeQuestion
from app.sharing.sides import asked_change

router = APIRouter(prefix="/api/sharing", tags=["sharing"])
READERS = allow(OTHER_DEPARTMENT, PLANNER, ADMINISTRATOR)
OLDER: dict[int | str, dict[str, Any]] = {409: {"description": "A snapshot of another version of the definition"}}


@router.get("/change", responses=OLDER, openapi_extra=READERS)
def change(session: DbSession, asked: Annotated[ChangeQuestion, Query()]) -> dict[str, Any]:
    """Why a ratio changed between two dates, moments of knowledge or snapshots, in parts that add up exactly.

    Numerators, denominators, unknowns and percentage points of the parts make the whole change; see `part` for what
    the objects of each are. For callers who read every row, so nothing is withheld as too small.
    """
    return change_answer.described(asked_change(session, asked))


@router.get("/change/objects", responses=OLDER, openapi_extra=READERS)
def change_objects(session: DbSession, asked: Annotated[ChangeObjectsQuestion, Query()]) -> dict[str, Any]:
    """Return the objects of one part as GeoJSON, each with what it counted before and after, a page at a time."""
    answer = asked_change(session, asked)
    features, matched = change_answer.objects_of(session, answer, asked.part, asked.limit, asked.offset)
    return {
        "type": "FeatureCollection",
        "features": features,
        "numberMatched": matched,
        "numberReturned": len(features),
        "links": asked.links("/api/sharing/change/objects", matched),
    }
