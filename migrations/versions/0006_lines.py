"""Poles, manholes, trenches, ducts, bores."""

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
    for table, columns in WATCHED:
        keys = ", ".join(f"'{c}'" for c in columns.split(", "))
        op.execute(f"SELECT registry.watch_overlap('registry.{table}', {keys})")


def downgrade() -> None:
    op.drop_table("bore", schema="registry")
    op.drop_table("duct", schema="registry")
    op.drop_table("pole", schema="registry")
    op.drop_table("manhole", schema="registry")
    op.drop_table("trench", schema="registry")
