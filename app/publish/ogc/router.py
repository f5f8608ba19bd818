"""/ogc: OGC API – Features and Tiles, behind the guard of every other route."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from app.accounts.access import request_session
from app.publish.ogc.answering import PREFIX
from app.publish.ogc.refusing import OgcRoute
from app.publish.ogc.services import build
from app.publish.ogc.turns import turn

router = APIRouter(route_class=OgcRoute, dependencies=[Depends(turn), Depends(request_session)])
_built = build().router
router.include_router(_built, prefix=PREFIX)
for _route in [r for r in _built.routes if isinstance(r, APIRoute) and r.path == "/"]:
    # Clients ask for the landing page at the address they were given, with or without its slash.
    router.add_api_route(PREFIX, _route.endpoint, tags=_route.tags, summary=_route.summary, responses=_route.responses)
