"""Each change bears the transaction that made it, so that what changed since any moment can be asked."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is stable, not volatile: older rows take this migration's number without being written anew.
    op.add_column(
        "change",
        sa.Column(
            "transaction_id", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        schema="audit",
    )  # fmt: skip
    op.create_index("ix_change_transaction_id", "change", ["transaction_id"], schema="audit")
    op.execute("DROP FUNCTION IF EXISTS audit.version()")


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS audit.changes_since, audit.moment")
    op.drop_column("change", "transaction_id", schema="audit")
