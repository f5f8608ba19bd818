"""Programmes: the cheapest lists of acts that reach a sharing target or cover the villages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
CHECKS = {
    "kind": "kind IN ('towers', 'poles', 'ducts', 'new_sites')",
    "target": "target >= 0 AND target <= 100",
    "status": "status IN ('optimal', 'time_limit', 'infeasible', 'no_solution', 'already_met')",
    "gap": "gap >= 0",
    "cost_vnd": "cost_vnd >= 0",
    "seconds": "seconds >= 0",
    "result": "jsonb_typeof(result) = 'object' AND jsonb_typeof(result->'acts') = 'array'",
}


def upgrade() -> None:
    op.create_table(
        "programme_run",
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.Double(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("cost_vnd", sa.Double(), nullable=False),
        sa.Column("bound_vnd", sa.Double(), nullable=True),
        sa.Column("gap", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("inputs_sha256", sa.String(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("result", JSON, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_programme_run_{name}")) for name, rule in CHECKS.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_run")),
        schema="registry",
    )
    op.create_index("ix_programme_run_kind", "programme_run", ["kind", "id"], schema="registry")
    op.execute("ALTER TABLE registry.programme_run ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_table("programme_run", schema="registry")
