"""Sites, structures, base stations, cells, occupancy."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WATCHED = (
    ("site", "code"),
    ("structure", "code"),
    ("base_station", "code"),
    ("cell", "code"),
    ("structure_occupancy", "structure_id, tenant_id, component"),
)


def upgrade() -> None:
    op.create_table(
        "site",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("urban", sa.Boolean(), nullable=True),
        sa.Column("sharing_offered", sa.Boolean(), nullable=True),
        sa.Column("restricted", sa.Boolean(), server_default="false", nullable=False),
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
            name="ex_site_validity",
        ),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_site_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_site_geom_in_country"),
        ),
        sa.CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_site_raw_whole")),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000", name=op.f("ck_site_position_accuracy_m")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_site_valid_order")),
        sa.ForeignKeyConstraint(["owner_id"], ["registry.organisation.id"], name=op.f("fk_site_owner_id_organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        schema="registry",
    )
    op.create_index(op.f("ix_site_code"), "site", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_site_owner_id"), "site", ["owner_id"], unique=False, schema="registry")
    op.create_index(
        "uq_site_current",
        "site",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "structure",
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="mast", nullable=False),
        sa.Column("type_code", sa.String(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("host_height_m", sa.Double(), nullable=True),
        sa.Column("half_width_m", sa.Double(), nullable=True),
        sa.Column("mounting", sa.String(), nullable=True),
        sa.Column("disguised", sa.Boolean(), nullable=True),
        sa.Column("tenant_capacity", sa.Integer(), nullable=True),
        sa.Column("load_capacity_kg", sa.Double(), nullable=True),
        sa.Column("built_on", sa.Date(), nullable=True),
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
            name="ex_structure_validity",
        ),
        sa.CheckConstraint(
            "kind IN ('mast', 'rooftop', 'pole', 'street_furniture', 'indoor', 'house', 'container', 'other')",
            name=op.f("ck_structure_kind"),
        ),
        sa.CheckConstraint("mounting IN ('ground', 'building', 'post')", name=op.f("ck_structure_mounting")),
        sa.CheckConstraint(
            "survey_method IN ('gnss_rtk', 'gnss', 'total_station', 'digitised', 'geocoded', 'declared', 'synthetic')",
            name=op.f("ck_structure_survey_method"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(geom) AND geom @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(geom)",
            name=op.f("ck_structure_geom_in_country"),
        ),
        sa.CheckConstraint("half_width_m > 0 AND half_width_m <= 50", name=op.f("ck_structure_half_width_m")),
        sa.CheckConstraint("height_m > 0 AND height_m <= 350", name=op.f("ck_structure_height_m")),
        sa.CheckConstraint("host_height_m >= 0 AND host_height_m <= 500", name=op.f("ck_structure_host_height_m")),
        sa.CheckConstraint("load_capacity_kg >= 0", name=op.f("ck_structure_load_capacity_kg")),
        sa.CheckConstraint("num_nonnulls(raw_x, raw_y, raw_crs) IN (0, 3)", name=op.f("ck_structure_raw_whole")),
        sa.CheckConstraint(
            "position_accuracy_m >= 0 AND position_accuracy_m < 100000", name=op.f("ck_structure_position_accuracy_m")
        ),
        sa.CheckConstraint("tenant_capacity >= 0 AND tenant_capacity <= 50", name=op.f("ck_structure_tenant_capacity")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_structure_valid_order")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["registry.organisation.id"], name=op.f("fk_structure_owner_id_organisation")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["registry.site.id"], name=op.f("fk_structure_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_structure")),
        schema="registry",
    )
    op.create_index(op.f("ix_structure_code"), "structure", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_structure_owner_id"), "structure", ["owner_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_structure_site_id"), "structure", ["site_id"], unique=False, schema="registry")
    op.create_index(
        "uq_structure_current",
        "structure",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "base_station",
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("structure_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("technology", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("valid_to IS NOT NULL"),
            using="gist",
            name="ex_base_station_validity",
        ),
        sa.CheckConstraint("technology IN ('2G', '3G', '4G', '5G')", name=op.f("ck_base_station_technology")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_base_station_valid_order")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["registry.organisation.id"], name=op.f("fk_base_station_operator_id_organisation")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["registry.site.id"], name=op.f("fk_base_station_site_id_site")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["registry.structure.id"], name=op.f("fk_base_station_structure_id_structure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_base_station")),
        schema="registry",
    )
    op.create_index(op.f("ix_base_station_code"), "base_station", ["code"], unique=False, schema="registry")
    op.create_index(
        op.f("ix_base_station_operator_id"), "base_station", ["operator_id"], unique=False, schema="registry"
    )
    op.create_index(op.f("ix_base_station_site_id"), "base_station", ["site_id"], unique=False, schema="registry")
    op.create_index(
        op.f("ix_base_station_structure_id"), "base_station", ["structure_id"], unique=False, schema="registry"
    )
    op.create_index(
        "uq_base_station_current",
        "base_station",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "structure_occupancy",
        sa.Column("structure_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("component", sa.String(), server_default="mast", nullable=False),
        sa.Column("contract", sa.String(), nullable=True),
        sa.Column("price_vnd_month", sa.Double(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("structure_id"), "="),
            (sa.column("tenant_id"), "="),
            (sa.column("component"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("valid_to IS NOT NULL"),
            using="gist",
            name="ex_structure_occupancy_validity",
        ),
        sa.CheckConstraint("component IN ('house', 'mast', 'power')", name=op.f("ck_structure_occupancy_component")),
        sa.CheckConstraint("price_vnd_month >= 0", name=op.f("ck_structure_occupancy_price_vnd_month")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_structure_occupancy_valid_order")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["registry.structure.id"], name=op.f("fk_structure_occupancy_structure_id_structure")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["registry.organisation.id"], name=op.f("fk_structure_occupancy_tenant_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_structure_occupancy")),
        schema="registry",
    )
    op.create_index(
        op.f("ix_structure_occupancy_structure_id"),
        "structure_occupancy",
        ["structure_id"],
        unique=False,
        schema="registry",
    )
    op.create_index(
        "ix_structure_occupancy_structure_id_tenant_id",
        "structure_occupancy",
        ["structure_id", "tenant_id"],
        unique=False,
        schema="registry",
    )
    op.create_index(
        op.f("ix_structure_occupancy_tenant_id"), "structure_occupancy", ["tenant_id"], unique=False, schema="registry"
    )
    op.create_index(
        "uq_structure_occupancy_current",
        "structure_occupancy",
        ["structure_id", "tenant_id", "component"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "cell",
        sa.Column("base_station_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("azimuth_deg", sa.Double(), nullable=True),
        sa.Column("tilt_deg", sa.Double(), nullable=True),
        sa.Column("beamwidth_deg", sa.Double(), nullable=True),
        sa.Column("vertical_beamwidth_deg", sa.Double(), nullable=True),
        sa.Column("frequency_mhz", sa.Double(), nullable=True),
        sa.Column("bandwidth_mhz", sa.Double(), nullable=True),
        sa.Column("eirp_dbm", sa.Double(), nullable=True),
        sa.Column("antenna_height_m", sa.Double(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            where=sa.text("valid_to IS NOT NULL"),
            using="gist",
            name="ex_cell_validity",
        ),
        sa.CheckConstraint("antenna_height_m > 0 AND antenna_height_m <= 400", name=op.f("ck_cell_antenna_height_m")),
        sa.CheckConstraint("azimuth_deg >= 0 AND azimuth_deg < 360", name=op.f("ck_cell_azimuth_deg")),
        sa.CheckConstraint("bandwidth_mhz > 0 AND bandwidth_mhz <= 400", name=op.f("ck_cell_bandwidth_mhz")),
        sa.CheckConstraint("beamwidth_deg > 0 AND beamwidth_deg <= 360", name=op.f("ck_cell_beamwidth_deg")),
        sa.CheckConstraint("eirp_dbm >= -10 AND eirp_dbm <= 90", name=op.f("ck_cell_eirp_dbm")),
        sa.CheckConstraint("frequency_mhz >= 30 AND frequency_mhz <= 6000", name=op.f("ck_cell_frequency_mhz")),
        sa.CheckConstraint("tilt_deg >= -30 AND tilt_deg <= 60", name=op.f("ck_cell_tilt_deg")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_cell_valid_order")),
        sa.CheckConstraint(
            "vertical_beamwidth_deg > 0 AND vertical_beamwidth_deg <= 180", name=op.f("ck_cell_vertical_beamwidth_deg")
        ),
        sa.ForeignKeyConstraint(
            ["base_station_id"], ["registry.base_station.id"], name=op.f("fk_cell_base_station_id_base_station")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell")),
        schema="registry",
    )
    op.create_index(op.f("ix_cell_base_station_id"), "cell", ["base_station_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_cell_code"), "cell", ["code"], unique=False, schema="registry")
    op.create_index(
        "uq_cell_current",
        "cell",
        ["code"],
        unique=True,
        schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    for table, columns in WATCHED:
        keys = ", ".join(f"'{c}'" for c in columns.split(", "))
        op.execute(f"SELECT registry.watch_overlap('registry.{table}', {keys})")


def downgrade() -> None:
    op.drop_table("cell", schema="registry")
    op.drop_table("structure_occupancy", schema="registry")
    op.drop_table("base_station", schema="registry")
    op.drop_table("structure", schema="registry")
    op.drop_table("site", schema="registry")
