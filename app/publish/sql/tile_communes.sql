-- The map's tile of communes in force: outlines, and one point each for the name.
DROP FUNCTION IF EXISTS publish.tile_communes;
CREATE FUNCTION publish.tile_communes(z int, x int, y int, on_date date)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
BEGIN
    RETURN (
        WITH commune AS (
            SELECT u.id, u.code, u.name, u.kind, u.synthetic, u.geom,
                   coalesce(u.centre, ST_PointOnSurface(u.geom)) AS centre
            FROM unit u
            WHERE u.level = 'commune' AND registry.in_force(u.valid_from, u.valid_to, on_date)
        ),
        area AS (
            SELECT id, code, name, kind, synthetic,
                   ST_AsMVTGeom(ST_Transform(commune.geom, 3857), bounds, 4096, 256) AS shape
            FROM commune
            WHERE commune.geom && reach
        ),
        label AS (
            SELECT id, code, name, kind, synthetic,
                   ST_AsMVTGeom(ST_Transform(centre, 3857), bounds, 4096, 256) AS shape
            FROM commune
            WHERE commune.centre && reach
        )
        SELECT coalesce((SELECT ST_AsMVT(area, 'communes', 4096, 'shape', 'id') FROM area WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(label, 'commune_labels', 4096, 'shape', 'id') FROM label
                         WHERE shape IS NOT NULL), '')
    );
END
$$;
