"""What operations may do to sessions and accounts in a security incident: five functions and nothing else.

Role hrx_repair may call them; it reads no table. Whatever they change is told in the tenant's own audit
trail, with the correlation id by which the operations' ledger knows who did it and why. Old code works on
this schema.

Revision: 0007   Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The functions' owner changes one column of each table, across tenants; row-level security stays forced.
RIGHTS = """
GRANT UPDATE (revoked_at) ON app.session TO hrx_policy;
GRANT UPDATE (is_active) ON app.user_account TO hrx_policy;
CREATE POLICY contain ON app.user_account FOR UPDATE TO hrx_policy USING (true) WITH CHECK (true);
GRANT INSERT (tenant_id, action, details, correlation_id) ON app.audit_entry TO hrx_policy;
CREATE POLICY contain ON app.audit_entry FOR INSERT TO hrx_policy WITH CHECK (true);
"""

# Who a scope means: an account, a tenant, or (both empty) everybody.
FUNCTIONS = """
CREATE FUNCTION seam.count_open_sessions(of_tenant bigint, of_user bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT count(*) FROM app.session AS s
   WHERE s.revoked_at IS NULL AND s.expires_at > now()
     AND (of_tenant IS NULL OR s.tenant_id = of_tenant) AND (of_user IS NULL OR s.user_id = of_user)
     -- Whoever signed in after the last revocation has proven anew who they are.
     AND s.created_at <= coalesce((
       SELECT max(r.revoked_at) FROM app.session AS r
       WHERE (of_tenant IS NULL OR r.tenant_id = of_tenant) AND (of_user IS NULL OR r.user_id = of_user)
     ), now()) $$;

-- Ends open sessions; gives how many. Live connections are told, as when people end a session themselves.
CREATE FUNCTION seam.revoke_sessions(of_tenant bigint, of_user bigint, by_correlation text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  ended record;
  total bigint := 0;
BEGIN
  FOR ended IN
    WITH gone AS (
      UPDATE app.session AS s SET revoked_at = clock_timestamp()
      WHERE s.revoked_at IS NULL AND s.expires_at > now()
        AND (of_tenant IS NULL OR s.tenant_id = of_tenant) AND (of_user IS NULL OR s.user_id = of_user)
      RETURNING s.tenant_id, s.id
    )
    SELECT g.tenant_id, array_agg(g.id) AS ids FROM gone AS g GROUP BY g.tenant_id
  LOOP
    INSERT INTO app.audit_entry (tenant_id, action, details, correlation_id)
    VALUES (ended.tenant_id, 'session.revoked_by_operations',
            jsonb_strip_nulls(jsonb_build_object('sessions', cardinality(ended.ids), 'user_id', of_user)),
            left(by_correlation, 64));
    PERFORM pg_notify('hrx_events', json_build_object(
              'tenant', ended.tenant_id, 'kind', 'session.revoked', 'id', x.id,
              'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text)
    FROM unnest(ended.ids) AS x(id);
    total := total + cardinality(ended.ids);
  END LOOP;
  RETURN total;
END $$;

-- 'active' or 'locked'; NULL when there is no such account.
CREATE FUNCTION seam.account_state(of_user bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT CASE WHEN u.is_active THEN 'active' ELSE 'locked' END FROM app.user_account AS u
   WHERE u.id = of_user $$;

-- Shuts an account out or lets it in again; gives whether that changed anything, NULL when there is none.
CREATE FUNCTION seam.set_account_active(of_user bigint, to_active boolean, by_correlation text)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  was record;
BEGIN
  SELECT u.tenant_id, u.is_active INTO was FROM app.user_account AS u WHERE u.id = of_user;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF was.is_active = to_active THEN
    RETURN false;
  END IF;
  UPDATE app.user_account AS u SET is_active = to_active WHERE u.id = of_user;
  INSERT INTO app.audit_entry (tenant_id, action, details, correlation_id)
  VALUES (was.tenant_id,
          CASE WHEN to_active THEN 'user.unlocked_by_operations' ELSE 'user.locked_by_operations' END,
          jsonb_build_object('user_id', of_user), left(by_correlation, 64));
  RETURN true;
END $$;

-- Evidence: numbers, moments and networks, no names; addresses are cut to what does not name a household.
CREATE FUNCTION seam.list_recent_sessions(at_most integer)
RETURNS TABLE (session_id bigint, tenant_id bigint, user_id bigint, stage text, method text, network text,
               created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz,
               revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT s.id, s.tenant_id, s.user_id, s.stage, s.method,
          CASE WHEN s.address ~ '^[0-9.]+$'
               THEN substring(s.address FROM '^[0-9]+[.][0-9]+[.][0-9]+') || '.x'
               WHEN s.address ~ ':'
               THEN substring(s.address FROM '^[0-9a-fA-F]*:[0-9a-fA-F]*:') || ':/32' END,
          s.created_at, s.last_seen_at, s.expires_at, s.revoked_at
   FROM app.session AS s ORDER BY s.last_seen_at DESC LIMIT least(at_most, 10000) $$;
"""

SIGNATURES = (
    "seam.count_open_sessions(bigint, bigint)",
    "seam.revoke_sessions(bigint, bigint, text)",
    "seam.account_state(bigint)",
    "seam.set_account_active(bigint, boolean, text)",
    "seam.list_recent_sessions(integer)",
)

# A database elsewhere may not have the role yet; whoever makes it grants these two lines as well.
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hrx_repair') THEN
    GRANT USAGE ON SCHEMA seam TO hrx_repair;
    GRANT EXECUTE ON FUNCTION {signatures} TO hrx_repair;
  END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(RIGHTS)
    op.execute(FUNCTIONS)
    for signature in SIGNATURES:
        op.execute(f"ALTER FUNCTION {signature} OWNER TO hrx_policy")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(GRANTS.format(signatures=", ".join(SIGNATURES)))


def downgrade() -> None:
    # Loses nothing: what the functions changed stays changed.
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hrx_repair') THEN"
        " REVOKE USAGE ON SCHEMA seam FROM hrx_repair; END IF; END $$"
    )
    op.execute("DROP POLICY contain ON app.audit_entry")
    op.execute(
        "REVOKE INSERT (tenant_id, action, details, correlation_id) ON app.audit_entry FROM hrx_policy"
    )
    op.execute("DROP POLICY contain ON app.user_account")
    op.execute("REVOKE UPDATE (is_active) ON app.user_account FROM hrx_policy")
    op.execute("REVOKE UPDATE (revoked_at) ON app.session FROM hrx_policy")
