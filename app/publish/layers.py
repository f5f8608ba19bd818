"""What each published layer holds: one place for the API, the `hatang export` command and OGC.

The property names are those `hatang load` reads, so an export can be loaded again. Who is told which of them stands in
policy.disclosure (`app.policy.disclosure`); which objects a caller sees, and who uses them, is row scope: a tenant
finds itself among the users of another's pole, not the other tenants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer of objects in force on a date.

    The SQL fragments know the alias `o` (the object) and the placeholders {as_of} (a date) and
    {chosen} (what follows an object's id to bound the related rows read).
    """

    title_vi: str
    title_en: str
    table: str
    """In the schema registry."""
    properties: Mapping[str, str]
    """Name → SQL expression."""
    joins: str = ""
    geometry: str = "o.geom"
    written: str | None = None
    """How the geometry is written, when not as it is: rings by the right-hand rule (which would also turn lines)."""
    condition: str = "TRUE"
    owner: str | None = None
    """Whose object it is, for attributes that only the owner is told; None for what belongs to nobody's network."""
    source: str | None = None
    """What is read instead of the table; it has id, geom and synthetic, and no validity."""
    membership: str | None = None
    """Condition that an object belongs to the commune {unit_id}; without it, to lie in its polygon decides."""


_OWNER = "LEFT JOIN organisation w ON w.id = o.owner_id\n"
# Row-level security leaves restricted objects out for everybody (see exports); this is the second lock.
_OPEN = "NOT o.restricted"
_LIVED = {
    "valid_from": "o.valid_from",
    "valid_to": "o.valid_to",
    "source": "o.source",
    "synthetic": "o.synthetic",
}
_LOCATED = {
    "position_accuracy_m": "o.position_accuracy_m",
    "survey_method": "o.survey_method",
    "raw_x": "o.raw_x",
    "raw_y": "o.raw_y",
    "raw_crs": "o.raw_crs",
} | _LIVED


def _columns(*names: str) -> dict[str, str]:
    return {name: f"o.{name}" for name in names}


def _occupants(kind: str, once: str = "") -> str:
    """Return the join that gives "EVN:power;VIETTEL;?" of each pole or duct (? = a cable nobody claimed).

    The order is that of an index: sorting each pole's few lines would cost as much as reading them.
    """
    return f"""LEFT JOIN (
    SELECT y.{kind}_id, string_agg(y.label, ';') AS occupants
      FROM (SELECT {once} x.{kind}_id, x.tenant_id, x.service, coalesce(t.code, '?') || CASE
                   WHEN x.service = CASE t.kind WHEN 'electricity' THEN 'power' WHEN 'lighting' THEN 'lighting'
                                        ELSE 'telecom' END THEN '' ELSE ':' || x.service END AS label
              FROM {kind}_occupancy x
              LEFT JOIN organisation t ON t.id = x.tenant_id
             WHERE registry.in_force(x.valid_from, x.valid_to, {{as_of}}) AND x.{kind}_id {{chosen}}
             ORDER BY x.{kind}_id, x.tenant_id, x.service) y
     GROUP BY y.{kind}_id
) x ON x.{kind}_id = o.id
"""  # noqa: S608  the words are ours


_TENANTS = """LEFT JOIN (
    SELECT x.structure_id, string_agg(DISTINCT t.code, ';') AS tenants
      FROM structure_occupancy x JOIN organisation t ON t.id = x.tenant_id
     WHERE x.component = 'mast' AND registry.in_force(x.valid_from, x.valid_to, {as_of}) AND x.structure_id {chosen}
     GROUP BY x.structure_id
) x ON x.structure_id = o.id
"""
_SITE_TENANTS = """LEFT JOIN (
    SELECT s.site_id, string_agg(DISTINCT t.code, ';') AS tenants
      FROM structure_occupancy x
      JOIN structure s ON s.id = x.structure_id AND registry.in_force(s.valid_from, s.valid_to, {as_of})
      JOIN organisation t ON t.id = x.tenant_id
     WHERE x.component = 'mast' AND registry.in_force(x.valid_from, x.valid_to, {as_of}) AND s.site_id {chosen}
     GROUP BY s.site_id
) x ON x.site_id = o.id
LEFT JOIN (
    SELECT b.site_id, string_agg(b.operator || ':' || b.technologies, ';' ORDER BY b.operator) AS stations
      FROM (SELECT b.site_id, t.code AS operator, string_agg(DISTINCT b.technology, '+') AS technologies
              FROM base_station b JOIN organisation t ON t.id = b.operator_id
             WHERE registry.in_force(b.valid_from, b.valid_to, {as_of}) AND b.site_id {chosen}
             GROUP BY b.site_id, t.code) b
     GROUP BY b.site_id
) b ON b.site_id = o.id
"""
_CONNECTIONS = """LEFT JOIN (
    SELECT x.facility_id, string_agg(concat_ws(':', coalesce(t.code, '?'), x.service, x.bandwidth_mbps), ';'
                                     ORDER BY t.code, x.service) AS connections
      FROM facility_connection x LEFT JOIN organisation t ON t.id = x.operator_id
     WHERE registry.in_force(x.valid_from, x.valid_to, {as_of}) AND x.facility_id {chosen}
     GROUP BY x.facility_id
) x ON x.facility_id = o.id
"""

LAYERS: Mapping[str, Layer] = {
    "communes": Layer(
        "Xã, phường",
        "Communes and wards",
        "unit",
        {"level": "o.level", **_columns("code", "name", "kind"), "parent": "p.code", **_LIVED},
        joins="LEFT JOIN unit p ON p.id = o.parent_id\n",
        geometry="coalesce(o.geom, o.centre)",
        written="ST_ForcePolygonCCW(coalesce(o.geom, o.centre))",
        condition="o.level = 'commune'",
        membership="o.id = {unit_id}",
    ),
    "villages": Layer(
        "Thôn, bản, tổ dân phố",
        "Villages",
        "village",
        {
            **_columns("code", "name", "kind"),
            "commune": "u.code",
            "commune_name": "u.name",
            **_columns("population", "households", "urban"),
            **_LIVED,
        },
        joins=(
            "LEFT JOIN village_unit m ON m.village_id = o.id"
            " AND registry.in_force(m.valid_from, m.valid_to, {as_of})\n"
            "LEFT JOIN unit u ON u.id = m.unit_id\n"
        ),
        geometry="coalesce(o.geom, o.point)",
        written="ST_ForcePolygonCCW(coalesce(o.geom, o.point))",
        membership=(
            "o.id IN (SELECT m.village_id FROM village_unit m WHERE m.unit_id = {unit_id}"
            " AND registry.in_force(m.valid_from, m.valid_to, {as_of}))"
        ),
    ),
    "sites": Layer(
        "Vị trí trạm",
        "Sites",
        "site",
        {
            **_columns("code", "name"),
            "owner": "w.code",
            **_columns("address", "urban", "sharing_offered", "surveyed_on"),
            "stations": "b.stations",
            "tenants": "x.tenants",
            **_LOCATED,
        },
        joins=_OWNER + _SITE_TENANTS,
        condition=_OPEN,
        owner="o.owner_id",
    ),
    "sites_blurred": Layer(
        "Vị trí trạm làm mờ theo ô lưới",
        "Sites, blurred to a grid",
        "site",
        _columns("count", "synthetic", "grid_m"),
        source="publish.blurred_sites({as_of})",
        membership=(
            "EXISTS (SELECT FROM unit_part p WHERE p.unit_id = {unit_id} AND p.geom && o.geom"
            " AND ST_Intersects(p.geom, o.geom))"
        ),
    ),
    "structures": Layer(
        "Cột ăng-ten, nhà trạm",
        "Masts and housings",
        "structure",
        {
            "code": "o.code",
            "site": "s.code",
            "owner": "w.code",
            **_columns("kind", "type_code", "mounting", "height_m", "host_height_m", "half_width_m", "disguised"),
            **_columns("tenant_capacity", "load_capacity_kg", "built_on"),
            "tenants": "x.tenants",
            **_LOCATED,
        },
        joins="JOIN site s ON s.id = o.site_id AND NOT s.restricted\n" + _OWNER + _TENANTS,
        condition=_OPEN,
        owner="coalesce(o.owner_id, s.owner_id)",
    ),
    "poles": Layer(
        "Cột treo cáp",
        "Poles",
        "pole",
        {
            "code": "o.code",
            "owner": "w.code",
            **_columns("height_m", "material", "cable_capacity", "type_code", "street", "surveyed_on"),
            "occupants": "x.occupants",
            **_LOCATED,
        },
        joins=_OWNER + _occupants("pole"),
        condition=_OPEN,
        owner="o.owner_id",
    ),
    "manholes": Layer(
        "Bể cáp",
        "Manholes",
        "manhole",
        {"code": "o.code", "owner": "w.code", "kind": "o.kind", **_LOCATED},
        joins=_OWNER,
        condition=_OPEN,
        owner="o.owner_id",
    ),
    "ducts": Layer(
        "Tuyến cống bể",
        "Ducts",
        "duct",
        {
            "code": "o.code",
            "owner": "w.code",
            "from_manhole": "f.code",
            "to_manhole": "g.code",
            "bore_count": "o.bore_count",
            "trench": "h.code",
            **_columns("route", "street", "type_code", "declared_length_m"),
            "length_m": "round(o.length_m::numeric, 2)",
            "surveyed_on": "o.surveyed_on",
            "occupants": "x.occupants",
            **_LOCATED,
        },
        joins=(
            "LEFT JOIN manhole f ON f.id = o.from_manhole_id\n"
            "LEFT JOIN manhole g ON g.id = o.to_manhole_id\n"
            "LEFT JOIN trench h ON h.id = o.trench_id\n"
        )
        + _OWNER
        + _occupants("duct", "DISTINCT"),  # a tenant may use several bores
        condition=_OPEN,
        owner="o.owner_id",
    ),
    "cables": Layer(
        "Cáp viễn thông",
        "Cables",
        "cable",
        {
            "code": "o.code",
            "owner": "w.code",
            **_columns("medium", "laying", "fibre_count"),
            "length_m": "round(o.length_m::numeric, 2)",
            **_LIVED,
        },
        joins=_OWNER,
        condition=_OPEN,
        owner="o.owner_id",
    ),
    "distribution_points": Layer(
        "Tủ, hộp cáp",
        "Distribution points",
        "distribution_point",
        {
            "code": "o.code",
            "operator": "w.code",
            **_columns("kind", "ports_total", "ports_used", "serving_distance_m"),
            **_LOCATED,
        },
        joins="LEFT JOIN organisation w ON w.id = o.operator_id\n",
        condition=_OPEN,
        owner="o.operator_id",
    ),
    "facilities": Layer(
        "Trụ sở, khu công nghệ, trường học, hạ tầng thiết yếu",
        "Facilities",
        "facility",
        {**_columns("code", "name", "kind"), "connections": "x.connections", **_LOCATED},
        joins=_CONNECTIONS,
        condition=_OPEN,
    ),
}
