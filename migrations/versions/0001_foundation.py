"""Schemas and the functions every table leans on."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("registry", "policy", "audit", "jobs", "publish")

FOLD = """
CREATE FUNCTION registry.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    -- Accent-free, lower case: Thuỷ and Thủy, Đà and da are the same to a search.
    SELECT translate(lower(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g')), 'đ', 'd')
$$
"""
IN_FORCE = """
CREATE FUNCTION registry.in_force(valid_from date, valid_to date, as_of date) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (valid_from IS NULL OR valid_from <= as_of) AND (valid_to IS NULL OR as_of < valid_to)
$$
"""
REFUSE_OVERLAP = """
CREATE FUNCTION registry.refuse_overlap() RETURNS trigger
LANGUAGE plpgsql AS $$
-- Compares rows still in force with ended rows of the same key (arguments: the key columns).
-- Each kind is unique within itself by an index. Statements that write only open rows share the
-- lock, those that write ended rows take it alone, so two transactions cannot slip past each other.
DECLARE
    same text := (SELECT string_agg(format('n.%1$I = e.%1$I', c), ' AND ') FROM unnest(TG_ARGV) AS c);
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
WATCH_OVERLAP = """
CREATE FUNCTION registry.watch_overlap(watched regclass, VARIADIC key_columns text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    arguments text := (SELECT string_agg(quote_literal(c), ', ') FROM unnest(key_columns) AS c);
BEGIN
    EXECUTE format('CREATE TRIGGER refuse_overlap_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS written
        FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_overlap(%s)', watched, arguments);
    EXECUTE format('CREATE TRIGGER refuse_overlap_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS written
        FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_overlap(%s)', watched, arguments);
END
$$
"""


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    for statement in (FOLD, IN_FORCE, REFUSE_OVERLAP, WATCH_OVERLAP):
        op.execute(statement)


def downgrade() -> None:
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
