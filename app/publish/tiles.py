"""The map's own vector tiles, a thin route over the ST_AsMVT functions in sql/tile_*.sql, and its terrain tiles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts.access import DbSession
from app.accounts.roles import PUBLIC, allow
from app.coverage.queries import latest_run
from app.coverage.terrain import open_terrain
from app.database import is_department, scope_of
from app.errors import BadRequest, NotFound
from app.kit.page import Dated
from app.policy import disclosure
from app.policy.past import in_time
from app.publish import layers, queries
from app.publish.kept_tiles import MEDIA_TYPE, Tile, has_already, view_of
from app.publish.schemas import Name, Technology
from app.publish.terrain_tiles import Heights, terrain_png, terrain_version, unknown_png

router = APIRouter(prefix="/tiles", tags=["tiles"])

LAYERS = ("villages", "communes", "sites", "poles", "ducts", "manholes", "distribution_points")
RESTRICTABLE = LAYERS[2:]
"""Of the operators' networks; the department sees restricted objects among them, and that is written down."""
MAX_ZOOM = 22
MVT: dict[int | str, dict[str, Any]] = {
    200: {"description": "Mapbox Vector Tile", "content": {MEDIA_TYPE: {}}},
    204: {"description": "Nothing here"},
    304: {"description": "The caller has it"},
    400: {"description": "No such tile address"},
}
PNG = MVT | {200: {"description": "Terrarium-encoded heights", "content": {"image/png": {}}}}

Zoom = Annotated[int, Path(description=f"0 to {MAX_ZOOM}")]
Index = Annotated[int, Path(description="0 to 2^z - 1")]


class VillageTile(Dated):
    """Villages seen under which rule, operator and technology."""

    rule: Name | None = Field(None, description="Coverage rule; default the policy's default rule")
    operator: Name | None = Field(None, description="Verdict of this operator's network alone; its code")
    technology: Technology | None = Field(None, description="Verdict of this technology alone")


def check_tile(z: int, x: int, y: int) -> None:
    """Refuse a tile address outside the Web Mercator pyramid.

    Raises
    ------
    BadRequest
        Zoom outside 0..22, or column or row outside 0..2^z - 1.
    """
    if not 0 <= z <= MAX_ZOOM:
        raise BadRequest("tile_zoom", f"Mức phóng phải từ 0 đến {MAX_ZOOM}", f"Zoom is 0 to {MAX_ZOOM}", field="z")
    for field, value in (("x", x), ("y", y)):
        if not 0 <= value < 2**z:
            raise BadRequest(
                "tile_range",
                f"Ở mức {z}, {field} phải từ 0 đến {2**z - 1}",
                f"At zoom {z}, {field} is 0 to {2**z - 1}",
                field=field,
            )


def check_layer(layer: str) -> None:
    """Refuse a layer without tiles.

    Raises
    ------
    NotFound
        There is no such layer.
    """
    if layer not in LAYERS:
        known = ", ".join(LAYERS)
        raise NotFound(
            "unknown_layer", f"Không có lớp {layer!r}; có: {known}", f"No layer {layer!r}; there are: {known}"
        )


def village_tile(session: Session, z: int, x: int, y: int, asked: VillageTile) -> bytes:
    """Return the tile of villages with the verdict of the newest run of the rule, unknown without one.

    Raises
    ------
    NotFound
        Unknown rule or operator on that date.
    """
    in_time(session, asked)
    as_of = asked.on
    run = latest_run(session, queries.rule(session, asked.rule, as_of).name, as_of, asked.known_at)
    operator_id = queries.operator(session, asked.operator, as_of).id if asked.operator else None
    tile = func.publish.tile_villages(z, x, y, as_of, run.id if run else None, operator_id, asked.technology)
    return bytes(session.scalar(select(tile)) or b"")


def layer_tile(session: Session, layer: str, z: int, x: int, y: int, asked: Dated) -> bytes:
    """Return the tile of one of `LAYERS` other than villages: what row-level security shows, and the caller is told.

    Raises
    ------
    NotFound
        There is no such layer.
    """
    check_layer(layer)
    in_time(session, asked)
    note_restricted(session, layer, z, x, y, asked.on)
    return draw_layer(session, layer, z, x, y, asked.on)


def draw_layer(session: Session, layer: str, z: int, x: int, y: int, as_of: dt.date) -> bytes:
    """Return the tile of one of `LAYERS` other than villages without writing down who looked."""
    tile = getattr(func.publish, f"tile_{layer}")
    if layer not in RESTRICTABLE:
        return bytes(session.scalar(select(tile(z, x, y, as_of))) or b"")
    hidden = disclosure.withheld(session, layer, (*layers.LAYERS[layer].properties, "geometry"))
    return bytes(session.scalar(select(tile(z, x, y, as_of, list(hidden)))) or b"")


def note_restricted(session: Session, layer: str, z: int, x: int, y: int, as_of: dt.date) -> bool:
    """Write into the view log that a tile with restricted objects was looked at; says whether it holds any."""
    if layer not in RESTRICTABLE or not is_department(session):
        return False
    table = layers.LAYERS[layer].table
    # The layer is one of our own names; the few restricted objects are looked up by their ids.
    found = session.execute(
        text(f"""SELECT audit.saw('tile', :layer, NULL, true) WHERE EXISTS (
            SELECT FROM {table} o
            WHERE (o.restricted OR o.id = ANY ((SELECT registry.restricted_ids(:table))::bigint[]))
              AND o.geom && ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => 0.0625), 4326)
              AND registry.in_force(o.valid_from, o.valid_to, :as_of))"""),  # noqa: S608
        {"layer": layer, "table": table, "z": z, "x": x, "y": y, "as_of": as_of},
    )
    return found.first() is not None


def answer(request: Request, session: Session, tile: Tile, asked: Dated) -> Response:
    """Answer with a tile; one of what is known now may be kept for callers who see the same (`kept_tiles`)."""
    if asked.known_at is None:
        request.state.drawn = (view_of(scope_of(session)), tile)
    return tile.answer(request.headers)


@router.get("/terrain/{z}/{x}/{y}.png", response_class=Response, responses=PNG, openapi_extra=allow(PUBLIC))
def get_terrain(request: Request, session: DbSession, z: Zoom, x: Index, y: Index) -> Response:
    """Heights as a 256 x 256 PNG in terrarium encoding; 204 where nothing is known."""
    return terrain_picture(request, session, z, x, y, terrain_png)


@router.get("/terrain-unknown/{z}/{x}/{y}.png", response_class=Response, responses=PNG, openapi_extra=allow(PUBLIC))
def get_terrain_unknown(request: Request, session: DbSession, z: Zoom, x: Index, y: Index) -> Response:
    """Paper where no height is known, clear elsewhere; laid over the terrain tile, which needs a height everywhere."""
    return terrain_picture(request, session, z, x, y, unknown_png)


def terrain_picture(
    request: Request, session: Session, z: int, x: int, y: int, draw: Callable[[Heights, int, int, int], bytes | None]
) -> Response:
    """Answer what `draw` makes of the terrain, with an ETag of the terrain's files."""
    check_tile(z, x, y)
    etag = f'W/"{terrain_version(session)}-{z}-{x}-{y}"'
    return picture(request, session, etag, lambda: draw(open_terrain(session), z, x, y))


def picture(
    request: Request, session: Session, etag: str, draw: Callable[[], bytes | None], *, now: bool = True
) -> Response:
    """Answer with a picture whose ETag is known before it is drawn; kept like others if of what is known now."""
    if has_already(request.headers.get("if-none-match", ""), etag):
        return Tile.picture(None, etag).answer(request.headers)
    tile = Tile.picture(draw(), etag)
    if now:
        request.state.drawn = (view_of(scope_of(session)), tile)
    return tile.answer(request.headers)


@router.get("/villages/{z}/{x}/{y}.mvt", response_class=Response, responses=MVT, openapi_extra=allow(PUBLIC))
def get_villages(
    request: Request, session: DbSession, z: Zoom, x: Index, y: Index, asked: Annotated[VillageTile, Query()]
) -> Response:
    """Villages with their verdict under a rule, for one operator or technology when given."""
    check_tile(z, x, y)
    return answer(request, session, Tile.of(village_tile(session, z, x, y, asked)), asked)


@router.get("/{layer}/{z}/{x}/{y}.mvt", response_class=Response, responses=MVT, openapi_extra=allow(PUBLIC))
def get_layer(
    request: Request, session: DbSession, layer: str, z: Zoom, x: Index, y: Index, asked: Annotated[Dated, Query()]
) -> Response:
    """Communes, sites, poles, ducts, manholes or distribution points in force on a date that the caller may see.

    The tile of sites carries the layer `sites_blurred` for callers that do not see every site: counts of grid cells.
    """
    check_tile(z, x, y)
    check_layer(layer)
    in_time(session, asked)
    watched = note_restricted(session, layer, z, x, y, asked.on)
    kept: Tile | None = getattr(request.state, "tile", None)
    return answer(request, session, kept or Tile.of(draw_layer(session, layer, z, x, y, asked.on), watched), asked)
