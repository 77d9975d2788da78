"""ID tokens that were exchanged for a session are used up; one account for a person, tenant by tenant.

Old code goes on to work on this schema: the table is new, and the index only narrows what it compares.

Revision: 0006   Revises: 0005
"""

from alembic import op

# hrx: accept index-not-concurrent on app.user_account because no installation had rows yet
revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
declares_loss = ("gate.used_token",)

USED_TOKENS = """
CREATE TABLE gate.used_token (
  -- SHA-256 of what the provider signed. The signature is left out: some can be rewritten and still hold.
  digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
  expires_at timestamptz NOT NULL
);
CREATE INDEX used_token_expires_at ON gate.used_token (expires_at);
GRANT SELECT, INSERT, DELETE ON gate.used_token TO hrx_policy;

-- Whether the token was not used before; of two uses at the same moment one waits, and loses.
CREATE FUNCTION gate.use_token(digest bytea, expires_at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO gate.used_token VALUES ($1, $2) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;
ALTER FUNCTION gate.use_token(bytea, timestamptz) OWNER TO hrx_policy;
REVOKE ALL ON FUNCTION gate.use_token(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.use_token(bytea, timestamptz) TO hrx_app;
"""

# CREATE OR REPLACE keeps owner and grants.
PURGE = """
CREATE OR REPLACE FUNCTION gate.purge(at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ WITH a AS (DELETE FROM gate.throttle WHERE window_ends_at < $1 RETURNING 1),
        b AS (DELETE FROM gate.oidc_flow WHERE expires_at < $1 RETURNING 1),
        c AS (DELETE FROM gate.used_token WHERE expires_at < $1 RETURNING 1)
   SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c) $$;
"""
PURGE_BEFORE = """
CREATE OR REPLACE FUNCTION gate.purge(at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS
$$ WITH a AS (DELETE FROM gate.throttle WHERE window_ends_at < $1 RETURNING 1),
        b AS (DELETE FROM gate.oidc_flow WHERE expires_at < $1 RETURNING 1)
   SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) $$;
"""

# A unique index is checked before the foreign key: over all tenants it told which foreign ids have accounts.
ACCOUNT_OF_PERSON = """
DROP INDEX app.user_account_person;
CREATE UNIQUE INDEX user_account_person ON app.user_account ({columns}) WHERE person_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(USED_TOKENS)
    op.execute(PURGE)
    op.execute(ACCOUNT_OF_PERSON.format(columns="tenant_id, person_id"))


def downgrade() -> None:
    # Loses which tokens were used: until they expire they could be used again.
    op.execute(ACCOUNT_OF_PERSON.format(columns="person_id"))
    op.execute(PURGE_BEFORE)
    op.execute("DROP FUNCTION gate.use_token(bytea, timestamptz)")
    op.execute("DROP TABLE gate.used_token")
