"""Disclosure levels, the private sharing question and its log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _questions() -> None:
    op.create_table(
        "sharing_question",
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("organisation_code", sa.String(), nullable=False),
        sa.Column("by_department", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("grid_lon", sa.Double(), nullable=False),
        sa.Column("grid_lat", sa.Double(), nullable=False),
        sa.Column("radius_m", sa.Double(), nullable=False),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("technologies", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("radius_m > 0", name=op.f("ck_sharing_question_radius_m")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_question")),
        sa.UniqueConstraint("reference", name=op.f("uq_sharing_question_reference")),
        schema="audit",
    )
    op.create_index(
        "ix_sharing_question_organisation_code_at", "sharing_question", ["organisation_code", "at"], schema="audit"
    )
    op.execute("ALTER TABLE audit.sharing_question ENABLE ROW LEVEL SECURITY")


def _no_questions() -> None:
    op.execute("DROP FUNCTION IF EXISTS audit.ask_sharing, audit.answer_sharing")
    op.drop_table("sharing_question", schema="audit")


def upgrade() -> None:
    op.create_table(
        "disclosure",
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("grid_m", sa.Double(), nullable=True),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("layer"), "="),
            (sa.column("attribute"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_disclosure_validity",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_disclosure_valid_order")),
        sa.CheckConstraint("level IN ('public', 'authority', 'owner')", name=op.f("ck_disclosure_level")),
        sa.CheckConstraint("grid_m >= 100 AND grid_m <= 100000", name=op.f("ck_disclosure_grid_m")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
        schema="policy",
    )
    op.create_index("ix_disclosure_layer", "disclosure", ["layer"], schema="policy")
    op.execute("ALTER TABLE policy.disclosure ENABLE ROW LEVEL SECURITY")
    op.execute("SELECT audit.watch('policy.disclosure')")
    _questions()


def downgrade() -> None:
    _no_questions()
    op.drop_table("disclosure", schema="policy")
