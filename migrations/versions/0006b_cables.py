"""Cables, distribution points, and who occupies poles and ducts."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006b"
down_revision = "0006"
branch_labels = None
depends_on = None

WATCHED = (
    ("distribution_point", "code"),
    ("pole_occupancy", "pole_id, tenant_id, service"),
    ("duct_occupancy", "duct_id, bore_id, tenant_id"),
)


def upgrade() -> None:
    op.create_table(
        "cable",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("medium", sa.String(), server_default="fibre", nullable=False),
        sa.Column("laying", sa.String(), nullable=True),
        sa.Column("fibre_count", sa.Integer(), nullable=True),
        sa.Column("length_m", sa.Float(), sa.Computed("ST_Length(geom::geography)", persisted=True), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.Geometry("MULTILINESTRING", srid=4326),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_cable_validity",
        ),
        sa.CheckConstraint(
            "laying IN ('aerial', 'duct', 'buried', 'submarine', 'mixed')", name=op.f("ck_cable_laying")
        ),
        sa.CheckConstraint("medium IN ('fibre', 'copper', 'coaxial')", name=op.f("ck_cable_medium")),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_cable_geom_in_country"),
        ),
        sa.CheckConstraint("fibre_count >= 0 AND fibre_count <= 10000", name=op.f("ck_cable_fibre_count")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_cable_valid_order")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["registry.organisation.id"], name=op.f("fk_cable_owner_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cable")),
        schema="registry",
    )
    op.create_index(op.f("ix_cable_code"), "cable", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_cable_owner_id"), "cable", ["owner_id"], unique=False, schema="registry")
    op.create_table(
        "distribution_point",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("ports_total", sa.Integer(), nullable=True),
        sa.Column("ports_used", sa.Integer(), nullable=True),
        sa.Column("serving_distance_m", sa.Double(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.Geometry("POINT", srid=4326),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("raw_x", sa.Float(), nullable=True),
        sa.Column("raw_y", sa.Float(), nullable=True),
        sa.Column("raw_crs", sa.String(), nullable=True),
        sa.Column("position_accuracy_m", sa.Float(), nullable=True),
        sa.Column("survey_method", sa.String(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("valid_to IS NOT NULL"),
            using="gist",
            name="ex_distribution_point_validity",
        ),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_distribution_point_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_distribution_point_geom_in_country"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_distribution_point_raw_whole")
        ),
        sa.CheckConstraint(
            "ports_total >= 0 AND ports_used >= 0 AND ports_used <= ports_total",
            name=op.f("ck_distribution_point_ports"),
        ),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000",
            name=op.f("ck_distribution_point_position_accuracy_m"),
        ),
        sa.CheckConstraint(
            "serving_distance_m > 0 AND serving_distance_m <= 20000",
            name=op.f("ck_distribution_point_serving_distance_m"),
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_distribution_point_valid_order")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["registry.organisation.id"], name=op.f("fk_distribution_point_operator_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distribution_point")),
        schema="registry",
    )
    op.create_index(op.f("ix_distribution_point_code"), "distribution_point", ["code"], unique=False, schema="registry")
    op.create_index(
        op.f("ix_distribution_point_operator_id"),
        "distribution_point",
        ["operator_id"],
        unique=False,
        schema="registry",
    )
    op.create_index(
        "uq_distribution_point_current",
        "distribution_point",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "pole_occupancy",
        sa.Column("pole_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("service", sa.String(), server_default="telecom", nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("pole_id"), "="),
            (sa.column("tenant_id"), "="),
            (sa.column("service"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("valid_to IS NOT NULL"),
            using="gist",
            name="ex_pole_occupancy_validity",
        ),
        sa.CheckConstraint(
            "service IN ('telecom', 'power', 'lighting', 'other')", name=op.f("ck_pole_occupancy_service")
        ),
        sa.CheckConstraint("line_count > 0 AND line_count <= 500", name=op.f("ck_pole_occupancy_line_count")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_pole_occupancy_valid_order")),
        sa.ForeignKeyConstraint(["pole_id"], ["registry.pole.id"], name=op.f("fk_pole_occupancy_pole_id_pole")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["registry.organisation.id"], name=op.f("fk_pole_occupancy_tenant_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pole_occupancy")),
        schema="registry",
    )
    op.create_index(op.f("ix_pole_occupancy_pole_id"), "pole_occupancy", ["pole_id"], unique=False, schema="registry")
    op.create_index(
        "ix_pole_occupancy_pole_id_tenant_id",
        "pole_occupancy",
        ["pole_id", "tenant_id"],
        unique=False,
        schema="registry",
    )
    op.create_index(
        op.f("ix_pole_occupancy_tenant_id"), "pole_occupancy", ["tenant_id"], unique=False, schema="registry"
    )
    op.create_index(
        "uq_pole_occupancy_current",
        "pole_occupancy",
        ["pole_id", "tenant_id", "service"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "duct_occupancy",
        sa.Column("duct_id", sa.BigInteger(), nullable=False),
        sa.Column("bore_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("cable_id", sa.BigInteger(), nullable=True),
        sa.Column("service", sa.String(), server_default="telecom", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("duct_id"), "="),
            (sa.column("bore_id"), "="),
            (sa.column("tenant_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("valid_to IS NOT NULL"),
            using="gist",
            name="ex_duct_occupancy_validity",
        ),
        sa.CheckConstraint(
            "service IN ('telecom', 'power', 'lighting', 'other')", name=op.f("ck_duct_occupancy_service")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_duct_occupancy_valid_order")),
        sa.ForeignKeyConstraint(["bore_id"], ["registry.bore.id"], name=op.f("fk_duct_occupancy_bore_id_bore")),
        sa.ForeignKeyConstraint(["cable_id"], ["registry.cable.id"], name=op.f("fk_duct_occupancy_cable_id_cable")),
        sa.ForeignKeyConstraint(["duct_id"], ["registry.duct.id"], name=op.f("fk_duct_occupancy_duct_id_duct")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["registry.organisation.id"], name=op.f("fk_duct_occupancy_tenant_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duct_occupancy")),
        schema="registry",
    )
    op.create_index(op.f("ix_duct_occupancy_bore_id"), "duct_occupancy", ["bore_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_occupancy_cable_id"), "duct_occupancy", ["cable_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_occupancy_duct_id"), "duct_occupancy", ["duct_id"], unique=False, schema="registry")
    op.create_index(
        "ix_duct_occupancy_duct_id_tenant_id",
        "duct_occupancy",
        ["duct_id", "tenant_id"],
        unique=False,
        schema="registry",
    )
    op.create_index(
        op.f("ix_duct_occupancy_tenant_id"), "duct_occupancy", ["tenant_id"], unique=False, schema="registry"
    )
    op.create_index(
        "uq_duct_occupancy_current",
        "duct_occupancy",
        ["duct_id", "bore_id", "tenant_id"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    for table, columns in WATCHED:
        keys = ", ".join(f"'{c}'" for c in columns.split(", "))
        op.execute(f"SELECT registry.watch_overlap('registry.{table}', {keys})")


def downgrade() -> None:
    op.drop_table("duct_occupancy", schema="registry")
    op.drop_table("pole_occupancy", schema="registry")
    op.drop_table("distribution_point", schema="registry")
    op.drop_table("cable", schema="registry")
