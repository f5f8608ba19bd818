"""Objects over HTTP: read, search, add, change, end, their history, and earlier states written again."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import ADMINISTRATOR, COMMUNE_OFFICER, OPERATOR, PLANNER, SIGNED_IN, allow
from app.kit.page import MAX_ID
from app.objects import editing, restoring, service
from app.objects import history as histories
from app.objects.kinds import LAYERS, kind_named
from app.objects.schemas import (
    Attributes,
    ChangeDetail,
    Ending,
    History,
    HistoryPage,
    ItemQuestion,
    LayerDescription,
    ObjectCollection,
    ObjectFeature,
    ObjectFilter,
    Restored,
    Restoring,
)

router = APIRouter(prefix="/api/objects", tags=["objects"])
READS = allow(*SIGNED_IN)
WRITES = allow(OPERATOR, COMMUNE_OFFICER, PLANNER, ADMINISTRATOR)
Layer = Annotated[str, Path(max_length=60, description="Name of the layer", json_schema_extra={"enum": list(LAYERS)})]
ObjectId = Annotated[int, Path(ge=1, le=MAX_ID, description="Identifier of the object")]
ChangeId = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the change")]
IfMatch = Annotated[str | None, Header(description="ETag of the version that was read; without it 428")]
IfNoneMatch = Annotated[str | None, Header(description="ETag of a version at hand; 304 while it is the current one")]
_PRIVATE = {"Cache-Control": "private, no-cache"}
_WRITE_REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"description": "Not the caller's to write"},
    409: {"description": "It contradicts what the registry holds"},
    412: {"description": "Not the version that was read: `current`, `yours` and `conflicts` are in the body"},
    428: {"description": "If-Match is missing"},
}


class GeoJSON(Response):
    """A GeoJSON document (RFC 7946)."""

    media_type = "application/geo+json"


def _answer(answer: service.Answer, status: int = 200, **headers: str) -> GeoJSON:
    version, feature = answer
    return GeoJSON(orjson.dumps(feature), status, {"ETag": version, **_PRIVATE, **headers})


def _known(version: str, if_none_match: str | None) -> bool:
    """Say whether the caller has the version; If-None-Match compares weakly (RFC 9110 §13.1.2)."""
    given = [part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")]
    return version in given or given == ["*"]


@router.get("", summary="Layers of objects", openapi_extra=READS)
def get_layers(session: DbSession) -> list[LayerDescription]:
    """Name the layers with the attributes the caller is told and those it may write."""
    return [LayerDescription.model_validate(found) for found in service.layers(session)]


@router.get(
    "/{layer}",
    summary="Objects of a layer",
    response_class=GeoJSON,
    responses={200: {"model": ObjectCollection}},
    openapi_extra=READS,
)
def get_objects(layer: Layer, request: Request, session: DbSession, asked: Annotated[ObjectFilter, Query()]) -> GeoJSON:
    """One page of the objects in force on the date that the caller may see; the look is logged."""
    return GeoJSON(orjson.dumps(service.items(session, layer, asked, request.url.path)), headers=_PRIVATE)


@router.post(
    "/{layer}",
    status_code=201,
    summary="Add an object",
    response_class=GeoJSON,
    responses={201: {"model": ObjectFeature}, **{k: v for k, v in _WRITE_REFUSALS.items() if k in (403, 409)}},
    openapi_extra=WRITES,
)
def add_object(layer: Layer, session: WritingSession, asked: Attributes) -> GeoJSON:
    """Add an object; an operator's is its own organisation's, for the department `reason` is due."""
    version, feature = editing.add(session, kind_named(layer), asked)
    return _answer((version, feature), 201, Location=f"{router.prefix}/{layer}/{feature['id']}")


@router.get(
    "/{layer}/{object_id}",
    summary="One object",
    response_class=GeoJSON,
    responses={200: {"model": ObjectFeature}, 304: {"description": "The version at hand is the current one"}},
    openapi_extra=READS,
)
def get_object(
    layer: Layer, object_id: ObjectId, session: DbSession, asked: Annotated[ItemQuestion, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """Give an object with its version as ETag; what the caller may not see does not exist for it."""
    version, feature = service.item(session, kind_named(layer), object_id, asked)
    if _known(version, if_none_match):
        return Response(status_code=304, headers={"ETag": version, **_PRIVATE})
    return _answer((version, feature))


@router.patch(
    "/{layer}/{object_id}",
    summary="Change an object",
    response_class=GeoJSON,
    responses={200: {"model": ObjectFeature}, **_WRITE_REFUSALS},
    openapi_extra=WRITES,
)
def change_object(
    layer: Layer, object_id: ObjectId, session: WritingSession, asked: Attributes, if_match: IfMatch = None
) -> GeoJSON:
    """Change the attributes in the body of the version named by If-Match (JSON merge patch, RFC 7396)."""
    return _answer(editing.change(session, kind_named(layer), object_id, asked, if_match))


@router.delete(
    "/{layer}/{object_id}",
    summary="End an object",
    response_class=GeoJSON,
    responses={200: {"model": ObjectFeature}, **_WRITE_REFUSALS},
    openapi_extra=WRITES,
)
def end_object(
    layer: Layer, object_id: ObjectId, session: WritingSession, asked: Annotated[Ending, Query()],
    if_match: IfMatch = None,
) -> GeoJSON:  # fmt: skip
    """Say since when an object is not there any more (`valid_to`); nothing is deleted."""
    return _answer(editing.end(session, kind_named(layer), object_id, asked, if_match))


@router.get("/{layer}/{object_id}/history", summary="What was changed of an object", openapi_extra=READS)
def get_history(
    layer: Layer, object_id: ObjectId, request: Request, session: DbSession, asked: Annotated[HistoryPage, Query()]
) -> History:
    """One page of the changes the caller may see, newest first, field by field; the look is logged."""
    found = histories.history(session, kind_named(layer), object_id, asked, request.url.path)
    return History.model_validate(found)


@router.get("/{layer}/{object_id}/history/{change_id}", summary="One change in full", openapi_extra=READS)
def get_change(layer: Layer, object_id: ObjectId, change_id: ChangeId, session: DbSession) -> ChangeDetail:
    """Both states of one change, as far as the caller is told of them."""
    return ChangeDetail.model_validate(histories.change(session, kind_named(layer), object_id, change_id))


@router.post(
    "/{layer}/{object_id}/restore",
    summary="Write an earlier state again",
    response_class=GeoJSON,
    responses={200: {"model": Restored}, **_WRITE_REFUSALS},
    openapi_extra=WRITES,
)
def restore_object(
    layer: Layer, object_id: ObjectId, session: WritingSession, asked: Restoring, if_match: IfMatch = None
) -> GeoJSON:
    """Write the state a change left, or that of a moment, as a new change; whose it is stays as it is."""
    return _answer(restoring.restore(session, kind_named(layer), object_id, asked, if_match))
