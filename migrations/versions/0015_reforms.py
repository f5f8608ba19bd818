"""Reforms of units: one succession a pair and day, and a key of names that every spelling shares."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The same rule as app.kit.text.fold: look-alikes first, then NFKD without marks and invisible characters.
FOLD = r"""
CREATE OR REPLACE FUNCTION registry.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    -- Accent-free, lower case: Thuỷ and Thủy, Đà and da, composed and decomposed are the same to a search.
    SELECT btrim(regexp_replace(lower(regexp_replace(
        normalize(translate(value, 'ĐđÐðƉɖ’‘ʼ´`‐‑‒–—−', 'dddddd''''''''''------'), NFKD),
        '[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff]', '', 'g')), '[ \t\n\r\f\v]+', ' ', 'g'))
$$
"""
FORMER_FOLD = """
CREATE OR REPLACE FUNCTION registry.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    -- Accent-free, lower case: Thuỷ and Thủy, Đà and da are the same to a search.
    SELECT translate(lower(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g')), 'đ', 'd')
$$
"""
NAMED = ("unit", "village", "organisation")


def _refold() -> None:
    """Write the stored keys again where the new rule gives another: a new function does not do that by itself."""
    for table in NAMED:
        op.execute(f"UPDATE registry.{table} SET name = name WHERE name_key <> registry.fold(name)")


def upgrade() -> None:
    op.execute(FOLD)
    _refold()
    op.create_unique_constraint(
        "uq_unit_succession_old_unit_id_new_unit_id_on_date",
        "unit_succession",
        ["old_unit_id", "new_unit_id", "on_date"],
        schema="registry",
    )
    op.create_check_constraint("two_units", "unit_succession", "old_unit_id <> new_unit_id", schema="registry")


def downgrade() -> None:
    op.drop_constraint("ck_unit_succession_two_units", "unit_succession", schema="registry")
    op.drop_constraint("uq_unit_succession_old_unit_id_new_unit_id_on_date", "unit_succession", schema="registry")
    op.execute(FORMER_FOLD)
    _refold()
