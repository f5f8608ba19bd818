"""What stands around a point on a date, by true geodesic distance."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.licensing.colocation import Candidate

# The smallest length of a degree: the box has to hold the whole circle, ST_DWithin then cuts it.
_METRES_PER_DEGREE = 110_500.0
_AROUND = """
    {geom} && ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :dx, :dy)
    AND ST_DWithin({geom}::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography, :radius_m)
"""
_CANDIDATES = """
    SELECT s.id AS site_id, s.code AS site, st.code AS structure, o.code AS owner_code, o.name AS owner_name,
           ST_Distance(st.geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography) AS distance_m,
           st.height_m, st.height_m + coalesce(st.host_height_m, 0) AS top_m, st.kind, st.type_code,
           st.tenant_capacity, ST_X(st.geom) AS lon, ST_Y(st.geom) AS lat, st.synthetic OR s.synthetic AS synthetic,
           st.restricted OR s.restricted AS restricted,
           ARRAY(SELECT t.code FROM structure_occupancy x JOIN organisation t ON t.id = x.tenant_id
                 WHERE x.structure_id = st.id AND x.component = 'mast'
                   AND registry.in_force(x.valid_from, x.valid_to, :as_of)
                 UNION
                 SELECT t.code FROM base_station b JOIN organisation t ON t.id = b.operator_id
                 WHERE b.structure_id = st.id AND registry.in_force(b.valid_from, b.valid_to, :as_of)
                 ORDER BY 1) AS tenants,
           ARRAY(SELECT DISTINCT b.technology FROM base_station b
                 WHERE b.structure_id = st.id AND registry.in_force(b.valid_from, b.valid_to, :as_of)
                 ORDER BY 1) AS technologies
    FROM structure st
    JOIN site s ON s.id = st.site_id
    LEFT JOIN organisation o ON o.id = coalesce(st.owner_id, s.owner_id)
    WHERE {around} AND st.kind NOT IN ('house', 'container', 'indoor')
      AND registry.in_force(st.valid_from, st.valid_to, :as_of) AND registry.in_force(s.valid_from, s.valid_to, :as_of)
""".replace("{around}", _AROUND.format(geom="st.geom"))
_POLES = """
    SELECT count(*) FROM pole p WHERE {around} AND registry.in_force(p.valid_from, p.valid_to, :as_of)
""".replace("{around}", _AROUND.format(geom="p.geom"))
_PLACE = """
    SELECT u.code, u.name, u.kind,
           ST_Distance(p.geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography) AS metres
    FROM unit_part p JOIN unit u ON u.id = p.unit_id
    WHERE {around} AND u.level = 'commune' AND registry.in_force(u.valid_from, u.valid_to, :as_of)
    ORDER BY metres, u.code LIMIT 1
""".replace("{around}", _AROUND.format(geom="p.geom"))


@dataclass(frozen=True)
class Place:
    """The commune a point lies in, or the nearest one `outside_m` away."""

    code: str
    name: str
    kind: str | None
    outside_m: float


def candidates(session: Session, lon: float, lat: float, radius_m: float, as_of: dt.date) -> list[Candidate]:
    """Return the structures in force within `radius_m` that can carry antennas, as far as the caller reads them."""
    rows = session.execute(text(_CANDIDATES), _values(lon, lat, radius_m, as_of)).mappings()
    return [
        Candidate(**{**row, "tenants": tuple(row["tenants"]), "technologies": tuple(row["technologies"])})
        for row in rows
    ]


def log_restricted(session: Session, shown: Sequence[Candidate]) -> None:
    """Note in the view log which restricted positions the department was shown."""
    for candidate in shown:
        session.execute(text("SELECT audit.saw('colocation', 'sites', :id, true)"), {"id": candidate.site_id})


def poles_nearby(session: Session, lon: float, lat: float, radius_m: float, as_of: dt.date) -> int:
    """Return how many poles in force stand within `radius_m`."""
    return int(session.execute(text(_POLES), _values(lon, lat, radius_m, as_of)).scalar_one())


def place(session: Session, lon: float, lat: float, tolerance_m: float, as_of: dt.date) -> Place | None:
    """Return the commune in force that contains the point, else the nearest within `tolerance_m`."""
    row = session.execute(text(_PLACE), _values(lon, lat, tolerance_m, as_of)).one_or_none()
    return None if row is None else Place(*row)


def any_commune(session: Session, as_of: dt.date) -> bool:
    """Say whether any commune with a boundary is in force."""
    query = """
        SELECT EXISTS (SELECT FROM unit WHERE level = 'commune' AND geom IS NOT NULL
                       AND registry.in_force(valid_from, valid_to, :as_of))
    """
    return bool(session.execute(text(query), {"as_of": as_of}).scalar_one())


def _values(lon: float, lat: float, radius_m: float, as_of: dt.date) -> dict[str, object]:
    dy = radius_m / _METRES_PER_DEGREE
    dx = dy / math.cos(math.radians(min(89.0, abs(lat) + dy)))
    return {"lon": lon, "lat": lat, "radius_m": radius_m, "dx": dx, "dy": dy, "as_of": as_of}
