"""Which tables a transaction changed, one row for each however many rows: what a kept answer is compared with."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

RECORD = """
CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- One row of audit.change per row changed, whatever code did it; arguments: columns to leave out (secrets).
-- Statement-level: a load of 500,000 rows is one INSERT … SELECT here. Geometries as hex EWKB, so nothing is rounded.
DECLARE
    shown text;
    whose text;
    source text;
    changed bigint;
BEGIN
    SELECT string_agg(format(CASE a.atttypid WHEN 'geometry'::regtype THEN '%1$I::text AS %1$I' ELSE '%I' END,
                             a.attname), ', ' ORDER BY a.attnum),
           coalesce(string_agg(format('%%1$s.%I', a.attname), ', ' ORDER BY a.attname)
               FILTER (WHERE a.attname IN ('owner_id', 'operator_id', 'tenant_id')), 'NULL::bigint')
      INTO shown, whose
      FROM pg_attribute a
     WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attname <> ALL (coalesce(TG_ARGV[:]::text[], '{}'));
    source := CASE TG_OP
        WHEN 'INSERT' THEN '(SELECT %1$s FROM new_rows) n'
        WHEN 'DELETE' THEN '(SELECT %1$s FROM old_rows) o'
        -- An update that changes nothing is no change.
        ELSE '(SELECT %1$s FROM new_rows) n JOIN (SELECT %1$s FROM old_rows) o ON o.id = n.id AND o IS DISTINCT FROM n'
    END;
    EXECUTE format(
        'INSERT INTO audit.change (at, table_name, row_id, operation, before, after, actor, reason, batch, '
        'organisation_id) SELECT $1, $2, %s.id, $3, %s, %s, $4, $5, $6, coalesce(%s) FROM %s',
        CASE TG_OP WHEN 'DELETE' THEN 'o' ELSE 'n' END,
        CASE TG_OP WHEN 'INSERT' THEN 'NULL::json' ELSE 'row_to_json(o)' END,
        CASE TG_OP WHEN 'DELETE' THEN 'NULL::json' ELSE 'row_to_json(n)' END,
        format(whose, CASE TG_OP WHEN 'DELETE' THEN 'o' ELSE 'n' END), format(source, shown))
    USING clock_timestamp(), format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME),
          CASE TG_OP WHEN 'DELETE' THEN 'remove' ELSE lower(TG_OP) END,
          coalesce(nullif(current_setting('hatang.actor', true), ''), 'role:' || session_user),
          nullif(current_setting('hatang.reason', true), ''), nullif(current_setting('hatang.batch', true), '');
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed > 0 THEN
        INSERT INTO audit.touched (transaction_id, table_name)
        VALUES (pg_current_xact_id()::text::bigint, format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME))
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
"""
TOUCH = """    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed > 0 THEN
        INSERT INTO audit.touched (transaction_id, table_name)
        VALUES (pg_current_xact_id()::text::bigint, format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME))
        ON CONFLICT DO NOTHING;
    END IF;
"""
BEFORE = RECORD.replace("    changed bigint;\n", "").replace(TOUCH, "")
"""As migration 0011 made it."""


def upgrade() -> None:
    op.create_table(
        "touched",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "table_name", name=op.f("pk_touched")),
        schema="audit",
    )
    op.execute("ALTER TABLE audit.touched ENABLE ROW LEVEL SECURITY")  # read by audit.touched_since alone
    op.execute(RECORD)


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS audit.touched_since")
    op.execute(BEFORE)
    op.drop_table("touched", schema="audit")
