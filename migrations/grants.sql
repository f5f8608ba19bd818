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
        -- Accounts: column by column, so that no statement of the application can read a secret.
        GRANT USAGE ON SCHEMA accounts TO hatang_app;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA accounts TO hatang_app;
        GRANT SELECT (id, name, display_name, email, password_changed_at, must_change_password, active, oidc_issuer,
                      oidc_subject, created_at) ON accounts.account TO hatang_app;
        GRANT INSERT (name, display_name, email, active, oidc_issuer, oidc_subject),
              UPDATE (display_name, email, active, oidc_issuer, oidc_subject) ON accounts.account TO hatang_app;
        GRANT SELECT, INSERT, UPDATE (valid_to) ON accounts.account_role TO hatang_app;
        GRANT SELECT (id, account_id, created_at, expires_at, idle_s, revoked_at, user_agent, address),
              UPDATE (revoked_at) ON accounts.session TO hatang_app;
        GRANT SELECT (id, account_id, name, scopes, created_at, expires_at, revoked_at),
              UPDATE (revoked_at) ON accounts.token TO hatang_app;
        GRANT SELECT ON accounts.seen, accounts.attempt TO hatang_app;
        -- Jobs: work is asked for and cancelled through functions; what remains is the workers', by row-level security.
        GRANT SELECT ON jobs.work TO hatang_app;
        GRANT UPDATE (status, done, total, stage, code, message_vi, message_en, result, started_at, finished_at,
                      heartbeat_at, attempts, lost) ON jobs.work TO hatang_app;
        GRANT SELECT, UPDATE, DELETE ON jobs.procrastinate_jobs TO hatang_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON jobs.procrastinate_workers TO hatang_app;
        GRANT SELECT, INSERT ON jobs.procrastinate_events TO hatang_app;
        GRANT SELECT, UPDATE ON jobs.procrastinate_periodic_defers TO hatang_app;
        GRANT USAGE ON SEQUENCE jobs.procrastinate_events_id_seq TO hatang_app;
        GRANT DELETE ON registry.coverage_run, registry.terrain_tile, registry.land_cover_tile TO hatang_app;
        REVOKE UPDATE ON registry.sharing_snapshot FROM hatang_app;
        -- Applications: what is granted, column by column, the triggers of workflow_scope.sql still judge.
        GRANT USAGE ON SCHEMA licensing TO hatang_app;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA licensing TO hatang_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA licensing TO hatang_app;
        GRANT INSERT, UPDATE ON licensing.application, licensing.sharing_request TO hatang_app;
        GRANT INSERT ON licensing.application_check, licensing.application_document, licensing.document_content
              TO hatang_app;
    END IF;
END
$$;
