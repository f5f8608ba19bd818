"""Constraints over HTTP: what holds at a point, the rows, and the department's changes to them."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import DEPARTMENT, PUBLIC, allow
from app.kit.page import MAX_ID
from app.licensing.constraints import service
from app.licensing.constraints.schemas import (
    AreaCollection,
    AreaFeature,
    AreasQuestion,
    ConstraintIn,
    ConstraintsAnswer,
    ConstraintsQuestion,
    Ending,
)

router = APIRouter(prefix="/api/constraints", tags=["licensing"])
AreaId = Annotated[int, Path(ge=1, le=MAX_ID, description="Identifier of the constraint")]
IfMatch = Annotated[str | None, Header(description="ETag of the version that was read; without it 428")]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    409: {"description": "It contradicts what the registry holds"},
    412: {"description": "Not the version that was read: `current` and `wanted` are in the body"},
    428: {"description": "If-Match is missing"},
}


class GeoJSON(Response):
    """A GeoJSON document (RFC 7946)."""

    media_type = "application/geo+json"


def _told(answer: service.Answer, status: int = 200, **headers: str) -> GeoJSON:
    version, feature = answer
    return GeoJSON(orjson.dumps(feature), status, {"ETag": version, "Cache-Control": "private, no-cache", **headers})


@router.get("", response_model=ConstraintsAnswer, summary="What constrains a place", openapi_extra=allow(PUBLIC))
def constraints(session: DbSession, asked: Annotated[ConstraintsQuestion, Query()]) -> dict[str, Any]:
    """Planned zone, heritage, airport surface, streets to be undergrounded and the military's height at a point.

    Each with its status, limit, citation and days. A street, a zone or ground that is not known is `unknown`, never
    `ok`. How near the next structure stands is told to authorities only, restricted constraints to the department.
    """
    return service.answer(session, asked)


@router.get(
    "/areas",
    summary="Constraints in force",
    response_class=GeoJSON,
    responses={200: {"model": AreaCollection}},
    openapi_extra=allow(PUBLIC),
)
def areas(request: Request, session: DbSession, asked: Annotated[AreasQuestion, Query()]) -> GeoJSON:
    """One page of the constraints in force on a date as GeoJSON, by kind and box."""
    found = service.areas(session, asked, request.url.path)
    return GeoJSON(orjson.dumps(found), headers={"Cache-Control": "private, no-cache"})


@router.post(
    "/areas",
    status_code=201,
    summary="Add a constraint",
    response_class=GeoJSON,
    responses={201: {"model": AreaFeature}, 409: _REFUSALS[409]},
    openapi_extra=allow(*DEPARTMENT),
)
def add(session: WritingSession, asked: ConstraintIn) -> GeoJSON:
    """Add a constraint with its rule, days and citation; for the department."""
    answer = service.add(session, asked)
    return _told(answer, 201, Location=f"{router.prefix}/areas/{answer[1]['id']}")


@router.get(
    "/areas/{area_id}",
    summary="One constraint",
    response_class=GeoJSON,
    responses={200: {"model": AreaFeature}},
    openapi_extra=allow(PUBLIC),
)
def area(area_id: AreaId, session: DbSession) -> GeoJSON:
    """Give a constraint, ended ones too, with its version as ETag."""
    return _told(service.area(session, area_id))


@router.put(
    "/areas/{area_id}",
    summary="Correct a constraint",
    response_class=GeoJSON,
    responses={200: {"model": AreaFeature}, **_REFUSALS},
    openapi_extra=allow(*DEPARTMENT),
)
def correct(area_id: AreaId, session: WritingSession, asked: ConstraintIn, if_match: IfMatch = None) -> GeoJSON:
    """Write a constraint anew to the version named by If-Match; what it was stays in the history."""
    return _told(service.correct(session, area_id, asked, if_match))


@router.delete(
    "/areas/{area_id}",
    summary="End a constraint",
    response_class=GeoJSON,
    responses={200: {"model": AreaFeature}, **_REFUSALS},
    openapi_extra=allow(*DEPARTMENT),
)
def end(
    area_id: AreaId, session: WritingSession, asked: Annotated[Ending, Query()], if_match: IfMatch = None
) -> GeoJSON:
    """Say from which day on a constraint does not hold any more (`valid_to`); nothing is deleted."""
    return _told(service.end(session, area_id, asked, if_match))
