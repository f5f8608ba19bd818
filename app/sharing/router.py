"""Sharing over HTTP: the ratios, and the objects they counted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, SIGNED_IN, allow
from app.policy.past import in_time
from app.sharing import export, objects, service
from app.sharing.definitions import Indicator
from app.sharing.schemas import CountedQuestion, ObjectsQuestion, SharingQuestion

router = APIRouter(prefix="/api/sharing", tags=["sharing"])


@router.get("", openapi_extra=allow(PUBLIC))
def sharing(session: DbSession, asked: Annotated[SharingQuestion, Query()]) -> dict[str, Any]:
    """Ratios S1-S4, P1-P3 and D1-D3 on a date with numerator, denominator, unknown, target and breakdown.

    By street there are poles and ducts only; by year the ends of the last three years and the date (other dates:
    `/api/sharing/series`). Every object that is not restricted counts, whoever asks. Who does not read every row is
    told no figure of few objects, nor one such could be worked out from: these are null, with `withheld: true` and a
    reason.
    """
    in_time(session, asked)
    return service.sharing_on(session, asked.on, by=asked.by, wanted=asked.definition, boundaries=asked.boundaries_on())


@router.get("/{indicator}/objects", openapi_extra=allow(*SIGNED_IN))
def counted(session: DbSession, indicator: Indicator, asked: Annotated[ObjectsQuestion, Query()]) -> dict[str, Any]:
    """Return the objects a ratio counted, as far as the caller may see them, as GeoJSON, a page at a time."""
    in_time(session, asked)
    features, matched = objects.counted_objects(
        session, indicator, asked.on, wanted=asked.definition, counted=asked.counted,
        commune=asked.commune, limit=asked.limit, offset=asked.offset,
    )  # fmt: skip
    return {
        "type": "FeatureCollection",
        "features": features,
        "numberMatched": matched,
        "numberReturned": len(features),
        "links": asked.links(f"/api/sharing/{indicator}/objects", matched),
    }


@router.get(
    "/{indicator}/objects.{form}",
    openapi_extra=allow(*SIGNED_IN),
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "content": {kind: {} for kind in export.MEDIA_TYPES.values()}}},
)
def exported(
    session: DbSession, indicator: Indicator, form: export.Format, asked: Annotated[CountedQuestion, Query()]
) -> StreamingResponse:
    """All objects a ratio counted, as the list tells them, in one file: CSV, GeoJSON or Excel.

    Restricted objects are in no export. A stream that breaks lacks its end.
    """
    in_time(session, asked)
    chosen = export.select(session, indicator, asked.on, asked.definition, asked.counted, asked.commune)
    body = export.written(session, chosen, form)
    name = f'attachment; filename="{chosen.name}.{form}"'
    return StreamingResponse(body, media_type=export.MEDIA_TYPES[form], headers={"Content-Disposition": name})
