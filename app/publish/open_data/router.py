"""Open data over HTTP: no sign-in, the same for everybody, its licence named."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.kit.page import Day, Question
from app.kit.page import today as today_here
from app.publish.exports.formats import FORMATS, named, projected
from app.publish.exports.router import FILE, GeoJSONMedia, LayerName, Stream, Suffix, begun
from app.publish.exports.schemas import Licence, OpenQuestion
from app.publish.open_data import service

router = APIRouter(prefix="/api/open", tags=["open data"])
MAY = allow(PUBLIC)
SHARED = {"Cache-Control": "public, max-age=3600"}
"""The public's view holds nothing of whoever asks."""


class OpenDate(Question):
    """The day whose objects are listed."""

    as_of: Day | None = None


class OpenLayer(BaseModel):
    """One layer of the open data."""

    name: str
    title: dict[str, str]
    fields: list[str]
    grid_m: float | None
    synthetic: bool
    source: str
    count: int
    links: list[dict[str, str]]


class Catalogue(BaseModel):
    """What there is, and under which licence."""

    title: str
    as_of: str
    licence: Licence | None
    licence_note: dict[str, str] | None
    layers: list[OpenLayer]


class JSONLD(JSONResponse):
    """A document in JSON-LD."""

    media_type = "application/ld+json"


@router.get("/", summary="The open data there is", openapi_extra=MAY)
def get_catalogue(session: DbSession, response: Response, asked: Annotated[OpenDate, Query()]) -> Catalogue:
    """Layers, fields, formats, licence and dates."""
    response.headers.update(SHARED)
    return Catalogue.model_validate(service.catalogue(session, asked.as_of or today_here()))


@router.get(
    "/catalog.jsonld", summary="The same as DCAT", openapi_extra=MAY, response_class=JSONLD,
    responses={200: {"content": {"application/ld+json": {"schema": {"type": "object"}}}}},
)  # fmt: skip
def get_dcat(request: Request, session: DbSession, asked: Annotated[OpenDate, Query()]) -> Response:
    """For data portals that harvest catalogues."""
    found = service.catalogue(session, asked.as_of or today_here())
    told: dict[str, Any] = service.dcat(found, str(request.base_url).rstrip("/"))
    return JSONLD(told, headers=SHARED)


@router.get("/{layer}.{format}", summary="An open layer as a file", openapi_extra=MAY, response_class=GeoJSONMedia,
            responses={k: v for k, v in FILE.items() if k != 401})  # fmt: skip
def get_open_layer(
    layer: LayerName, format: Suffix, session: DbSession, asked: Annotated[OpenQuestion, Query()]
) -> Response:
    """Give the layer as the public is told it: sites in cells, areas, public offices, villages with verdict."""
    name, _, suffix = f"{layer}.{format}".partition(".")
    form = named(suffix)
    crs = projected(form, asked.crs)
    day = asked.as_of or today_here()
    selection = service.chosen(session, name, day, asked.bbox, asked.commune)
    body = begun(service.streamed(session, name, selection, form, crs, asked.bundle is not None))
    shown = "zip" if asked.bundle else form.suffix
    media_type = FORMATS["shp.zip"].media_type if asked.bundle else form.media_type
    disposition = {"Content-Disposition": f'attachment; filename="{name}-{day}.{shown}"'}
    return Stream(body, media_type=media_type, headers=SHARED | disposition)
