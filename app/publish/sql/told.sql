-- An attribute as the caller is told it: null when it is among those `hidden` (app.policy.disclosure.withheld) and the
-- object is not the caller's own. Inlined: costs nothing where nothing is hidden.
CREATE OR REPLACE FUNCTION publish.told(value anyelement, attribute text, hidden text[], mine boolean)
RETURNS anyelement LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN attribute <> ALL (hidden) OR mine THEN value END
$$;
