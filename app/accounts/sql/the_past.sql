-- What the registry believed at `hatang.known_at`: schema `past` has a view for every audited registry table. A row
-- that has not changed since is read from the table itself, a changed one as it was before its first change since.
-- `app.database.look_back` puts `past` in front of the search path; every statement then reads these views.

CREATE OR REPLACE FUNCTION audit.known_at() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('hatang.known_at', true), '')::timestamptz
$$;
-- Of all changes, those the caller may not read included: else the row of today would pass for that of then.
CREATE OR REPLACE FUNCTION audit.changed_since(which text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    SELECT DISTINCT c.row_id FROM audit.change c WHERE c.table_name = which AND c.at > (SELECT audit.known_at())
$$;
-- Runs as the caller: true when row-level security shows the caller that row today.
CREATE OR REPLACE FUNCTION audit.visible(table_name text, row_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE id = $1)', table_name::regclass) INTO found USING row_id;
    RETURN found;
END
$$;

-- History of what everybody reads is read by everybody; that of a network by who read all and by the organisation it
-- was then; what bears no organisation (cells, bores) or another's (tenants of mine), by those who see the row today.
CREATE POLICY reads ON audit.change FOR SELECT USING (
    (SELECT registry.is_administrator())
    OR table_name NOT LIKE 'accounts.%' AND (
        (SELECT registry.is_department())
        OR table_name || ':' || row_id <> ALL ((SELECT registry.restricted_references())::text[]) AND (
            (SELECT registry.reads_all()) AND table_name <> 'registry.appraisal'
            AND (table_name <> 'registry.calibration' OR (SELECT registry.my_roles()) && '{statistics}')
            OR organisation_id = ANY ((SELECT registry.my_organisations())::bigint[])
            OR table_name IN ('registry.unit', 'registry.unit_succession', 'registry.village', 'registry.village_unit',
                              'registry.organisation', 'registry.terrain_tile', 'registry.land_cover_tile',
                              'registry.coverage_run',
                              'registry.sharing_run', 'registry.facility', 'registry.coverage_claim',
                              'registry.constraint_area')
            OR table_name LIKE 'policy.%'
            OR (SELECT registry.has_own())
               AND (organisation_id IS NULL OR table_name LIKE '%\_occupancy' OR (SELECT registry.my_communes()) <> '{}')
               AND audit.visible(table_name, row_id))));
CREATE POLICY reads ON audit.view_log FOR SELECT USING ((SELECT registry.is_administrator()));

DO $$
DECLARE
    name text;
    audited boolean;
BEGIN
    FOR name, audited IN
        SELECT c.relname, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'history_insert')
        FROM pg_class c WHERE c.relnamespace = 'registry'::regnamespace AND c.relkind = 'r' AND c.relname <> 'unit_part'
    LOOP
        -- What a run computed never changes, so it is read as it is.
        EXECUTE format(CASE WHEN audited THEN 'CREATE VIEW past.%1$I WITH (security_invoker = true) AS
            SELECT t.* FROM registry.%1$I t
            WHERE t.id NOT IN (SELECT audit.changed_since(%2$L))
            UNION ALL
            SELECT r.* FROM (
                SELECT DISTINCT ON (c.row_id) c.before FROM audit.change c
                WHERE c.table_name = %2$L AND c.at > (SELECT audit.known_at()) ORDER BY c.row_id, c.id) first
            CROSS JOIN LATERAL json_populate_record(NULL::registry.%1$I, first.before) r
            WHERE first.before IS NOT NULL'
        ELSE 'CREATE VIEW past.%1$I WITH (security_invoker = true) AS SELECT * FROM registry.%1$I' END,
        name, format('registry.%I', name));
    END LOOP;
END
$$;
-- Cut from the boundaries of then.
CREATE VIEW past.unit_part WITH (security_invoker = true) AS
    SELECT p.unit_id, p.geom, p.id FROM registry.unit_part p
    WHERE NOT EXISTS (SELECT FROM audit.change c WHERE c.table_name = 'registry.unit' AND c.row_id = p.unit_id
                      AND c.at > (SELECT audit.known_at()))
    UNION ALL
    SELECT u.id, ST_Subdivide(u.geom, 128), NULL::bigint FROM past.unit u
    WHERE EXISTS (SELECT FROM audit.change c WHERE c.table_name = 'registry.unit' AND c.row_id = u.id
                  AND c.at > (SELECT audit.known_at()));
