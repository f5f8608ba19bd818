"""Black spots over HTTP."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.coverage.blackspots import blackspots, feature_collection
from app.coverage.blackspots_schemas import BlackspotQuestion, Blackspots
from app.policy.past import in_time

router = APIRouter(prefix="/api", tags=["coverage"])
GEOJSON = "application/geo+json"


@router.get(
    "/blackspots",
    response_model=Blackspots,
    responses={200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}},
    openapi_extra=allow(PUBLIC),
)
def get_blackspots(session: DbSession, asked: Annotated[BlackspotQuestion, Query()]) -> Any:
    """Villages a run finds without coverage, most people uncovered first; what is told of them is public.

    People are between what is known to be uncovered and that with the unknown; totals are of all villages in the area.
    """
    in_time(session, asked)
    found = blackspots(session, asked)
    if asked.format == "json":
        return found
    plain = Blackspots.model_validate(found).model_dump(mode="json", by_alias=True)
    return Response(json.dumps(feature_collection(plain), ensure_ascii=False), media_type=GEOJSON)
