"""What constrains a point or an area on a date, read through the index of reaches; and the rows themselves."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kit.page import BBox
from app.licensing.constraints.judgement import Area
from app.licensing.constraints.rules import read_rule

# The reach is a box around everything the rule may touch, so the index alone finds the few rows to measure.
AROUND = """
    WITH asked AS (
        SELECT coalesce(ST_SetSRID(ST_GeomFromWKB(CAST(:area AS bytea)), 4326),
                        ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) AS geom
    )
    SELECT c.id, c.kind, c.code, c.name, c.rule, c.citation, c.valid_from, c.valid_to, c.synthetic, c.restricted,
           c.reach_m, ST_Distance(c.geom::geography, a.geom::geography) AS distance_m,
           (SELECT max(ST_Distance(c.geom::geography, d.geom::geography)) FROM ST_DumpPoints(a.geom) AS d) AS farthest_m
    FROM constraint_area c, asked a
    WHERE c.reach && a.geom AND ST_DWithin(c.geom::geography, a.geom::geography, c.reach_m)
      AND registry.in_force(c.valid_from, c.valid_to, :as_of)
    ORDER BY c.kind, c.code
"""
_AROUND = text(AROUND)
_SURROUNDINGS = text("""
    SELECT (SELECT u.kind = :ward FROM unit_part p JOIN unit u ON u.id = p.unit_id
            WHERE p.geom && here.geom AND ST_Intersects(p.geom, here.geom) AND u.level = 'commune'
              AND registry.in_force(u.valid_from, u.valid_to, :as_of) LIMIT 1) AS urban,
           (SELECT min(ST_Distance(s.geom::geography, here.geom::geography)) FROM structure s
            JOIN site t ON t.id = s.site_id
            WHERE s.geom && ST_Expand(here.geom, :dx, :dy) AND s.kind NOT IN ('house', 'container', 'indoor')
              AND NOT (s.restricted OR t.restricted)
              AND registry.in_force(s.valid_from, s.valid_to, :as_of)
              AND registry.in_force(t.valid_from, t.valid_to, :as_of)) AS nearest_m
    FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) here
""")
_LISTED = """
    FROM constraint_area c
    WHERE registry.in_force(c.valid_from, c.valid_to, :as_of) AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
      AND (CAST(:west AS float) IS NULL OR c.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326))
"""
_COLUMNS = """c.id, c.kind, c.code, c.name, c.rule, c.citation, c.valid_from, c.valid_to, c.source, c.synthetic,
    c.restricted, c.reach_m"""
WARD = "phường"
"""Kind of the communes that are towns."""
_DAYS = ("valid_from", "valid_to")
METRES_PER_DEGREE = 110_500.0
"""The smallest length of a degree of latitude."""


def around(session: Session, lon: float, lat: float, area: bytes | None, as_of: dt.date) -> list[Area]:
    """Return the constraints in force whose rule reaches the point, or any part of `area` when one is given.

    Parameters
    ----------
    lon, lat : float
        Degrees, EPSG:4326.
    area : bytes or None
        WKB in EPSG:4326.
    """
    values = {"lon": lon, "lat": lat, "area": area, "as_of": as_of}
    rows = session.execute(_AROUND, values).mappings()
    return [area_of(dict(row)) for row in rows]


def area_of(row: Mapping[str, Any]) -> Area:
    """Return the constraint of a row of `AROUND`; days may be texts, as JSON has them."""
    days = {name: dt.date.fromisoformat(row[name]) if isinstance(row[name], str) else row[name] for name in _DAYS}
    return Area(**{**row, **days, "rule": read_rule(row["kind"], row["rule"])})


def surroundings(
    session: Session, lon: float, lat: float, within_m: float, as_of: dt.date
) -> tuple[bool | None, float]:
    """Return whether the commune is a ward (None without one), and how far the nearest structure is.

    The distance is infinite without one within `within_m`. Restricted structures are no neighbours: they change no
    answer.
    """
    dy = within_m / METRES_PER_DEGREE
    values = {"lon": lon, "lat": lat, "dx": dy / math.cos(math.radians(min(89.0, abs(lat)))), "dy": dy, "as_of": as_of,
              "ward": WARD}  # fmt: skip
    urban, nearest = session.execute(_SURROUNDINGS, values).one()
    return urban, math.inf if nearest is None or nearest > within_m else float(nearest)


def listed(
    session: Session, as_of: dt.date, kind: str | None, box: BBox | None, limit: int, offset: int
) -> tuple[int, list[dict[str, Any]]]:
    """Return how many constraints are in force, and one page of them with their geometry as hex EWKB."""
    sides = dict(zip(("west", "south", "east", "north"), box or (None,) * 4, strict=True))
    values = {"as_of": as_of, "kind": kind, "limit": limit, "offset": offset, **sides}
    matched = int(session.execute(text(f"SELECT count(*) {_LISTED}"), values).scalar_one())
    page = (
        f"SELECT {_COLUMNS}, c.geom::text AS geom {_LISTED} ORDER BY c.kind, c.code, c.id LIMIT :limit OFFSET :offset"
    )
    return matched, [dict(row) for row in session.execute(text(page), values).mappings()]


def one(session: Session, area_id: int) -> dict[str, Any] | None:
    """Return one constraint whatever its days, as `listed` does; None when it is not there for the caller."""
    query = f"SELECT {_COLUMNS}, c.geom::text AS geom FROM constraint_area c WHERE c.id = :id"  # noqa: S608
    row = session.execute(text(query), {"id": area_id}).mappings().one_or_none()
    return None if row is None else dict(row)
