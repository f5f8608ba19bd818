-- Sites as everybody may know them: how many lie in each cell of a grid of EPSG:9214, told at the cell's centre.
-- By name, since PostGIS's own list of systems lacks 9214, and all points in one call: PostGIS prepares a named system
-- anew for each, 15 ms a time.
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
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
DECLARE
    cell float := publish.grid_m();
    reach geometry := ST_Expand(near, cell / 80000);
    hidden bigint[] := registry.restricted_ids('site');
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH site AS (
            SELECT s.geom, s.synthetic, row_number() OVER () AS place
            FROM %I.site s
            WHERE NOT s.restricted AND s.id <> ALL ($2) AND registry.in_force(s.valid_from, s.valid_to, $3)
              AND ($4 IS NULL OR s.geom && $4)
        ),
        moved AS (
            SELECT coalesce(d.path[1], 1) AS place, floor(ST_X(d.geom) / $1)::bigint AS east,
                   floor(ST_Y(d.geom) / $1)::bigint AS north
            FROM ST_Dump((SELECT ST_Transform(ST_Collect(s.geom ORDER BY s.place), 'EPSG:9214') FROM site s)) d
        ),
        cell AS (
            SELECT m.east, m.north, count(*)::int AS count, bool_or(s.synthetic) AS synthetic,
                   row_number() OVER (ORDER BY m.east, m.north) AS place
            FROM moved m JOIN site s USING (place)
            GROUP BY m.east, m.north
        ),
        centre AS (
            SELECT coalesce(d.path[1], 1) AS place, d.geom
            FROM ST_Dump((SELECT ST_Transform(ST_Collect(ST_Point((c.east + 0.5) * $1, (c.north + 0.5) * $1)
                                                         ORDER BY c.place), 'EPSG:9214', 4326) FROM cell c)) d
        )
        SELECT c.east * 1000000 + c.north, p.geom, c.count, c.synthetic, $1
        FROM cell c JOIN centre p USING (place)
        WHERE $5 IS NULL OR p.geom && $5 ORDER BY 1
        $query$, CASE WHEN audit.known_at() IS NULL THEN 'registry' ELSE 'past' END)
    USING cell, hidden, on_date, reach, near;
END
$$;
