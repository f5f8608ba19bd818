-- Who made a change, as far as the one who asks is told: names to the department, to everybody else whether it was
-- the department, their own organisation or somebody else. Accounts may not be read otherwise.
CREATE OR REPLACE FUNCTION accounts.who_changed(actors text[]) RETURNS TABLE (actor text, kind text, name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accounts, registry, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.actor,
           CASE WHEN EXISTS (SELECT FROM accounts.account_role r JOIN registry.organisation o ON o.code = r.organisation_code
                             WHERE r.account_id = a.id AND o.id = ANY (registry.my_organisations()))
                THEN 'own_organisation'
                WHEN a.id IS NULL OR EXISTS (SELECT FROM accounts.account_role r
                                             WHERE r.account_id = a.id AND r.role IN ('planner', 'administrator'))
                THEN 'department'
                WHEN EXISTS (SELECT FROM accounts.account_role r
                             WHERE r.account_id = a.id AND r.role = 'commune_officer')
                THEN 'commune_officer'
                ELSE 'other' END,
           CASE WHEN registry.is_department()
                THEN coalesce((SELECT x.display_name::text FROM accounts.account x WHERE x.id = a.id), a.actor) END
      FROM (SELECT u.actor, substring(u.actor FROM '^user:([0-9]{1,18})$')::bigint AS id
              FROM unnest(actors) AS u (actor)) a;
END
$$;
