"""Stored sharing ratios."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sharing_run",
        sa.Column("computed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("inputs_sha256", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_run")),
        schema="registry",
    )
    op.create_index(op.f("ix_sharing_run_as_of"), "sharing_run", ["as_of"], unique=False, schema="registry")
    op.create_table(
        "sharing_ratio",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_kind", sa.String(), nullable=False),
        sa.Column("scope_code", sa.String(), nullable=True),
        sa.Column("numerator", sa.Double(), nullable=False),
        sa.Column("denominator", sa.Double(), nullable=False),
        sa.Column("unknown", sa.Double(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "scope_kind IN ('province', 'commune', 'operator')", name=op.f("ck_sharing_ratio_scope_kind")
        ),
        sa.CheckConstraint("denominator <> 0 OR ratio IS NULL", name=op.f("ck_sharing_ratio_no_ratio_of_nothing")),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["registry.sharing_run.id"],
            name=op.f("fk_sharing_ratio_run_id_sharing_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_ratio")),
        schema="registry",
    )
    op.create_index(
        "uq_sharing_ratio_scope",
        "sharing_ratio",
        ["run_id", "definition", "scope_kind", "scope_code"],
        unique=True,
        schema="registry",
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("sharing_ratio", schema="registry")
    op.drop_table("sharing_run", schema="registry")
