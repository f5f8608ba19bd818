-- The map's tile of poles: each pole with its lines from z13 on, below that the count of each 32-pixel cell.
-- A tenant sees itself on another's pole and not who else is there, so its state is unknown to it.
-- Cells are half open and belong to one tile, so the counts of a zoom level add up to the number of poles.
DROP FUNCTION IF EXISTS publish.tile_poles;
CREATE FUNCTION publish.tile_poles(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    inside geometry := ST_Transform(bounds, 4326);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    sees_all boolean := registry.reads_all();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('pole') END;
BEGIN
    RETURN (
        WITH near AS (
            SELECT p.*, p.owner_id = ANY (mine) AS own, sees_all OR registry.mine_pole(p.id) AS complete FROM pole p
            WHERE z >= 13 AND p.geom && reach AND registry.in_force(p.valid_from, p.valid_to, on_date)
              AND publish.told(true, 'geometry', hidden, p.owner_id = ANY (mine))
        ),
        line AS (
            SELECT used.pole_id, count(DISTINCT used.tenant_id)::int AS organisations,
                   bool_or(used.tenant_id IS NULL) AS unclaimed,
                   string_agg(DISTINCT coalesce(tenant.code, '?'), ',') AS occupants
            FROM near
            JOIN pole_occupancy used ON used.pole_id = near.id
            LEFT JOIN organisation tenant ON tenant.id = used.tenant_id
            WHERE registry.in_force(used.valid_from, used.valid_to, on_date)
            GROUP BY used.pole_id
        ),
        feature AS (
            SELECT pole.id, publish.told(pole.code, 'code', hidden, own) AS code,
                   publish.told(owner.code, 'owner', hidden, own) AS owner,
                   publish.told(pole.type_code, 'type_code', hidden, own) AS type_code,
                   publish.told(pole.material, 'material', hidden, own) AS material,
                   publish.told(pole.height_m, 'height_m', hidden, own) AS height_m,
                   publish.told(pole.cable_capacity, 'cable_capacity', hidden, own) AS cable_capacity,
                   publish.told(pole.street, 'street', hidden, own) AS street,
                   publish.told(line.occupants, 'occupants', hidden, own) AS occupants,
                   CASE WHEN complete THEN publish.told(coalesce(line.organisations, 0), 'occupants', hidden, own)
                        END AS organisations,
                   publish.told(CASE WHEN line.organisations >= 2 THEN 'shared'
                        WHEN line.unclaimed OR NOT complete THEN 'unknown' WHEN line.organisations = 1 THEN 'single'
                        WHEN pole.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END, 'occupants', hidden, own) AS state,
                   CASE WHEN pole.restricted AND secret IS NOT NULL OR pole.id = ANY (secret) THEN true END AS restricted,
                   pole.synthetic, ST_AsMVTGeom(ST_Transform(pole.geom, 3857), bounds, 4096, 256) AS shape
            FROM near AS pole
            LEFT JOIN line ON line.pole_id = pole.id
            LEFT JOIN organisation owner ON owner.id = pole.owner_id
        ),
        many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM pole p
            WHERE z < 13 AND p.geom && inside AND registry.in_force(p.valid_from, p.valid_to, on_date)
              AND publish.told(true, 'geometry', hidden, p.owner_id = ANY (mine))
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells(z, x, y, many.points, many.synthetic) AS cell
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'poles', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(cell, 'poles', 4096, 'shape') FROM cell), '')
    );
END
$$;
