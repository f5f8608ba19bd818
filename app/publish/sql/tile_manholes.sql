-- The map's tile of manholes: each with its particulars from z13 on, below that the count of each 32-pixel cell.
-- Planned as tile_poles is, for the reasons given there.
DROP FUNCTION IF EXISTS publish.tile_manholes;
DROP FUNCTION IF EXISTS publish.near_manholes;
CREATE FUNCTION publish.near_manholes(z int, x int, y int, on_date date, hidden text[])
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('manhole') END;
BEGIN
    RETURN (
        WITH feature AS (
            SELECT p.id, publish.told(p.code, 'code', hidden, p.owner_id = ANY (mine)) AS code,
                   publish.told(p.kind, 'kind', hidden, p.owner_id = ANY (mine)) AS kind,
                   publish.told(owner.code, 'owner', hidden, p.owner_id = ANY (mine)) AS owner,
                   CASE WHEN p.restricted AND secret IS NOT NULL OR p.id = ANY (secret) THEN true END AS restricted,
                   p.synthetic,
                   ST_AsMVTGeom(ST_Transform(p.geom, 3857), bounds, 4096, 256) AS shape
            FROM manhole p
            LEFT JOIN organisation owner ON owner.id = p.owner_id
            WHERE p.geom && reach AND registry.in_force(p.valid_from, p.valid_to, on_date)
              AND publish.told(true, 'geometry', hidden, p.owner_id = ANY (mine))
        )
        SELECT ST_AsMVT(feature, 'manholes', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL
    );
END
$$;
CREATE FUNCTION publish.tile_manholes(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    inside geometry := ST_Transform(ST_TileEnvelope(z, x, y), 4326);
    found bytea;
BEGIN
    IF z >= 13 THEN
        RETURN publish.near_manholes(z, x, y, on_date, hidden);
    END IF;
    -- $1 z, $2 x, $3 y, $4 on_date, $5 hidden, $6 mine, $7 inside
    EXECUTE $query$
        WITH many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM manhole p
            WHERE p.geom && $7 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.owner_id = ANY ($6))
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells($1, $2, $3, many.points, many.synthetic) AS cell
        )
        SELECT ST_AsMVT(cell, 'manholes', 4096, 'shape') FROM cell
        $query$ INTO found USING z, x, y, on_date, hidden, registry.my_organisations(), inside;
    RETURN found;
END
$$;
