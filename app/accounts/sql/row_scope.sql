-- Who reads and writes which row. `registry.enter` says at the start of a transaction whom it works for; a
-- transaction that said nothing is the public. Rebuilt at every migration; nothing here is history.
--
--   department     planner, administrator, system (commands, jobs): every row
--   reads all      these, other departments, and figures (statistics): every row that is not restricted
--   an operator    rows it owns or runs, what it uses of others, and who uses its own
--   an officer     rows that lie in its communes
--   the public     areas, verdicts, facilities
--
-- A policy asks such questions in a sub-select, so that they are answered once a statement, not once a row, and
-- names the cheap answers first. What needs another table's rows asks a function below: policies that read each
-- other's tables would call each other without end.

CREATE OR REPLACE FUNCTION registry.my_roles() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_to_array(coalesce(current_setting('hatang.roles', true), ''), ',')
$$;
CREATE OR REPLACE FUNCTION registry.is_department() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT registry.my_roles() && '{planner,administrator,system}'
$$;
CREATE OR REPLACE FUNCTION registry.reads_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT registry.my_roles() && '{planner,administrator,system,other_department,statistics}'
$$;
CREATE OR REPLACE FUNCTION registry.is_administrator() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT registry.my_roles() && '{administrator,system}'
$$;
CREATE OR REPLACE FUNCTION registry.my_organisations() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('hatang.organisations', true), ''), '{}')::bigint[]
$$;
CREATE OR REPLACE FUNCTION registry.my_communes() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('hatang.communes', true), ''), '{}')::bigint[]
$$;
CREATE OR REPLACE FUNCTION registry.is_operator() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT registry.my_organisations() <> '{}'
$$;
CREATE OR REPLACE FUNCTION registry.is_officer() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT registry.my_communes() <> '{}'
$$;
CREATE OR REPLACE FUNCTION registry.has_own() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT registry.is_operator() OR registry.is_officer()
$$;

-- Functions of the tables' owner: they see every row and answer yes or no about one, or list the few restricted ones.
CREATE OR REPLACE FUNCTION registry.restricted_ids(kind text) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
BEGIN
    -- Statements of their own, so that each is planned once a connection.
    CASE kind
    WHEN 'site' THEN
        RETURN ARRAY(SELECT id FROM registry.site WHERE restricted);
    WHEN 'structure' THEN
        RETURN ARRAY(SELECT id FROM registry.structure WHERE restricted
                     UNION SELECT t.id FROM registry.site s JOIN registry.structure t ON t.site_id = s.id
                     WHERE s.restricted);
    WHEN 'base_station' THEN
        RETURN ARRAY(SELECT b.id FROM registry.site s JOIN registry.base_station b ON b.site_id = s.id
                     WHERE s.restricted
                     UNION SELECT b.id FROM registry.structure t JOIN registry.base_station b ON b.structure_id = t.id
                     WHERE t.restricted);
    WHEN 'cell' THEN
        RETURN ARRAY(SELECT id FROM registry.cell
                     WHERE base_station_id = ANY (registry.restricted_ids('base_station')));
    WHEN 'pole' THEN
        RETURN ARRAY(SELECT id FROM registry.pole WHERE restricted);
    WHEN 'duct' THEN
        RETURN ARRAY(SELECT id FROM registry.duct WHERE restricted);
    WHEN 'manhole' THEN
        RETURN ARRAY(SELECT id FROM registry.manhole WHERE restricted);
    WHEN 'cable' THEN
        RETURN ARRAY(SELECT id FROM registry.cable WHERE restricted);
    WHEN 'distribution_point' THEN
        RETURN ARRAY(SELECT id FROM registry.distribution_point WHERE restricted);
    WHEN 'facility' THEN
        RETURN ARRAY(SELECT id FROM registry.facility WHERE restricted);
    WHEN 'constraint_area' THEN
        RETURN ARRAY(SELECT id FROM registry.constraint_area WHERE restricted);
    END CASE;
END
$$;
CREATE OR REPLACE FUNCTION registry.restricted_references() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
-- "registry.site:12" of every restricted object and of what belongs to one, for the history.
DECLARE
    kind text;
    found text[] := '{}';
BEGIN
    FOREACH kind IN ARRAY '{site,structure,base_station,cell,pole,duct,facility,manhole,cable,distribution_point,constraint_area}'::text[]
    LOOP
        found := found || ARRAY(SELECT format('registry.%s:%s', kind, i) FROM unnest(registry.restricted_ids(kind)) AS i);
    END LOOP;
    FOREACH kind IN ARRAY '{structure,pole,duct}'::text[]
    LOOP
        EXECUTE format('SELECT $1 || ARRAY(SELECT ''registry.%1$s_occupancy:'' || x.id FROM registry.%1$s_occupancy x
                        WHERE x.%1$s_id = ANY ($2))', kind) INTO found USING found, registry.restricted_ids(kind);
    END LOOP;
    RETURN found
        || ARRAY(SELECT 'registry.bore:' || b.id FROM registry.bore b
                 WHERE b.duct_id = ANY (registry.restricted_ids('duct')))
        || ARRAY(SELECT DISTINCT 'registry.trench:' || d.trench_id FROM registry.duct d
                 WHERE d.restricted AND NOT EXISTS (
                     SELECT FROM registry.duct o WHERE o.trench_id = d.trench_id AND NOT o.restricted))
        || ARRAY(SELECT 'registry.sharing_contract_item:' || i FROM unnest(registry.restricted_items()) AS i)
        || ARRAY(SELECT 'registry.sharing_contract:' || i FROM unnest(registry.hidden_contracts()) AS i)
        || ARRAY(SELECT 'registry.facility_connection:' || x.id FROM registry.facility_connection x
                 WHERE x.facility_id = ANY (registry.restricted_ids('facility')));
END
$$;
CREATE OR REPLACE FUNCTION registry.in_my_communes(place geometry) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
BEGIN
    RETURN registry.my_communes() <> '{}' AND EXISTS (
        SELECT FROM registry.unit_part p
        WHERE p.unit_id = ANY (registry.my_communes()) AND p.geom && place AND ST_Intersects(p.geom, place));
END
$$;
-- The box of my communes, asked before the exact test: millions of rows lie outside it.
CREATE OR REPLACE FUNCTION registry.my_ground() RETURNS geometry
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT ST_SetSRID(ST_Extent(p.geom)::geometry, 4326) FROM registry.unit_part p
    WHERE p.unit_id = ANY (registry.my_communes())
$$;
CREATE OR REPLACE FUNCTION registry.mine_site(wanted bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
-- The position, or a structure on it, is my organisation's, or it lies in my communes.
BEGIN
    RETURN EXISTS (SELECT FROM registry.site s WHERE s.id = wanted AND NOT s.restricted
                   AND (s.owner_id = ANY (registry.my_organisations()) OR registry.in_my_communes(s.geom)
                        OR EXISTS (SELECT FROM registry.structure t WHERE t.site_id = s.id
                                   AND t.owner_id = ANY (registry.my_organisations()))));
END
$$;
CREATE OR REPLACE FUNCTION registry.present_at(wanted bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
-- As mine_site, or my organisation has a base station or a place on a structure there.
BEGIN
    RETURN registry.mine_site(wanted)
        OR EXISTS (SELECT FROM registry.base_station b WHERE b.site_id = wanted
                   AND b.operator_id = ANY (registry.my_organisations()))
        OR EXISTS (SELECT FROM registry.structure t JOIN registry.structure_occupancy x ON x.structure_id = t.id
                   WHERE t.site_id = wanted AND x.tenant_id = ANY (registry.my_organisations()));
END
$$;
CREATE OR REPLACE FUNCTION registry.mine_structure(wanted bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM registry.structure t JOIN registry.site s ON s.id = t.site_id
                   WHERE t.id = wanted AND NOT t.restricted AND NOT s.restricted
                     AND (t.owner_id = ANY (registry.my_organisations()) OR s.owner_id = ANY (registry.my_organisations())
                          OR registry.in_my_communes(t.geom)));
END
$$;
CREATE OR REPLACE FUNCTION registry.owns_structure(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM registry.structure t JOIN registry.site s ON s.id = t.site_id
                   WHERE t.id = wanted AND NOT t.restricted AND NOT s.restricted
                     AND coalesce(t.owner_id, s.owner_id) = ANY (registry.my_organisations()))
$$;
CREATE OR REPLACE FUNCTION registry.owns_site(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM registry.site s WHERE s.id = wanted AND NOT s.restricted
                   AND s.owner_id = ANY (registry.my_organisations()))
$$;
CREATE OR REPLACE FUNCTION registry.mine_pole(wanted bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM registry.pole p WHERE p.id = wanted AND NOT p.restricted
                   AND (p.owner_id = ANY (registry.my_organisations()) OR registry.in_my_communes(p.geom)));
END
$$;
CREATE OR REPLACE FUNCTION registry.mine_duct(wanted bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM registry.duct d WHERE d.id = wanted AND NOT d.restricted
                   AND (d.owner_id = ANY (registry.my_organisations()) OR registry.in_my_communes(d.geom)));
END
$$;
CREATE OR REPLACE FUNCTION registry.owns_pole(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM registry.pole p WHERE p.id = wanted AND NOT p.restricted
                   AND p.owner_id = ANY (registry.my_organisations()))
$$;
CREATE OR REPLACE FUNCTION registry.owns_duct(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM registry.duct d WHERE d.id = wanted AND NOT d.restricted
                   AND d.owner_id = ANY (registry.my_organisations()))
$$;

-- Areas, organisations, plan and results: read by everybody, written by the department.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{registry.unit_level,registry.unit,registry.unit_part,registry.unit_succession,
        registry.village,registry.village_unit,registry.organisation,registry.terrain_tile,registry.land_cover_tile,registry.coverage_run,
        registry.coverage_claim,registry.verdict,registry.evidence,registry.fibre_reach,
        policy.plan_document,policy.target,policy.type_code,policy.parameter}'::text[]
    LOOP
        EXECUTE format('CREATE POLICY reads ON %s FOR SELECT USING (true)', name::regclass);
    END LOOP;
    -- The department writes everything, row by row of every table that has row-level security.
    FOR name IN SELECT c.oid::regclass::text FROM pg_class c
                WHERE c.relrowsecurity AND c.relnamespace IN ('registry'::regnamespace, 'policy'::regnamespace)
    LOOP
        EXECUTE format('CREATE POLICY department_adds ON %s FOR INSERT
                        WITH CHECK ((SELECT registry.is_department()))', name);
        EXECUTE format('CREATE POLICY department_changes ON %s FOR UPDATE
                        USING ((SELECT registry.is_department()))', name);
        EXECUTE format('CREATE POLICY department_clears ON %s FOR DELETE
                        USING ((SELECT registry.is_department()))', name);
    END LOOP;
END
$$;

-- Positions, masts, radio.
CREATE POLICY reads ON registry.site FOR SELECT USING (
    (SELECT registry.is_department()) OR NOT restricted AND (
        (SELECT registry.reads_all()) OR owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.has_own()) AND registry.present_at(id)));
CREATE POLICY owner_adds ON registry.site FOR INSERT WITH CHECK (
    NOT restricted AND owner_id = ANY ((SELECT registry.my_organisations())::bigint[]));
CREATE POLICY owner_changes ON registry.site FOR UPDATE USING (
    NOT restricted AND owner_id = ANY ((SELECT registry.my_organisations())::bigint[]));

CREATE POLICY reads ON registry.structure FOR SELECT USING (
    (SELECT registry.is_department())
    OR NOT restricted AND site_id <> ALL ((SELECT registry.restricted_ids('site'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.has_own()) AND registry.present_at(site_id)));
CREATE POLICY owner_adds ON registry.structure FOR INSERT WITH CHECK (
    NOT restricted AND owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
    AND registry.owns_site(site_id));
CREATE POLICY owner_changes ON registry.structure FOR UPDATE USING (
    NOT restricted AND owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
    AND (registry.owns_site(site_id) OR registry.owns_structure(id) AND registry.mine_site(site_id)));

CREATE POLICY reads ON registry.base_station FOR SELECT USING (
    (SELECT registry.is_department())
    OR id <> ALL ((SELECT registry.restricted_ids('base_station'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR operator_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.has_own()) AND registry.mine_site(site_id)));
CREATE POLICY owner_adds ON registry.base_station FOR INSERT WITH CHECK (
    operator_id = ANY ((SELECT registry.my_organisations())::bigint[]) AND registry.present_at(site_id)
    AND (structure_id IS NULL OR EXISTS (SELECT FROM registry.structure t WHERE t.id = structure_id)));
CREATE POLICY owner_changes ON registry.base_station FOR UPDATE USING (
    operator_id = ANY ((SELECT registry.my_organisations())::bigint[])
    AND id <> ALL ((SELECT registry.restricted_ids('base_station'))::bigint[]) AND registry.present_at(site_id)
    AND (structure_id IS NULL OR EXISTS (SELECT FROM registry.structure t WHERE t.id = structure_id)));

CREATE POLICY reads ON registry.cell FOR SELECT USING (
    (SELECT registry.is_department())
    OR base_station_id <> ALL ((SELECT registry.restricted_ids('base_station'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR (SELECT registry.has_own()) AND EXISTS (
            SELECT FROM registry.base_station b WHERE b.id = base_station_id
            AND b.operator_id = ANY ((SELECT registry.my_organisations())::bigint[]))));
CREATE POLICY owner_adds ON registry.cell FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM registry.base_station b WHERE b.id = base_station_id
    AND b.operator_id = ANY ((SELECT registry.my_organisations())::bigint[])));
CREATE POLICY owner_changes ON registry.cell FOR UPDATE USING (EXISTS (
    SELECT FROM registry.base_station b WHERE b.id = base_station_id
    AND b.operator_id = ANY ((SELECT registry.my_organisations())::bigint[])));

-- Who uses what is recorded by the owner or the department: a tenant that could write itself onto a guessed object
-- would then be shown it.
CREATE POLICY reads ON registry.structure_occupancy FOR SELECT USING (
    (SELECT registry.is_department())
    OR structure_id <> ALL ((SELECT registry.restricted_ids('structure'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR tenant_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.has_own()) AND registry.mine_structure(structure_id)));
CREATE POLICY owner_adds ON registry.structure_occupancy FOR INSERT WITH CHECK (registry.owns_structure(structure_id));
CREATE POLICY owner_changes ON registry.structure_occupancy FOR UPDATE USING (registry.owns_structure(structure_id));

-- Lines. `= ANY (ARRAY[…])` asks the index once a row: written as `=`, the planner hashes every line of the tenant,
-- 50 ms for a box of 500 poles.
CREATE POLICY reads ON registry.pole FOR SELECT USING (
    (SELECT registry.is_department()) OR NOT restricted AND (
        (SELECT registry.reads_all()) OR owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.is_operator()) AND EXISTS (
            SELECT FROM registry.pole_occupancy x WHERE x.pole_id = ANY (ARRAY[pole.id])
            AND x.tenant_id = ANY ((SELECT registry.my_organisations())::bigint[]))
        OR (SELECT registry.is_officer()) AND geom && (SELECT registry.my_ground())
            AND registry.in_my_communes(geom)));
CREATE POLICY reads ON registry.duct FOR SELECT USING (
    (SELECT registry.is_department()) OR NOT restricted AND (
        (SELECT registry.reads_all()) OR owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.is_operator()) AND EXISTS (
            SELECT FROM registry.duct_occupancy x WHERE x.duct_id = ANY (ARRAY[duct.id])
            AND x.tenant_id = ANY ((SELECT registry.my_organisations())::bigint[]))
        OR (SELECT registry.is_officer()) AND geom && (SELECT registry.my_ground())
            AND registry.in_my_communes(geom)));
CREATE POLICY reads ON registry.pole_occupancy FOR SELECT USING (
    (SELECT registry.is_department())
    OR pole_id <> ALL ((SELECT registry.restricted_ids('pole'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR tenant_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.has_own()) AND registry.mine_pole(pole_id)));
CREATE POLICY reads ON registry.duct_occupancy FOR SELECT USING (
    (SELECT registry.is_department())
    OR duct_id <> ALL ((SELECT registry.restricted_ids('duct'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR tenant_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.has_own()) AND registry.mine_duct(duct_id)));
CREATE POLICY owner_adds ON registry.pole_occupancy FOR INSERT WITH CHECK (registry.owns_pole(pole_id));
CREATE POLICY owner_changes ON registry.pole_occupancy FOR UPDATE USING (registry.owns_pole(pole_id));
CREATE POLICY owner_adds ON registry.duct_occupancy FOR INSERT WITH CHECK (registry.owns_duct(duct_id));
CREATE POLICY owner_changes ON registry.duct_occupancy FOR UPDATE USING (registry.owns_duct(duct_id));
CREATE POLICY reads ON registry.bore FOR SELECT USING (
    EXISTS (SELECT FROM registry.duct d WHERE d.id = duct_id));
CREATE POLICY owner_adds ON registry.bore FOR INSERT WITH CHECK (registry.owns_duct(duct_id));
CREATE POLICY owner_changes ON registry.bore FOR UPDATE USING (registry.owns_duct(duct_id));
CREATE POLICY reads ON registry.trench FOR SELECT USING (
    (SELECT registry.is_department()) OR EXISTS (SELECT FROM registry.duct d WHERE d.trench_id = trench.id));

DO $$
DECLARE
    name text;
    owner text;
BEGIN
    -- Nobody but the owner, its commune and the department reads these; boxes belong to the operator that runs them.
    FOREACH name IN ARRAY '{manhole,cable,distribution_point}'::text[]
    LOOP
        owner := CASE name WHEN 'distribution_point' THEN 'operator_id' ELSE 'owner_id' END;
        EXECUTE format('CREATE POLICY reads ON registry.%I FOR SELECT USING (
            (SELECT registry.is_department()) OR NOT restricted AND (
                (SELECT registry.reads_all()) OR %I = ANY ((SELECT registry.my_organisations())::bigint[])
                OR (SELECT registry.is_officer()) AND geom && (SELECT registry.my_ground())
            AND registry.in_my_communes(geom)))', name, owner);
    END LOOP;
    FOREACH name IN ARRAY '{pole,manhole,duct,cable,distribution_point}'::text[]
    LOOP
        owner := CASE name WHEN 'distribution_point' THEN 'operator_id' ELSE 'owner_id' END;
        EXECUTE format('CREATE POLICY owner_adds ON registry.%I FOR INSERT WITH CHECK (
            NOT restricted AND %I = ANY ((SELECT registry.my_organisations())::bigint[]))', name, owner);
        EXECUTE format('CREATE POLICY owner_changes ON registry.%I FOR UPDATE USING (
            NOT restricted AND %I = ANY ((SELECT registry.my_organisations())::bigint[]))', name, owner);
    END LOOP;
END
$$;

-- Where people live and what serves them: a commune's officer keeps its villages and facilities.
CREATE POLICY officer_changes ON registry.village FOR UPDATE USING (EXISTS (
    SELECT FROM registry.village_unit m WHERE m.village_id = village.id
    AND m.unit_id = ANY ((SELECT registry.my_communes())::bigint[])));
CREATE POLICY reads ON registry.demand_point FOR SELECT USING (
    (SELECT registry.reads_all()) OR (SELECT registry.is_officer()) AND EXISTS (
        SELECT FROM registry.village_unit m WHERE m.village_id = demand_point.village_id
        AND m.unit_id = ANY ((SELECT registry.my_communes())::bigint[])));
CREATE POLICY reads ON registry.facility FOR SELECT USING ((SELECT registry.is_department()) OR NOT restricted);
CREATE POLICY officer_adds ON registry.facility FOR INSERT WITH CHECK (
    NOT restricted AND registry.in_my_communes(geom)
    AND (unit_id IS NULL OR unit_id = ANY ((SELECT registry.my_communes())::bigint[])));
CREATE POLICY officer_changes ON registry.facility FOR UPDATE USING (
    NOT restricted AND registry.in_my_communes(geom)
    AND (unit_id IS NULL OR unit_id = ANY ((SELECT registry.my_communes())::bigint[])));
CREATE POLICY reads ON registry.facility_connection FOR SELECT USING (
    (SELECT registry.is_department())
    OR facility_id <> ALL ((SELECT registry.restricted_ids('facility'))::bigint[]) AND (
        (SELECT registry.reads_all()) OR operator_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR (SELECT registry.is_officer()) AND EXISTS (
            SELECT FROM registry.facility f WHERE f.id = facility_id AND registry.in_my_communes(f.geom))));

-- Computed signals name cells and distances, from which a site could be found.
CREATE POLICY reads ON registry.signal FOR SELECT USING (
    (SELECT registry.is_department()) OR (
        cell_id IS NULL OR cell_id <> ALL ((SELECT registry.restricted_ids('cell'))::bigint[])) AND (
        (SELECT registry.reads_all()) OR operator_id = ANY ((SELECT registry.my_organisations())::bigint[])));

-- Operators must publish where they serve; what was measured of a network is its operator's and the authorities'.
CREATE POLICY reads ON registry.signal_measurement FOR SELECT USING (
    (SELECT registry.reads_all()) OR operator_id = ANY ((SELECT registry.my_organisations())::bigint[]));
-- What is fitted to everybody's measurements is the department's; figures computed for others (statistics) use it.
CREATE POLICY reads ON registry.calibration FOR SELECT USING (
    (SELECT registry.is_department()) OR (SELECT registry.my_roles()) && '{statistics}');
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{coverage_claim,signal_measurement}'::text[]
    LOOP
        EXECUTE format('CREATE POLICY owner_adds ON registry.%I FOR INSERT WITH CHECK (
            operator_id = ANY ((SELECT registry.my_organisations())::bigint[]))', name);
        EXECUTE format('CREATE POLICY owner_changes ON registry.%I FOR UPDATE USING (
            operator_id = ANY ((SELECT registry.my_organisations())::bigint[]))', name);
    END LOOP;
END
$$;
