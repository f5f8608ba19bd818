"""Background jobs: procrastinate's queue in the schema jobs, and the work that was asked for."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ENDED = "status IN ('done', 'failed', 'cancelled')"
CHECKS = {
    "kind": "kind ~ '^[a-z][a-z0-9_]{1,39}$'",
    "args": "jsonb_typeof(args) = 'object'",
    "asked_by": "asked_by <> ''",
    "status": "status IN ('queued', 'running', 'done', 'failed', 'cancelled')",
    "progress": "done >= 0 AND done <= total AND total >= 0",
    "attempts": "lost >= 0 AND lost <= attempts",
    "finished_after": "finished_at >= started_at AND finished_at >= asked_at",
    "finished": f"({ENDED}) = (finished_at IS NOT NULL)",
    "running": "status <> 'running' OR num_nonnulls(started_at, heartbeat_at) = 2",
    "result": "(status = 'done') = (result IS NOT NULL)",
    "message": "num_nonnulls(code, message_vi, message_en) IN (0, 3)",
    "told_why": "(status IN ('failed', 'cancelled')) = (code IS NOT NULL)",
}
# The queue's functions name its tables without a schema; each is told where they are. Its rows are the workers' only.
SETTLE = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.oid::regprocedure::text FROM pg_proc p
                WHERE p.pronamespace = 'jobs'::regnamespace AND p.proname LIKE 'procrastinate%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', name);
    END LOOP;
    FOR name IN SELECT c.oid::regclass::text FROM pg_class c
                WHERE c.relnamespace = 'jobs'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'procrastinate%'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    END LOOP;
END
$$
"""


def _queue() -> None:
    """Apply the schema of the installed procrastinate; pyproject.toml holds it to the release this was written for."""
    connection = op.get_bind()
    path = connection.scalar(sa.text("SELECT current_setting('search_path')"))
    for statement in (SchemaManager.get_schema(), SETTLE):
        connection.execute(sa.text("SELECT set_config('search_path', 'jobs', true)"))
        connection.exec_driver_sql(statement.replace("%", "%%"))
    connection.execute(sa.text("SELECT set_config('search_path', :path, true)"), {"path": path})


def _moment(name: str, **more: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **more)


def upgrade() -> None:
    _queue()
    op.create_table(
        "work",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        _moment("asked_at", server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("organisations", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("communes", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("status", sa.String(), server_default="queued", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("stage", sa.String(), server_default="", nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("message_vi", sa.String(), nullable=True),
        sa.Column("message_en", sa.String(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        *(_moment(name, nullable=True) for name in ("started_at", "finished_at", "heartbeat_at")),
        sa.Column("cancel_asked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("queue_job_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_work_{name}")) for name, rule in CHECKS.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        schema="jobs",
    )
    op.create_index("ix_work_asked_by", "work", ["asked_by", "id"], schema="jobs")
    still_open = sa.text("finished_at IS NULL")
    op.create_index("ix_work_open", "work", ["status"], schema="jobs", postgresql_where=still_open)
    op.create_index("uq_work_queue_job_id", "work", ["queue_job_id"], unique=True, schema="jobs")
    op.execute("ALTER TABLE jobs.work ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    # Nothing else is in it, and its functions come from app/jobs/sql.
    op.execute("DROP SCHEMA jobs CASCADE")
    op.execute("CREATE SCHEMA jobs")
