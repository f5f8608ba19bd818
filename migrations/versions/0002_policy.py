"""Plan documents, targets, type codes, rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parameter",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("kind"), "="),
            (sa.column("name"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_parameter_validity",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_parameter_valid_order")),
        sa.CheckConstraint("version > 0", name=op.f("ck_parameter_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter")),
        schema="policy",
    )
    op.create_index("ix_parameter_kind_name", "parameter", ["kind", "name"], unique=False, schema="policy")
    op.create_table(
        "plan_document",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title_vi", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_plan_document")),
        schema="policy",
    )
    op.create_table(
        "type_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("name_vi", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_type_code_validity",
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_type_code_valid_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_type_code")),
        schema="policy",
    )
    op.create_table(
        "target",
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["document"], ["policy.plan_document.code"], name=op.f("fk_target_document_plan_document")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        sa.UniqueConstraint("indicator", "document", "year", name=op.f("uq_target_indicator_document_year")),
        schema="policy",
    )
    op.create_index(op.f("ix_target_document"), "target", ["document"], unique=False, schema="policy")


def downgrade() -> None:
    op.drop_table("target", schema="policy")
    op.drop_table("type_code", schema="policy")
    op.drop_table("plan_document", schema="policy")
    op.drop_table("parameter", schema="policy")
