"""Areas that constrain what may be built."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = "constraint_area"
# Generated columns of any table may only call immutable functions; a path of their own, so that a restore, which has
# none, finds PostGIS. A degree is never shorter than 110.5 km north, and a box too large costs a row looked at.
REACH = """
CREATE FUNCTION registry.constraint_reach_m(rule jsonb) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT coalesce((rule->>'buffer_m')::float8, (rule->>'within_m')::float8,
                    (rule->'surfaces'->-1->>'to_m')::float8, 0)
$$;
CREATE FUNCTION registry.constraint_reach(geom geometry, rule jsonb) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT ST_Expand(ST_Envelope(geom), m / 110500 / cos(radians(25)), m / 110500)
    FROM registry.constraint_reach_m(rule) AS m
$$;
"""
IN_COUNTRY = "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)"


def _check(name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{TABLE}_{name}"))


AREA = "'POLYGON', 'MULTIPOLYGON'"
LINE = f"'LINESTRING', 'MULTILINESTRING', {AREA}"
GEOM_TYPE = (
    f"CASE kind WHEN 'planned_zone' THEN GeometryType(geom) IN ({AREA})"
    f" WHEN 'heritage' THEN GeometryType(geom) IN ('POINT', {AREA})"
    " WHEN 'airport' THEN GeometryType(geom) IN ('POINT')"
    f" WHEN 'underground_street' THEN GeometryType(geom) IN ({LINE})"
    f" WHEN 'other' THEN GeometryType(geom) IN ('POINT', {LINE}) END"
)
ALLOWED = (
    "jsonb_typeof(rule->'allowed_codes') = 'array'"
    """ AND rule->'allowed_codes' <@ '["A1a", "A1b", "A2a", "A2b", "A2c"]'::jsonb"""
)


def _number(path: str, limits: str) -> str:
    return f"""jsonb_path_exists(rule, 'strict $.{path} ? (@.type() == "number" && {limits})', '{{}}', true)"""


RULE = (
    "coalesce(jsonb_typeof(rule) = 'object' AND CASE kind"
    f" WHEN 'planned_zone' THEN {ALLOWED} AND (coalesce(rule->'max_height_m', 'null') = 'null'"
    f" OR {_number('max_height_m', '@ > 0')})"
    f" WHEN 'heritage' THEN {ALLOWED} AND {_number('buffer_m', '@ >= 0 && @ <= 50000')}"
    f" WHEN 'airport' THEN {_number('elevation_m', '@ >= -100 && @ <= 5000')}"
    f" AND {_number('surfaces[0].height_m', '@ >= 0')} AND {_number('surfaces[last].to_m', '@ > 0 && @ <= 100000')}"
    f" WHEN 'underground_street' THEN {_number('within_m', '@ > 0 && @ <= 500')}"
    " AND rule->>'from' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'"
    " ELSE true END, false)"
)


def upgrade() -> None:
    op.execute(REACH)
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "code", "name")),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("restricted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("geom", geoalchemy2.Geometry("GEOMETRY", srid=4326), nullable=False),
        sa.Column(
            "reach_m", sa.Double(), sa.Computed("registry.constraint_reach_m(rule)", persisted=True), nullable=False
        ),
        sa.Column(
            "reach", geoalchemy2.Geometry("POLYGON", srid=4326),
            sa.Computed("registry.constraint_reach(geom, rule)", persisted=True), nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("kind"), "="),
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_constraint_area_validity",
        ),
        _check("valid_order", "valid_from < valid_to"),
        _check("geom_in_country", IN_COUNTRY),
        _check("kind", "kind IN ('planned_zone', 'heritage', 'airport', 'underground_street', 'other')"),
        *(_check(name, f"btrim({name}) <> ''") for name in ("code", "name", "citation")),
        _check("geom_type", GEOM_TYPE),
        _check("rule", RULE),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_constraint_area")),
        schema="registry",
    )  # fmt: skip
    op.create_index("ix_constraint_area_code", TABLE, ["code"], schema="registry")
    op.create_index(
        "ix_constraint_area_restricted", TABLE, ["id"], schema="registry", postgresql_where=sa.text("restricted")
    )
    op.execute(f"ALTER TABLE registry.{TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"SELECT audit.watch('registry.{TABLE}')")


def downgrade() -> None:
    op.drop_table(TABLE, schema="registry")
    op.execute("DROP FUNCTION registry.constraint_reach, registry.constraint_reach_m")
