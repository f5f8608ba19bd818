"""Villages, communes and the state of the service over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.kit.page import MAX_ID, Dated
from app.publish import service
from app.publish.openapi import version
from app.publish.schemas import (
    CommuneCollection,
    CommuneQuestion,
    Health,
    Meta,
    VillageCollection,
    VillageFeature,
    VillageFilter,
    VillageQuestion,
)

router = APIRouter()
VillageId = Annotated[int, Path(ge=1, le=MAX_ID, description="Identifier of the village")]


class GeoJSON(Response):
    """A document already written as GeoJSON (RFC 7946)."""

    media_type = "application/geo+json"


@router.get("/api/meta", tags=["meta"], summary="What a client needs before it asks", openapi_extra=allow(PUBLIC))
def get_meta(session: DbSession, asked: Annotated[Dated, Query()]) -> Meta:
    """Version, extent, rules, operators, targets, terrain and the newest coverage run of the default rule."""
    return service.meta(session, asked)


@router.get(
    "/api/villages",
    tags=["villages"],
    summary="Villages with their coverage verdict",
    response_class=GeoJSON,
    openapi_extra=allow(PUBLIC),
    responses={200: {"model": VillageCollection}},
)
def get_villages(request: Request, session: DbSession, asked: Annotated[VillageFilter, Query()]) -> Response:
    """One page of the villages in force on the date, each with the verdict of the newest run of the rule.

    Without a run, and for villages the run did not see, the verdict is `unknown`.
    """
    return GeoJSON(service.villages(session, asked, request.url.path))


@router.get(
    "/api/villages/{village_id}",
    tags=["villages"],
    summary="One village",
    response_class=GeoJSON,
    openapi_extra=allow(PUBLIC),
    responses={200: {"model": VillageFeature}},
)
def get_village(
    village_id: VillageId, request: Request, session: DbSession, asked: Annotated[VillageQuestion, Query()]
) -> Response:
    """Give the village as it was on the date, with the run its verdict rests on."""
    return GeoJSON(service.village(session, village_id, asked, request.url.path))


@router.get(
    "/api/communes",
    tags=["areas"],
    summary="Communes in force on a date",
    response_class=GeoJSON,
    openapi_extra=allow(PUBLIC),
    responses={200: {"model": CommuneCollection}},
)
def get_communes(request: Request, session: DbSession, asked: Annotated[CommuneQuestion, Query()]) -> Response:
    """All communes with their boundary (or centre, while no boundary is loaded) and number of villages."""
    return GeoJSON(service.communes(session, asked, request.url.path))


@router.get("/healthz", tags=["service"], summary="The process answers", openapi_extra=allow(PUBLIC))
def healthz() -> Health:
    """Say that the process runs; the database is not asked."""
    return Health(status="ok", version=version())


@router.get("/readyz", tags=["service"], summary="Ready to answer questions", openapi_extra=allow(PUBLIC))
def readyz(session: DbSession) -> Health:
    """Say that the database answers and has the tables of this version."""
    service.require_schema(session)
    return Health(status="ready", version=version())


@router.get(
    "/metrics",
    tags=["service"],
    summary="Counts and durations",
    response_class=PlainTextResponse,
    openapi_extra=allow(PUBLIC),
)
def metrics(request: Request) -> PlainTextResponse:
    """Give requests by route and status, durations and the version, in Prometheus' text format."""
    body = request.app.state.metrics.text({"version": version()})
    return PlainTextResponse(body, media_type="text/plain; version=0.0.4")
