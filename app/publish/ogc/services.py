"""The endpoints of /ogc: tipg's factories for what it says of itself, our own reading for features and tiles.

tipg 1.6 answers features through a pool of its own, with any SQL function as a filter, pages by offset and one CRS.
Its routes for items, item and tiles are therefore replaced here, as its factories mean them to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import morecantile
import orjson
import tipg.factory
from fastapi import APIRouter, Path, Query, Request, Response
from morecantile.defaults import TileMatrixSets
from tipg.factory import Endpoints, OGCFeaturesFactory, OGCTilesFactory
from tipg.model import Link
from tipg.resources.enums import MediaType

from app.accounts.access import DbSession
from app.errors import NotFound
from app.kit.page import MAX_ID
from app.publish import tiles as map_tiles
from app.publish.kept_tiles import Tile
from app.publish.ogc import definition, documents, reading, systems
from app.publish.ogc import tiles as ogc_tiles
from app.publish.ogc.answering import PREFIX, Form, accepts, document, only_json, root
from app.publish.ogc.question import Asked, Question, Seen, TileAsked, many, next_query, single
from app.publish.ogc.refusing import OgcRoute

GEOJSON = "application/geo+json"
DESCRIPTION = (
    "Thôn bản, phủ sóng, trạm, cột, cống bể, cáp; tuỳ tài khoản. Đăng nhập bằng mã truy cập làm mật khẩu."
    " / Villages, coverage, sites, poles, ducts, cables; sign in with an API token as the password."
)
FEATURES_TAG, TILES_TAG = "OGC API – Features", "OGC API – Tiles"
Name = Annotated[str, Path(alias="collectionId", max_length=60, description="Identifier of the collection")]
FeatureId = Annotated[str, Path(alias="featureId", max_length=40, description="Identifier of the feature")]
Matrix = Annotated[str, Path(alias="tileMatrixSetId", max_length=60, description=ogc_tiles.MATRIX_SET)]
_JSON: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"schema": {"type": "object"}}}}}
_SCHEMA: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/schema+json": {"schema": {"type": "object"}}}}
}
_OPENAPI: dict[int | str, dict[str, Any]] = {200: {"content": {definition.MEDIA_TYPE: {"schema": {"type": "object"}}}}}
_GEOJSON: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {GEOJSON: {"schema": {"type": "object"}}},
        "headers": {"Content-Crs": {"description": "CRS of the coordinates", "schema": {"type": "string"}}},
    },
    304: {"description": "The caller has it"},
}


def _features(request: Request, page: reading.Page, question: Question, asked: Asked) -> bytes:
    """Return a FeatureCollection; how many match in all is told where it is known without counting."""
    here = f"{root(request)}/collections/{question.collection}"
    query = f"?{request.url.query}" if request.url.query else ""
    links = [
        {"href": f"{here}/items{query}", "rel": "self", "type": GEOJSON},
        {"href": here, "rel": "collection", "type": "application/json"},
    ]
    if page.more:
        further = next_query(asked, question, page.last_id)
        links.append({"href": f"{here}/items?{further}", "rel": "next", "type": GEOJSON})
    head: dict[str, Any] = {"type": "FeatureCollection", "numberReturned": len(page.features), "links": links}
    if not page.more and not question.offset and asked.after is None:
        head["numberMatched"] = len(page.features)
    return orjson.dumps(head)[:-1] + b',"features":[' + ",".join(page.features).encode() + b"]}"


@dataclass
class Features(OGCFeaturesFactory):
    """Collections, queryables, schema, items and item."""

    @property
    def conforms_to(self) -> list[str]:
        """Conformance classes."""
        return list(documents.CONFORMANCE)

    def links(self, request: Request) -> list[Link]:
        """Return the link of the landing page; each collection links to what is its own."""
        return [Link(href=f"{root(request)}/collections", rel="data", type=MediaType.json, title="Collections")]

    def register_routes(self) -> None:
        """Register the routes."""
        self._collections_route()
        self._collection_route()
        self._queryables_route()
        self._items_route()
        self._item_route()

    def _collections_route(self) -> None:
        @self.router.get("/collections", tags=[FEATURES_TAG], summary="Collections", responses=_JSON)
        def collections(request: Request, session: DbSession, f: Form = None) -> Response:
            """List the collections of which the caller is told anything."""
            only_json(request, f)
            here, box = root(request), documents.extent(session)
            found = [documents.collection(name, here, box) for name in documents.listed(session)]
            self_link = {"href": f"{here}/collections", "rel": "self", "type": "application/json"}
            content = {"links": [self_link], "crs": systems.systems(), "collections": found}
            return document(request, content, "application/json")

    def _collection_route(self) -> None:
        @self.router.get("/collections/{collectionId}", tags=[FEATURES_TAG], summary="A collection", responses=_JSON)
        def collection(request: Request, session: DbSession, name: Name, f: Form = None) -> Response:
            """Say what a collection holds, where, and in which coordinate reference systems."""
            only_json(request, f)
            box = documents.extent(session)
            content = documents.collection(reading.collection(name), root(request), box, "self")
            return document(request, content, "application/json")

    def _queryables_route(self) -> None:
        @self.router.get(
            "/collections/{collectionId}/queryables", tags=[FEATURES_TAG], summary="Queryables", responses=_SCHEMA
        )
        def queryables(request: Request, name: Name, f: Form = None) -> Response:
            """Name the properties a filter or a parameter may ask for, with title, description and unit."""
            accepts(request, "application/schema+json")
            content = documents.queryables(reading.collection(name), root(request))
            return document(request, content, "application/schema+json")

        @self.router.get("/collections/{collectionId}/schema", tags=[FEATURES_TAG], summary="Schema", responses=_SCHEMA)
        def schema(request: Request, name: Name, f: Form = None) -> Response:
            """Give the JSON schema of a feature's properties."""
            accepts(request, "application/schema+json")
            content = documents.schema(reading.collection(name), root(request))
            return document(request, content, "application/schema+json")

    def _items_route(self) -> None:
        @self.router.get(
            "/collections/{collectionId}/items", tags=[FEATURES_TAG], summary="Features", responses=_GEOJSON
        )
        def items(request: Request, session: DbSession, name: Name, asked: Annotated[Asked, Query()]) -> Response:
            """One page of the objects in force on a day that the caller may see, each as the caller is told it.

            Follow `next` to the end: pages by identifier cost the same however deep. A property of the collection is a
            parameter too; `filter` takes CQL2. Whole layers belong to /api/exports.
            """
            accepts(request, GEOJSON)
            question = many(reading.collection(name), asked)
            page = reading.read(session, question)
            headers = {"Content-Crs": f"<{question.crs}>"}
            return document(request, _features(request, page, question, asked), GEOJSON, headers)

    def _item_route(self) -> None:
        @self.router.get(
            "/collections/{collectionId}/items/{featureId}", tags=[FEATURES_TAG], summary="A feature",
            responses=_GEOJSON,
        )  # fmt: skip
        def item(
            request: Request, session: DbSession, name: Name, feature: FeatureId, asked: Annotated[Seen, Query()]
        ) -> Response:
            """One object as it is on a day."""
            accepts(request, GEOJSON)
            number = int(feature) if feature.isascii() and feature.isdecimal() else -1
            question = single(reading.collection(name), asked, min(number, MAX_ID))
            found = reading.read(session, question).features
            if not found:
                raise NotFound(
                    "unknown_feature",
                    f"Không có đối tượng {feature!r} vào ngày này",
                    f"There is no feature {feature!r} on that day",
                    field="featureId",
                )
            here = f"{root(request)}/collections/{name}"
            links = [
                {"href": f"{here}/items/{number}", "rel": "self", "type": GEOJSON},
                {"href": here, "rel": "collection", "type": "application/json"},
            ]
            body = found[0][:-1].encode() + b',"links":' + orjson.dumps(links) + b"}"
            return document(request, body, GEOJSON, {"Content-Crs": f"<{question.crs}>"})


@dataclass
class Tiles(OGCTilesFactory):
    """Tile matrix sets, tile sets and tiles."""

    def register_routes(self) -> None:
        """Register the routes; the tile matrix sets are tipg's."""
        self._tilematrixsets_routes()  # type: ignore[no-untyped-call]
        self._tilesets_routes()
        self._tile_routes()

    def links(self, request: Request) -> list[Link]:
        """Return the link of the landing page."""
        schemes = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"
        return [
            Link(href=f"{root(request)}/tileMatrixSets", rel=schemes, type=MediaType.json, title="Tile matrix sets")
        ]

    def _tilesets_routes(self) -> None:
        @self.router.get(
            "/collections/{collectionId}/tiles", tags=[TILES_TAG], summary="Tile sets of a collection", responses=_JSON
        )
        def tilesets(request: Request, session: DbSession, name: Name, f: Form = None) -> Response:
            """List the only tile set."""
            only_json(request, f)
            found = ogc_tiles.tileset(
                ogc_tiles.tiled(reading.collection(name)), root(request), documents.extent(session)
            )
            return document(request, {"tilesets": [found], "links": found["links"][:1]}, "application/json")

        @self.router.get(
            "/collections/{collectionId}/tiles/{tileMatrixSetId}", tags=[TILES_TAG], summary="A tile set",
            responses=_JSON,
        )  # fmt: skip
        def tileset(request: Request, session: DbSession, name: Name, matrix: Matrix, f: Form = None) -> Response:
            """Say where the tiles are."""
            only_json(request, f)
            box = documents.extent(session)
            found = ogc_tiles.tileset(ogc_tiles.tiled(reading.collection(name)), root(request), box)
            return document(request, _of_matrix(matrix, found), "application/json")

    def _tile_routes(self) -> None:
        @self.router.get(
            "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
            tags=[TILES_TAG], summary="A vector tile", response_class=Response, responses=map_tiles.MVT,
        )  # fmt: skip
        def tile(
            request: Request,
            session: DbSession,
            name: Name,
            matrix: Matrix,
            z: Annotated[int, Path(alias="tileMatrix", description=f"Zoom, 0 to {map_tiles.MAX_ZOOM}")],
            y: Annotated[int, Path(alias="tileRow", description="0 to 2^z - 1, from the north")],
            x: Annotated[int, Path(alias="tileCol", description="0 to 2^z - 1, from the west")],
            asked: Annotated[TileAsked, Query()],
        ) -> Response:
            """Give the map's own tile: objects in force on a day, gathered where there would be too many."""
            _of_matrix(matrix, None)
            known = ogc_tiles.tiled(reading.collection(name))
            content = ogc_tiles.tile(session, known, (z, x, y), asked.datetime, asked.known_at)
            return Tile.of(content).answer(request.headers)


def _of_matrix(given: str, found: Any) -> Any:
    if given != ogc_tiles.MATRIX_SET:
        raise NotFound(
            "unknown_tile_matrix_set",
            f"Chỉ có {ogc_tiles.MATRIX_SET}",
            f"There is {ogc_tiles.MATRIX_SET} only",
            field="tileMatrixSetId",
        )
    return found


@dataclass
class Services(Endpoints):
    """Landing page and conformance over features and tiles."""

    ogc_features: Features = field(init=False)
    ogc_tiles: Tiles = field(init=False)

    def _landing_route(self) -> None:
        @self.router.get("/", tags=[FEATURES_TAG], summary="Landing page", responses=_JSON)
        def landing(request: Request, f: Form = None) -> Response:
            """Say where everything is."""
            only_json(request, f)
            here = root(request)
            links = [
                Link(href=f"{here}/", rel="self", type=MediaType.json, title=self.title),
                Link(href=f"{here}/api", rel="service-desc", type=definition.MEDIA_TYPE, title="OpenAPI 3.0"),
                Link(href=f"{request.base_url}api/docs", rel="service-doc", type=MediaType.html, title="API"),
                Link(href=f"{here}/conformance", rel="conformance", type=MediaType.json, title="Conformance"),
                *self.links(request),
            ]
            content: dict[str, Any] = {"title": self.title, "description": DESCRIPTION}
            content["links"] = [link.model_dump(exclude_none=True, mode="json") for link in links]
            return document(request, content, MediaType.json.value)

        @self.router.get("/api", tags=[FEATURES_TAG], summary="API definition", responses=_OPENAPI)
        def api(request: Request, f: Form = None) -> Response:
            """Describe /ogc in OpenAPI 3.0, which its clients read."""
            known: dict[str, Any] | None = getattr(request.app.state, "ogc_definition", None)
            if known is None:  # made once, like the document it is made of
                known = definition.definition(request.app.openapi(), PREFIX)
                request.app.state.ogc_definition = known
            return document(request, {**known, "servers": [{"url": root(request)}]}, definition.MEDIA_TYPE)

    def register_routes(self) -> None:
        """Register the routes of both."""
        shared: dict[str, Any] = {"router_prefix": self.router_prefix, "with_common": False}
        self.ogc_features = Features(router=APIRouter(route_class=OgcRoute), **shared)
        self.ogc_tiles = Tiles(
            router=APIRouter(route_class=OgcRoute), supported_tms=self.supported_tms, with_viewer=False, **shared
        )
        self.router.include_router(self.ogc_features.router)
        self.router.include_router(self.ogc_tiles.router)


def build() -> Services:
    """Return the services; what they call to choose a format is ours before they are built."""
    tipg.factory.COMMON_CONFORMS = list(documents.COMMON)
    tipg.factory.OutputType = only_json  # type: ignore[attr-defined]
    matrix_sets = TileMatrixSets({ogc_tiles.MATRIX_SET: morecantile.tms.get(ogc_tiles.MATRIX_SET)})
    return Services(
        router=APIRouter(route_class=OgcRoute),
        router_prefix=PREFIX,
        supported_tms=matrix_sets,
        with_tiles_viewer=False,
        title="Hatang: hạ tầng viễn thông / telecom infrastructure",
    )
