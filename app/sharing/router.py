"""Sharing over HTTP: the ratios, and the objects they counted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.accounts.access import DbSession
from app.kit.page import today
from app.sharing import objects, service
from app.sharing.definitions import Indicator
from app.sharing.schemas import ObjectsQuestion, SharingQuestion

router = APIRouter(prefix="/api/sharing", tags=["sharing"])


@router.get("")
def sharing(session: DbSession, asked: Annotated[SharingQuestion, Query()]) -> dict[str, Any]:
    """Ratios S1-S4, P1-P3 and D1-D3 on a date with numerator, denominator, unknown, target and breakdown."""
    return service.sharing_on(
        session, asked.as_of or today(), by=asked.by, wanted=asked.definition, boundaries=asked.boundaries_on()
    )


@router.get("/{indicator}/objects")
def counted(session: DbSession, indicator: Indicator, asked: Annotated[ObjectsQuestion, Query()]) -> dict[str, Any]:
    """Return the objects a ratio counted, as GeoJSON, a page at a time."""
    features, matched = objects.counted_objects(
        session, indicator, asked.as_of or today(), wanted=asked.definition, counted=asked.counted,
        commune=asked.commune, limit=asked.limit, offset=asked.offset,
    )  # fmt: skip
    return {
        "type": "FeatureCollection",
        "features": features,
        "numberMatched": matched,
        "numberReturned": len(features),
        "links": asked.links(f"/api/sharing/{indicator}/objects", matched),
    }
