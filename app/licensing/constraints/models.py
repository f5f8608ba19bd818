"""Areas and lines that constrain what may be built: planned zones, heritage, airports, streets to be undergrounded."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, Computed, Float, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import (
    Base,
    Keyed,
    Lived,
    Sourced,
    geometry,
    lived_checks,
    no_overlap,
    on_land,
    restricted,
    restricted_index,
)

KINDS = ("planned_zone", "heritage", "airport", "underground_street", "other")
SHAPES = {
    "planned_zone": ("Polygon", "MultiPolygon"),
    "heritage": ("Point", "Polygon", "MultiPolygon"),
    "airport": ("Point",),
    "underground_street": ("LineString", "MultiLineString", "Polygon", "MultiPolygon"),
    "other": ("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
}
"""GeoJSON types a kind may have."""


def _shape_rule() -> str:
    cases = " ".join(
        f"WHEN '{kind}' THEN GeometryType(geom) IN ({', '.join(repr(t.upper()) for t in types)})"
        for kind, types in SHAPES.items()
    )
    return f"CASE kind {cases} END"


_CODES = """'["A1a", "A1b", "A2a", "A2b", "A2c"]'::jsonb"""
_ALLOWED = f"jsonb_typeof(rule->'allowed_codes') = 'array' AND rule->'allowed_codes' <@ {_CODES}"


def _number(path: str, range_: str) -> str:
    return f"""jsonb_path_exists(rule, 'strict $.{path} ? (@.type() == "number" && {range_})', '{{}}', true)"""


RULE_SHAPE = (
    "coalesce(jsonb_typeof(rule) = 'object' AND CASE kind"
    f" WHEN 'planned_zone' THEN {_ALLOWED} AND (coalesce(rule->'max_height_m', 'null') = 'null'"
    f" OR {_number('max_height_m', '@ > 0')})"
    f" WHEN 'heritage' THEN {_ALLOWED} AND {_number('buffer_m', '@ >= 0 && @ <= 50000')}"
    f" WHEN 'airport' THEN {_number('elevation_m', '@ >= -100 && @ <= 5000')}"
    f" AND {_number('surfaces[0].height_m', '@ >= 0')} AND {_number('surfaces[last].to_m', '@ > 0 && @ <= 100000')}"
    f" WHEN 'underground_street' THEN {_number('within_m', '@ > 0 && @ <= 500')}"
    " AND rule->>'from' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'"
    " ELSE true END, false)"
)
"""What the database itself demands of a rule; `app.licensing.constraints.rules` demands the rest."""


class ConstraintArea(Keyed, Lived, Sourced, Base):
    """Where a rule holds, in force from–to, with the text it comes from."""

    __tablename__ = "constraint_area"
    __table_args__ = (
        *lived_checks(),
        no_overlap("constraint_area", "kind", "code"),
        restricted_index("constraint_area"),
        on_land(),
        CheckConstraint("kind IN ({})".format(", ".join(f"'{k}'" for k in KINDS)), name="kind"),
        CheckConstraint("btrim(code) <> ''", name="code"),
        CheckConstraint("btrim(name) <> ''", name="name"),
        CheckConstraint("btrim(citation) <> ''", name="citation"),
        CheckConstraint(_shape_rule(), name="geom_type"),
        CheckConstraint(RULE_SHAPE, name="rule"),
    )

    kind: Mapped[str]
    code: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """See `app.licensing.constraints.rules`."""
    citation: Mapped[str]
    restricted: Mapped[bool] = restricted()
    geom: Mapped[WKBElement] = geometry("GEOMETRY")
    reach_m: Mapped[float] = mapped_column(Float, Computed("registry.constraint_reach_m(rule)", persisted=True))
    """How far beyond its geometry the rule reaches, geodesic."""
    reach: Mapped[WKBElement] = mapped_column(
        Geometry("POLYGON", srid=4326), Computed("registry.constraint_reach(geom, rule)", persisted=True)
    )
    """Box of everything the rule may touch: one index finds an airport 15 km away and a street 20 m away."""
