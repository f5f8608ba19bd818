-- An account reads itself, its roles, sessions and tokens, and ends the latter; administrators do that for everybody.
-- What is taken back is not given again: revoked_at only ever gets a value.
CREATE POLICY reads ON accounts.account FOR SELECT USING (
    (SELECT registry.is_administrator()) OR id = (SELECT accounts.me()));
CREATE POLICY administrator_adds ON accounts.account FOR INSERT WITH CHECK ((SELECT registry.is_administrator()));
CREATE POLICY administrator_changes ON accounts.account FOR UPDATE USING ((SELECT registry.is_administrator()));
CREATE POLICY administrator_adds ON accounts.account_role FOR INSERT WITH CHECK (
    (SELECT registry.is_administrator()));
CREATE POLICY administrator_changes ON accounts.account_role FOR UPDATE USING ((SELECT registry.is_administrator()));
CREATE POLICY reads ON accounts.attempt FOR SELECT USING ((SELECT registry.is_administrator()));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{account_role,session,token}'::text[]
    LOOP
        EXECUTE format('CREATE POLICY reads ON accounts.%I FOR SELECT USING (
            (SELECT registry.is_administrator()) OR account_id = (SELECT accounts.me()))', name);
    END LOOP;
    FOREACH name IN ARRAY '{session,token}'::text[]
    LOOP
        EXECUTE format('CREATE POLICY revokes ON accounts.%I FOR UPDATE USING (
            (SELECT registry.is_administrator()) OR account_id = (SELECT accounts.me()))
            WITH CHECK (revoked_at IS NOT NULL)', name);
        EXECUTE format('CREATE POLICY reads_%1$s ON accounts.seen FOR SELECT USING (
            %1$s_id IN (SELECT x.id FROM accounts.%1$s x))', name);
    END LOOP;
END
$$;
