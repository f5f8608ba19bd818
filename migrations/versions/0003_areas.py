"""Units, villages and where their people live."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


LEVELS = """
INSERT INTO registry.unit_level (code, rank, name_vi, name_en) VALUES
    ('province', 1, 'Tỉnh, thành phố trực thuộc trung ương', 'Province, city under central government'),
    ('district', 2, 'Quận, huyện, thị xã, thành phố thuộc tỉnh', 'District'),
    ('commune', 3, 'Phường, xã, thị trấn, đặc khu', 'Commune, ward, township')
"""
CUT = """
CREATE FUNCTION registry.cut_unit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = registry, public AS $$
BEGIN
    DELETE FROM registry.unit_part WHERE unit_id = NEW.id;
    INSERT INTO registry.unit_part (unit_id, geom)
        SELECT NEW.id, ST_Subdivide(NEW.geom, 128) WHERE NEW.geom IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER cut_unit AFTER INSERT OR UPDATE OF geom ON registry.unit
    FOR EACH ROW EXECUTE FUNCTION registry.cut_unit();
"""


def upgrade() -> None:
    op.create_table(
        "unit_level",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name_vi", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_unit_level")),
        sa.UniqueConstraint("rank", name=op.f("uq_unit_level_rank")),
        schema="registry",
    )
    op.create_table(
        "village",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), sa.Computed("registry.fold(name)", persisted=True), nullable=False),
        sa.Column("kind", sa.String(), server_default="thon", nullable=False),
        sa.Column("urban", sa.Boolean(), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column(
            "point",
            geoalchemy2.Geometry("POINT", srid=4326),
            nullable=False,
        ),
        sa.Column(
            "geom",
            geoalchemy2.Geometry("MULTIPOLYGON", srid=4326),
            nullable=True,
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
            name="ex_village_validity",
        ),
        sa.CheckConstraint("kind IN ('thon', 'ban', 'to_dan_pho')", name=op.f("ck_village_kind")),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(point) AND point @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(point)",
            name=op.f("ck_village_point_in_country"),
        ),
        sa.CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_village_geom_valid")),
        sa.CheckConstraint("households >= 0 AND households < 300000", name=op.f("ck_village_households")),
        sa.CheckConstraint("population >= 0 AND population < 1000000", name=op.f("ck_village_population")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_village_valid_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village")),
        schema="registry",
    )
    op.create_index(op.f("ix_village_code"), "village", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_village_name_key"), "village", ["name_key"], unique=False, schema="registry")
    op.create_table(
        "demand_point",
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "point",
            geoalchemy2.Geometry("POINT", srid=4326),
            nullable=False,
        ),
        sa.Column("population", sa.Double(), server_default="0", nullable=False),
        sa.Column("dwellings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(point) AND point @ ST_MakeEnvelope(102, 7, 118, 24, 4326) AND ST_IsValid(point)",
            name=op.f("ck_demand_point_point_in_country"),
        ),
        sa.CheckConstraint("dwellings >= 0", name=op.f("ck_demand_point_dwellings")),
        sa.CheckConstraint("population >= 0", name=op.f("ck_demand_point_population")),
        sa.ForeignKeyConstraint(
            ["village_id"], ["registry.village.id"], name=op.f("fk_demand_point_village_id_village")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand_point")),
        schema="registry",
    )
    op.create_index(
        "ix_demand_point_village_id_id", "demand_point", ["village_id", "id"], unique=False, schema="registry"
    )
    op.create_table(
        "unit",
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True, comment="phường, xã, quận, huyện, thành phố…"),
        sa.Column("name_key", sa.String(), sa.Computed("registry.fold(name)", persisted=True), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "geom",
            geoalchemy2.Geometry("MULTIPOLYGON", srid=4326),
            nullable=True,
        ),
        sa.Column(
            "centre",
            geoalchemy2.Geometry("POINT", srid=4326),
            nullable=True,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("level"), "="),
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_unit_validity",
        ),
        sa.CheckConstraint("code ~ '^[0-9A-Za-z._-]{1,20}$'", name=op.f("ck_unit_code_format")),
        sa.CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name=op.f("ck_unit_geom_valid")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_unit_valid_order")),
        sa.CheckConstraint("valid_from IS NOT NULL", name=op.f("ck_unit_valid_from_known")),
        sa.ForeignKeyConstraint(["level"], ["registry.unit_level.code"], name=op.f("fk_unit_level_unit_level")),
        sa.ForeignKeyConstraint(["parent_id"], ["registry.unit.id"], name=op.f("fk_unit_parent_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        schema="registry",
    )
    op.create_index(op.f("ix_unit_code"), "unit", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_unit_level"), "unit", ["level"], unique=False, schema="registry")
    op.create_index(op.f("ix_unit_name_key"), "unit", ["name_key"], unique=False, schema="registry")
    op.create_index(op.f("ix_unit_parent_id"), "unit", ["parent_id"], unique=False, schema="registry")
    op.create_table(
        "unit_part",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.Geometry("POLYGON", srid=4326),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["registry.unit.id"], name=op.f("fk_unit_part_unit_id_unit"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_part")),
        schema="registry",
    )
    op.create_index(op.f("ix_unit_part_unit_id"), "unit_part", ["unit_id"], unique=False, schema="registry")
    op.create_table(
        "unit_succession",
        sa.Column("old_unit_id", sa.BigInteger(), nullable=False),
        sa.Column("new_unit_id", sa.BigInteger(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("share", sa.Double(), server_default="1", nullable=False),
        sa.Column("citation", sa.String(), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_unit_succession_share")),
        sa.ForeignKeyConstraint(
            ["new_unit_id"], ["registry.unit.id"], name=op.f("fk_unit_succession_new_unit_id_unit")
        ),
        sa.ForeignKeyConstraint(
            ["old_unit_id"], ["registry.unit.id"], name=op.f("fk_unit_succession_old_unit_id_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_succession")),
        schema="registry",
    )
    op.create_index(
        op.f("ix_unit_succession_new_unit_id"), "unit_succession", ["new_unit_id"], unique=False, schema="registry"
    )
    op.create_index(
        op.f("ix_unit_succession_old_unit_id"), "unit_succession", ["old_unit_id"], unique=False, schema="registry"
    )
    op.create_table(
        "village_unit",
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("village_id"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_village_unit_validity",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_village_unit_valid_order")),
        sa.ForeignKeyConstraint(["unit_id"], ["registry.unit.id"], name=op.f("fk_village_unit_unit_id_unit")),
        sa.ForeignKeyConstraint(
            ["village_id"], ["registry.village.id"], name=op.f("fk_village_unit_village_id_village")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_unit")),
        schema="registry",
    )
    op.create_index(op.f("ix_village_unit_unit_id"), "village_unit", ["unit_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_village_unit_village_id"), "village_unit", ["village_id"], unique=False, schema="registry")
    op.execute(LEVELS)
    op.execute(CUT)


def downgrade() -> None:
    op.drop_table("village_unit", schema="registry")
    op.drop_table("unit_succession", schema="registry")
    op.drop_table("unit_part", schema="registry")
    op.drop_table("unit", schema="registry")
    op.drop_table("demand_point", schema="registry")
    op.drop_table("village", schema="registry")
    op.drop_table("unit_level", schema="registry")
    op.execute("DROP FUNCTION registry.cut_unit")
