"""What a map extract shows around a point: boundaries, villages, poles; plain JSON, so that it can be frozen."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_METRES_PER_DEGREE = 111_320.0
MAX_POLES = 3000
"""More make a grey field and no map."""
_BOX = "ST_MakeEnvelope(:west, :south, :east, :north, 4326)"
# Cut beyond the frame, so that the cut itself is not drawn as a boundary.
_MARGIN = f"ST_Expand({_BOX}, (:east - :west) / 20, (:north - :south) / 20)"
# Coordinates to 1e-6 of a degree: a tenth of a metre, far below a line's width.
_COMMUNES = f"""
    SELECT u.code, u.name, u.kind, ST_AsGeoJSON(c.geom, 6)::json AS geometry,
           ST_X(c.label) AS lon, ST_Y(c.label) AS lat
    FROM unit u CROSS JOIN LATERAL (
        SELECT ST_CollectionExtract(ST_Intersection(u.geom, {_MARGIN}), 3) AS geom,
               ST_PointOnSurface(ST_CollectionExtract(ST_Intersection(u.geom, {_BOX}), 3)) AS label) c
    WHERE u.level = 'commune' AND u.geom && {_MARGIN} AND registry.in_force(u.valid_from, u.valid_to, :as_of)
      AND NOT ST_IsEmpty(c.geom) ORDER BY u.code
"""  # noqa: S608
_VILLAGES = f"""
    SELECT v.name, ST_X(v.point) AS lon, ST_Y(v.point) AS lat FROM village v
    WHERE v.point && {_BOX} AND registry.in_force(v.valid_from, v.valid_to, :as_of) ORDER BY v.code, v.id
"""  # noqa: S608
_POLES = f"""
    SELECT round(ST_X(p.geom)::numeric, 6)::float, round(ST_Y(p.geom)::numeric, 6)::float FROM pole p
    WHERE p.geom && {_BOX} AND NOT p.restricted AND registry.in_force(p.valid_from, p.valid_to, :as_of)
    ORDER BY p.id LIMIT {MAX_POLES}
"""  # noqa: S608


def surroundings(session: Session, lon: float, lat: float, half_m: float, as_of: dt.date) -> dict[str, Any]:
    """Return what lies within a square of side 2·`half_m` around a point, EPSG:4326; nothing restricted."""
    dy = half_m / _METRES_PER_DEGREE
    dx = dy / math.cos(math.radians(lat))
    box = {"west": lon - dx, "south": lat - dy, "east": lon + dx, "north": lat + dy}
    values = box | {"as_of": as_of}

    def rows(query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in session.execute(text(query), values).mappings()]

    poles = session.execute(text(_POLES), values)
    return {
        "centre": [lon, lat],
        "half_m": half_m,
        "communes": rows(_COMMUNES),
        "villages": rows(_VILLAGES),
        "poles": [list(row) for row in poles],
    }
