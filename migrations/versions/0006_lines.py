"""Poles, manholes, ducts, bores, cables, distribution points, occupancy."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WATCHED = (
    ("pole", "code"),
    ("manhole", "code"),
    ("duct", "code"),
    ("distribution_point", "code"),
    ("pole_occupancy", "pole_id, tenant_id, service"),
    ("duct_occupancy", "duct_id, bore_id, tenant_id"),
)


def upgrade() -> None:
    op.create_table(
        "trench",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("street", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_trench_validity",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_trench_valid_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trench")),
        schema="registry",
    )
    op.create_index(op.f("ix_trench_code"), "trench", ["code"], unique=False, schema="registry")
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
        "manhole",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
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
            name="ex_manhole_validity",
        ),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_manhole_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_manhole_geom_in_country"),
        ),
        sa.CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_manhole_raw_whole")),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000", name=op.f("ck_manhole_position_accuracy_m")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_manhole_valid_order")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["registry.organisation.id"], name=op.f("fk_manhole_owner_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manhole")),
        schema="registry",
    )
    op.create_index(op.f("ix_manhole_code"), "manhole", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_manhole_owner_id"), "manhole", ["owner_id"], unique=False, schema="registry")
    op.create_index(
        "uq_manhole_current",
        "manhole",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "pole",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("type_code", sa.String(), nullable=True),
        sa.Column("material", sa.String(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("cable_capacity", sa.Integer(), nullable=True),
        sa.Column("street", sa.String(), nullable=True),
        sa.Column("surveyed_on", sa.Date(), nullable=True),
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
            name="ex_pole_validity",
        ),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_pole_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_pole_geom_in_country"),
        ),
        sa.CheckConstraint("cable_capacity >= 0 AND cable_capacity <= 200", name=op.f("ck_pole_cable_capacity")),
        sa.CheckConstraint("height_m > 0 AND height_m <= 60", name=op.f("ck_pole_height_m")),
        sa.CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_pole_raw_whole")),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000", name=op.f("ck_pole_position_accuracy_m")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_pole_valid_order")),
        sa.ForeignKeyConstraint(["owner_id"], ["registry.organisation.id"], name=op.f("fk_pole_owner_id_organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pole")),
        schema="registry",
    )
    op.create_index(op.f("ix_pole_code"), "pole", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_pole_owner_id"), "pole", ["owner_id"], unique=False, schema="registry")
    op.create_index(
        "uq_pole_current",
        "pole",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "duct",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=True),
        sa.Column("street", sa.String(), nullable=True),
        sa.Column("trench_id", sa.BigInteger(), nullable=True),
        sa.Column("from_manhole_id", sa.BigInteger(), nullable=True),
        sa.Column("to_manhole_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("type_code", sa.String(), nullable=True),
        sa.Column("bore_count", sa.Integer(), nullable=True),
        sa.Column("declared_length_m", sa.Double(), nullable=True),
        sa.Column("length_m", sa.Float(), sa.Computed("ST_Length(geom::geography)", persisted=True), nullable=False),
        sa.Column("surveyed_on", sa.Date(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.Geometry("LINESTRING", srid=4326),
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
            name="ex_duct_validity",
        ),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_duct_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_duct_geom_in_country"),
        ),
        sa.CheckConstraint("ST_IsValid(geom)", name=op.f("ck_duct_geom_valid")),
        sa.CheckConstraint("bore_count >= 0 AND bore_count <= 200", name=op.f("ck_duct_bore_count")),
        sa.CheckConstraint("declared_length_m > 0", name=op.f("ck_duct_declared_length_m")),
        sa.CheckConstraint("from_manhole_id <> to_manhole_id", name=op.f("ck_duct_two_manholes")),
        sa.CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_duct_raw_whole")),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000", name=op.f("ck_duct_position_accuracy_m")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_duct_valid_order")),
        sa.ForeignKeyConstraint(
            ["from_manhole_id"], ["registry.manhole.id"], name=op.f("fk_duct_from_manhole_id_manhole")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["registry.organisation.id"], name=op.f("fk_duct_owner_id_organisation")),
        sa.ForeignKeyConstraint(["to_manhole_id"], ["registry.manhole.id"], name=op.f("fk_duct_to_manhole_id_manhole")),
        sa.ForeignKeyConstraint(["trench_id"], ["registry.trench.id"], name=op.f("fk_duct_trench_id_trench")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duct")),
        schema="registry",
    )
    op.create_index(op.f("ix_duct_code"), "duct", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_from_manhole_id"), "duct", ["from_manhole_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_owner_id"), "duct", ["owner_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_route"), "duct", ["route"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_to_manhole_id"), "duct", ["to_manhole_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_duct_trench_id"), "duct", ["trench_id"], unique=False, schema="registry")
    op.create_index(
        "uq_duct_current",
        "duct",
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
        "bore",
        sa.Column("duct_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("diameter_mm", sa.Double(), nullable=True),
        sa.Column("usable", sa.Boolean(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("diameter_mm > 0 AND diameter_mm <= 2000", name=op.f("ck_bore_diameter_mm")),
        sa.CheckConstraint("number BETWEEN 1 AND 200", name=op.f("ck_bore_number")),
        sa.ForeignKeyConstraint(["duct_id"], ["registry.duct.id"], name=op.f("fk_bore_duct_id_duct")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bore")),
        sa.UniqueConstraint("duct_id", "number", name=op.f("uq_bore_duct_id_number")),
        schema="registry",
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
    op.drop_table("bore", schema="registry")
    op.drop_table("pole_occupancy", schema="registry")
    op.drop_table("duct", schema="registry")
    op.drop_table("pole", schema="registry")
    op.drop_table("manhole", schema="registry")
    op.drop_table("distribution_point", schema="registry")
    op.drop_table("cable", schema="registry")
    op.drop_table("trench", schema="registry")
