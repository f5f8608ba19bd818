-- Who reads declared prices and contracts. An owner declares its own; a contract is its two parties' and the
-- authorities'. Functions of the tables' owner first: they answer yes or no, or list ids.
CREATE OR REPLACE FUNCTION registry.prices_are_told() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = policy, registry, pg_temp AS $$
    -- By today's row in Viet Nam, whatever date is asked about: what was closed since stays closed.
    SELECT EXISTS (
        SELECT FROM policy.parameter p
        WHERE p.kind = 'prices' AND p.name = 'disclosure' AND p.value->>'declared_to' = 'organisations'
          AND registry.in_force(p.valid_from, p.valid_to, (now() AT TIME ZONE interval '7 hours')::date))
$$;
CREATE OR REPLACE FUNCTION registry.restricted_items() RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT ARRAY(SELECT id FROM registry.sharing_contract_item
                 WHERE structure_id = ANY (registry.restricted_ids('structure'))
                    OR pole_id = ANY (registry.restricted_ids('pole'))
                    OR duct_id = ANY (registry.restricted_ids('duct')))
$$;
CREATE OR REPLACE FUNCTION registry.hidden_contracts() RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    -- Contracts about nothing but restricted objects.
    WITH closed AS MATERIALIZED (SELECT registry.restricted_items() AS ids)
    SELECT ARRAY(SELECT i.contract_id FROM registry.sharing_contract_item i, closed c
                 WHERE c.ids <> '{}' GROUP BY i.contract_id HAVING bool_and(i.id = ANY (c.ids)))
$$;
CREATE OR REPLACE FUNCTION registry.lets_out(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = registry, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM registry.sharing_contract c
                   WHERE c.id = wanted AND c.lessor_id = ANY (registry.my_organisations()))
$$;

CREATE POLICY reads ON registry.rental_price FOR SELECT USING (
    (SELECT registry.reads_all()) OR owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
    OR (SELECT registry.is_operator() AND registry.prices_are_told()));
CREATE POLICY owner_adds ON registry.rental_price FOR INSERT WITH CHECK (
    owner_id = ANY ((SELECT registry.my_organisations())::bigint[]));
CREATE POLICY owner_changes ON registry.rental_price FOR UPDATE USING (
    owner_id = ANY ((SELECT registry.my_organisations())::bigint[]));

-- The lessor records a contract, not the lessee: who could write itself onto another's object would be shown it.
CREATE POLICY reads ON registry.sharing_contract FOR SELECT USING (
    (SELECT registry.is_department()) OR id <> ALL ((SELECT registry.hidden_contracts())::bigint[]) AND (
        (SELECT registry.reads_all())
        OR lessor_id = ANY ((SELECT registry.my_organisations())::bigint[])
        OR lessee_id = ANY ((SELECT registry.my_organisations())::bigint[])));
CREATE POLICY owner_adds ON registry.sharing_contract FOR INSERT WITH CHECK (
    lessor_id = ANY ((SELECT registry.my_organisations())::bigint[]));
CREATE POLICY owner_changes ON registry.sharing_contract FOR UPDATE USING (
    lessor_id = ANY ((SELECT registry.my_organisations())::bigint[]));

CREATE POLICY reads ON registry.sharing_contract_item FOR SELECT USING (
    (SELECT registry.is_department()) OR id <> ALL ((SELECT registry.restricted_items())::bigint[]) AND EXISTS (
        SELECT FROM registry.sharing_contract c WHERE c.id = contract_id));
CREATE POLICY owner_adds ON registry.sharing_contract_item FOR INSERT WITH CHECK (
    registry.lets_out(contract_id) AND (
        street IS NOT NULL OR registry.owns_structure(structure_id) OR registry.owns_pole(pole_id)
        OR registry.owns_duct(duct_id)));
CREATE POLICY owner_changes ON registry.sharing_contract_item FOR UPDATE USING (
    registry.lets_out(contract_id) AND id <> ALL ((SELECT registry.restricted_items())::bigint[]));
