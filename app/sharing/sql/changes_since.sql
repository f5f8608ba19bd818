-- Which rows changed since a moment, for what app.sharing.kept keeps. Functions of the tables' owner: of all changes,
-- those the caller may not read included, else a row that left its sight would stay. They tell numbers alone. In plpgsql,
-- which plans once a connection: planning them takes longer than what they do.

-- What a statement sees: the transactions that had ended by then. One still at work counts as changed since whenever it
-- commits, whatever numbers its changes bear, and the asking one is always still at work. With it the last change there
-- was, and whether the asking transaction has changed anything.
CREATE OR REPLACE FUNCTION audit.moment(OUT ended pg_snapshot, OUT last bigint, OUT last_at timestamptz, OUT writing boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT format('%s:%s:%s', pg_snapshot_xmin(s), pg_snapshot_xmax(s), (
               SELECT string_agg(x::text, ',' ORDER BY x)
               FROM (SELECT pg_snapshot_xip(s) UNION SELECT me WHERE me < pg_snapshot_xmax(s)) AS working(x)
           ))::pg_snapshot, c.id, c.at,
           me IS NOT NULL AND EXISTS (SELECT FROM audit.change WHERE transaction_id = me::text::bigint)
    INTO ended, last, last_at, writing
    FROM (SELECT pg_current_snapshot() AS s, pg_current_xact_id_if_assigned() AS me) AS now
    LEFT JOIN LATERAL (SELECT id, at FROM audit.change ORDER BY id DESC LIMIT 1) c ON true;
END
$$;
-- False where the history was put back to an earlier state: what was read of it since is worth nothing.
CREATE OR REPLACE FUNCTION audit.holds(last bigint, last_at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN last IS NULL OR EXISTS (SELECT FROM audit.change c WHERE c.id = last AND c.at = last_at);
END
$$;
-- Rows of the named tables, at most so many. A restored history bears numbers of another server: those ahead of this
-- one's counter are older.
CREATE OR REPLACE FUNCTION audit.changes_since(ended pg_snapshot, tables text[], most int)
RETURNS TABLE (table_name text, row_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT c.table_name::text, c.row_id FROM audit.change c
    WHERE c.transaction_id >= pg_snapshot_xmin(ended)::text::bigint
      AND c.transaction_id <= greatest(pg_snapshot_xmax(pg_current_snapshot()),
                                       pg_current_xact_id_if_assigned())::text::bigint
      AND NOT pg_visible_in_snapshot(c.transaction_id::text::xid8, ended)
      AND c.table_name = ANY (tables)
    LIMIT most;
END
$$;
