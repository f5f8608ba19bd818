"""What /ogc says of itself: the collections with their CRS, their queryables and their schema (JSON schema)."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.kit.page import today
from app.policy.disclosure import signed_in
from app.publish import queries
from app.publish.ogc import systems
from app.publish.ogc.collections import COLLECTIONS
from app.publish.ogc.properties import properties_of
from app.publish.ogc.question import ID
from app.publish.ogc.reading import attributes, withheld
from app.publish.ogc.tiles import TILED
from app.publish.ogc.views import GEOMETRY

FEATURES = "http://www.opengis.net/spec/ogcapi-features-{}/1.0/conf/{}".format
COMMON = tuple(
    f"http://www.opengis.net/spec/ogcapi-common-{c}"
    for c in (
        "1/1.0/conf/core",
        "1/1.0/conf/landingPage",
        "1/1.0/conf/json",
        "1/1.0/conf/oas30",
        "2/1.0/conf/collections",
    )
)
CONFORMANCE = (
    *(FEATURES(1, c) for c in ("core", "geojson", "oas30")),
    FEATURES(2, "crs"),
    *(FEATURES(3, c) for c in ("queryables", "queryables-query-parameters", "filter", "features-filter")),
    *(
        f"http://www.opengis.net/spec/cql2/1.0/conf/{c}"
        for c in ("cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators",
                  "case-insensitive-comparison", "accent-insensitive-comparison", "basic-spatial-functions")
    ),
)  # fmt: skip
SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_COUNTRY = [102.0, 7.0, 118.0, 24.0]
_KINDS = {
    "communes": "any", "villages": "any", "coverage": "any", "ducts": "linestring", "cables": "multilinestring",
}  # fmt: skip
Links = list[dict[str, Any]]


def listed(session: Session) -> list[str]:
    """Return the collections of which the caller is told anything."""
    if signed_in(session):
        return list(COLLECTIONS)
    return [name for name in COLLECTIONS if len(withheld(session, name)) < len(attributes(name))]


def extent(session: Session) -> list[float]:
    """Return the box of the province, which is every collection's."""
    return queries.extent(session, today()) or _COUNTRY


def collection(name: str, root: str, box: list[float], rel: str = "collection") -> dict[str, Any]:
    """Return what is said of a collection.

    Parameters
    ----------
    root : str
        Address of /ogc.
    box : list of float
        Its extent, west, south, east, north.
    rel : str
        What the link to this very document is called.
    """
    layer = COLLECTIONS[name]
    here = f"{root}/collections/{name}"
    return {
        "id": name,
        "title": layer.title_vi,
        "description": layer.title_en,
        "itemType": "feature",
        "extent": {
            "spatial": {"bbox": [box], "crs": systems.CRS84},
            "temporal": {
                "interval": [[None, None]],
                "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
            },
        },
        "crs": systems.systems(),
        "storageCrs": systems.CRS84,
        "links": [
            _link(here, rel, "application/json", layer.title_vi),
            _link(f"{here}/items", "items", "application/geo+json", "Đối tượng / features"),
            _link(f"{here}/queryables", _rel("queryables"), "application/schema+json", "Queryables"),
            _link(f"{here}/schema", "describedby", "application/schema+json", "Schema"),
            *_tile_links(name, here),
        ],
    }


def _tile_links(name: str, here: str) -> Links:
    if name not in TILED:
        return []
    return [_link(f"{here}/tiles", _rel("tilesets-vector"), "application/json", "Vector tiles")]


def queryables(name: str, root: str) -> dict[str, Any]:
    """Return what a filter may name, each with its kind, title, description and unit."""
    return _schema(name, f"{root}/collections/{name}/queryables") | {"additionalProperties": False}


def schema(name: str, root: str) -> dict[str, Any]:
    """Return the schema of the properties of a feature."""
    return _schema(name, f"{root}/collections/{name}/schema")


def _schema(name: str, address: str) -> dict[str, Any]:
    layer = COLLECTIONS[name]
    kind = _KINDS.get(name, "point")
    geometry = {
        "title": "Hình",
        "description": "Position",
        "x-ogc-role": "primary-geometry",
        "format": f"geometry-{kind}",
    }
    return {
        "$schema": SCHEMA,
        "$id": address,
        "type": "object",
        "title": layer.title_vi,
        "description": layer.title_en,
        "properties": {
            "id": ID.schema() | {"x-ogc-role": "id"},
            GEOMETRY: geometry,
            **{key: meaning.schema() for key, meaning in properties_of(name).items()},
        },
    }


def _link(href: str, rel: str, kind: str, title: str) -> dict[str, Any]:
    return {"href": href, "rel": rel, "type": kind, "title": title}


def _rel(name: str) -> str:
    return f"http://www.opengis.net/def/rel/ogc/1.0/{name}"
