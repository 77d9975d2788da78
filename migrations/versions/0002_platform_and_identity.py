"""Platform and identity: sessions, sign-in throttle, OIDC, audit chain, jobs, live events, views for ops.

Revision: 0002   Revises: 0001
"""

from importlib import resources

from alembic import op

# hrx: accept index-not-concurrent on app.user_account because no installation had rows yet
# hrx: accept seen-stalled on app.user_account because no installation had rows yet
revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
declares_loss = (
    "app.audit_entry",
    "app.audit_head",
    "app.audit_link",
    "app.audit_pending",
    "app.data_version",
    "app.oidc_identity",
    "app.session",
    "gate.oidc_flow",
    "gate.throttle",
    "jobs.procrastinate_events",
    "jobs.procrastinate_jobs",
    "jobs.procrastinate_periodic_defers",
    "jobs.procrastinate_workers",
)

# What happens before anybody has a tenant: counting failed sign-ins, and OIDC flows on their way to the
# provider and back. No table of this schema is granted to anyone; the functions below are the only doors.
GATE = """
CREATE SCHEMA gate;
GRANT USAGE ON SCHEMA gate TO hrx_app, hrx_policy;
GRANT CREATE ON SCHEMA gate TO hrx_policy;

CREATE TABLE gate.throttle (
  -- SHA-256 of what is counted (account, address, both): the table tells nobody who tried to sign in.
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  failures integer NOT NULL,
  window_ends_at timestamptz NOT NULL
);
CREATE INDEX throttle_window_ends_at ON gate.throttle (window_ends_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON gate.throttle TO hrx_policy;

-- Counts one attempt under every key before the password is looked at, so that attempts made at the same
-- moment cannot pass together; gives the seconds to wait, 0 when the attempt may go on. The keys come sorted,
-- which keeps two attempts from deadlocking.
CREATE FUNCTION gate.count_attempt(keys bytea[], limits integer[], at timestamptz, window_s integer)
RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  wait_s integer := 0;
  counted gate.throttle;
BEGIN
  FOR i IN 1 .. cardinality(keys) LOOP
    INSERT INTO gate.throttle AS t (key, failures, window_ends_at)
    VALUES (keys[i], 1, at + make_interval(secs => window_s))
    ON CONFLICT (key) DO UPDATE SET
      failures = CASE WHEN t.window_ends_at <= at THEN 1 ELSE least(t.failures + 1, 1000000) END,
      window_ends_at = CASE WHEN t.window_ends_at <= at THEN excluded.window_ends_at ELSE t.window_ends_at END
    RETURNING t.* INTO counted;
    IF counted.failures > limits[i] THEN
      wait_s := greatest(wait_s, ceil(extract(epoch FROM counted.window_ends_at - at))::integer, 1);
    END IF;
  END LOOP;
  RETURN wait_s;
END $$;

-- A sign-in that succeeded was no failure: it is taken off every key it was counted under.
CREATE FUNCTION gate.forgive_attempt(keys bytea[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ UPDATE gate.throttle SET failures = greatest(failures - 1, 0) WHERE key = ANY (forgive_attempt.keys) $$;

CREATE TABLE gate.oidc_flow (
  state_digest bytea PRIMARY KEY,
  provider text NOT NULL,
  nonce text NOT NULL,
  code_verifier text NOT NULL,
  return_to text NOT NULL,
  -- Digest of a cookie: the browser that comes back must be the one that left.
  browser_digest bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX oidc_flow_expires_at ON gate.oidc_flow (expires_at);
GRANT SELECT, INSERT, DELETE ON gate.oidc_flow TO hrx_policy;

CREATE FUNCTION gate.start_oidc_flow(
  state_digest bytea, provider text, nonce text, code_verifier text, return_to text, browser_digest bytea,
  expires_at timestamptz
) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ INSERT INTO gate.oidc_flow
   VALUES ($1, $2, $3, $4, $5, $6, $7) $$;

-- Taking a flow deletes it: a state is good once.
CREATE FUNCTION gate.take_oidc_flow(state_digest bytea, provider text, browser_digest bytea, at timestamptz)
RETURNS TABLE (nonce text, code_verifier text, return_to text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ WITH taken AS (
     DELETE FROM gate.oidc_flow AS f WHERE f.state_digest = $1 RETURNING f.*
   )
   SELECT t.nonce, t.code_verifier, t.return_to FROM taken AS t
   WHERE t.provider = $2 AND t.browser_digest = $3 AND t.expires_at > $4 $$;

CREATE FUNCTION gate.purge(at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ WITH a AS (DELETE FROM gate.throttle WHERE window_ends_at < $1 RETURNING 1),
        b AS (DELETE FROM gate.oidc_flow WHERE expires_at < $1 RETURNING 1)
   SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) $$;
"""

SESSIONS = """
CREATE TABLE app.session (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  user_id bigint NOT NULL,
  -- SHA-256 of 256 random bits; the token itself is known to the browser only.
  token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
  -- 'totp_required': the password was right, the second factor is still missing; it opens nothing else.
  stage text NOT NULL CHECK (stage IN ('totp_required', 'signed_in')),
  method text NOT NULL CHECK (char_length(method) <= 100),
  user_agent text NOT NULL DEFAULT '' CHECK (char_length(user_agent) <= 400),
  address text CHECK (char_length(address) <= 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.user_account (tenant_id, id)
);
SELECT app.protect('session');
CREATE INDEX session_of_user ON app.session (tenant_id, user_id, last_seen_at DESC);
CREATE INDEX session_expires_at ON app.session (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON app.session TO hrx_app;
GRANT UPDATE (last_seen_at), DELETE ON app.session TO hrx_policy;
CREATE POLICY gate ON app.session TO hrx_policy USING (true);

-- A session belongs to its user: nobody else of the tenant lists or ends it, owners excepted.
CREATE POLICY own_or_owner ON app.session AS RESTRICTIVE TO hrx_app
  USING (user_id = (SELECT app.current_user_id())
         OR (SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));

-- Accounts are changed by their own user or an owner, roles by an owner only, whatever a route forgets.
CREATE POLICY own_or_owner ON app.user_account AS RESTRICTIVE FOR UPDATE TO hrx_app
  USING (id = (SELECT app.current_user_id())
         OR (SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
CREATE POLICY owner_only ON app.user_account AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
CREATE POLICY owner_only ON app.user_role AS RESTRICTIVE FOR INSERT TO hrx_app
  WITH CHECK ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));
CREATE POLICY owner_only_delete ON app.user_role AS RESTRICTIVE FOR DELETE TO hrx_app
  USING ((SELECT app.has_role('owner')) OR (SELECT app.has_role('system')));

CREATE TABLE app.oidc_identity (
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  user_id bigint NOT NULL,
  provider text NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 255),
  linked_at timestamptz NOT NULL DEFAULT now(),
  last_signed_in_at timestamptz,
  PRIMARY KEY (tenant_id, issuer, subject),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.user_account (tenant_id, id)
);
SELECT app.protect('oidc_identity');
CREATE INDEX oidc_identity_of_subject ON app.oidc_identity (issuer, subject);
CREATE INDEX oidc_identity_of_user ON app.oidc_identity (tenant_id, user_id);
GRANT SELECT, INSERT, UPDATE (last_signed_in_at), DELETE ON app.oidc_identity TO hrx_app;

-- The functions of this file look before any tenant is known, so their owner reads across tenants.
CREATE POLICY gate ON app.oidc_identity FOR SELECT TO hrx_policy USING (true);
CREATE POLICY gate ON app.user_account FOR SELECT TO hrx_policy USING (true);
CREATE POLICY gate ON app.user_role FOR SELECT TO hrx_policy USING (true);

-- One row a tenant, raised by every transaction that changes what people see; cached views carry it.
CREATE TABLE app.data_version (
  tenant_id bigint PRIMARY KEY DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  version bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);
SELECT app.protect('data_version');
GRANT SELECT, INSERT, UPDATE ON app.data_version TO hrx_app;
CREATE POLICY gate ON app.data_version FOR SELECT TO hrx_policy USING (true);
"""

# Everything a request needs to know about its caller, and everything PostgreSQL needs to know about the
# request, in one round trip, inside the request's own transaction. No cache stands in between, therefore a
# revoked session, a disabled account or a changed role counts at once and everywhere.
SIGN_IN_TRANSACTION = """
CREATE FUNCTION app.begin_request(token_digest bytea, correlation_id text, at timestamptz, idle_s integer)
RETURNS TABLE (
  session_id bigint, stage text, tenant_id bigint, user_id bigint, person_id bigint, locale text, roles text,
  data_version bigint
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  caller record;
BEGIN
  SELECT s.id, s.stage, s.last_seen_at, u.tenant_id, u.id AS user_id, u.person_id, u.locale,
         coalesce((SELECT string_agg(r.role, ',' ORDER BY r.role) FROM app.user_role AS r
                   WHERE r.tenant_id = u.tenant_id AND r.user_id = u.id), '') AS roles,
         coalesce((SELECT v.version FROM app.data_version AS v WHERE v.tenant_id = u.tenant_id), 0) AS version
  INTO caller
  FROM app.session AS s
  JOIN app.user_account AS u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
  JOIN app.tenant AS t ON t.id = s.tenant_id
  WHERE s.token_digest = begin_request.token_digest
    AND s.revoked_at IS NULL
    AND s.expires_at > at
    AND s.last_seen_at > at - make_interval(secs => idle_s)
    AND u.is_active
    AND t.is_active;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Only a full sign-in acts for anybody; see app.session.stage.
  IF caller.stage = 'signed_in' THEN
    PERFORM set_config('hrx.tenant_id', caller.tenant_id::text, true),
            set_config('hrx.user_id', caller.user_id::text, true),
            set_config('hrx.person_id', coalesce(caller.person_id::text, ''), true),
            set_config('hrx.roles', caller.roles, true),
            set_config('hrx.session_id', caller.id::text, true),
            set_config('hrx.correlation_id', begin_request.correlation_id, true),
            -- Seen in pg_stat_activity and, by %a, in the server's log: the id leads from browser to SQL.
            set_config('application_name', left('hrx ' || begin_request.correlation_id, 63), true);
  END IF;
  -- Once in five minutes is often enough to know when a session was used; SKIP LOCKED, so that requests of
  -- one browser never wait for each other here.
  IF caller.last_seen_at < at - interval '5 minutes' THEN
    UPDATE app.session AS s SET last_seen_at = at
    WHERE s.id = (SELECT x.id FROM app.session AS x WHERE x.id = caller.id FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN QUERY SELECT caller.id::bigint, caller.stage::text, caller.tenant_id::bigint, caller.user_id::bigint,
                      caller.person_id::bigint, caller.locale::text, caller.roles::text, caller.version::bigint;
END $$;

CREATE FUNCTION app.find_accounts(email text, tenant_slug text)
RETURNS TABLE (
  tenant_id bigint, tenant_slug text, tenant_name text, user_id bigint, locale text, password_hash text,
  is_active boolean, has_totp boolean
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT u.tenant_id, t.slug, t.name, u.id, u.locale, u.password_hash, u.is_active,
          u.totp_confirmed_at IS NOT NULL
   FROM app.user_account AS u
   JOIN app.tenant AS t ON t.id = u.tenant_id
   WHERE u.email = find_accounts.email
     AND t.is_active
     AND (find_accounts.tenant_slug IS NULL OR t.slug = find_accounts.tenant_slug)
   ORDER BY u.tenant_id
   LIMIT 5 $$;
CREATE INDEX user_account_email ON app.user_account (email);

CREATE FUNCTION app.find_oidc_accounts(issuer text, subject text)
RETURNS TABLE (tenant_id bigint, user_id bigint, locale text, has_totp boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT u.tenant_id, u.id, u.locale, u.totp_confirmed_at IS NOT NULL
   FROM app.oidc_identity AS i
   JOIN app.user_account AS u ON u.tenant_id = i.tenant_id AND u.id = i.user_id
   JOIN app.tenant AS t ON t.id = i.tenant_id
   WHERE i.issuer = find_oidc_accounts.issuer AND i.subject = find_oidc_accounts.subject
     AND u.is_active AND t.is_active
   ORDER BY u.tenant_id
   LIMIT 5 $$;

CREATE FUNCTION app.list_active_tenants() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT t.id FROM app.tenant AS t WHERE t.is_active ORDER BY t.id $$;

CREATE FUNCTION app.purge_sessions(ended_before timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ WITH gone AS (
     DELETE FROM app.session AS s
     WHERE s.expires_at < purge_sessions.ended_before OR s.revoked_at < purge_sessions.ended_before
     RETURNING 1
   ) SELECT count(*) FROM gone $$;

-- Sent when the transaction commits, and only then. The version row is locked until the commit: callers
-- publish last.
CREATE FUNCTION app.publish_event(kind text, ref_id bigint, changes_data boolean) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF changes_data THEN
    INSERT INTO app.data_version AS v (version) VALUES (1)
    ON CONFLICT (tenant_id) DO UPDATE SET version = v.version + 1;
  END IF;
  PERFORM pg_notify('hrx_events', json_build_object(
    'tenant', app.current_tenant(), 'kind', kind, 'id', ref_id,
    'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text);
END $$;
"""  # noqa: E501

# Entries are written by whoever acts, without waiting for anybody: a chain that every reader of personal data
# had to extend would let one reader pass at a time. A sealer then links finished entries, in batches, into a
# chain for each tenant. Both tables take inserts only. Tampering with an entry, a link, their order or their
# number breaks the chain; cutting off its end together with the recorded head is caught by the heads that the
# operations plane keeps (seam.audit_chain).
AUDIT = """
CREATE TABLE app.audit_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor_user_id bigint DEFAULT app.current_user_id(),
  session_id bigint DEFAULT nullif(current_setting('hrx.session_id', true), '')::bigint,
  correlation_id text NOT NULL DEFAULT coalesce(current_setting('hrx.correlation_id', true), ''),
  address text CHECK (char_length(address) <= 64),
  action text NOT NULL CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$' AND char_length(action) <= 80),
  subject_person_id bigint,
  -- Names of fields, ids, counts, dates. Values of personal fields do not belong here: nothing can be erased.
  details jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(details::text) <= 20000)
);
SELECT app.protect('audit_entry');
CREATE INDEX audit_entry_of_tenant ON app.audit_entry (tenant_id, id DESC);
CREATE INDEX audit_entry_of_person ON app.audit_entry (tenant_id, subject_person_id, id DESC)
  WHERE subject_person_id IS NOT NULL;
-- Who did it, when and in which request come from the transaction itself and cannot be given.
GRANT INSERT (action, subject_person_id, details, address) ON app.audit_entry TO hrx_app;
GRANT SELECT ON app.audit_entry TO hrx_app;
CREATE POLICY auditors_read ON app.audit_entry AS RESTRICTIVE FOR SELECT TO hrx_app
  USING ((SELECT string_to_array(coalesce(current_setting('hrx.roles', true), ''), ',')
                 && ARRAY['owner', 'auditor', 'system']));
CREATE POLICY seal ON app.audit_entry FOR SELECT TO hrx_policy USING (true);

CREATE TABLE app.audit_pending (
  entry_id bigint PRIMARY KEY REFERENCES app.audit_entry (id),
  tenant_id bigint NOT NULL DEFAULT app.current_tenant()
);
SELECT app.protect('audit_pending');
CREATE INDEX audit_pending_of_tenant ON app.audit_pending (tenant_id, entry_id);
GRANT SELECT, INSERT, DELETE ON app.audit_pending TO hrx_policy;
CREATE POLICY seal ON app.audit_pending TO hrx_policy USING (true) WITH CHECK (true);

CREATE TABLE app.audit_link (
  tenant_id bigint NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  entry_id bigint NOT NULL UNIQUE REFERENCES app.audit_entry (id),
  sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (tenant_id, seq)
);
SELECT app.protect('audit_link');
GRANT SELECT ON app.audit_link TO hrx_app;
GRANT INSERT ON app.audit_link TO hrx_policy;
CREATE POLICY seal ON app.audit_link TO hrx_policy USING (true) WITH CHECK (true);

-- Where each chain ends. A chain shorter than its recorded head has lost its end.
CREATE TABLE app.audit_head (
  tenant_id bigint PRIMARY KEY REFERENCES app.tenant (id),
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  sealed_at timestamptz NOT NULL
);
SELECT app.protect('audit_head');
GRANT SELECT ON app.audit_head TO hrx_app;
GRANT SELECT, INSERT, UPDATE ON app.audit_head TO hrx_policy;
CREATE POLICY seal ON app.audit_head TO hrx_policy USING (true) WITH CHECK (true);

CREATE FUNCTION app.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'app.% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON app.audit_entry
  FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON app.audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON app.audit_link
  FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON app.audit_link
  FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();

CREATE FUNCTION app.note_pending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO app.audit_pending (entry_id, tenant_id) SELECT e.id, e.tenant_id FROM entries AS e;
  RETURN NULL;
END $$;
ALTER FUNCTION app.note_pending() OWNER TO hrx_policy;
CREATE TRIGGER note_pending AFTER INSERT ON app.audit_entry
  REFERENCING NEW TABLE AS entries FOR EACH STATEMENT EXECUTE FUNCTION app.note_pending();

-- The one definition of what a link vouches for. Everything is spelled out in a form that no setting of a
-- session (time zone, output style) changes; jsonb prints its keys in one order.
CREATE FUNCTION app.audit_hash(prev_hash bytea, seq bigint, e app.audit_entry) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog AS
$$ SELECT sha256(prev_hash || convert_to(jsonb_build_array(
     seq, e.id, e.tenant_id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), e.actor_user_id,
     e.session_id, e.correlation_id, e.address, e.action, e.subject_person_id, e.details)::text, 'UTF8')) $$;

-- Links what is finished, oldest first, at most `batch` entries of one tenant; gives how many. Two sealers of
-- one tenant take turns; writers of entries never wait for a sealer.
CREATE FUNCTION app.seal_audit(of_tenant bigint, batch integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  head record;
  entry app.audit_entry;
  sealed integer := 0;
  seq_now bigint;
  hash_now bytea;
  prev bytea;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hrx.audit', of_tenant));
  SELECT h.seq, h.hash INTO head FROM app.audit_head AS h WHERE h.tenant_id = of_tenant;
  seq_now := coalesce(head.seq, 0);
  hash_now := coalesce(head.hash, sha256(convert_to('hrx.audit:' || of_tenant, 'UTF8')));
  FOR entry IN
    SELECT e.* FROM app.audit_pending AS p JOIN app.audit_entry AS e ON e.id = p.entry_id
    WHERE p.tenant_id = of_tenant ORDER BY p.entry_id LIMIT batch
  LOOP
    prev := hash_now;
    seq_now := seq_now + 1;
    hash_now := app.audit_hash(prev, seq_now, entry);
    INSERT INTO app.audit_link (tenant_id, seq, entry_id, prev_hash, hash)
    VALUES (of_tenant, seq_now, entry.id, prev, hash_now);
    DELETE FROM app.audit_pending WHERE entry_id = entry.id;
    sealed := sealed + 1;
  END LOOP;
  IF sealed > 0 THEN
    INSERT INTO app.audit_head AS h (tenant_id, seq, hash, sealed_at)
    VALUES (of_tenant, seq_now, hash_now, clock_timestamp())
    ON CONFLICT (tenant_id) DO UPDATE
      SET seq = excluded.seq, hash = excluded.hash, sealed_at = excluded.sealed_at;
  END IF;
  RETURN sealed;
END $$;

CREATE FUNCTION app.list_tenants_to_seal() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT DISTINCT p.tenant_id FROM app.audit_pending AS p $$;

-- Checks the links of (after_seq, after_seq + batch]; `prev` is the hash the first of them must build on.
-- Gives how many are right, the entry where it first breaks, and where it got to.
CREATE FUNCTION app.verify_audit_links(of_tenant bigint, after_seq bigint, prev bytea, batch integer)
RETURNS TABLE (checked bigint, last_seq bigint, last_hash bytea, first_broken_entry_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ WITH links AS (
     SELECT l.seq, l.entry_id, l.prev_hash, l.hash,
            lag(l.hash, 1, prev) OVER (ORDER BY l.seq) AS expected_prev,
            lag(l.seq, 1, after_seq) OVER (ORDER BY l.seq) + 1 AS expected_seq,
            (SELECT app.audit_hash(l.prev_hash, l.seq, e) FROM app.audit_entry AS e
             WHERE e.id = l.entry_id AND e.tenant_id = of_tenant) AS recomputed
     FROM app.audit_link AS l
     WHERE l.tenant_id = of_tenant AND l.seq > after_seq
     ORDER BY l.seq LIMIT batch
   )
   SELECT count(*), max(seq), (array_agg(hash ORDER BY seq DESC))[1],
          (array_agg(entry_id ORDER BY seq) FILTER (
             WHERE seq <> expected_seq OR prev_hash <> expected_prev OR recomputed IS DISTINCT FROM hash))[1]
   FROM links $$;

-- Entries that are neither linked nor waiting: someone slipped them in, or cut their links off.
CREATE FUNCTION app.find_unlinked_audit_entry(of_tenant bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT min(e.id) FROM app.audit_entry AS e
   WHERE e.tenant_id = of_tenant
     AND NOT EXISTS (SELECT FROM app.audit_link AS l WHERE l.entry_id = e.id)
     AND NOT EXISTS (SELECT FROM app.audit_pending AS p WHERE p.entry_id = e.id) $$;
"""

# Only what is counted, timed or hashed: the operations plane learns that the product is well, never who
# works where. The views belong to the policy role, so that they read through row-level security by policy.
SEAM = """
GRANT USAGE, CREATE ON SCHEMA seam TO hrx_policy;
GRANT USAGE ON SCHEMA jobs TO hrx_policy;

CREATE VIEW seam.audit_chain AS
SELECT h.tenant_id, h.seq, encode(h.hash, 'hex') AS head_hash, h.sealed_at,
       (SELECT count(*) FROM app.audit_pending AS p WHERE p.tenant_id = h.tenant_id) AS pending
FROM app.audit_head AS h;

CREATE VIEW seam.tenant_counts AS
SELECT t.id AS tenant_id, t.is_active,
       (SELECT count(*) FROM app.user_account AS u WHERE u.tenant_id = t.id AND u.is_active) AS users,
       (SELECT count(*) FROM app.session AS s
        WHERE s.tenant_id = t.id AND s.revoked_at IS NULL AND s.expires_at > now()) AS sessions,
       (SELECT max(s.last_seen_at) FROM app.session AS s WHERE s.tenant_id = t.id) AS last_seen_at
FROM app.tenant AS t;

-- The newest thing the product itself recorded: what a restore is measured against.
CREATE VIEW seam.last_transaction AS
SELECT max(e.at) AS last_audit_at, max(e.id) AS last_audit_id FROM app.audit_entry AS e;

CREATE VIEW seam.queue AS
SELECT j.queue_name, j.status::text AS status, count(*) AS jobs,
       extract(epoch FROM now() - min(coalesce(j.scheduled_at, e.at)))::double precision AS oldest_age_s
FROM jobs.procrastinate_jobs AS j
LEFT JOIN LATERAL (
  SELECT min(x.at) AS at FROM jobs.procrastinate_events AS x WHERE x.job_id = j.id
) AS e ON true
WHERE j.status IN ('todo', 'doing', 'failed') AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
GROUP BY j.queue_name, j.status;

CREATE VIEW seam.worker AS
SELECT w.id, w.last_heartbeat,
       extract(epoch FROM now() - w.last_heartbeat)::double precision AS heartbeat_age_s
FROM jobs.procrastinate_workers AS w;

-- One row for each thing that must hold; `violations` 0 means it does. Later slices add their own rows by
-- replacing this view.
CREATE VIEW seam.integrity AS
SELECT 'audit.unlinked_entries'::text AS check_name,
       (SELECT count(*) FROM app.audit_entry AS e
        WHERE NOT EXISTS (SELECT FROM app.audit_link AS l WHERE l.entry_id = e.id)
          AND NOT EXISTS (SELECT FROM app.audit_pending AS p WHERE p.entry_id = e.id)) AS violations
UNION ALL
SELECT 'audit.head_behind_links',
       (SELECT count(*) FROM app.audit_head AS h
        WHERE h.seq <> (SELECT coalesce(max(l.seq), 0) FROM app.audit_link AS l
                        WHERE l.tenant_id = h.tenant_id))
UNION ALL
SELECT 'tenants.without_owner',
       (SELECT count(*) FROM app.tenant AS t
        WHERE t.is_active
          AND EXISTS (SELECT FROM app.user_account AS u WHERE u.tenant_id = t.id)
          AND NOT EXISTS (
            SELECT FROM app.user_role AS r
            JOIN app.user_account AS u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
            WHERE r.tenant_id = t.id AND r.role = 'owner' AND u.is_active));
"""

_FUNCTIONS_OF_POLICY = (
    ("gate.count_attempt(bytea[], integer[], timestamptz, integer)", True),
    ("gate.forgive_attempt(bytea[])", True),
    ("gate.start_oidc_flow(bytea, text, text, text, text, bytea, timestamptz)", True),
    ("gate.take_oidc_flow(bytea, text, bytea, timestamptz)", True),
    ("gate.purge(timestamptz)", True),
    ("app.begin_request(bytea, text, timestamptz, integer)", True),
    ("app.find_accounts(text, text)", True),
    ("app.find_oidc_accounts(text, text)", True),
    ("app.list_active_tenants()", True),
    ("app.purge_sessions(timestamptz)", True),
    ("app.seal_audit(bigint, integer)", True),
    ("app.list_tenants_to_seal()", True),
    ("app.verify_audit_links(bigint, bigint, bytea, integer)", True),
    ("app.find_unlinked_audit_entry(bigint)", True),
    ("app.note_pending()", False),
)

_SEAM_VIEWS = ("audit_chain", "tenant_counts", "last_transaction", "queue", "worker", "integrity")


def upgrade() -> None:
    for part in (GATE, SESSIONS, SIGN_IN_TRANSACTION, AUDIT):
        op.execute(part)
    for signature, is_called_by_app in _FUNCTIONS_OF_POLICY:
        op.execute(f"ALTER FUNCTION {signature} OWNER TO hrx_policy")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        if is_called_by_app:
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO hrx_app")
    _install_job_queue()
    op.execute(SEAM)
    for view in _SEAM_VIEWS:
        op.execute(f"ALTER VIEW seam.{view} OWNER TO hrx_policy")
        op.execute(f"GRANT SELECT ON seam.{view} TO hrx_ops")


def _install_job_queue() -> None:
    """Procrastinate's own schema, as the installed version ships it.

    A later version of the library brings SQL files in `procrastinate/sql/migrations`; each gets a revision of
    ours that runs it with the same search_path. Its functions name no schema, hence the setting on each."""
    schema = (resources.files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    op.execute("SET LOCAL search_path = jobs, pg_catalog")
    op.get_bind().exec_driver_sql(schema.replace("%", "%%"))
    op.execute("SET LOCAL search_path = DEFAULT")
    op.execute(
        """
        DO $$
        DECLARE f regprocedure;
        BEGIN
          FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'jobs'::regnamespace
          LOOP
            EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_temp', f);
          END LOOP;
        END $$;
        """
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO hrx_app")
    op.execute("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA jobs TO hrx_app")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA jobs TO hrx_policy")


def downgrade() -> None:
    # Loses sessions (people sign in again), linked OIDC identities, waiting jobs and the audit trail.
    for view in reversed(_SEAM_VIEWS):
        op.execute(f"DROP VIEW seam.{view}")
    op.execute("DROP SCHEMA jobs CASCADE")
    op.execute("CREATE SCHEMA jobs")
    op.execute("GRANT USAGE ON SCHEMA jobs TO hrx_app")
    for signature, _ in _FUNCTIONS_OF_POLICY:
        op.execute(f"DROP FUNCTION {signature} CASCADE")
    op.execute("DROP FUNCTION app.publish_event(text, bigint, boolean)")
    op.execute("DROP FUNCTION app.audit_hash(bytea, bigint, app.audit_entry)")
    for table in (
        "audit_head",
        "audit_link",
        "audit_pending",
        "audit_entry",
        "data_version",
        "oidc_identity",
        "session",
    ):
        op.execute(f"DROP TABLE app.{table}")
    op.execute("DROP FUNCTION app.refuse_change()")
    op.execute("DROP INDEX app.user_account_email")
    op.execute("DROP POLICY own_or_owner ON app.user_account")
    op.execute("DROP POLICY owner_only ON app.user_account")
    op.execute("DROP POLICY owner_only ON app.user_role")
    op.execute("DROP POLICY owner_only_delete ON app.user_role")
    op.execute("DROP POLICY gate ON app.user_account")
    op.execute("DROP POLICY gate ON app.user_role")
    op.execute("DROP SCHEMA gate CASCADE")
    op.execute("REVOKE USAGE, CREATE ON SCHEMA seam FROM hrx_policy")
