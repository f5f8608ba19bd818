-- The map's tile of sites. k counts distinct radio operators with a base station or a mast occupancy in force;
-- a site nobody has surveyed and without either is `unknown`, never empty. An operator that only uses a site sees
-- itself there and not who else is, so the site's state is unknown to it.
-- Dynamic for the reason given at tile_poles.
DROP FUNCTION IF EXISTS publish.tile_sites;
CREATE FUNCTION publish.tile_sites(z int, x int, y int, on_date date, hidden text[] DEFAULT '{}')
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    bounds geometry := ST_TileEnvelope(z, x, y);
    reach geometry := ST_Transform(ST_TileEnvelope(z, x, y, margin => 0.0625), 4326);
    mine bigint[] := registry.my_organisations();
    sees_all boolean := registry.reads_all();
    secret bigint[] := CASE WHEN registry.is_department() THEN registry.restricted_ids('site') END;
    found bytea;
BEGIN
    -- $1 on_date, $2 hidden, $3 bounds, $4 reach, $5 mine, $6 sees_all, $7 secret
    EXECUTE $query$
        WITH site AS (
            SELECT s.*, s.owner_id = ANY ($5) AS own,
                   $6 OR coalesce(s.owner_id = ANY ($5), false) OR registry.mine_site(s.id) AS complete
            FROM site s
            WHERE s.geom && $4 AND registry.in_force(s.valid_from, s.valid_to, $1)
              AND publish.told(true, 'geometry', $2, s.owner_id = ANY ($5))
        ),
        presence AS (
            SELECT site.id, station.operator_id, station.technology
            FROM site JOIN base_station station ON station.site_id = site.id
            WHERE registry.in_force(station.valid_from, station.valid_to, $1)
            UNION
            SELECT site.id, mast.tenant_id, NULL
            FROM site
            JOIN structure ON structure.site_id = site.id
                AND registry.in_force(structure.valid_from, structure.valid_to, $1)
            JOIN structure_occupancy mast ON mast.structure_id = structure.id AND mast.component = 'mast'
                AND registry.in_force(mast.valid_from, mast.valid_to, $1)
        ),
        tenancy AS (
            SELECT presence.id, count(DISTINCT operator.id)::int AS k,
                   string_agg(DISTINCT operator.code, ',') AS operators,
                   string_agg(DISTINCT presence.technology, ',') AS technologies
            FROM presence JOIN organisation operator ON operator.id = presence.operator_id AND operator.has_radio
            GROUP BY presence.id
        ),
        feature AS (
            SELECT site.id, publish.told(site.code, 'code', $2, own) AS code,
                   publish.told(site.name, 'name', $2, own) AS name,
                   publish.told(site.address, 'address', $2, own) AS address,
                   publish.told(owner.code, 'owner', $2, own) AS owner,
                   CASE WHEN complete THEN publish.told(coalesce(tenancy.k, 0), 'tenants', $2, own) END AS k,
                   CASE WHEN complete OR tenancy.k >= 2 THEN publish.told(tenancy.k >= 2, 'tenants', $2, own)
                        END AS shared,
                   publish.told(CASE WHEN tenancy.k >= 2 THEN 'shared' WHEN NOT complete THEN 'unknown'
                        WHEN tenancy.k = 1 THEN 'single'
                        WHEN site.surveyed_on IS NULL THEN 'unknown' ELSE 'empty' END, 'tenants', $2, own) AS state,
                   publish.told(tenancy.operators, 'tenants', $2, own) AS operators,
                   publish.told(tenancy.technologies, 'stations', $2, own) AS technologies,
                   CASE WHEN site.restricted AND $7 IS NOT NULL OR site.id = ANY ($7) THEN true END AS restricted,
                   site.synthetic,
                   ST_AsMVTGeom(ST_Transform(site.geom, 3857), $3, 4096, 256) AS shape
            FROM site
            LEFT JOIN tenancy ON tenancy.id = site.id
            LEFT JOIN organisation owner ON owner.id = site.owner_id
        )
        -- Who does not see every site is told how many there are in each cell of a grid.
        SELECT coalesce((SELECT ST_AsMVT(feature, 'sites', 4096, 'shape', 'id') FROM feature WHERE shape IS NOT NULL), '')
            || CASE WHEN $6 THEN '' ELSE coalesce((
                   SELECT ST_AsMVT(cell, 'sites_blurred', 4096, 'shape', 'id')
                   FROM (SELECT b.id, b.count, b.synthetic, b.grid_m,
                                ST_AsMVTGeom(ST_Transform(b.geom, 3857), $3, 4096, 256) AS shape
                         FROM publish.blurred_sites($1, $4) b) cell
                   WHERE shape IS NOT NULL), '') END
        $query$ INTO found USING on_date, hidden, bounds, reach, mine, sees_all, secret;
    RETURN found;
END
$$;
