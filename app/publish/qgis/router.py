"""The QGIS project and the styles over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.kit.page import Day, Question, today
from app.policy.disclosure import signed_in
from app.publish.exports.router import Stream, begun
from app.publish.qgis import bundle, service
from app.publish.qgis.project import ogc, qgz
from app.publish.schemas import Name

router = APIRouter(prefix="/api/qgis", tags=["qgis"])
PROJECT = "application/x-qgis-project"
MEDIA = {"qml": "application/xml", "sld": "application/vnd.ogc.sld+xml"}
Style = Annotated[str, Path(max_length=60, description="Name of a layer or of one of its styles", examples=["poles"])]


class ProjectQuestion(Question):
    """Which project."""

    as_of: Day | None = Field(None, description="Date of the answer; default today in Viet Nam")
    commune: Name | None = Field(None, description="The project opens on this commune; its code or name")


@router.get(
    "/project.qgz",
    summary="A QGIS project with every layer the caller may see",
    response_class=Response,
    openapi_extra=allow(PUBLIC),
    responses={200: {"content": {PROJECT: {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_project(request: Request, session: DbSession, asked: Annotated[ProjectQuestion, Query()]) -> Response:
    """Give a project of QGIS 3.22 or newer whose layers are read from the OGC API at `/ogc`.

    It opens styled, named and grouped in Vietnamese, in the province's VN-2000 zone. It holds no secret: who is
    signed in makes an authentication configuration with the identifier `hatang1` in QGIS (Basic: account and token).
    """
    address = f"{str(request.base_url).rstrip('/')}/ogc"
    if asked.as_of is not None:
        address += f"?datetime={asked.as_of.isoformat()}"  # QGIS sends it on with every request
    on = asked.as_of or today()
    made = qgz(service.project(session, ogc(address, signed_in(session)), on, asked.commune))
    name = f'attachment; filename="hatang-{on.isoformat()}.qgz"'
    return Response(made, media_type=PROJECT, headers={"Content-Disposition": name})


@router.get(
    "/project.zip",
    summary="A QGIS project with its data in a GeoPackage",
    response_class=Response,
    openapi_extra=allow(PUBLIC),
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
        409: {"description": "The commune has no boundary yet"},
    },
)
def get_bundle(session: DbSession, asked: Annotated[ProjectQuestion, Query()]) -> Response:
    """Give the project and every layer the caller may see, whole or of one commune: for work without a network."""
    on = asked.as_of or today()
    name = f'attachment; filename="hatang-qgis-{on.isoformat()}.zip"'
    body = begun(bundle.streamed(session, on, asked.commune))
    return Stream(body, media_type="application/zip", headers={"Content-Disposition": name})


@router.get(
    "/styles/{style}.{form}",
    summary="How a layer looks in QGIS",
    response_class=Response,
    openapi_extra=allow(PUBLIC),
    responses={200: {"content": {m: {"schema": {"type": "string"}} for m in MEDIA.values()}}},
)
def get_style(
    session: DbSession,
    style: Style,
    form: Annotated[Literal["qml", "sld"], Path(description="qml: QGIS; sld: other programs, simple styles only")],
) -> Response:
    """Give a layer's style as a file; what is of whom follows from what the caller is told."""
    name = f'attachment; filename="{style}.{form}"'
    found = service.style(session, style, form, today())
    return Response(found, media_type=MEDIA[form], headers={"Content-Disposition": name})
