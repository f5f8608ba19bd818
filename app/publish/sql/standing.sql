-- What is asked before an answer kept in memory is given, in one statement and so of one moment: which transactions had
-- ended, which tables those changed that had not ended at the moment before, and whose the presented secrets are.

-- A transaction still at work counts when it commits: it is not visible in the moment before, whatever its number.
-- Numbers ahead of this server's came with a restored history.
CREATE OR REPLACE FUNCTION audit.touched_since(ended pg_snapshot) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    SELECT array_agg(DISTINCT t.table_name) FROM audit.touched t
    WHERE t.transaction_id >= pg_snapshot_xmin(ended)::text::bigint
      AND t.transaction_id < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
      AND NOT pg_visible_in_snapshot(t.transaction_id::text::xid8, ended)
$$;
CREATE OR REPLACE FUNCTION publish.standing(before text, kinds text[], secrets bytea[])
RETURNS TABLE (ended text, touched text[], holders json) LANGUAGE sql STABLE AS $$
    SELECT pg_current_snapshot()::text, audit.touched_since(coalesce(before, pg_current_snapshot()::text)::pg_snapshot),
           (SELECT json_agg(h ORDER BY asked.place)
            FROM unnest(kinds, secrets) WITH ORDINALITY AS asked(kind, secret, place),
                 accounts.holder(asked.kind, asked.secret) h)
$$;
