-- The map's tile of poles: each pole with its lines from z13 on, below that the count of each 32-pixel cell.
-- A tenant sees itself on another's pole and not who else is there, so its state is unknown to it.
-- Cells are half open and belong to one tile, so the counts of a zoom level add up to the number of poles.
-- Dynamic, so that it is planned for its values. SET plan_cache_mode would do that too, and would hold inside the
-- functions of the policies: planned anew for every row they took ten times as long.
DROP FUNCTION IF EXISTS publish.tile_poles;
CREATE FUNCTION publish.tile_poles(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    inside geometry := ST_Transform(bounds, 4326);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    sees_all boolean := registry.reads_all();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('pole') END;
    found bytea;
BEGIN
    -- $1 z, $2 x, $3 y, $4 on_date, $5 hidden, $6 bounds, $7 reach, $8 mine, $9 inside, $10 sees_all, $11 secret
    EXECUTE $query$
        WITH near AS (
            SELECT p.*, p.owner_id = ANY ($8) AS own,
                   $10 OR coalesce(p.owner_id = ANY ($8), false) OR registry.mine_pole(p.id) AS complete
            FROM pole p
            WHERE $1 >= 13 AND p.geom && $7 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.owner_id = ANY ($8))
        ),
        line AS (
            SELECT used.pole_id, count(DISTINCT used.tenant_id)::int AS organisations,
                   bool_or(used.tenant_id IS NULL) AS unclaimed,
                   string_agg(DISTINCT coalesce(tenant.code, '?'), ',') AS occupants
            FROM near
            JOIN pole_occupancy used ON used.pole_id = near.id
            LEFT JOIN organisation tenant ON tenant.id = used.tenant_id
            WHERE registry.in_force(used.valid_from, used.valid_to, $4)
            GROUP BY used.pole_id
        ),
        feature AS (
            SELECT pole.id, publish.told(pole.code, 'code', $5, own) AS code,
                   publish.told(owner.code, 'owner', $5, own) AS owner,
                   publish.told(pole.type_code, 'type_code', $5, own) AS type_code,
                   publish.told(pole.material, 'material', $5, own) AS material,
                   publish.told(pole.height_m, 'height_m', $5, own) AS height_m,
                   publish.told(pole.cable_capacity, 'cable_capacity', $5, own) AS cable_capacity,
                   publish.told(pole.street, 'street', $5, own) AS street,
                   publish.told(line.occupants, 'occupants', $5, own) AS occupants,
                   CASE WHEN complete THEN publish.told(coalesce(line.organisations, 0), 'occupants', $5, own)
                        END AS organisations,
                   publish.told(CASE WHEN line.organisations >= 2 THEN 'shared'
                        WHEN line.unclaimed OR NOT complete THEN 'unknown' WHEN line.organisations = 1 THEN 'single'
                        WHEN pole.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END, 'occupants', $5, own) AS state,
                   CASE WHEN pole.restricted AND $11 IS NOT NULL OR pole.id = ANY ($11) THEN true END AS restricted,
                   pole.synthetic, ST_AsMVTGeom(ST_Transform(pole.geom, 3857), $6, 4096, 256) AS shape
            FROM near AS pole
            LEFT JOIN line ON line.pole_id = pole.id
            LEFT JOIN organisation owner ON owner.id = pole.owner_id
        ),
        many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM pole p
            WHERE $1 < 13 AND p.geom && $9 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.owner_id = ANY ($8))
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells($1, $2, $3, many.points, many.synthetic) AS cell
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'poles', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(cell, 'poles', 4096, 'shape') FROM cell), '')
        $query$ INTO found USING z, x, y, on_date, hidden, bounds, reach, mine, inside, sees_all, secret;
    RETURN found;
END
$$;
