"""Poles and ducts in force along a place or line, what they carry, and who is about to dig, by true distance."""

# ruff: noqa: S608  the words are ours, values are bound
from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.licensing.lines.duct_screening import DuctNear
from app.licensing.lines.pole_screening import Dig, PoleNear

# The smallest length of a degree: a box has to hold all that is near, ST_DWithin then cuts it.
_METRES_PER_DEGREE = 110_500.0
# A long line is cut into pieces with small boxes, each asked of the index: the box of a whole diagonal line holds a
# district. The box is made before the join: ST_Expand is not leakproof, so row-level security would let a condition
# with it look at no row before the policy has, and every pole would be read. Each table is named once: its
# policies are planned again wherever it stands. The distance is that to the line, once for each object found.
_PIECES = """
    WITH asked AS (SELECT ST_SetSRID(ST_GeomFromWKB(CAST(:shape AS bytea)), 4326) AS geom),
    piece AS MATERIALIZED (
        SELECT geom, ST_Expand(geom, :dx, :dy) AS box
        FROM (SELECT ST_Subdivide(ST_Segmentize(geom, 0.002), 8) AS geom FROM asked) cut
    ),
    near AS MATERIALIZED (
        SELECT DISTINCT ON (o.id) o.* FROM piece g JOIN {table} o
          ON o.geom && g.box AND ST_DWithin(o.geom::geography, g.geom::geography, :within_m)
        WHERE {condition}
    )
"""
_IN_FORCE = "registry.in_force(o.valid_from, o.valid_to, :as_of)"
_POLES = (
    _PIECES.format(table="pole", condition=_IN_FORCE)
    + """
    SELECT p.id AS pole_id, p.code AS pole, w.code AS owner_code, w.name AS owner_name,
           ST_Distance(p.geom::geography, a.geom::geography) AS distance_m,
           p.height_m, p.cable_capacity,
           CASE WHEN p.surveyed_on IS NOT NULL OR x.tenancies > 0 THEN x.lines END AS lines,
           x.uncounted, x.tenants, p.street, ST_X(p.geom) AS lon, ST_Y(p.geom) AS lat, p.synthetic, p.restricted
    FROM near p CROSS JOIN asked a
    LEFT JOIN organisation w ON w.id = p.owner_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS tenancies, coalesce(sum(coalesce(y.line_count, 1)), 0)::int AS lines,
               coalesce(bool_or(y.line_count IS NULL), false) AS uncounted,
               coalesce(array_agg(DISTINCT t.code ORDER BY t.code) FILTER (WHERE t.code IS NOT NULL), '{}') AS tenants
        FROM pole_occupancy y LEFT JOIN organisation t ON t.id = y.tenant_id
        WHERE y.pole_id = p.id AND registry.in_force(y.valid_from, y.valid_to, :as_of)
    ) x
    ORDER BY distance_m, p.code
"""
)
_DUCTS = (
    _PIECES.format(table="duct", condition=_IN_FORCE)
    + """
    SELECT d.id AS duct_id, d.code AS duct, w.code AS owner_code, w.name AS owner_name, d.street, d.length_m,
           ST_Distance(d.geom::geography, a.geom::geography) AS distance_m,
           nullif(greatest(coalesce(d.bore_count, 0), b.bores), 0)::int AS bores_total,
           b.unusable AS bores_unusable, b.doubtful AS bores_doubtful,
           CASE WHEN d.surveyed_on IS NOT NULL OR x.tenancies > 0 THEN x.occupied END AS bores_occupied,
           x.tenants, d.synthetic, d.restricted, ST_AsBinary(d.geom) AS shape, d.bore_count = 0 AND b.bores = 0 AS none
    FROM near d CROSS JOIN asked a
    LEFT JOIN organisation w ON w.id = d.owner_id
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS bores, (count(*) FILTER (WHERE NOT r.usable))::int AS unusable,
               (count(*) FILTER (WHERE r.usable IS NULL))::int AS doubtful
        FROM bore r WHERE r.duct_id = d.id
    ) b
    CROSS JOIN LATERAL (
        SELECT count(*) AS tenancies,
               (count(DISTINCT y.bore_id) + count(*) FILTER (WHERE y.bore_id IS NULL))::int AS occupied,
               coalesce(array_agg(DISTINCT t.code ORDER BY t.code) FILTER (WHERE t.code IS NOT NULL), '{}') AS tenants
        FROM duct_occupancy y LEFT JOIN organisation t ON t.id = y.tenant_id
        WHERE y.duct_id = d.id AND registry.in_force(y.valid_from, y.valid_to, :as_of)
    ) x
    ORDER BY distance_m, d.code
"""
)
_DIGS = (
    _PIECES.format(
        table="duct",
        condition="NOT o.restricted AND o.valid_from > :as_of AND o.valid_from <= :horizon",
    )
    + """
    SELECT d.code AS duct, t.code AS trench, w.code AS owner_code, d.street, d.valid_from::text AS begins,
           ST_Distance(d.geom::geography, a.geom::geography) AS distance_m, d.synthetic
    FROM near d CROSS JOIN asked a
    LEFT JOIN organisation w ON w.id = d.owner_id LEFT JOIN trench t ON t.id = d.trench_id
    WHERE w.code IS DISTINCT FROM :operator
    ORDER BY distance_m, d.code
"""
)
_OUTSIDE = """
    SELECT v.lon, v.lat FROM unnest(CAST(:lons AS float[]), CAST(:lats AS float[])) AS v (lon, lat)
    WHERE NOT EXISTS (
        SELECT FROM unit_part p JOIN unit u ON u.id = p.unit_id
        WHERE p.geom && ST_Expand(ST_SetSRID(ST_MakePoint(v.lon, v.lat), 4326), :dx, :dy)
          AND ST_DWithin(p.geom::geography, ST_SetSRID(ST_MakePoint(v.lon, v.lat), 4326)::geography, :within_m)
          AND u.level = 'commune' AND registry.in_force(u.valid_from, u.valid_to, :as_of))
    LIMIT 1
"""


def poles_near(session: Session, shape: Any, within_m: float, as_of: dt.date) -> list[PoleNear]:
    """Return the poles in force within `within_m` of a point or line (shapely, EPSG:4326), nearest first.

    `along_m` is left 0; who knows the projection fills it in.
    """
    rows = session.execute(text(_POLES), _values(shape, within_m, as_of)).mappings()
    return [PoleNear(**{**row, "tenants": tuple(row["tenants"]), "along_m": 0.0}) for row in rows]


def ducts_near(
    session: Session, shape: Any, within_m: float, as_of: dt.date
) -> tuple[list[DuctNear], NDArray[np.object_]]:
    """Return the duct segments in force within `within_m` of a point or line, and their lines in EPSG:4326."""
    rows = [dict(row) for row in session.execute(text(_DUCTS), _values(shape, within_m, as_of)).mappings()]
    lines = np.empty(len(rows), object)
    lines[:] = [shapely.from_wkb(bytes(row.pop("shape"))) for row in rows]
    for row in rows:
        # A duct said to have no bore has none free; that is not the same as one whose bores nobody counted.
        row["bores_total"] = 0 if row.pop("none") else row["bores_total"]
    return [DuctNear(**{**row, "tenants": tuple(row["tenants"])}) for row in rows], lines


def digs_near(
    session: Session, shape: Any, within_m: float, operator: str, as_of: dt.date, horizon: dt.date
) -> tuple[Dig, ...]:
    """Return the ducts others than `operator` mean to lay near, from the day after `as_of` until `horizon`."""
    values = _values(shape, within_m, as_of) | {"operator": operator, "horizon": horizon}
    return tuple(Dig(**row) for row in session.execute(text(_DIGS), values).mappings())


def outside(
    session: Session, points: NDArray[np.float64], tolerance_m: float, as_of: dt.date
) -> tuple[float, float] | None:
    """Return one of the points (n, 2) in degrees that lies farther than `tolerance_m` from every commune, if any."""
    values = _box(float(np.abs(points[:, 1]).max()), tolerance_m) | {
        "lons": points[:, 0].tolist(), "lats": points[:, 1].tolist(), "within_m": tolerance_m, "as_of": as_of,
    }  # fmt: skip
    row = session.execute(text(_OUTSIDE), values).one_or_none()
    return None if row is None else (float(row.lon), float(row.lat))


def log_restricted(session: Session, action: str, layer: str, ids: Iterable[int]) -> None:
    """Note in the view log which restricted objects the department was shown."""
    for number in ids:
        session.execute(
            text("SELECT audit.saw(:action, :layer, :id, true)"), {"action": action, "layer": layer, "id": number}
        )


def _values(shape: Any, within_m: float, as_of: dt.date) -> dict[str, Any]:
    lat = float(np.abs(shapely.get_coordinates(shape)[:, 1]).max())
    return _box(lat, within_m) | {"shape": shapely.to_wkb(shape), "within_m": within_m, "as_of": as_of}


def _box(lat: float, within_m: float) -> dict[str, float]:
    dy = within_m / _METRES_PER_DEGREE
    return {"dx": dy / math.cos(math.radians(min(89.0, lat + dy))), "dy": dy}
