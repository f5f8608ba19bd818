-- The map's tile of sites. k counts distinct radio operators with a base station or a mast occupancy in force;
-- a site nobody has surveyed and without either is `unknown`, never empty.
DROP FUNCTION IF EXISTS publish.tile_sites;
CREATE FUNCTION publish.tile_sites(z int, x int, y int, on_date date)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
BEGIN
    RETURN (
        WITH site AS (
            SELECT s.*
            FROM site s
            WHERE s.geom && reach AND registry.in_force(s.valid_from, s.valid_to, on_date) AND NOT s.restricted
        ),
        presence AS (
            SELECT site.id, station.operator_id, station.technology
            FROM site JOIN base_station station ON station.site_id = site.id
            WHERE registry.in_force(station.valid_from, station.valid_to, on_date)
            UNION
            SELECT site.id, mast.tenant_id, NULL
            FROM site
            JOIN structure ON structure.site_id = site.id
                AND registry.in_force(structure.valid_from, structure.valid_to, on_date)
            JOIN structure_occupancy mast ON mast.structure_id = structure.id AND mast.component = 'mast'
                AND registry.in_force(mast.valid_from, mast.valid_to, on_date)
        ),
        tenancy AS (
            SELECT presence.id, count(DISTINCT operator.id)::int AS k,
                   string_agg(DISTINCT operator.code, ',') AS operators,
                   string_agg(DISTINCT presence.technology, ',') AS technologies
            FROM presence JOIN organisation operator ON operator.id = presence.operator_id AND operator.has_radio
            GROUP BY presence.id
        ),
        feature AS (
            SELECT site.id, site.code, site.name, site.address, owner.code AS owner, coalesce(tenancy.k, 0) AS k,
                   tenancy.k >= 2 AS shared,
                   CASE WHEN tenancy.k >= 2 THEN 'shared' WHEN tenancy.k = 1 THEN 'single'
                        WHEN site.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END AS state,
                   tenancy.operators, tenancy.technologies, site.synthetic,
                   ST_AsMVTGeom(ST_Transform(site.geom, 3857), bounds, 4096, 256) AS shape
            FROM site
            LEFT JOIN tenancy ON tenancy.id = site.id
            LEFT JOIN organisation owner ON owner.id = site.owner_id
        )
        SELECT coalesce((SELECT ST_AsMVT(feature, 'sites', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
    );
END
$$;
