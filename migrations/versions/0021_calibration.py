"""Calibrations of the model with measurements, and which one a run used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.String(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "calibration",
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        *(_text(name) for name in ("model", "model_version", "terrain_version")),
        sa.Column("cover_version", sa.String(), server_default="none", nullable=False),
        sa.Column("coefficients", JSON, nullable=False),
        sa.Column("report", JSON, nullable=False),
        sa.Column("sigma_model_db", sa.Double(), nullable=False),
        _text("inputs_sha256"),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("status", sa.String(), server_default="trial", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("status IN ('trial', 'in_use', 'retired')", name=op.f("ck_calibration_status")),
        sa.CheckConstraint("sigma_model_db >= 0", name=op.f("ck_calibration_sigma_model_db")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
        schema="registry",
    )
    op.create_index(
        "uq_calibration_in_use", "calibration", ["status"], unique=True, schema="registry",
        postgresql_where=sa.text("status = 'in_use'"),
    )  # fmt: skip
    op.execute("ALTER TABLE registry.calibration ENABLE ROW LEVEL SECURITY")
    op.execute("SELECT audit.watch('registry.calibration')")
    op.add_column("coverage_run", sa.Column("calibration", JSON, nullable=True), schema="registry")


def downgrade() -> None:
    op.drop_column("coverage_run", "calibration", schema="registry")
    op.drop_table("calibration", schema="registry")
