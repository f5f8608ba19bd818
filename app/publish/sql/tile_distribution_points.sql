-- The map's tile of distribution points: each with its particulars from z13 on, below that the count of each 32-pixel cell.
DROP FUNCTION IF EXISTS publish.tile_distribution_points;
CREATE FUNCTION publish.tile_distribution_points(z int, x int, y int, on_date date)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    inside geometry := ST_Transform(bounds, 4326);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
BEGIN
    RETURN (
        WITH feature AS (
            SELECT p.id, p.code, p.kind, owner.code AS owner, p.ports_total, p.ports_used,
                   p.ports_total - p.ports_used AS ports_free, p.serving_distance_m, p.synthetic,
                   ST_AsMVTGeom(ST_Transform(p.geom, 3857), bounds, 4096, 256) AS shape
            FROM distribution_point p
            LEFT JOIN organisation owner ON owner.id = p.operator_id
            WHERE z >= 13 AND p.geom && reach AND registry.in_force(p.valid_from, p.valid_to, on_date)
        ),
        many AS (
            SELECT array_agg(p.geom) AS points, array_agg(p.synthetic) AS synthetic
            FROM distribution_point p
            WHERE z < 13 AND p.geom && inside AND registry.in_force(p.valid_from, p.valid_to, on_date)
        ),
        cell AS (
            SELECT cell.* FROM many, publish.tile_cells(z, x, y, many.points, many.synthetic) AS cell
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'distribution_points', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(cell, 'distribution_points', 4096, 'shape') FROM cell), '')
    );
END
$$;
