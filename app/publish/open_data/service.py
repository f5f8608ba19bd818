"""What anybody may take without signing in, and under which licence: always the public's view, whoever asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from typing import Any

from sqlalchemy.orm import Session

from app.database import as_public
from app.errors import NotFound
from app.kit.geo import WGS84
from app.policy import disclosure
from app.publish.exports import service
from app.publish.exports.about import NO_LICENCE, licence, metadata
from app.publish.exports.formats import FORMATS, Format
from app.publish.exports.more_layers import EXPORTED
from app.publish.exports.selection import GEOMETRY, Selection, select
from app.publish.exports.statements import shapes


def told(session: Session, name: str) -> list[str]:
    """Return the attributes of a layer that the public is told; none: the layer is no open data."""
    attributes = (*EXPORTED[name].properties, GEOMETRY)
    withheld = disclosure.withheld(session, name, attributes)
    return [a for a in attributes if a not in withheld]


def catalogue(session: Session, as_of: dt.date) -> dict[str, Any]:
    """Return the open layers with their fields, formats, dates and number of objects."""
    with as_public(session):
        allowed = licence(session)
        layers = []
        for name, chosen in EXPORTED.items():
            fields = told(session, name)
            if not fields:
                continue
            selection = select(session, name, as_of)
            about = metadata(session, name, selection, WGS84)
            layers.append({
                "name": name, "title": {"vi": chosen.title_vi, "en": chosen.title_en},
                "fields": [f for f in fields if f != GEOMETRY], "grid_m": about["grid_m"],
                "synthetic": about["synthetic"], "source": about["source"],
                "count": sum(shapes(session, name, selection).values()),
                "links": [{"rel": "item", "format": f.suffix, "type": f.media_type.partition(";")[0],
                           "href": f"/api/open/{name}.{f.suffix}"} for f in FORMATS.values()],
            })  # fmt: skip
    return {"title": "Hatang — dữ liệu mở · open data", "as_of": as_of.isoformat(), "licence": allowed,
            "licence_note": None if allowed else NO_LICENCE, "layers": layers}  # fmt: skip


def dcat(found: dict[str, Any], base: str) -> dict[str, Any]:
    """Return a catalogue as DCAT in JSON-LD.

    Parameters
    ----------
    base : str
        Address of this server, without a slash at its end.
    """
    terms = found["licence"]["url"] if found["licence"] else None
    return {
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
        "@id": f"{base}/api/open/catalog.jsonld", "@type": "dcat:Catalog", "dct:title": found["title"],
        "dct:license": {"@id": terms} if terms else None,
        "dcat:dataset": [
            {
                "@id": f"{base}/api/open/{layer['name']}", "@type": "dcat:Dataset",
                "dct:title": [{"@language": k, "@value": v} for k, v in layer["title"].items()],
                "dct:description": layer["source"], "dct:issued": found["as_of"],
                "dct:license": {"@id": terms} if terms else None,
                "dcat:distribution": [
                    {"@type": "dcat:Distribution", "dcat:mediaType": link["type"], "dct:format": link["format"],
                     "dcat:downloadURL": {"@id": base + link["href"]}}
                    for link in layer["links"]
                ],
            }
            for layer in found["layers"]
        ],
    }  # fmt: skip


def chosen(session: Session, name: str, as_of: dt.date, bbox: str | None, commune: str | None) -> Selection:
    """Return what is selected of an open layer.

    Raises
    ------
    NotFound
        No open layer of that name; the message lists those there are.
    """
    with as_public(session):
        known = [n for n in EXPORTED if told(session, n)]
        if name not in known:
            listed = ", ".join(known)
            raise NotFound(
                "not_open_data",
                f"Lớp {name[:40]!r} không phải dữ liệu mở; hiện có: {listed}",
                f"The layer {name[:40]!r} is no open data; there are: {listed}",
                field="layer",
            )
        return select(session, name, as_of, bbox, commune)


def streamed(
    session: Session, name: str, selection: Selection, form: Format, crs: str, bundle: bool
) -> Generator[bytes, None, None]:
    """Yield the file as the public gets it."""
    with as_public(session):
        yield from service.streamed(session, name, selection, form, crs, bundle=bundle)
