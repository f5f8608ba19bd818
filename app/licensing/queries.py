"""What stands around a place on a date, by true geodesic distance."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.licensing.candidates import Candidate
from app.licensing.constraints.judgement import Area
from app.licensing.constraints.queries import AROUND, area_of
from app.licensing.effect import Tenancy
from app.licensing.inputs import Place
from app.sharing.kept import kept
from app.sharing.surveys import ORGANISATION, TABLES

# The smallest length of a degree: the box has to hold the whole circle, ST_DWithin then cuts it.
_METRES_PER_DEGREE = 110_500.0
MOST_POLES = 10_000
# Sub-queries, so that the place is read from its text once and not for every row.
_HERE = "(SELECT ST_GeomFromEWKT(:place)::geography)"
_AROUND = f"""
    {{geom}} && (SELECT ST_Expand(ST_GeomFromEWKT(:place), :{{of}}dx, :{{of}}dy))
    AND ST_DWithin({{geom}}::geography, {_HERE}, :{{of}}radius_m)
"""
# A base station without a structure stands on every one of its site: nobody knows on which.
_CANDIDATES = text(f"""
    SELECT s.id AS site_id, s.code AS site, st.id AS structure_id, st.code AS structure,
           o.code AS owner_code, o.name AS owner_name,
           o.contact AS owner_contact, ST_Distance(st.geom::geography, {_HERE}) AS distance_m,
           st.height_m, st.height_m + coalesce(st.host_height_m, 0) AS top_m, st.kind, st.type_code,
           st.tenant_capacity, st.load_capacity_kg, ST_X(st.geom) AS lon, ST_Y(st.geom) AS lat,
           st.synthetic OR s.synthetic AS synthetic, st.restricted OR s.restricted AS restricted,
           (SELECT coalesce(json_agg(json_build_array(t.code, t.has_radio, x.structure_id = st.id, x.load_kg)), '[]')
            FROM structure y JOIN structure_occupancy x ON x.structure_id = y.id JOIN organisation t
            ON t.id = x.tenant_id
            WHERE y.site_id = s.id AND x.component = 'mast' AND registry.in_force(x.valid_from, x.valid_to, :as_of)
              AND registry.in_force(y.valid_from, y.valid_to, :as_of)) AS places,
           (SELECT coalesce(json_agg(json_build_array(t.code, t.has_radio, coalesce(b.structure_id = st.id, true),
                b.technology,
                ARRAY(SELECT c.antenna_height_m FROM cell c WHERE c.base_station_id = b.id
                      AND c.antenna_height_m IS NOT NULL
                      AND registry.in_force(c.valid_from, c.valid_to, :as_of)))), '[]')
            FROM base_station b JOIN organisation t ON t.id = b.operator_id
            WHERE b.site_id = s.id AND registry.in_force(b.valid_from, b.valid_to, :as_of)) AS stations
    FROM structure st
    JOIN site s ON s.id = st.site_id
    LEFT JOIN organisation o ON o.id = coalesce(st.owner_id, s.owner_id)
    WHERE {_AROUND.format(geom="st.geom", of="")} AND st.kind NOT IN ('house', 'container', 'indoor')
      AND registry.in_force(st.valid_from, st.valid_to, :as_of) AND registry.in_force(s.valid_from, s.valid_to, :as_of)
    ORDER BY distance_m, st.code
""")  # noqa: S608 - our own words
_POLES = f"""
    SELECT count(*) FROM (
        SELECT FROM pole p WHERE {_AROUND.format(geom="p.geom", of="")}
        AND registry.in_force(p.valid_from, p.valid_to, :as_of) LIMIT {MOST_POLES + 1}) AS p
"""  # noqa: S608
_COMMUNE = f"""
    SELECT u.code, u.name, u.kind, ST_Distance(p.geom::geography, {_HERE}) AS metres
    FROM unit_part p JOIN unit u ON u.id = p.unit_id
    WHERE {_AROUND.format(geom="p.geom", of="outside_")} AND u.level = 'commune'
      AND registry.in_force(u.valid_from, u.valid_to, :as_of)
    ORDER BY metres, u.code LIMIT 1
"""  # noqa: S608
_PLACE = text(_COMMUNE)
_GROUND = text(f"""
    SELECT ({_POLES}) AS poles, (SELECT row_to_json(c) FROM ({_COMMUNE}) c) AS commune,
           (SELECT coalesce(json_agg(a), '[]') FROM ({AROUND}) a) AS areas
""")  # noqa: S608
# Radio operators of each position, by code: the same organisation under two names is one. As app.sharing.queries.
_TENANCY = text("""
    WITH present AS (
        SELECT b.site_id AS site, o.code FROM base_station b JOIN organisation o ON o.id = b.operator_id
        WHERE o.has_radio AND registry.in_force(b.valid_from, b.valid_to, :as_of)
        UNION
        SELECT st.site_id, o.code FROM structure_occupancy x
        JOIN structure st ON st.id = x.structure_id JOIN organisation o ON o.id = x.tenant_id
        WHERE o.has_radio AND x.component = 'mast' AND registry.in_force(x.valid_from, x.valid_to, :as_of)
          AND registry.in_force(st.valid_from, st.valid_to, :as_of)),
    here AS (SELECT site, count(*) AS k FROM present GROUP BY site)
    SELECT h.k, count(*) FROM here h JOIN site s ON s.id = h.site
    WHERE registry.in_force(s.valid_from, s.valid_to, :as_of) GROUP BY 1
""")


def candidates(session: Session, place: str, radius_m: float, as_of: dt.date) -> list[Candidate]:
    """Return the structures in force within `radius_m` that can carry antennas, as far as the caller reads them.

    Parameters
    ----------
    place : str
        Point or polygon, EWKT in EPSG:4326; distances count from its edge, 0 inside.
    """
    return [candidate for candidate, _ in around(session, place, radius_m, as_of)]


def around(session: Session, place: str, radius_m: float, as_of: dt.date) -> list[tuple[Candidate, frozenset[str]]]:
    """Return the candidates, as `candidates`, each with the radio operators present at its position."""
    rows = session.execute(_CANDIDATES, _values(place, radius_m, as_of)).mappings()
    return [_candidate(dict(row)) for row in rows]


def _candidate(row: dict[str, Any]) -> tuple[Candidate, frozenset[str]]:
    places, stations = row.pop("places"), row.pop("stations")
    present = frozenset(code for code, radio, *_ in (*places, *stations) if radio)
    loads = [(code, kg) for code, _, here, kg in places if here]
    masts = [(code, technology, heights) for code, _, here, technology, heights in stations if here]
    housed, tenants = {code for code, _ in loads}, {code for code, *_ in (*loads, *masts)}
    weighed = housed == tenants and all(kg is not None for _, kg in loads)
    found = Candidate(
        **row,
        tenants=tuple(sorted(tenants)),
        technologies=tuple(sorted({technology for _, technology, _ in masts})),
        load_used_kg=float(sum(kg for _, kg in loads)) if weighed else None,
        antenna_heights_m=tuple(sorted({float(h) for _, _, heights in masts for h in heights})),
        antennas_known={code for code, _, heights in masts if heights} >= tenants,
    )
    return found, present


def log_restricted(session: Session, shown: Sequence[Candidate]) -> None:
    """Note in the view log which restricted positions the department was shown."""
    for candidate in shown:
        session.execute(text("SELECT audit.saw('colocation', 'sites', :id, true)"), {"id": candidate.site_id})


@dataclass(frozen=True)
class Ground:
    """What is around a place beside structures.

    `poles` are those in force within the radius, no more than MOST_POLES; `more` says that there are more.
    """

    commune: Place | None
    poles: int
    more: bool
    areas: tuple[Area, ...]


def ground(
    session: Session, place: str, inside: tuple[float, float], area: bytes | None, radius_m: float, tolerance_m: float,
    as_of: dt.date,
) -> Ground:  # fmt: skip
    """Return the commune of a place, the poles around it and what constrains it, by one statement.

    Parameters
    ----------
    place : str
        As `candidates` takes it.
    inside, area : tuple of float and bytes
        The point, or one in the search area, and that area: as `constraints.queries.around` takes them.
    radius_m, tolerance_m : float
        Of the poles; and how far from its commune a place may lie.
    """
    lon, lat = inside
    values = {**_values(place, radius_m, as_of), **_values(place, tolerance_m, as_of, of="outside_"), "lon": lon,
              "lat": lat, "area": area}  # fmt: skip
    poles, commune, areas = session.execute(_GROUND, values).one()
    return Ground(
        None if commune is None else Place(*commune.values()), min(poles, MOST_POLES), poles > MOST_POLES,
        tuple(area_of(each) for each in areas),
    )  # fmt: skip


def place_of(session: Session, place: str, tolerance_m: float, as_of: dt.date) -> Place | None:
    """Return the commune in force that contains the place, else the nearest within `tolerance_m`."""
    row = session.execute(_PLACE, _values(place, tolerance_m, as_of, of="outside_")).one_or_none()
    return None if row is None else Place(*row)


def tenancy(session: Session, as_of: dt.date) -> Tenancy:
    """Return how many positions in force have how many radio operators; counted once for each state of the registry."""
    tables = (ORGANISATION, *TABLES["site"])
    return kept(session, ("tenancy", as_of), tables, lambda: _count(session, as_of))


def _count(session: Session, as_of: dt.date) -> Tenancy:
    return Tenancy({int(k): int(number) for k, number in session.execute(_TENANCY, {"as_of": as_of})})


def any_commune(session: Session, as_of: dt.date) -> bool:
    """Say whether any commune with a boundary is in force."""
    query = """
        SELECT EXISTS (SELECT FROM unit WHERE level = 'commune' AND geom IS NOT NULL
                       AND registry.in_force(valid_from, valid_to, :as_of))
    """
    return bool(session.execute(text(query), {"as_of": as_of}).scalar_one())


def point(lon: float, lat: float) -> str:
    """Return a point as EWKT."""
    return f"SRID=4326;POINT({lon!r} {lat!r})"


def _values(place: str, radius_m: float, as_of: dt.date, of: str = "") -> dict[str, object]:
    dy = radius_m / _METRES_PER_DEGREE
    # At the country's north, or the place itself: a box a little too wide costs nothing.
    dx = dy / math.cos(math.radians(24.0))
    return {"place": place, f"{of}radius_m": radius_m, f"{of}dx": dx, f"{of}dy": dy, "as_of": as_of}
