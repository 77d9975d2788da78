"""Imports: the uploaded file, how its columns are read, what every row would do, and how it ended.

Only owner, HR and background work change imports; auditors read them. Rows hold personal data as the file had
it, so they are deleted with the file after a while (job imports.forget), which the import itself outlives.

Revision: 0005   Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
declares_loss = (
    "app.data_import",
    "app.data_import_row",
)

TABLES = """
CREATE TABLE app.data_import (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id bigint NOT NULL DEFAULT app.current_tenant() REFERENCES app.tenant (id),
  kind text NOT NULL DEFAULT 'people' CHECK (kind IN ('people')),
  state text NOT NULL DEFAULT 'uploaded' CHECK (state IN ('uploaded', 'mapped', 'checking', 'checked',
    'committing', 'committed', 'failed', 'cancelled')),
  file_name text NOT NULL CHECK (char_length(file_name) BETWEEN 1 AND 255),
  -- Where the bytes are in object storage; NULL once they are deleted.
  file_key text,
  file_sha256 text NOT NULL,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  encoding text NOT NULL,
  delimiter text NOT NULL,
  sheet text NOT NULL DEFAULT '',
  -- As guessed: [{"name", "samples", "guessed_field", "confidence"}]; as decided: {"column": "field"}.
  columns jsonb NOT NULL DEFAULT '[]',
  mapping jsonb NOT NULL DEFAULT '{}',
  may_create_units boolean NOT NULL DEFAULT false,
  may_create_positions boolean NOT NULL DEFAULT false,
  -- Raised whenever the mapping changes or a check starts: a job that was overtaken writes nothing.
  revision integer NOT NULL DEFAULT 1,
  rows_total integer NOT NULL DEFAULT 0,
  rows_done integer NOT NULL DEFAULT 0,
  counts jsonb NOT NULL DEFAULT '{}',
  -- Paths and titles that the commit would create: {"units": [...], "positions": [...]}.
  creations jsonb NOT NULL DEFAULT '{}',
  -- Digest of what the check planned; a commit that plans anything else stops.
  plan_digest text,
  is_skipping_errors boolean NOT NULL DEFAULT false,
  -- Why the last step stopped: {"code", "message": {"ja", "en"}, "hint": {"ja", "en"}}.
  problem jsonb,
  uploaded_by bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  checked_at timestamptz,
  committed_by bigint,
  committed_at timestamptz,
  change_order_id bigint,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, uploaded_by) REFERENCES app.user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, committed_by) REFERENCES app.user_account (tenant_id, id),
  FOREIGN KEY (tenant_id, change_order_id) REFERENCES app.change_order (tenant_id, id)
);
SELECT app.protect('data_import');
CREATE INDEX data_import_newest ON app.data_import (tenant_id, id DESC);
GRANT SELECT, INSERT ON app.data_import TO hrx_app;
GRANT UPDATE (state, file_key, mapping, may_create_units, may_create_positions, revision, rows_total,
              rows_done, counts, creations, plan_digest, is_skipping_errors, problem, checked_at, committed_by,
              committed_at, change_order_id) ON app.data_import TO hrx_app;

CREATE TABLE app.data_import_row (
  tenant_id bigint NOT NULL DEFAULT app.current_tenant(),
  import_id bigint NOT NULL,
  -- The number that a spreadsheet shows beside the row.
  row_number integer NOT NULL,
  action text NOT NULL CHECK (action IN ('create', 'update', 'unchanged', 'error')),
  has_problems boolean NOT NULL,
  cells jsonb NOT NULL,
  problems jsonb NOT NULL,
  changes jsonb NOT NULL,
  PRIMARY KEY (import_id, row_number),
  FOREIGN KEY (tenant_id, import_id) REFERENCES app.data_import (tenant_id, id)
);
SELECT app.protect('data_import_row');
CREATE INDEX data_import_row_problems ON app.data_import_row (import_id, row_number) WHERE has_problems;
CREATE INDEX data_import_row_of_tenant ON app.data_import_row (tenant_id);
GRANT SELECT, INSERT, DELETE ON app.data_import_row TO hrx_app;
"""  # noqa: E501

POLICIES = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['data_import', 'data_import_row'] LOOP
    EXECUTE format('CREATE POLICY seen ON app.%I AS RESTRICTIVE FOR SELECT TO hrx_app'
                   ' USING ((SELECT app.sees_everyone()))', name);
    EXECUTE format('CREATE POLICY written_by_hr ON app.%I AS RESTRICTIVE FOR INSERT TO hrx_app'
                   ' WITH CHECK ((SELECT app.may_write_people()))', name);
    EXECUTE format('CREATE POLICY changed_by_hr ON app.%I AS RESTRICTIVE FOR UPDATE TO hrx_app'
                   ' USING ((SELECT app.may_write_people()))'
                   ' WITH CHECK ((SELECT app.may_write_people()))', name);
    EXECUTE format('CREATE POLICY deleted_by_hr ON app.%I AS RESTRICTIVE FOR DELETE TO hrx_app'
                   ' USING ((SELECT app.may_write_people()))', name);
  END LOOP;
END $$;
"""

# A committed import stays what it was; a cancelled one does not come back.
STATES = """
CREATE FUNCTION app.keep_import_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND OLD.state IN ('committed', 'cancelled') THEN
    RAISE EXCEPTION 'import % is % and stays so', OLD.id, OLD.state
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'import_state_moves_on';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_import_state BEFORE UPDATE ON app.data_import
  FOR EACH ROW EXECUTE FUNCTION app.keep_import_state();
"""


def upgrade() -> None:
    for part in (TABLES, POLICIES, STATES):
        op.execute(part)


def downgrade() -> None:
    # Loses the record of imports; the people they brought in stay, with the change orders that say so.
    op.execute("DROP TABLE app.data_import_row")
    op.execute("DROP TABLE app.data_import")
    op.execute("DROP FUNCTION app.keep_import_state()")
