"""Foundation: schemas, tenants, the principal of a transaction, user accounts and their roles.

Revision: 0001   Revises: nothing
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
declares_loss = (
    "app.tenant",
    "app.user_account",
    "app.user_role",
)

SCHEMAS = """
CREATE SCHEMA app;
CREATE SCHEMA jobs;
CREATE SCHEMA seam;
GRANT USAGE ON SCHEMA app TO hrx_app, hrx_policy;
-- Only inside this schema may the policy role own functions (ALTER FUNCTION ... OWNER TO needs it).
GRANT CREATE ON SCHEMA app TO hrx_policy;
GRANT USAGE ON SCHEMA jobs TO hrx_app;
GRANT USAGE ON SCHEMA seam TO hrx_ops;
GRANT USAGE ON SCHEMA public TO hrx_app, hrx_ops;
GRANT SELECT ON public.schema_revision TO hrx_app, hrx_ops;
"""

# Every function below fails closed: without a tenant set in this very transaction it gives NULL, a NULL
# comparison is not true, and a policy lets no row through.
PRINCIPAL = """
CREATE FUNCTION app.current_tenant() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('hrx.tenant_id', true), '')::bigint $$;

CREATE FUNCTION app.current_user_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('hrx.user_id', true), '')::bigint $$;

CREATE FUNCTION app.current_person() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('hrx.person_id', true), '')::bigint $$;

CREATE FUNCTION app.has_role(role_name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT role_name = ANY (string_to_array(coalesce(current_setting('hrx.roles', true), ''), ',')) $$;

-- Owner, HR and auditor see every person of their own tenant; everybody else by app.may_see_* only.
CREATE FUNCTION app.sees_everyone() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(coalesce(current_setting('hrx.roles', true), ''), ',')
          && ARRAY['owner', 'hr', 'auditor', 'system'] $$;

-- Auditors read everything and write nothing.
CREATE FUNCTION app.may_write_people() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(coalesce(current_setting('hrx.roles', true), ''), ',')
          && ARRAY['owner', 'hr', 'system'] $$;
"""

# One call per tenant table: RLS on, forced for the owner too, the tenant policy, and a read-through policy
# for the policy role, whose SECURITY DEFINER functions would otherwise recurse into the policies they serve.
# Further narrowing is added as RESTRICTIVE policies TO hrx_app.
PROTECT = """
CREATE FUNCTION app.protect(table_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY', table_name);
  EXECUTE format('ALTER TABLE app.%I FORCE ROW LEVEL SECURITY', table_name);
  EXECUTE format('CREATE POLICY tenant_isolation ON app.%I USING (tenant_id = (SELECT app.current_tenant()))'
                 ' WITH CHECK (tenant_id = (SELECT app.current_tenant()))', table_name);
  EXECUTE format('GRANT SELECT ON app.%I TO hrx_policy', table_name);
END $$;
"""

TABLES = """
CREATE TABLE app.tenant (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
  time_zone text NOT NULL DEFAULT 'Asia/Tokyo',
  locale text NOT NULL DEFAULT 'ja' CHECK (locale IN ('ja', 'en')),
  -- Whether HR's own change orders need a second person as well.
  needs_four_eyes boolean NOT NULL DEFAULT false,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE app.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON app.tenant
  USING (id = (SELECT app.current_tenant())) WITH CHECK (id = (SELECT app.current_tenant()));
GRANT SELECT ON app.tenant TO hrx_app, hrx_policy;
GRANT UPDATE (name, time_zone, locale, needs_four_eyes) ON app.tenant TO hrx_app;

CREATE FUNCTION app.tenant_today() RETURNS date
LANGUAGE sql STABLE AS
$$ SELECT (now() AT TIME ZONE coalesce(
     (SELECT time_zone FROM app.tenant WHERE id = app.current_tenant()), 'Asia/Tokyo'))::date $$;

CREATE TABLE app.user_account (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  email text NOT NULL
    CHECK (email = lower(email) AND position('@' IN email) > 1 AND char_length(email) <= 254),
  display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
  locale text NOT NULL DEFAULT 'ja' CHECK (locale IN ('ja', 'en')),
  -- The person of the HR record this account belongs to; added as a foreign key when people exist (0003).
  person_id bigint,
  password_hash text,
  totp_secret_sealed bytea,
  totp_confirmed_at timestamptz,
  -- The last accepted TOTP step: a code is good once only.
  totp_last_step bigint,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_signed_in_at timestamptz,
  UNIQUE (tenant_id, email),
  UNIQUE (tenant_id, id)
);
SELECT app.protect('user_account');
GRANT SELECT, INSERT, UPDATE ON app.user_account TO hrx_app;

CREATE TABLE app.user_role (
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  user_id bigint NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'hr', 'manager', 'employee', 'auditor')),
  granted_by bigint,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, user_id, role),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app.user_account (tenant_id, id)
);
SELECT app.protect('user_role');
GRANT SELECT, INSERT, DELETE ON app.user_role TO hrx_app;
"""

# A tenant cannot be inserted by the application role through its own policy (it has no tenant yet); this one
# function creates it and gives its id back. Whoever provisions tenants (the demo, sign-up) calls it.
PROVISION = """
CREATE POLICY provision ON app.tenant FOR ALL TO hrx_policy USING (true) WITH CHECK (true);
GRANT INSERT ON app.tenant TO hrx_policy;

CREATE FUNCTION app.create_tenant(slug text, name text, time_zone text, locale text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ INSERT INTO app.tenant (slug, name, time_zone, locale)
   VALUES (create_tenant.slug, create_tenant.name, create_tenant.time_zone, create_tenant.locale)
   RETURNING id $$;
ALTER FUNCTION app.create_tenant(text, text, text, text) OWNER TO hrx_policy;
REVOKE ALL ON FUNCTION app.create_tenant(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.create_tenant(text, text, text, text) TO hrx_app;

CREATE FUNCTION app.find_tenant(slug text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT t.id FROM app.tenant AS t WHERE t.slug = find_tenant.slug AND t.is_active $$;
ALTER FUNCTION app.find_tenant(text) OWNER TO hrx_policy;
REVOKE ALL ON FUNCTION app.find_tenant(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.find_tenant(text) TO hrx_app;
"""


def upgrade() -> None:
    for part in (SCHEMAS, PRINCIPAL, PROTECT, TABLES, PROVISION):
        op.execute(part)


def downgrade() -> None:
    # Loses every tenant and account: nothing older than the foundation exists to keep them.
    op.execute("DROP SCHEMA seam CASCADE")
    op.execute("DROP SCHEMA jobs CASCADE")
    op.execute("DROP SCHEMA app CASCADE")
