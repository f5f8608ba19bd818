-- What the published views read of the transaction, instead of a column: the last and the first day asked about, and
-- what the caller is not told. Without the settings: today, and nothing that is somebody's own.
CREATE OR REPLACE FUNCTION publish.as_of() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('hatang.as_of', true), '')::date,
                    (now() AT TIME ZONE INTERVAL '07:00')::date)
$$;
CREATE OR REPLACE FUNCTION publish.since() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('hatang.since', true), '')::date, publish.as_of())
$$;
-- Null without the setting, and then `publish.told` tells nothing.
CREATE OR REPLACE FUNCTION publish.withheld() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('hatang.withheld', true), '')::text[]
$$;
-- The coverage run whose verdicts are published; null: nothing is known.
CREATE OR REPLACE FUNCTION publish.run_id() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('hatang.run', true), '')::bigint
$$;
