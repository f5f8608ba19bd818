-- The map's tile of ducts: each segment with its occupants from z13 on, below that the segments of one owner and
-- state merged into lines simplified to a pixel; their number and length stay with them.
DROP FUNCTION IF EXISTS publish.tile_ducts;
CREATE FUNCTION publish.tile_ducts(z int, x int, y int, on_date date)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
BEGIN
    RETURN (
        WITH duct AS (
            SELECT d.* FROM duct d
            WHERE d.geom && reach AND registry.in_force(d.valid_from, d.valid_to, on_date)
        ),
        cable AS (
            SELECT used.duct_id, count(DISTINCT used.tenant_id)::int AS organisations,
                   bool_or(used.tenant_id IS NULL) AS unclaimed,
                   string_agg(DISTINCT coalesce(tenant.code, '?'), ',') AS occupants
            FROM duct
            JOIN duct_occupancy used ON used.duct_id = duct.id
            LEFT JOIN organisation tenant ON tenant.id = used.tenant_id
            WHERE registry.in_force(used.valid_from, used.valid_to, on_date)
            GROUP BY used.duct_id
        ),
        known AS (
            SELECT duct.id, duct.code, owner.code AS owner, duct.type_code, duct.route, duct.street, duct.bore_count,
                   round(duct.length_m::numeric, 1)::float AS length_m, cable.occupants,
                   coalesce(cable.organisations, 0) AS organisations,
                   CASE WHEN cable.organisations >= 2 THEN 'shared' WHEN cable.unclaimed THEN 'unknown'
                        WHEN cable.organisations = 1 THEN 'single'
                        WHEN duct.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END AS state,
                   duct.synthetic, duct.geom
            FROM duct
            LEFT JOIN cable ON cable.duct_id = duct.id
            LEFT JOIN organisation owner ON owner.id = duct.owner_id
        ),
        feature AS (
            SELECT id, code, owner, type_code, route, street, bore_count, length_m, occupants, organisations, state,
                   synthetic, ST_AsMVTGeom(ST_Transform(known.geom, 3857), bounds, 4096, 256) AS shape
            FROM known
            WHERE z >= 13
        ),
        merged AS (
            SELECT owner, state, bool_or(synthetic) AS synthetic, count(*)::int AS count, sum(length_m) AS length_m,
                   ST_Simplify(ST_LineMerge(ST_Transform(ST_Collect(geom), 3857)), 40075016.7 / 2 ^ z / 512, true) AS geom
            FROM known
            WHERE z < 13
            GROUP BY owner, state
        ),
        line AS (
            SELECT owner, state, synthetic, count, length_m,
                   ST_AsMVTGeom(merged.geom, bounds, 4096, 256) AS shape
            FROM merged
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'ducts', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(line, 'ducts', 4096, 'shape') FROM line WHERE shape IS NOT NULL), '')
    );
END
$$;
