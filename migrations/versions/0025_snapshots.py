"""Frozen sharing ratios, which nobody changes; they take the place of the stored runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ACTOR = "coalesce(nullif(current_setting('hatang.actor', true), ''), 'role:' || session_user)"
JSON = postgresql.JSONB(astext_type=sa.Text())
CHECKS = {
    "label": "char_length(label) BETWEEN 1 AND 200",
    "sha256": "sha256 ~ '^[0-9a-f]{64}$'",
    "documents": "jsonb_typeof(definitions) = 'array' AND jsonb_typeof(inputs) = 'object' "
    "AND jsonb_typeof(results) = 'array'",
}
FROZEN = """
CREATE FUNCTION registry.refuse_thaw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are frozen', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON registry.sharing_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_thaw();
"""


def upgrade() -> None:
    op.create_table(
        "sharing_snapshot",
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frozen_by", sa.String(), server_default=sa.text(ACTOR), nullable=False),
        *(sa.Column(name, JSON, nullable=False) for name in ("definitions", "inputs", "results")),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_sharing_snapshot_{name}")) for name, rule in CHECKS.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_snapshot")),
        schema="registry",
    )
    op.create_index(op.f("ix_sharing_snapshot_as_of"), "sharing_snapshot", ["as_of"], schema="registry")
    op.execute(FROZEN)
    op.execute("ALTER TABLE registry.sharing_snapshot ENABLE ROW LEVEL SECURITY")
    # Runs were remade by every demo and read by nothing but its summary.
    op.drop_table("sharing_ratio", schema="registry")
    op.drop_table("sharing_run", schema="registry")


def downgrade() -> None:
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
        *(sa.Column(name, sa.String(), nullable=False) for name in ("definition", "scope_kind")),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_code", sa.String(), nullable=True),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("numerator", "denominator", "unknown")),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("detail", JSON, server_default="{}", nullable=False),
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
    for table in ("sharing_run", "sharing_ratio"):
        op.execute(f"ALTER TABLE registry.{table} ENABLE ROW LEVEL SECURITY")
    op.execute("SELECT audit.watch('registry.sharing_run')")
    op.drop_table("sharing_snapshot", schema="registry")
    op.execute("DROP FUNCTION registry.refuse_thaw")
