-- Sites as everybody may know them: how many lie in each cell of a grid of EPSG:9214, told at the cell's centre.
-- By name, since PostGIS's own list of systems lacks 9214.
-- Runs as the owner of the tables, past row scope, so it leaves restricted sites out itself: those of today, and in
-- the past also those of then. `near` picks cells by their centre; every cell it gives is counted whole, since the
-- box is widened by more than a cell first (no box can be used to find out where in a cell a site stands).
CREATE OR REPLACE FUNCTION publish.grid_m() RETURNS float LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- Today's, whatever date is asked about: a finer grid of another year would undo it.
    SELECT coalesce((SELECT d.grid_m FROM policy.disclosure d WHERE d.layer = 'sites' AND d.attribute = 'geometry'
                     AND registry.in_force(d.valid_from, d.valid_to, (now() AT TIME ZONE INTERVAL '07:00')::date)), 1000)
$$;
DROP FUNCTION IF EXISTS publish.blurred_sites;
CREATE FUNCTION publish.blurred_sites(on_date date, near geometry DEFAULT NULL)
RETURNS TABLE (id bigint, geom geometry, count int, synthetic boolean, grid_m float)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    cell float := publish.grid_m();
    reach geometry := ST_Expand(near, cell / 80000);
    hidden bigint[] := registry.restricted_ids('site');
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH cells AS (
            SELECT floor(ST_X(p.metres) / $1)::bigint AS east, floor(ST_Y(p.metres) / $1)::bigint AS north,
                   count(*)::int AS count, bool_or(s.synthetic) AS synthetic
            FROM %I.site s CROSS JOIN LATERAL (SELECT ST_Transform(s.geom, 'EPSG:9214') AS metres) p
            WHERE NOT s.restricted AND s.id <> ALL ($2) AND registry.in_force(s.valid_from, s.valid_to, $3)
              AND ($4 IS NULL OR s.geom && $4)
            GROUP BY 1, 2
        ),
        placed AS (
            SELECT c.east * 1000000 + c.north AS id, c.count, c.synthetic,
                   ST_Transform(ST_Point((c.east + 0.5) * $1, (c.north + 0.5) * $1), 'EPSG:9214', 4326) AS geom
            FROM cells c
        )
        SELECT p.id, p.geom, p.count, p.synthetic, $1 FROM placed p WHERE $5 IS NULL OR p.geom && $5 ORDER BY p.id
        $query$, CASE WHEN audit.known_at() IS NULL THEN 'registry' ELSE 'past' END)
    USING cell, hidden, on_date, reach, near;
END
$$;
