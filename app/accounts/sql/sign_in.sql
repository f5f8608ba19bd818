-- What needs secrets. The application's role may not select a password's or a token's hash, nor a session's: these
-- functions of the tables' owner compare them, and set the scope of a transaction from what they find.

CREATE OR REPLACE FUNCTION accounts.me() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT substring(current_setting('hatang.actor', true) FROM '^user:([0-9]{1,18})$')::bigint
$$;

CREATE OR REPLACE FUNCTION accounts.communes_of(whose bigint) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accounts, registry, pg_temp AS $$
    -- The communes named, and for those abolished since, the ones they went into.
    WITH RECURSIVE held (id) AS (
        SELECT r.unit_id FROM accounts.account_role r
        WHERE r.account_id = whose AND r.unit_id IS NOT NULL
          AND r.valid_from <= accounts.today() AND (r.valid_to IS NULL OR r.valid_to > accounts.today())
        UNION
        SELECT s.new_unit_id FROM held
        JOIN registry.unit u ON u.id = held.id AND u.valid_to <= accounts.today()
        JOIN registry.unit_succession s ON s.old_unit_id = held.id AND s.on_date <= accounts.today())
    SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM held
$$;

DROP FUNCTION IF EXISTS accounts.holder(text, bytea);
CREATE FUNCTION accounts.holder(
    kind text, presented bytea,
    OUT status text, OUT credential_id bigint, OUT account_id bigint, OUT name text, OUT display_name text,
    OUT must_change_password boolean, OUT roles text[], OUT organisations text[], OUT organisation_ids bigint[],
    OUT communes bigint[], OUT scopes text[], OUT csrf text, OUT seen_id bigint, OUT seen_due boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accounts, registry, pg_temp AS $$
-- Whose a session's or token's secret is, and what its holder may do. status: ok, unknown, expired, revoked.
#variable_conflict use_column
DECLARE
    s record;
BEGIN
    IF kind = 'session' THEN
        SELECT x.id, x.account_id, x.csrf::text AS csrf, NULL::text[] AS scopes, x.revoked_at, seen.id AS seen_id, seen.at,
               x.expires_at <= now() OR seen.at + make_interval(secs => x.idle_s) <= now() AS over
          INTO s FROM accounts.session x JOIN accounts.seen ON seen.session_id = x.id
         WHERE x.secret_sha256 = presented;
    ELSIF kind = 'token' THEN
        SELECT x.id, x.account_id, NULL::text AS csrf, x.scopes, x.revoked_at, seen.id AS seen_id, seen.at,
               x.expires_at <= now() AS over
          INTO s FROM accounts.token x JOIN accounts.seen ON seen.token_id = x.id
         WHERE x.secret_sha256 = presented;
    ELSE
        RAISE EXCEPTION 'no credential of kind %', kind;
    END IF;
    SELECT a.name, a.display_name, a.must_change_password INTO name, display_name, must_change_password
      FROM accounts.account a WHERE a.id = s.account_id AND a.active;
    status := CASE WHEN s.id IS NULL THEN 'unknown'
                   WHEN s.revoked_at IS NOT NULL OR name IS NULL THEN 'revoked'
                   WHEN s.over THEN 'expired' ELSE 'ok' END;
    IF status <> 'ok' THEN
        RETURN;
    END IF;
    credential_id := s.id;
    account_id := s.account_id;
    csrf := s.csrf;
    scopes := s.scopes;
    seen_id := s.seen_id;
    seen_due := s.at < now() - interval '1 minute';
    SELECT coalesce(array_agg(DISTINCT r.role), '{}'),
           coalesce(array_agg(DISTINCT r.organisation_code) FILTER (WHERE r.organisation_code IS NOT NULL), '{}')
      INTO roles, organisations
      FROM accounts.account_role r
     WHERE r.account_id = s.account_id
       AND r.valid_from <= accounts.today() AND (r.valid_to IS NULL OR r.valid_to > accounts.today());
    -- Without the scope `administer` an administrator's token does what a planner may.
    IF NOT 'administer' = ANY (scopes) AND 'administrator' = ANY (roles) THEN
        roles := ARRAY(SELECT DISTINCT unnest(array_replace(roles, 'administrator', 'planner')));
    END IF;
    organisation_ids := ARRAY(SELECT o.id FROM registry.organisation o WHERE o.code = ANY (organisations));
    communes := accounts.communes_of(s.account_id);
END
$$;

DROP FUNCTION IF EXISTS accounts.enter(text, bytea);
CREATE FUNCTION accounts.enter(
    kind text, presented bytea,
    OUT status text, OUT credential_id bigint, OUT account_id bigint, OUT name text, OUT display_name text,
    OUT must_change_password boolean, OUT roles text[], OUT organisations text[], OUT organisation_ids bigint[],
    OUT communes bigint[], OUT scopes text[], OUT csrf text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounts, registry, pg_temp AS $$
-- Makes this transaction that of the holder of a secret; the public's unless status is ok.
#variable_conflict use_column
DECLARE
    which bigint;
    due boolean;
BEGIN
    PERFORM registry.enter('', '{}', '{}', '{}');
    SELECT h.* FROM accounts.holder(kind, presented) h
      INTO status, credential_id, account_id, name, display_name, must_change_password, roles, organisations,
           organisation_ids, communes, scopes, csrf, which, due;
    IF status <> 'ok' THEN
        RETURN;
    END IF;
    IF must_change_password THEN
        PERFORM registry.enter('user:' || account_id, '{}', '{}', '{}');
    ELSE
        PERFORM registry.enter('user:' || account_id, roles, organisation_ids, communes);
    END IF;
    IF due THEN
        -- A request that streams for minutes may hold the row; the next minute will do.
        UPDATE accounts.seen SET at = now() WHERE id = (
            SELECT w.id FROM accounts.seen w WHERE w.id = which FOR UPDATE SKIP LOCKED);
    END IF;
END
$$;

DROP FUNCTION IF EXISTS accounts.begin_attempt(text, text, text, integer, integer, integer);
CREATE FUNCTION accounts.begin_attempt(
    kind text, name text, from_address text, window_s integer, per_name integer, per_address integer,
    OUT attempt_id bigint, OUT account_id bigint, OUT password_hash text, OUT retry_after_s integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
-- Counts an attempt as failed before anybody looks at the password, so that many at once are still counted. Over the
-- limit it is not counted, and retry_after_s says when one is taken again.
#variable_conflict use_column
DECLARE
    since timestamptz := clock_timestamp() - make_interval(secs => window_s);
    oldest timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('accounts.attempt name ' || begin_attempt.name, 0));
    PERFORM pg_advisory_xact_lock(hashtextextended('accounts.attempt address ' || from_address, 0));
    SELECT max(at) INTO oldest FROM (
        -- The limit-th newest failure: once it leaves the window there is room. A success forgives its name, not its
        -- address: else one's own account would buy guesses at others'.
        (SELECT a.at FROM accounts.attempt a
          WHERE a.name_key = begin_attempt.name AND NOT a.ok AND a.at > greatest(since, (
                SELECT max(g.at) FROM accounts.attempt g WHERE g.name_key = begin_attempt.name AND g.ok))
          ORDER BY a.at DESC OFFSET per_name - 1 LIMIT 1)
        UNION ALL
        (SELECT a.at FROM accounts.attempt a
          WHERE a.address = from_address AND NOT a.ok AND a.at > since
          ORDER BY a.at DESC OFFSET per_address - 1 LIMIT 1)) AS limits;
    IF oldest IS NOT NULL THEN
        retry_after_s := greatest(1, ceil(extract(epoch FROM oldest - since)));
        RETURN;
    END IF;
    DELETE FROM accounts.attempt WHERE at < clock_timestamp() - interval '90 days';
    INSERT INTO accounts.attempt (kind, name_key, address)
    VALUES (begin_attempt.kind, begin_attempt.name, from_address) RETURNING id INTO attempt_id;
    SELECT a.id, a.password_hash INTO account_id, password_hash
      FROM accounts.account a WHERE a.name = begin_attempt.name AND a.active;
END
$$;

CREATE OR REPLACE FUNCTION accounts.attempt_succeeded(which bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
    UPDATE accounts.attempt SET ok = true WHERE id = which
$$;

CREATE OR REPLACE FUNCTION accounts.start_session(
    whose bigint, proven_hash text, secret bytea, csrf text, lifetime_s integer, idle_s integer,
    user_agent text, address text, replaced bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
-- A session for an account that has just proven who it is: by the password of proven_hash, or, with null, elsewhere.
-- False when the account was deactivated or the password changed meanwhile. `replaced` is the cookie that came along.
#variable_conflict use_column
DECLARE
    made bigint;
BEGIN
    PERFORM registry.enter('user:' || whose, '{}', '{}', '{}');
    PERFORM FROM accounts.account a WHERE a.id = whose AND a.active
        AND (proven_hash IS NULL OR a.password_hash = proven_hash) FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE accounts.session SET revoked_at = now() WHERE secret_sha256 = replaced AND revoked_at IS NULL;
    INSERT INTO accounts.session (account_id, secret_sha256, csrf, expires_at, idle_s, user_agent, address)
    VALUES (whose, secret, start_session.csrf, now() + make_interval(secs => lifetime_s), start_session.idle_s,
            start_session.user_agent, start_session.address) RETURNING id INTO made;
    INSERT INTO accounts.seen (session_id) VALUES (made);
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION accounts.set_password(whose bigint, hash text, must_change boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounts, registry, pg_temp AS $$
BEGIN
    IF whose IS DISTINCT FROM accounts.me() AND NOT registry.is_administrator() THEN
        RAISE EXCEPTION 'not your password' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE accounts.account SET password_hash = hash, must_change_password = must_change, password_changed_at = now()
    WHERE id = whose;
END
$$;

CREATE OR REPLACE FUNCTION accounts.add_token(whose bigint, name text, secret bytea, scopes text[], days integer)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounts, registry, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    IF whose IS DISTINCT FROM accounts.me() AND NOT registry.is_administrator() THEN
        RAISE EXCEPTION 'not your token' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO accounts.token (account_id, name, secret_sha256, scopes, expires_at)
    VALUES (whose, add_token.name, secret, add_token.scopes, now() + make_interval(days => days))
    RETURNING id INTO made;
    INSERT INTO accounts.seen (token_id) VALUES (made);
    RETURN made;
END
$$;

-- OpenID Connect: the state of a sign-in under way, taken once, and the account a provider's subject belongs to.
CREATE OR REPLACE FUNCTION accounts.remember_oidc_login(
    state_sha256 bytea, nonce text, code_verifier text, return_to text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
    DELETE FROM accounts.oidc_login WHERE created_at < now() - interval '1 hour';
    INSERT INTO accounts.oidc_login (state_sha256, nonce, code_verifier, return_to)
    VALUES (state_sha256, nonce, code_verifier, return_to)
$$;
CREATE OR REPLACE FUNCTION accounts.take_oidc_login(
    state bytea, OUT nonce text, OUT code_verifier text, OUT return_to text)
LANGUAGE sql SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
    DELETE FROM accounts.oidc_login o
    WHERE o.state_sha256 = state AND o.created_at > now() - interval '10 minutes'
    RETURNING o.nonce, o.code_verifier, o.return_to
$$;
CREATE OR REPLACE FUNCTION accounts.of_subject(issuer text, subject text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accounts, pg_temp AS $$
    SELECT id FROM accounts.account WHERE oidc_issuer = issuer AND oidc_subject = subject AND active
$$;
