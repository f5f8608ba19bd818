-- What the application's role may do. It owns nothing, deletes only recomputable results, and writes no history.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hatang_app') THEN
        GRANT USAGE ON SCHEMA registry, policy, audit, jobs, publish, past TO hatang_app;
        GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA registry, policy TO hatang_app;
        REVOKE INSERT, UPDATE ON registry.unit_part, registry.unit_level FROM hatang_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA publish, past, audit TO hatang_app;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA registry, publish TO hatang_app;
        GRANT SELECT ON public.alembic_version TO hatang_app;
        GRANT DELETE ON registry.coverage_run, registry.sharing_run, registry.terrain_tile TO hatang_app;
    END IF;
END
$$;
