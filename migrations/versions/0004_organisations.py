"""Operators, owners, agencies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organisation",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), sa.Computed("registry.fold(name)", persisted=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("has_radio", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("mnc", sa.String(), nullable=True),
        sa.Column("contact", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), server_default="", nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default="false", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_organisation_validity",
        ),
        sa.CheckConstraint("NOT has_radio OR kind = 'operator'", name=op.f("ck_organisation_radio_operator")),
        sa.CheckConstraint("code ~ '^[A-Z0-9_]{2,30}$'", name=op.f("ck_organisation_code_format")),
        sa.CheckConstraint(
            "kind IN ('operator', 'mvno', 'tower_company', 'electricity', 'lighting', 'agency', 'other')",
            name=op.f("ck_organisation_kind"),
        ),
        sa.CheckConstraint("mnc ~ '^[0-9]{3}-[0-9]{2,3}$'", name=op.f("ck_organisation_mnc_format")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_organisation_valid_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        schema="registry",
    )
    op.create_index(op.f("ix_organisation_code"), "organisation", ["code"], unique=False, schema="registry")
    op.create_index(op.f("ix_organisation_name_key"), "organisation", ["name_key"], unique=False, schema="registry")


def downgrade() -> None:
    op.drop_table("organisation", schema="registry")
