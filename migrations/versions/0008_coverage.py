"""Terrain tiles, coverage runs, signals, verdicts, fibre reach."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coverage_run",
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(), server_default="running", nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("rule_value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("terrain_version", sa.String(), nullable=False),
        sa.Column("inputs_sha256", sa.String(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("status IN ('running', 'done', 'failed')", name=op.f("ck_coverage_run_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_run")),
        schema="registry",
    )
    op.create_table(
        "terrain_tile",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("west", sa.Double(), nullable=False),
        sa.Column("north", sa.Double(), nullable=False),
        sa.Column("step_lon_deg", sa.Double(), nullable=False),
        sa.Column("step_lat_deg", sa.Double(), nullable=False),
        sa.Column("void_share", sa.Double(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "extent",
            geoalchemy2.Geometry("POLYGON", srid=4326),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("width > 1 AND height > 1", name=op.f("ck_terrain_tile_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terrain_tile")),
        sa.UniqueConstraint("name", name=op.f("uq_terrain_tile_name")),
        sa.UniqueConstraint("sha256", name=op.f("uq_terrain_tile_sha256")),
        schema="registry",
    )
    op.create_table(
        "fibre_reach",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("households_reached", sa.Integer(), nullable=True),
        sa.Column("nearest_point_id", sa.BigInteger(), nullable=True),
        sa.Column("nearest_distance_m", sa.Double(), nullable=True),
        sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("verdict IN ('covered', 'not_covered', 'unknown')", name=op.f("ck_fibre_reach_verdict")),
        sa.ForeignKeyConstraint(
            ["nearest_point_id"],
            ["registry.distribution_point.id"],
            name=op.f("fk_fibre_reach_nearest_point_id_distribution_point"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["registry.coverage_run.id"],
            name=op.f("fk_fibre_reach_run_id_coverage_run"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["village_id"], ["registry.village.id"], name=op.f("fk_fibre_reach_village_id_village")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fibre_reach")),
        schema="registry",
    )
    op.create_index(
        op.f("ix_fibre_reach_nearest_point_id"), "fibre_reach", ["nearest_point_id"], unique=False, schema="registry"
    )
    op.create_index(op.f("ix_fibre_reach_village_id"), "fibre_reach", ["village_id"], unique=False, schema="registry")
    op.create_index(
        "uq_fibre_reach_run_id_village_id", "fibre_reach", ["run_id", "village_id"], unique=True, schema="registry"
    )
    op.create_table(
        "signal",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("demand_point_id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("technology", sa.String(), nullable=False),
        sa.Column("cell_id", sa.BigInteger(), nullable=True),
        sa.Column("rsrp_dbm", sa.Double(), nullable=True),
        sa.Column("loss_db", sa.Double(), nullable=True),
        sa.Column("diffraction_db", sa.Double(), nullable=True),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("unknown_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["cell_id"], ["registry.cell.id"], name=op.f("fk_signal_cell_id_cell")),
        sa.ForeignKeyConstraint(
            ["demand_point_id"], ["registry.demand_point.id"], name=op.f("fk_signal_demand_point_id_demand_point")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["registry.organisation.id"], name=op.f("fk_signal_operator_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["registry.coverage_run.id"], name=op.f("fk_signal_run_id_coverage_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "demand_point_id", "operator_id", "technology", name=op.f("pk_signal")),
        schema="registry",
    )
    op.create_index(op.f("ix_signal_cell_id"), "signal", ["cell_id"], unique=False, schema="registry")
    op.create_index("ix_signal_demand_point_id", "signal", ["demand_point_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_signal_operator_id"), "signal", ["operator_id"], unique=False, schema="registry")
    op.create_table(
        "verdict",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("technology", sa.String(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("share_unknown", sa.Double(), server_default="0", nullable=False),
        sa.Column("best_cell_id", sa.BigInteger(), nullable=True),
        sa.Column("rsrp_dbm", sa.Double(), nullable=True),
        sa.Column("margin_db", sa.Double(), nullable=True),
        sa.Column("why", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("verdict IN ('covered', 'not_covered', 'unknown')", name=op.f("ck_verdict_verdict")),
        sa.CheckConstraint("share >= 0 AND share <= 1", name=op.f("ck_verdict_share")),
        sa.ForeignKeyConstraint(["best_cell_id"], ["registry.cell.id"], name=op.f("fk_verdict_best_cell_id_cell")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["registry.organisation.id"], name=op.f("fk_verdict_operator_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["registry.coverage_run.id"], name=op.f("fk_verdict_run_id_coverage_run"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["village_id"], ["registry.village.id"], name=op.f("fk_verdict_village_id_village")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        schema="registry",
    )
    op.create_index(op.f("ix_verdict_best_cell_id"), "verdict", ["best_cell_id"], unique=False, schema="registry")
    op.create_index(op.f("ix_verdict_operator_id"), "verdict", ["operator_id"], unique=False, schema="registry")
    op.create_index("ix_verdict_village_id", "verdict", ["village_id"], unique=False, schema="registry")
    op.create_index(
        "uq_verdict_scope",
        "verdict",
        ["run_id", "village_id", "operator_id", "technology"],
        unique=True,
        schema="registry",
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("verdict", schema="registry")
    op.drop_table("signal", schema="registry")
    op.drop_table("fibre_reach", schema="registry")
    op.drop_table("terrain_tile", schema="registry")
    op.drop_table("coverage_run", schema="registry")
