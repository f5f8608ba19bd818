"""The documents of /ogc against JSON schemas of what the standards require of them."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from app.publish.ogc.collections import COLLECTIONS
from tests.publish.ogc.serving import Service

TEXT = {"type": "string", "minLength": 1}
LINK = {
    "type": "object",
    "required": ["href", "rel", "type"],
    "properties": {"href": {"type": "string", "pattern": "^http"}, "rel": TEXT, "type": TEXT},
}
LINKS = {"type": "array", "items": LINK, "minItems": 1}
COLLECTION = {
    "type": "object",
    "required": ["id", "title", "description", "links", "extent", "itemType", "crs", "storageCrs"],
    "properties": {
        "id": {"enum": list(COLLECTIONS)},
        "title": TEXT,
        "links": LINKS,
        "itemType": {"const": "feature"},
        "crs": {"type": "array", "items": {"type": "string", "pattern": "^http://www.opengis.net/def/crs/"}},
        "extent": {
            "type": "object",
            "required": ["spatial", "temporal"],
            "properties": {
                "spatial": {
                    "properties": {
                        "bbox": {"items": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}}}
                    }
                },
                "temporal": {"properties": {"interval": {"items": {"type": "array", "minItems": 2, "maxItems": 2}}}},
            },
        },
    },
}
GEOMETRY = {
    "type": ["object", "null"],
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"enum": ["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]},
        "coordinates": {"type": "array", "minItems": 1},
    },
}
FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"}, "id": {"type": "integer"}, "geometry": GEOMETRY, "properties": {"type": "object"},
    },
}  # fmt: skip
FEATURES = {
    "type": "object",
    "required": ["type", "features", "links", "numberReturned"],
    "properties": {
        "type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": FEATURE}, "links": LINKS,
        "numberReturned": {"type": "integer", "minimum": 0}, "numberMatched": {"type": "integer", "minimum": 0},
    },
}  # fmt: skip
TILESET = {
    "type": "object",
    "required": ["title", "dataType", "crs", "tileMatrixSetURI", "links"],
    "properties": {"dataType": {"const": "vector"}, "links": LINKS},
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "/": {"type": "object", "required": ["title", "description", "links"], "properties": {"links": LINKS}},
    "/conformance": {"type": "object", "required": ["conformsTo"],
                     "properties": {"conformsTo": {"type": "array", "items": {"pattern": "^http://www.opengis.net/"}}}},
    "/collections": {"type": "object", "required": ["links", "collections"],
                     "properties": {"links": LINKS, "collections": {"type": "array", "items": COLLECTION}}},
    "/tileMatrixSets": {"type": "object", "required": ["tileMatrixSets"]},
    "/collections/poles/tiles": {"type": "object", "required": ["tilesets", "links"],
                                 "properties": {"tilesets": {"items": TILESET}, "links": LINKS}},
    "/collections/poles/tiles/WebMercatorQuad": TILESET,
    **{f"/collections/{name}": COLLECTION for name in COLLECTIONS},
    **{f"/collections/{name}/items": FEATURES for name in COLLECTIONS},
}  # fmt: skip


@pytest.mark.parametrize("path", DOCUMENTS)
def test_against_its_schema(service: Service, path: str) -> None:
    wrong = Draft202012Validator(DOCUMENTS[path]).iter_errors(service.get(path, "planner").json())
    assert [error.message for error in wrong] == []


@pytest.mark.parametrize("name", COLLECTIONS)
def test_features_are_what_the_schema_says(service: Service, name: str) -> None:
    answer = service.get(f"/collections/{name}/schema", "planner")
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    meta.validate(schema)
    validator = Draft202012Validator(schema | {"additionalProperties": False})
    for feature in service.get(f"/collections/{name}/items", "planner").json()["features"]:
        # Null is what is not known, or not told.
        validator.validate({k: v for k, v in feature["properties"].items() if v is not None})


def test_queryables_are_titled_in_vietnamese_and_described(service: Service) -> None:
    found = service.get("/collections/poles/queryables", "planner").json()
    assert found["additionalProperties"] is False
    height = found["properties"]["height_m"]
    assert (height["type"], height["title"], height["x-ogc-unit"]) == ("number", "Chiều cao", "m")
    assert all(p["title"] and p["description"] for p in found["properties"].values())
    assert found["properties"]["geom"]["format"] == "geometry-point"


def test_links_of_the_landing_page_lead_somewhere(service: Service) -> None:
    rels = {}
    for one in service.get("/").json()["links"]:
        rels[one["rel"]] = one["href"]
        path = one["href"].removeprefix(service.address)
        if path.startswith("/ogc"):
            assert service.get(path.removeprefix("/ogc")).status_code == 200, path
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= set(rels)


def test_the_definition_is_openapi_3_0(service: Service) -> None:
    answer = service.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    body = answer.json()
    assert body["openapi"].startswith("3.0")
    text = answer.text
    assert '"type":"null"' not in text
    items = body["paths"]["/collections/{collectionId}/items"]["get"]
    box = next(p for p in items["parameters"] if p["name"] == "bbox")
    assert (box["style"], box["explode"], box["schema"]["type"]) == ("form", False, "array")
    assert not any(path.startswith("/api") for path in body["paths"] if path != "/api")
