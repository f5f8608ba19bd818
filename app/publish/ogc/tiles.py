"""Tiles at the addresses of OGC API – Tiles (OGC 20-057): the map's own functions, which cut nothing silently."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.kit.page import Dated, Instant
from app.publish import tiles
from app.publish.ogc import boxes
from app.publish.ogc.collections import COLLECTIONS

TILED = frozenset(tiles.LAYERS)
"""Collections with tiles; of others there are none, for nothing would gather them at low zooms."""
MATRIX_SET = "WebMercatorQuad"


def tiled(name: str) -> str:
    """Return `name` when the collection has tiles.

    Raises
    ------
    NotFound
        It has none.
    """
    if name not in TILED:
        known = ", ".join(n for n in COLLECTIONS if n in TILED)
        raise NotFound(
            "no_tiles",
            f"Bộ dữ liệu {name[:60]!r} không có ô bản đồ; có: {known}",
            f"The collection {name[:60]!r} has no tiles; there are those of: {known}",
            field="collectionId",
        )
    return name


def tile(session: Session, name: str, place: tuple[int, int, int], when: str | None, known_at: Instant | None) -> bytes:
    """Return the tile at `place` (zoom, column, row) with the objects in force on a day.

    Raises
    ------
    BadRequest
        No such place, or `when` is no day.
    """
    z, x, y = place
    tiles.check_tile(z, x, y)
    days = boxes.days(when)
    if days.first is None or days.first != days.last:
        raise boxes.no_interval()
    if name == "villages":
        return tiles.village_tile(session, z, x, y, tiles.VillageTile(as_of=days.first, known_at=known_at))
    return tiles.layer_tile(session, name, z, x, y, Dated(as_of=days.first, known_at=known_at))


def tileset(name: str, root: str, box: list[float]) -> dict[str, Any]:
    """Return what is said of the only tile set of a collection."""
    here = f"{root}/collections/{name}/tiles/{MATRIX_SET}"
    layer = COLLECTIONS[name]
    return {
        "title": layer.title_vi,
        "description": layer.title_en,
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX_SET}",
        "boundingBox": {
            "lowerLeft": box[:2],
            "upperRight": box[2:],
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        },
        "links": [
            {"href": here, "rel": "self", "type": "application/json", "title": layer.title_vi},
            {
                "href": f"{root}/tileMatrixSets/{MATRIX_SET}",
                "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                "type": "application/json",
                "title": MATRIX_SET,
            },
            {
                "href": here + "/{tileMatrix}/{tileRow}/{tileCol}",
                "rel": "item",
                "type": tiles.MEDIA_TYPE,
                "title": "Mapbox Vector Tile",
                "templated": True,
            },
        ],
    }
