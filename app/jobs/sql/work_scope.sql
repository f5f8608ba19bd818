-- Who sees which work, and the only ways to ask for it and to cancel it. An asker sees its own, the department all.
-- Work and messages are changed by workers (role system) alone; procrastinate's tables hold nothing but numbers.
CREATE POLICY reads ON jobs.work FOR SELECT USING (
    (SELECT registry.is_department())
    OR asked_by = (SELECT nullif(current_setting('hatang.actor', true), '')));
CREATE POLICY worker_changes ON jobs.work FOR UPDATE USING ((SELECT 'system' = ANY (registry.my_roles())));

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.oid::regclass::text FROM pg_class c
                WHERE c.relkind = 'r' AND c.relrowsecurity AND c.relnamespace = 'jobs'::regnamespace
                  AND c.relname LIKE 'procrastinate%'
    LOOP
        EXECUTE format('CREATE POLICY worker ON %s USING ((SELECT ''system'' = ANY (registry.my_roles())))', name);
    END LOOP;
END
$$;

-- A message to the workers of a kind; works for the tables' owner only, so through the functions below.
CREATE OR REPLACE FUNCTION jobs.send(work_id bigint, kind text) RETURNS bigint
LANGUAGE sql SET search_path = jobs, pg_temp AS $$
    SELECT (procrastinate_defer_jobs_v1(ARRAY[
        ROW(kind, 'work', 0, NULL, NULL, jsonb_build_object('work_id', work_id), NULL)
    ]::procrastinate_job_to_defer_v1[]))[1]
$$;

CREATE OR REPLACE FUNCTION jobs.ask(kind text, args jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_temp AS $$
-- In the name and with the rights of the transaction's caller, whatever it says: nobody borrows another's.
DECLARE
    actor text := coalesce(current_setting('hatang.actor', true), '');
    asked bigint;
BEGIN
    IF actor = '' THEN
        RAISE EXCEPTION 'the public asks for no work' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO jobs.work AS w (kind, args, asked_by, roles, organisations, communes)
    VALUES (ask.kind, ask.args, actor, registry.my_roles(), registry.my_organisations(), registry.my_communes())
    RETURNING w.id INTO asked;
    UPDATE jobs.work SET queue_job_id = jobs.send(asked, ask.kind) WHERE id = asked;
    RETURN asked;
END
$$;

CREATE OR REPLACE FUNCTION jobs.cancel(wanted bigint, why_code text, why_vi text, why_en text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_temp AS $$
-- Returns the state it was in; null when there is no such work for the caller. What runs is asked to end.
DECLARE
    found jobs.work;
BEGIN
    SELECT * INTO found FROM jobs.work
    WHERE id = wanted AND (registry.is_department() OR asked_by = nullif(current_setting('hatang.actor', true), ''))
    FOR UPDATE;
    IF found.status = 'queued' THEN
        UPDATE jobs.work SET status = 'cancelled', cancel_asked = true, code = why_code, message_vi = why_vi,
            message_en = why_en, finished_at = greatest(clock_timestamp(), started_at, asked_at)
        WHERE id = wanted;
        PERFORM procrastinate_cancel_job_v1(found.queue_job_id, false, true);
    ELSIF found.status = 'running' THEN
        UPDATE jobs.work SET cancel_asked = true WHERE id = wanted;
    END IF;
    RETURN found.status;
END
$$;

CREATE OR REPLACE FUNCTION jobs.requeue(wanted bigint, attempt integer, was_lost boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_temp AS $$
-- Another message and the old one deleted, so that a worker that comes back from the dead ends a message nobody needs.
DECLARE
    found jobs.work;
BEGIN
    IF NOT 'system' = ANY (registry.my_roles()) THEN
        RAISE EXCEPTION 'workers only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO found FROM jobs.work
    WHERE id = wanted AND attempts = attempt AND status IN ('queued', 'running') FOR UPDATE;
    IF found.id IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM procrastinate_jobs WHERE id = found.queue_job_id;
    UPDATE jobs.work
    SET status = 'queued', queue_job_id = jobs.send(wanted, found.kind),
        lost = lost + (was_lost AND found.status = 'running')::integer
    WHERE id = wanted;
    RETURN true;
END
$$;
