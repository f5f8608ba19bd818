-- The map's tile of ducts: each segment with its occupants from z13 on, below that the segments of one owner and
-- state merged into lines simplified to a pixel; their number and length stay with them.
-- Dynamic for the reason given at tile_poles.
DROP FUNCTION IF EXISTS publish.tile_ducts;
CREATE FUNCTION publish.tile_ducts(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    sees_all boolean := registry.reads_all();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('duct') END;
    found bytea;
BEGIN
    -- $1 z, $2 on_date, $3 hidden, $4 bounds, $5 reach, $6 mine, $7 sees_all, $8 secret
    EXECUTE $query$
        WITH duct AS (
            SELECT d.*, d.owner_id = ANY ($6) AS own,
                   $7 OR coalesce(d.owner_id = ANY ($6), false) OR registry.mine_duct(d.id) AS complete
            FROM duct d
            WHERE d.geom && $5 AND registry.in_force(d.valid_from, d.valid_to, $2)
              AND publish.told(true, 'geometry', $3, d.owner_id = ANY ($6))
        ),
        cable AS (
            SELECT used.duct_id, count(DISTINCT used.tenant_id)::int AS organisations,
                   bool_or(used.tenant_id IS NULL) AS unclaimed,
                   string_agg(DISTINCT coalesce(tenant.code, '?'), ',') AS occupants
            FROM duct
            JOIN duct_occupancy used ON used.duct_id = duct.id
            LEFT JOIN organisation tenant ON tenant.id = used.tenant_id
            WHERE registry.in_force(used.valid_from, used.valid_to, $2)
            GROUP BY used.duct_id
        ),
        known AS (
            SELECT duct.id, publish.told(duct.code, 'code', $3, own) AS code,
                   publish.told(owner.code, 'owner', $3, own) AS owner,
                   publish.told(duct.type_code, 'type_code', $3, own) AS type_code,
                   publish.told(duct.route, 'route', $3, own) AS route,
                   publish.told(duct.street, 'street', $3, own) AS street,
                   publish.told(duct.bore_count, 'bore_count', $3, own) AS bore_count,
                   publish.told(round(duct.length_m::numeric, 1)::float, 'length_m', $3, own) AS length_m,
                   publish.told(cable.occupants, 'occupants', $3, own) AS occupants,
                   CASE WHEN complete THEN publish.told(coalesce(cable.organisations, 0), 'occupants', $3, own)
                        END AS organisations,
                   publish.told(CASE WHEN cable.organisations >= 2 THEN 'shared'
                        WHEN cable.unclaimed OR NOT complete THEN 'unknown' WHEN cable.organisations = 1 THEN 'single'
                        WHEN duct.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END, 'occupants', $3, own) AS state,
                   CASE WHEN duct.restricted AND $8 IS NOT NULL OR duct.id = ANY ($8) THEN true END AS restricted,
                   duct.synthetic, duct.geom
            FROM duct
            LEFT JOIN cable ON cable.duct_id = duct.id
            LEFT JOIN organisation owner ON owner.id = duct.owner_id
        ),
        feature AS (
            SELECT id, code, owner, type_code, route, street, bore_count, length_m, occupants, organisations, state,
                   restricted, synthetic, ST_AsMVTGeom(ST_Transform(known.geom, 3857), $4, 4096, 256) AS shape
            FROM known
            WHERE $1 >= 13
        ),
        merged AS (
            SELECT owner, state, bool_or(synthetic) AS synthetic, count(*)::int AS count, sum(length_m) AS length_m,
                   ST_Simplify(ST_LineMerge(ST_Transform(ST_Collect(geom), 3857)), 40075016.7 / 2 ^ $1 / 512, true) AS geom
            FROM known
            WHERE $1 < 13
            GROUP BY owner, state
        ),
        line AS (
            SELECT owner, state, synthetic, count, length_m,
                   ST_AsMVTGeom(merged.geom, $4, 4096, 256) AS shape
            FROM merged
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'ducts', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(line, 'ducts', 4096, 'shape') FROM line WHERE shape IS NOT NULL), '')
        $query$ INTO found USING z, on_date, hidden, bounds, reach, mine, sees_all, secret;
    RETURN found;
END
$$;
