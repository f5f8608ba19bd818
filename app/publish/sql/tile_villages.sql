-- The map's tile of villages: polygons where known, and one labelled point each, with the verdict of `run`.
-- `run`, `operator` and `technology` may be null: no run leaves every verdict unknown.
DROP FUNCTION IF EXISTS publish.tile_villages;
CREATE FUNCTION publish.tile_villages(z int, x int, y int, on_date date, run bigint, operator bigint, technology text)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
BEGIN
    RETURN (
        WITH village AS (
            SELECT v.id, v.code, v.name, v.kind, v.urban, v.population, v.households, v.synthetic, v.geom, v.point,
                   unit.name AS commune, coalesce(found.verdict, 'unknown') AS verdict, found.evidence,
                   round(found.share::numeric, 3)::float AS share, round(found.margin_db::numeric, 1)::float AS margin_db,
                   v.geom IS NOT NULL AS has_area
            FROM village v
            LEFT JOIN village_unit part ON part.village_id = v.id
                AND registry.in_force(part.valid_from, part.valid_to, on_date)
            LEFT JOIN unit ON unit.id = part.unit_id
            LEFT JOIN verdict found ON found.run_id = run AND found.village_id = v.id
                AND found.operator_id IS NOT DISTINCT FROM operator
                AND found.technology IS NOT DISTINCT FROM tile_villages.technology
            WHERE (v.point && reach OR v.geom && reach) AND registry.in_force(v.valid_from, v.valid_to, on_date)
        ),
        area AS (
            SELECT id, code, name, kind, urban, population, households, synthetic, commune, verdict, evidence, share,
                   margin_db, ST_AsMVTGeom(ST_Transform(village.geom, 3857), bounds, 4096, 256) AS shape
            FROM village
            WHERE village.geom && reach
        ),
        label AS (
            SELECT id, code, name, kind, urban, population, households, synthetic, commune, verdict, evidence, share,
                   margin_db, has_area, ST_AsMVTGeom(ST_Transform(point, 3857), bounds, 4096, 256) AS shape
            FROM village
            WHERE point && reach
        )
        SELECT coalesce((SELECT ST_AsMVT(area, 'villages', 4096, 'shape', 'id') FROM area WHERE shape IS NOT NULL), '')
            || coalesce((SELECT ST_AsMVT(label, 'village_points', 4096, 'shape', 'id') FROM label
                         WHERE shape IS NOT NULL), '')
    );
END
$$;
