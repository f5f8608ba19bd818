"""Row scope: which objects are restricted, whom a transaction works for, row-level security on every table."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RESTRICTABLE = ("structure", "pole", "manhole", "duct", "cable", "distribution_point", "facility")
"""Beside registry.site, which has the column since 0005."""
SECURED = (
    "unit_level", "unit", "unit_part", "unit_succession", "village", "village_unit", "demand_point",
    "organisation", "site", "structure", "base_station", "cell", "structure_occupancy",
    "pole", "pole_occupancy", "manhole", "trench", "duct", "bore", "duct_occupancy", "cable", "distribution_point",
    "facility", "facility_connection", "terrain_tile", "coverage_run", "signal", "verdict", "fibre_reach",
    "sharing_run", "sharing_ratio",
)  # fmt: skip
POLICY = ("plan_document", "target", "type_code", "parameter")

ENTER = """
CREATE FUNCTION registry.enter(actor text, roles text[], organisations bigint[], communes bigint[]) RETURNS void
LANGUAGE sql AS $$
    -- What row-level security and the history go by, until the transaction ends.
    SELECT set_config('hatang.actor', actor, true), set_config('hatang.roles', array_to_string(roles, ','), true),
           set_config('hatang.organisations', organisations::text, true),
           set_config('hatang.communes', communes::text, true)
$$
"""
OWNED = {
    "site": "owner_id", "structure": "owner_id", "base_station": "operator_id", "cell": "base_station_id",
    "pole": "owner_id", "manhole": "owner_id", "duct": "owner_id", "distribution_point": "operator_id",
}  # fmt: skip
"""Whose codes a code stands among: were they unique over all owners, a refused one would betray another's."""
# The rule "one code at a time" holds over rows the writer cannot see, so it is checked as the tables' owner.
REFUSE_OVERLAP = """
CREATE OR REPLACE FUNCTION registry.refuse_overlap() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
-- Compares rows still in force with ended rows of the same key (arguments: the key columns, the first never null).
-- Each kind is unique within itself by an index. Statements that write only open rows share the
-- lock, those that write ended rows take it alone, so two transactions cannot slip past each other.
DECLARE
    same text := (SELECT string_agg(format(CASE WHEN i = 1 THEN 'n.%1$I = e.%1$I'
                                                ELSE 'n.%1$I IS NOT DISTINCT FROM e.%1$I' END, c), ' AND ' ORDER BY i)
                    FROM unnest(TG_ARGV) WITH ORDINALITY AS t(c, i));
    lock_key bigint := ('x' || substr(md5(TG_RELID::text), 1, 15))::bit(60)::bigint;
    any_ended boolean;
    clash text;
BEGIN
    SELECT EXISTS (SELECT FROM written WHERE valid_to IS NOT NULL) INTO any_ended;
    IF any_ended THEN
        PERFORM pg_advisory_xact_lock(lock_key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(lock_key);
    END IF;
    EXECUTE format(
        'SELECT to_jsonb(n)->>%L FROM written n JOIN %s e ON %s AND (n.valid_to IS NULL) <> (e.valid_to IS NULL)
         AND daterange(n.valid_from, n.valid_to) && daterange(e.valid_from, e.valid_to) %s LIMIT 1',
        TG_ARGV[0], TG_RELID::regclass, same,
        CASE WHEN any_ended THEN '' ELSE 'AND e.valid_to IS NOT NULL' END) INTO clash;
    IF clash IS NOT NULL THEN
        RAISE EXCEPTION 'conflicting validity' USING ERRCODE = 'exclusion_violation',
            DETAIL = format('%s=%s is already in force during this period.', TG_ARGV[0], clash),
            CONSTRAINT = format('ex_%s_validity', TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END
$$
"""


def _keys(table: str, *columns: str) -> None:
    """Make `columns` the key of `table`: unique among rows in force, never twice on one day among ended ones."""
    op.drop_index(f"uq_{table}_current", table, schema="registry")
    op.create_index(
        f"uq_{table}_current", table, list(columns), unique=True, schema="registry",
        postgresql_where=sa.text("valid_to IS NULL"), postgresql_nulls_not_distinct=True,
    )  # fmt: skip
    _exclude(table, *columns, where="WHERE (valid_to IS NOT NULL)")
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER refuse_overlap_{event} ON registry.{table}")
    arguments = ", ".join(f"'{c}'" for c in columns)
    op.execute(f"SELECT registry.watch_overlap('registry.{table}', {arguments})")


def _exclude(table: str, code: str, *owner: str, where: str = "") -> None:
    op.execute(f"ALTER TABLE registry.{table} DROP CONSTRAINT ex_{table}_validity")
    owners = "".join(f"coalesce({c}, 0) WITH =, " for c in owner)
    op.execute(
        f"ALTER TABLE registry.{table} ADD CONSTRAINT ex_{table}_validity EXCLUDE USING gist "
        f"({code} WITH =, {owners}daterange(valid_from, valid_to) WITH &&) {where}"
    )


def upgrade() -> None:
    op.execute(ENTER.replace("RETURNS void", "RETURNS record"))
    for table in RESTRICTABLE:
        op.add_column(
            table, sa.Column("restricted", sa.Boolean(), server_default="false", nullable=False), schema="registry"
        )
    for table in ("site", *RESTRICTABLE):
        where = sa.text("restricted")
        op.create_index(f"ix_{table}_restricted", table, ["id"], schema="registry", postgresql_where=where)
    op.execute(REFUSE_OVERLAP)
    op.execute("ALTER FUNCTION registry.cut_unit() SET search_path = registry, public, pg_temp")
    for table, owner in OWNED.items():
        _keys(table, "code", owner)
    _exclude("cable", "code", "owner_id")
    _exclude("facility", "code", "restricted::int")  # else a refused code would tell of a restricted facility
    for schema, tables in (("registry", SECURED), ("policy", POLICY)):
        for table in tables:
            op.execute(f"ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    for schema, tables in (("registry", SECURED), ("policy", POLICY)):
        for table in tables:
            op.execute(f"ALTER TABLE {schema}.{table} DISABLE ROW LEVEL SECURITY")
    _exclude("facility", "code")
    _exclude("cable", "code")
    for table in OWNED:
        _keys(table, "code")
    op.execute("ALTER FUNCTION registry.refuse_overlap() SECURITY INVOKER RESET ALL")
    for table in ("site", *RESTRICTABLE):
        op.drop_index(f"ix_{table}_restricted", table, schema="registry")
    for table in RESTRICTABLE:
        op.drop_column(table, "restricted", schema="registry")
    op.execute("DROP FUNCTION registry.enter")
