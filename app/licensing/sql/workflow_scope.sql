-- Applications: which change of state there is and who may make it, the history that no code can skip, and who sees
-- what. Rebuilt at every migration. `app.licensing.applications.states` is the same table; a test compares them.
DELETE FROM licensing.application_transition;
INSERT INTO licensing.application_transition (action, to_state, who, from_state)
SELECT action, to_state, who, unnest(from_states) FROM (VALUES
    ('submit',           'submitted',           '{applicant,department}'::text[], '{draft,returned}'::text[]),
    ('precheck',         'prechecked',          '{department}',           '{submitted}'),
    ('return',           'returned',            '{department}',           '{submitted,prechecked,route_exempt_notice,permit_review}'),
    ('ask_owners',       'sharing',             '{department}',           '{prechecked}'),
    ('mediate',          'mediation',           '{department}',           '{sharing}'),
    ('route_exempt',     'route_exempt_notice', '{department}',           '{prechecked,sharing,mediation}'),
    ('route_permit',     'permit_review',       '{department}',           '{prechecked,sharing,mediation}'),
    ('decide_share',     'licensed',            '{department}',           '{sharing,mediation}'),
    ('accept_notice',    'licensed',            '{department}',           '{route_exempt_notice}'),
    ('grant_permit',     'licensed',            '{department}',           '{permit_review}'),
    ('refuse',           'refused',             '{department}',           '{route_exempt_notice,permit_review}'),
    ('reopen',           'prechecked',          '{department}',           '{licensed,refused}'),
    ('report_built',     'built',               '{applicant,department}', '{licensed}'),
    ('reject_as_built',  'licensed',            '{department}',           '{built}'),
    ('record_occupancy', 'closed',              '{department}',           '{built}'),
    ('withdraw',         'withdrawn',           '{applicant}',
        '{draft,submitted,returned,prechecked,sharing,mediation,route_exempt_notice,permit_review,licensed}')
) AS t (action, to_state, who, from_states);
DELETE FROM licensing.sharing_request_transition;
INSERT INTO licensing.sharing_request_transition (action, to_state, who, from_state)
SELECT action, to_state, who, unnest(from_states) FROM (VALUES
    ('answer',   'answered',  '{department,owner}'::text[], '{open,expired}'::text[]),
    ('refuse',   'refused',   '{department,owner}', '{open,expired}'),
    ('expire',   'expired',   '{department}',       '{open}'),
    ('mediate',  'mediation', '{department}',       '{refused,expired}'),
    ('settle',   'settled',   '{department}',       '{answered,mediation}'),
    ('fail',     'refused',   '{department}',       '{mediation}'),
    ('withdraw', 'withdrawn', '{department}',       '{open,answered,refused,expired,mediation,settled}')
) AS t (action, to_state, who, from_states);

CREATE OR REPLACE FUNCTION licensing.refuse(rule text, told text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', told USING ERRCODE = 'check_violation', CONSTRAINT = rule;
END
$$;
CREATE OR REPLACE FUNCTION licensing.actor() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('hatang.actor', true), ''), 'role:' || session_user)
$$;

CREATE OR REPLACE FUNCTION licensing.guard_application() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = licensing, registry, public, pg_temp AS $$
-- What a change of state may carry is named here; every other column is the application itself.
DECLARE
    carried text[] := '{state,version,action,note,details,document_ids,route,decision,as_built,state_since,
        structure_occupancy_id,pole_occupancy_id,duct_occupancy_id}';
    fixed text[] := '{id,reference,kind,applicant_id,created_at,source,synthetic}';
    content boolean;
    way licensing.application_transition;
    parties text[] := '{}';
BEGIN
    IF registry.is_department() THEN
        parties := parties || 'department'::text;
    END IF;
    IF NEW.applicant_id = ANY (registry.my_organisations()) THEN
        parties := parties || 'applicant'::text;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR num_nonnulls(NEW.route, NEW.decision, NEW.as_built, NEW.structure_occupancy_id,
                                                NEW.pole_occupancy_id, NEW.duct_occupancy_id) > 0 THEN
            PERFORM refuse('ck_application_transition', 'an application begins as a draft');
        END IF;
        NEW.action := 'create';
        NEW.version := 1;
        NEW.created_at := clock_timestamp();
        NEW.state_since := NEW.created_at;
        RETURN NEW;
    END IF;
    content := to_jsonb(NEW) - carried IS DISTINCT FROM to_jsonb(OLD) - carried
        OR NEW.geom::bytea IS DISTINCT FROM OLD.geom::bytea;
    NEW.version := OLD.version + 1;
    IF EXISTS (SELECT FROM unnest(fixed) AS f WHERE to_jsonb(NEW) -> f IS DISTINCT FROM to_jsonb(OLD) -> f) THEN
        PERFORM refuse('ck_application_frozen', 'reference, kind and applicant never change');
    END IF;
    IF NEW.state = OLD.state THEN
        NEW.state_since := OLD.state_since;
        IF OLD.state NOT IN ('draft', 'returned') THEN
            PERFORM refuse('ck_application_frozen', format('an application that is %s is not edited', OLD.state));
        END IF;
        IF to_jsonb(NEW) - ARRAY(SELECT jsonb_object_keys(to_jsonb(NEW) - carried)) - 'version'::text IS DISTINCT FROM
           to_jsonb(OLD) - ARRAY(SELECT jsonb_object_keys(to_jsonb(OLD) - carried)) - 'version'::text THEN
            PERFORM refuse('ck_application_frozen', 'only a change of state changes these columns');
        END IF;
        RETURN NEW;
    END IF;
    IF content THEN
        PERFORM refuse('ck_application_frozen', 'a change of state does not change what is asked for');
    END IF;
    SELECT * INTO way FROM application_transition t WHERE t.from_state = OLD.state AND t.action = NEW.action;
    IF way.to_state IS DISTINCT FROM NEW.state THEN
        PERFORM refuse('ck_application_transition', format('%s does not lead from %s to %s', NEW.action, OLD.state, NEW.state));
    END IF;
    IF NOT way.who && parties THEN
        RAISE EXCEPTION '% is for %', NEW.action, way.who USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.action NOT IN ('route_exempt', 'route_permit', 'reopen', 'return') AND NEW.route IS DISTINCT FROM OLD.route
       OR NEW.action NOT IN ('decide_share', 'accept_notice', 'grant_permit', 'refuse', 'reopen')
          AND NEW.decision IS DISTINCT FROM OLD.decision
       OR NEW.action NOT IN ('report_built', 'reject_as_built') AND NEW.as_built IS DISTINCT FROM OLD.as_built
       OR NEW.action <> 'record_occupancy'
          AND (NEW.structure_occupancy_id, NEW.pole_occupancy_id, NEW.duct_occupancy_id) IS DISTINCT FROM
              (OLD.structure_occupancy_id, OLD.pole_occupancy_id, OLD.duct_occupancy_id) THEN
        PERFORM refuse('ck_application_frozen', format('%s does not change these columns', NEW.action));
    END IF;
    IF NEW.action IN ('return', 'refuse', 'reopen', 'reject_as_built') AND coalesce(btrim(NEW.note), '') = '' THEN
        PERFORM refuse('ck_application_reason', format('%s needs a reason', NEW.action));
    END IF;
    IF NEW.action = 'precheck' AND NOT EXISTS (
        SELECT FROM application_check c WHERE c.application_id = NEW.id AND c.made_at >= OLD.state_since) THEN
        PERFORM refuse('ck_application_checked', 'the check comes first');
    END IF;
    IF NEW.action IN ('route_exempt', 'route_permit') AND EXISTS (
        SELECT FROM sharing_request r WHERE r.application_id = NEW.id AND r.state IN ('open', 'mediation')) THEN
        PERFORM refuse('ck_application_open_request', 'an owner still has time to answer, or a mediation is not over');
    END IF;
    IF NEW.action IN ('ask_owners', 'mediate') AND NOT EXISTS (
        SELECT FROM sharing_request r WHERE r.application_id = NEW.id
          AND CASE NEW.action WHEN 'mediate' THEN r.state = 'mediation' ELSE r.state <> 'withdrawn' END) THEN
        PERFORM refuse('ck_application_asked', 'there is no request to ask or to mediate');
    END IF;
    IF NEW.action = 'decide_share' AND NOT EXISTS (
        SELECT FROM sharing_request r WHERE r.application_id = NEW.id AND r.state = 'settled'
          AND to_jsonb(r.id) = NEW.decision -> 'request_id') THEN
        PERFORM refuse('ck_application_offered', 'what is shared, its owner has agreed to');
    END IF;
    IF EXISTS (SELECT FROM unnest(NEW.document_ids) AS d WHERE NOT EXISTS (
        SELECT FROM application_document x WHERE x.id = d AND x.application_id = NEW.id)) THEN
        PERFORM refuse('ck_application_documents', 'a document of this application');
    END IF;
    NEW.state_since := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION licensing.keep_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = licensing, registry, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
        RETURN NULL;
    END IF;
    INSERT INTO application_event (application_id, from_state, to_state, action, actor, at, note, details, document_ids)
    VALUES (NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state, NEW.action, actor(), NEW.state_since,
            NEW.note, NEW.details, NEW.document_ids);
    -- What was asked of owners falls with the application that asked it; once one is shared, the others wait no more.
    IF NEW.state IN ('withdrawn', 'returned') OR NEW.action IN ('reopen', 'decide_share') THEN
        UPDATE sharing_request SET state = 'withdrawn', action = 'withdraw'
        WHERE application_id = NEW.id AND state <> 'withdrawn'
          AND (NEW.action <> 'decide_share' OR state IN ('open', 'expired', 'mediation'));
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT OR UPDATE ON licensing.application
    FOR EACH ROW EXECUTE FUNCTION licensing.guard_application();
CREATE OR REPLACE TRIGGER keep_event AFTER INSERT OR UPDATE ON licensing.application
    FOR EACH ROW EXECUTE FUNCTION licensing.keep_event();

CREATE OR REPLACE FUNCTION licensing.guard_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = licensing, registry, public, pg_temp AS $$
DECLARE
    answers text[] := '{state,action,slots,height_offered_m,price_vnd_month,valid_until,refusal_code,refusal_text,note,
        answered_by,answered_at,reminded_at}';
    way licensing.sharing_request_transition;
    parties text[] := '{}';
    whose bigint;
    within text := (SELECT a.state FROM application a WHERE a.id = NEW.application_id);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR within NOT IN ('prechecked', 'sharing', 'mediation') THEN
            PERFORM refuse('ck_sharing_request_transition', 'owners are asked after the check and before the route');
        END IF;
        whose := CASE
            WHEN NEW.structure_id IS NOT NULL THEN (
                SELECT coalesce(t.owner_id, s.owner_id) FROM structure t JOIN site s ON s.id = t.site_id
                WHERE t.id = NEW.structure_id)
            WHEN NEW.pole_id IS NOT NULL THEN (SELECT p.owner_id FROM pole p WHERE p.id = NEW.pole_id)
            ELSE (SELECT d.owner_id FROM duct d WHERE d.id = NEW.duct_id) END;
        IF whose IS DISTINCT FROM NEW.owner_id THEN
            PERFORM refuse('ck_sharing_request_owner', 'it is asked of who owns the object');
        END IF;
        NEW.action := 'ask';
        NEW.sent_at := clock_timestamp();
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - answers IS DISTINCT FROM to_jsonb(OLD) - answers THEN
        PERFORM refuse('ck_sharing_request_frozen', 'what was asked never changes');
    END IF;
    IF NEW.state = OLD.state THEN
        IF NOT registry.is_department()
           OR to_jsonb(NEW) - 'reminded_at'::text IS DISTINCT FROM to_jsonb(OLD) - 'reminded_at'::text THEN
            PERFORM refuse('ck_sharing_request_frozen', 'an answer is given once');
        END IF;
        RETURN NEW;
    END IF;
    IF registry.is_department() OR pg_trigger_depth() > 1 THEN  -- the application fell
        parties := parties || 'department'::text;
    END IF;
    IF NEW.owner_id = ANY (registry.my_organisations()) THEN
        parties := parties || 'owner'::text;
    END IF;
    SELECT * INTO way FROM sharing_request_transition t WHERE t.from_state = OLD.state AND t.action = NEW.action;
    IF way.to_state IS DISTINCT FROM NEW.state
       OR NEW.action <> 'withdraw' AND within NOT IN ('prechecked', 'sharing', 'mediation') THEN
        PERFORM refuse('ck_sharing_request_transition', format('%s does not lead from %s to %s', NEW.action, OLD.state, NEW.state));
    END IF;
    IF NOT way.who && parties THEN
        RAISE EXCEPTION '% is for %', NEW.action, way.who USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.action IN ('answer', 'refuse', 'settle', 'fail') THEN
        NEW.answered_by := actor();
        NEW.answered_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT OR UPDATE ON licensing.sharing_request
    FOR EACH ROW EXECUTE FUNCTION licensing.guard_request();

CREATE OR REPLACE FUNCTION licensing.guard_check() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = licensing, registry, public, pg_temp AS $$
BEGIN
    NEW.made_at := clock_timestamp();
    IF (SELECT a.state FROM application a WHERE a.id = NEW.application_id) <> 'submitted' THEN
        PERFORM refuse('ck_application_check_state', 'what is checked has been submitted');
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT ON licensing.application_check
    FOR EACH ROW EXECUTE FUNCTION licensing.guard_check();

CREATE OR REPLACE FUNCTION licensing.guard_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = licensing, registry, public, pg_temp AS $$
BEGIN
    NEW.uploaded_by := actor();
    NEW.at := clock_timestamp();
    NEW.step := (SELECT a.state FROM application a WHERE a.id = NEW.application_id);
    IF NEW.step IN ('refused', 'closed', 'withdrawn') THEN
        PERFORM refuse('ck_application_document_step', 'an application that has ended takes no documents');
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT ON licensing.application_document
    FOR EACH ROW EXECUTE FUNCTION licensing.guard_document();
CREATE OR REPLACE FUNCTION licensing.guard_content() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = licensing, registry, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM application_document d WHERE d.id = NEW.document_id
                   AND d.size_bytes = octet_length(NEW.content) AND d.sha256 = sha256(NEW.content)) THEN
        PERFORM refuse('ck_document_content_sha256', 'the bytes are not those that were described');
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT ON licensing.document_content
    FOR EACH ROW EXECUTE FUNCTION licensing.guard_content();

-- Who sees what: the department all, an applicant its own whole, other departments the states and decisions (the API
-- leaves the rest of the row out), an owner what was asked of it, and nobody but the department what is restricted.
CREATE OR REPLACE FUNCTION licensing.applied_by_me(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = licensing, pg_temp AS $$
    SELECT EXISTS (SELECT FROM licensing.application a
                   WHERE a.id = wanted AND a.applicant_id = ANY (registry.my_organisations()))
$$;
CREATE POLICY reads ON licensing.application_transition FOR SELECT USING (true);
CREATE POLICY reads ON licensing.sharing_request_transition FOR SELECT USING (true);
CREATE POLICY reads ON licensing.application FOR SELECT USING (
    (SELECT registry.is_department()) OR (SELECT 'other_department' = ANY (registry.my_roles()))
    OR applicant_id = ANY ((SELECT registry.my_organisations())::bigint[]));
CREATE POLICY adds ON licensing.application FOR INSERT WITH CHECK (
    (SELECT registry.is_department()) OR applicant_id = ANY ((SELECT registry.my_organisations())::bigint[]));
CREATE POLICY changes ON licensing.application FOR UPDATE USING (
    (SELECT registry.is_department()) OR applicant_id = ANY ((SELECT registry.my_organisations())::bigint[]));
CREATE POLICY reads ON licensing.application_event FOR SELECT USING (
    (SELECT registry.is_department()) OR (SELECT 'other_department' = ANY (registry.my_roles()))
    OR licensing.applied_by_me(application_id));
CREATE POLICY department ON licensing.application_check FOR SELECT USING ((SELECT registry.is_department()));
CREATE POLICY department_adds ON licensing.application_check FOR INSERT
    WITH CHECK ((SELECT registry.is_department()));
CREATE POLICY reads ON licensing.sharing_request FOR SELECT USING (
    (SELECT registry.is_department()) OR (
        coalesce(structure_id, 0) <> ALL ((SELECT registry.restricted_ids('structure'))::bigint[])
        AND coalesce(pole_id, 0) <> ALL ((SELECT registry.restricted_ids('pole'))::bigint[])
        AND coalesce(duct_id, 0) <> ALL ((SELECT registry.restricted_ids('duct'))::bigint[])
        AND (owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
             OR (SELECT registry.is_operator()) AND licensing.applied_by_me(application_id))));
CREATE POLICY department_adds ON licensing.sharing_request FOR INSERT
    WITH CHECK ((SELECT registry.is_department()));
CREATE POLICY changes ON licensing.sharing_request FOR UPDATE USING (
    (SELECT registry.is_department()) OR owner_id = ANY ((SELECT registry.my_organisations())::bigint[])
        AND coalesce(structure_id, 0) <> ALL ((SELECT registry.restricted_ids('structure'))::bigint[])
        AND coalesce(pole_id, 0) <> ALL ((SELECT registry.restricted_ids('pole'))::bigint[])
        AND coalesce(duct_id, 0) <> ALL ((SELECT registry.restricted_ids('duct'))::bigint[]));
CREATE POLICY reads ON licensing.application_document FOR SELECT USING (
    (SELECT registry.is_department()) OR licensing.applied_by_me(application_id));
CREATE POLICY adds ON licensing.application_document FOR INSERT WITH CHECK (
    (SELECT registry.is_department()) OR licensing.applied_by_me(application_id));
CREATE POLICY reads ON licensing.document_content FOR SELECT USING (
    EXISTS (SELECT FROM licensing.application_document d WHERE d.id = document_id));
CREATE POLICY adds ON licensing.document_content FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM licensing.application_document d WHERE d.id = document_id));
