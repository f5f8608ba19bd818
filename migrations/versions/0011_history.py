"""History: every change of every table in audit.change by one trigger, the view log, the schema of past states."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FACTS = (
    "unit", "unit_succession", "village", "village_unit", "demand_point", "organisation",
    "site", "structure", "base_station", "cell", "structure_occupancy",
    "pole", "pole_occupancy", "manhole", "trench", "duct", "bore", "duct_occupancy", "cable", "distribution_point",
    "facility", "facility_connection", "terrain_tile", "coverage_run", "sharing_run",
)  # fmt: skip
"""Left out: unit_part (cut from unit) and what a run computed (its run's hash says from what)."""

RECORD = """
CREATE FUNCTION audit.record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
-- One row of audit.change per row changed, whatever code did it; arguments: columns to leave out (secrets).
-- Statement-level: a load of 500,000 rows is one INSERT … SELECT here. Geometries as hex EWKB, so nothing is rounded.
DECLARE
    shown text;
    whose text;
    source text;
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
    RETURN NULL;
END
$$;
CREATE FUNCTION audit.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are ended, not truncated', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION audit.watch(watched regclass, VARIADIC left_out text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    arguments text := coalesce((SELECT string_agg(quote_literal(c), ', ') FROM unnest(left_out) AS c), '');
BEGIN
    EXECUTE format('CREATE TRIGGER history_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION audit.record(%s)', watched, arguments);
    EXECUTE format('CREATE TRIGGER history_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS new_rows
        OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit.record(%s)', watched, arguments);
    EXECUTE format('CREATE TRIGGER history_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION audit.record(%s)', watched, arguments);
    EXECUTE format('CREATE TRIGGER history_truncate BEFORE TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_truncate()', watched);
END
$$;
"""
SAW = """
CREATE FUNCTION audit.saw(what text, which text, object bigint, of_restricted boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    -- Again within ten minutes is the same look: a map asks for hundreds of tiles.
    INSERT INTO audit.view_log (actor, action, layer, object_id, restricted)
    SELECT current_setting('hatang.actor', true), what, which, object, of_restricted
    WHERE NOT EXISTS (
        SELECT FROM audit.view_log v
        WHERE v.actor = current_setting('hatang.actor', true) AND v.at > now() - interval '10 minutes'
          AND v.action = what AND v.layer = which AND v.object_id IS NOT DISTINCT FROM object
          AND v.restricted = of_restricted)
$$
"""


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("batch", sa.String(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("operation IN ('insert', 'update', 'remove')", name=op.f("ck_change_operation")),
        sa.CheckConstraint(
            "(operation = 'insert') = (before IS NULL) AND (operation = 'remove') = (after IS NULL)",
            name=op.f("ck_change_before_after"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
        schema="audit",
    )
    op.create_index("ix_change_row_id", "change", ["row_id", "table_name"], schema="audit")
    op.create_index("ix_change_at", "change", ["at"], schema="audit", postgresql_using="brin")
    op.create_table(
        "view_log",
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_log")),
        schema="audit",
    )
    op.create_index("ix_view_log_actor_at", "view_log", ["actor", "at"], schema="audit")
    for table in ("change", "view_log"):
        op.execute(f"ALTER TABLE audit.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(RECORD)
    op.execute(SAW)
    op.execute("CREATE SCHEMA past")
    for table in (*(f"registry.{t}" for t in FACTS), *(f"policy.{t}" for t in ("target", "type_code", "parameter"))):
        op.execute(f"SELECT audit.watch('{table}')")


def downgrade() -> None:
    op.execute("DROP SCHEMA past CASCADE")
    op.execute("DROP FUNCTION audit.saw, audit.watch")
    op.execute("DROP FUNCTION audit.record, audit.refuse_truncate CASCADE")
    op.drop_table("view_log", schema="audit")
    op.drop_table("change", schema="audit")
