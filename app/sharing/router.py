"""Sharing over HTTP: the ratios, and the objects they counted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, SIGNED_IN, allow
from app.policy.past import in_time
from app.sharing import objects, service
from app.sharing.definitions import Indicator
from app.sharing.schemas import ObjectsQuestion, SharingQuestion

router = APIRouter(prefix="/api/sharing", tags=["sharing"])


@router.get("", openapi_extra=allow(PUBLIC))
def sharing(session: DbSession, asked: Annotated[SharingQuestion, Query()]) -> dict[str, Any]:
    """Ratios S1-S4, P1-P3 and D1-D3 on a date with numerator, denominator, unknown, target and breakdown.

    Every object that is not restricted counts, whoever asks. Who does not read every row is told no figure of few
    objects, nor one such could be worked out from: these are null, with `withheld: true` and a reason.
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
