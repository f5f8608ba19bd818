-- Private sharing questions: logged and limited here, since the application may not write to the schema audit.
CREATE POLICY reads ON audit.sharing_question FOR SELECT USING ((SELECT registry.is_department()));

CREATE OR REPLACE FUNCTION audit.ask_sharing(
    organisation text, reference text, lon float, lat float, grid_lon float, grid_lat float, radius_m float,
    height_m float, technologies text[], per_hour integer, per_day integer,
    OUT question_id bigint, OUT retry_after_s integer, OUT left_hour integer, OUT left_day integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
-- Logs a question, unless its organisation has asked too often: then question_id is null and retry_after_s says when
-- the next is taken. Questions of one organisation wait for each other, so two at once cannot both be the last one;
-- the clock is read after that wait.
#variable_conflict use_variable
DECLARE
    of_department boolean := registry.is_department();
    moment timestamptz;
    free_at timestamptz;
BEGIN
    IF NOT of_department AND NOT EXISTS (
        SELECT FROM registry.organisation o
        WHERE o.code = organisation AND o.id = ANY (registry.my_organisations())) THEN
        RAISE EXCEPTION 'not the caller''s organisation' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT of_department THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('audit.sharing_question ' || organisation, 0));
        moment := clock_timestamp();
        SELECT max(f.at) INTO free_at FROM (
            (SELECT q.at + interval '1 hour' AS at FROM audit.sharing_question q
             WHERE q.organisation_code = organisation AND NOT q.by_department AND q.at > moment - interval '1 hour'
             ORDER BY q.at DESC OFFSET per_hour - 1 LIMIT 1)
            UNION ALL
            (SELECT q.at + interval '1 day' FROM audit.sharing_question q
             WHERE q.organisation_code = organisation AND NOT q.by_department AND q.at > moment - interval '1 day'
             ORDER BY q.at DESC OFFSET per_day - 1 LIMIT 1)) f;
        IF free_at IS NOT NULL THEN
            retry_after_s := greatest(1, ceil(extract(epoch FROM free_at - moment)));
            RETURN;
        END IF;
        SELECT per_hour - 1 - count(*) FILTER (WHERE q.at > moment - interval '1 hour'), per_day - 1 - count(*)
          INTO left_hour, left_day FROM audit.sharing_question q
         WHERE q.organisation_code = organisation AND NOT q.by_department AND q.at > moment - interval '1 day';
    END IF;
    INSERT INTO audit.sharing_question AS q (at, actor, organisation_code, by_department, reference, lon, lat,
                                             grid_lon, grid_lat, radius_m, height_m, technologies)
    VALUES (clock_timestamp(), coalesce(current_setting('hatang.actor', true), ''), organisation, of_department,
            reference, lon, lat, grid_lon, grid_lat, radius_m, height_m, technologies)
    RETURNING q.id INTO question_id;
END
$$;

CREATE OR REPLACE FUNCTION audit.answer_sharing(question bigint, told jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
    -- Once, and by who asked.
    UPDATE audit.sharing_question SET answer = told
    WHERE id = question AND answer IS NULL AND actor = current_setting('hatang.actor', true)
$$;
