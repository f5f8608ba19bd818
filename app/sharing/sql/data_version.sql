-- Rises with every change of any audited table; of all changes, those the caller may not read included. Numbers are
-- given when a change is written, not when it commits: app.sharing.kept looks at the writers still at work too.
CREATE OR REPLACE FUNCTION audit.version() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT coalesce(max(id), 0) FROM audit.change
$$;
