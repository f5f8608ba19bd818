-- The map's tile of poles: each pole with its lines from z13 on, below that the count of each 32-pixel cell.
-- A tenant sees itself on another's pole and not who else is there, so its state is unknown to it.
-- Cells are half open and belong to one tile, so the counts of a zoom level add up to the number of poles.
--
-- From z13 on few rows are found by an index whatever is asked: planning took longer than all else, so there one plan
-- serves a connection, with the lines asked pole by pole since it knows no numbers. Far out it is dynamic, planned for
-- its values; plan_cache_mode would do that too and hold inside the functions of the policies: ten times as long.
DROP FUNCTION IF EXISTS publish.tile_poles;
DROP FUNCTION IF EXISTS publish.near_poles;
CREATE FUNCTION publish.near_poles(z int, x int, y int, on_date date, hidden text[])
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    sees_all boolean := registry.reads_all();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('pole') END;
BEGIN
    RETURN (
        WITH near AS (
            SELECT p.*, p.owner_id = ANY (mine) AS own,
                   sees_all OR coalesce(p.owner_id = ANY (mine), false) OR registry.mine_pole(p.id) AS complete
            FROM pole p
            WHERE p.geom && reach AND registry.in_force(p.valid_from, p.valid_to, on_date)
              AND publish.told(true, 'geometry', hidden, p.owner_id = ANY (mine))
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
                   CASE WHEN complete THEN publish.told(line.organisations, 'occupants', hidden, own)
                        END AS organisations,
                   publish.told(CASE WHEN line.organisations >= 2 THEN 'shared'
                        WHEN line.unclaimed OR NOT complete THEN 'unknown' WHEN line.organisations = 1 THEN 'single'
                        WHEN pole.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END, 'occupants', hidden, own) AS state,
                   CASE WHEN pole.restricted AND secret IS NOT NULL OR pole.id = ANY (secret) THEN true END AS restricted,
                   pole.synthetic, ST_AsMVTGeom(ST_Transform(pole.geom, 3857), bounds, 4096, 256) AS shape
            FROM near AS pole
            LEFT JOIN organisation owner ON owner.id = pole.owner_id
            CROSS JOIN LATERAL (
                SELECT count(DISTINCT used.tenant_id)::int AS organisations,
                       bool_or(used.tenant_id IS NULL) AS unclaimed,
                       string_agg(DISTINCT coalesce(tenant.code, '?'), ',') AS occupants
                FROM pole_occupancy used
                LEFT JOIN organisation tenant ON tenant.id = used.tenant_id
                WHERE used.pole_id = pole.id AND registry.in_force(used.valid_from, used.valid_to, on_date)
            ) line
        )
        SELECT ST_AsMVT(feature, 'poles', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL
    );
END
$$;
CREATE FUNCTION publish.tile_poles(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    inside geometry := ST_Transform(ST_TileEnvelope(z, x, y), 4326);
    found bytea;
BEGIN
    IF z >= 13 THEN
        RETURN publish.near_poles(z, x, y, on_date, hidden);
    END IF;
    -- $1 z, $2 x, $3 y, $4 on_date, $5 hidden, $6 mine, $7 inside
    EXECUTE $query$
        WITH many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM pole p
            WHERE p.geom && $7 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.owner_id = ANY ($6))
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells($1, $2, $3, many.points, many.synthetic) AS cell
        )
        SELECT ST_AsMVT(cell, 'poles', 4096, 'shape') FROM cell
        $query$ INTO found USING z, x, y, on_date, hidden, registry.my_organisations(), inside;
    RETURN found;
END
$$;
