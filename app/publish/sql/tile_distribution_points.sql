-- The map's tile of distribution points: each with its particulars from z13 on, below that the count of each
-- 32-pixel cell.
-- Planned as tile_poles is, for the reasons given there.
DROP FUNCTION IF EXISTS publish.tile_distribution_points;
DROP FUNCTION IF EXISTS publish.near_distribution_points;
CREATE FUNCTION publish.near_distribution_points(z int, x int, y int, on_date date, hidden text[])
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('distribution_point') END;
BEGIN
    RETURN (
        WITH feature AS (
            SELECT p.id, publish.told(p.code, 'code', hidden, p.operator_id = ANY (mine)) AS code,
                   publish.told(p.kind, 'kind', hidden, p.operator_id = ANY (mine)) AS kind,
                   publish.told(owner.code, 'operator', hidden, p.operator_id = ANY (mine)) AS owner,
                   publish.told(p.ports_total, 'ports_total', hidden, p.operator_id = ANY (mine)) AS ports_total,
                   publish.told(p.ports_used, 'ports_used', hidden, p.operator_id = ANY (mine)) AS ports_used,
                   publish.told(publish.told(p.ports_total - p.ports_used, 'ports_used', hidden, p.operator_id = ANY (mine)),
                                'ports_total', hidden, p.operator_id = ANY (mine)) AS ports_free,
                   publish.told(p.serving_distance_m, 'serving_distance_m', hidden, p.operator_id = ANY (mine))
                       AS serving_distance_m,
                   CASE WHEN p.restricted AND secret IS NOT NULL OR p.id = ANY (secret) THEN true END AS restricted,
                   p.synthetic,
                   ST_AsMVTGeom(ST_Transform(p.geom, 3857), bounds, 4096, 256) AS shape
            FROM distribution_point p
            LEFT JOIN organisation owner ON owner.id = p.operator_id
            WHERE p.geom && reach AND registry.in_force(p.valid_from, p.valid_to, on_date)
              AND publish.told(true, 'geometry', hidden, p.operator_id = ANY (mine))
        )
        SELECT ST_AsMVT(feature, 'distribution_points', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL
    );
END
$$;
CREATE FUNCTION publish.tile_distribution_points(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    inside geometry := ST_Transform(ST_TileEnvelope(z, x, y), 4326);
    found bytea;
BEGIN
    IF z >= 13 THEN
        RETURN publish.near_distribution_points(z, x, y, on_date, hidden);
    END IF;
    -- $1 z, $2 x, $3 y, $4 on_date, $5 hidden, $6 mine, $7 inside
    EXECUTE $query$
        WITH many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM distribution_point p
            WHERE p.geom && $7 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.operator_id = ANY ($6))
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells($1, $2, $3, many.points, many.synthetic) AS cell
        )
        SELECT ST_AsMVT(cell, 'distribution_points', 4096, 'shape') FROM cell
        $query$ INTO found USING z, x, y, on_date, hidden, registry.my_organisations(), inside;
    RETURN found;
END
$$;
