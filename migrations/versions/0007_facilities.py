"""Facilities and their connections."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "facility",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
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
            using="gist",
            name="ex_facility_validity",
        ),
        sa.CheckConstraint(
            "kind IN ('commune_office', 'agency', 'high_tech_park', 'it_park', 'rd_centre', 'industrial_zone', "
            "'school', 'clinic', 'essential', 'other')",
            name=op.f("ck_facility_kind"),
        ),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_facility_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_facility_geom_in_country"),
        ),
        sa.CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_facility_raw_whole")),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000", name=op.f("ck_facility_position_accuracy_m")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_facility_valid_order")),
        sa.ForeignKeyConstraint(["unit_id"], ["registry.unit.id"], name=op.f("fk_facility_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        schema="registry",
    )
    op.create_index(op.f("ix_facility_code"), "facility", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_facility_unit_id"), "facility", ["unit_id"], unique=False, schema="registry")
    op.create_table(
        "facility_connection",
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("bandwidth_mbps", sa.Double(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "service IN ('state_network', 'fibre', 'mobile', 'iot')", name=op.f("ck_facility_connection_service")
        ),
        sa.CheckConstraint("bandwidth_mbps > 0", name=op.f("ck_facility_connection_bandwidth_mbps")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_facility_connection_valid_order")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["registry.facility.id"], name=op.f("fk_facility_connection_facility_id_facility")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["registry.organisation.id"], name=op.f("fk_facility_connection_operator_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility_connection")),
        schema="registry",
    )
    op.create_index(
        op.f("ix_facility_connection_facility_id"),
        "facility_connection",
        ["facility_id"],
        unique=False,
        schema="registry",
    )
    op.create_index(
        op.f("ix_facility_connection_operator_id"),
        "facility_connection",
        ["operator_id"],
        unique=False,
        schema="registry",
    )


def downgrade() -> None:
    op.drop_table("facility_connection", schema="registry")
    op.drop_table("facility", schema="registry")
