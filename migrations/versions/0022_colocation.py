"""The load a tenant puts on a structure; how much of the proposal's people a candidate has to reach."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("structure_occupancy", sa.Column("load_kg", sa.Double(), nullable=True), schema="registry")
    op.create_check_constraint(
        op.f("ck_structure_occupancy_load_kg"), "structure_occupancy", "load_kg >= 0 AND load_kg <= 100000",
        schema="registry",
    )  # fmt: skip
    # What an officer changed stays; rows of before get what is new.
    op.execute("""
        UPDATE policy.parameter SET value = '{"min_coverage_share": 0.9, "partial_coverage_share": 0.5}' || value
        WHERE kind = 'colocation' AND name = 'judgement'
    """)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_structure_occupancy_load_kg"), "structure_occupancy", schema="registry")
    op.drop_column("structure_occupancy", "load_kg", schema="registry")
    op.execute("""
        UPDATE policy.parameter SET value = value - '{min_coverage_share,partial_coverage_share}'::text[]
        WHERE kind = 'colocation' AND name = 'judgement'
    """)
