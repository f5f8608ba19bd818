"""The index of the history's times takes in new pages by itself: without it the newest changes are read one by one."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER INDEX audit.ix_change_at SET (autosummarize = on)")


def downgrade() -> None:
    op.execute("ALTER INDEX audit.ix_change_at RESET (autosummarize)")
