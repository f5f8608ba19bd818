"""Appraisals: frozen checks that nobody changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEPT = """
CREATE FUNCTION registry.keep_appraisal() RETURNS trigger
LANGUAGE plpgsql SET search_path = registry, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'an appraisal is kept as it was made' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON registry.appraisal
    FOR EACH STATEMENT EXECUTE FUNCTION registry.keep_appraisal();
"""


def upgrade() -> None:
    op.create_table(
        "appraisal",
        sa.Column("application_id", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_appraisal_sha256")),
        sa.CheckConstraint(
            "jsonb_typeof(inputs) = 'object' AND jsonb_typeof(answer) = 'object'", name=op.f("ck_appraisal_objects")
        ),
        sa.CheckConstraint("made_by <> ''", name=op.f("ck_appraisal_made_by")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["licensing.application.id"], name=op.f("fk_appraisal_application_id_application")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appraisal")),
        schema="registry",
    )
    op.create_index("ix_appraisal_application_id", "appraisal", ["application_id"], schema="registry")
    op.execute("ALTER TABLE registry.appraisal ENABLE ROW LEVEL SECURITY")
    # Without what was frozen: it never changes, and others read the history.
    op.execute("SELECT audit.watch('registry.appraisal', 'inputs', 'answer')")
    op.execute(KEPT)


def downgrade() -> None:
    op.drop_table("appraisal", schema="registry")
    op.execute("DROP FUNCTION registry.keep_appraisal")
