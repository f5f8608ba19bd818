-- The map's tile of distribution points: each with its particulars from z13 on, below that the count of each
-- 32-pixel cell.
-- Dynamic for the reason given at tile_poles.
DROP FUNCTION IF EXISTS publish.tile_distribution_points;
CREATE FUNCTION publish.tile_distribution_points(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    inside geometry := ST_Transform(bounds, 4326);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('distribution_point') END;
    found bytea;
BEGIN
    -- $1 z, $2 x, $3 y, $4 on_date, $5 hidden, $6 bounds, $7 reach, $8 mine, $9 inside, $10 secret
    EXECUTE $query$
        WITH feature AS (
            SELECT p.id, publish.told(p.code, 'code', $5, p.operator_id = ANY ($8)) AS code,
                   publish.told(p.kind, 'kind', $5, p.operator_id = ANY ($8)) AS kind,
                   publish.told(owner.code, 'operator', $5, p.operator_id = ANY ($8)) AS owner,
                   publish.told(p.ports_total, 'ports_total', $5, p.operator_id = ANY ($8)) AS ports_total,
                   publish.told(p.ports_used, 'ports_used', $5, p.operator_id = ANY ($8)) AS ports_used,
                   publish.told(publish.told(p.ports_total - p.ports_used, 'ports_used', $5, p.operator_id = ANY ($8)),
                                'ports_total', $5, p.operator_id = ANY ($8)) AS ports_free,
                   publish.told(p.serving_distance_m, 'serving_distance_m', $5, p.operator_id = ANY ($8))
                       AS serving_distance_m,
                   CASE WHEN p.restricted AND $10 IS NOT NULL OR p.id = ANY ($10) THEN true END AS restricted,
                   p.synthetic,
                   ST_AsMVTGeom(ST_Transform(p.geom, 3857), $6, 4096, 256) AS shape
            FROM distribution_point p
            LEFT JOIN organisation owner ON owner.id = p.operator_id
            WHERE $1 >= 13 AND p.geom && $7 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.operator_id = ANY ($8))
        ),
        many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM distribution_point p
            WHERE $1 < 13 AND p.geom && $9 AND registry.in_force(p.valid_from, p.valid_to, $4)
              AND publish.told(true, 'geometry', $5, p.operator_id = ANY ($8))
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells($1, $2, $3, many.points, many.synthetic) AS cell
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'distribution_points', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(cell, 'distribution_points', 4096, 'shape') FROM cell), '')
        $query$ INTO found USING z, x, y, on_date, hidden, bounds, reach, mine, inside, secret;
    RETURN found;
END
$$;
