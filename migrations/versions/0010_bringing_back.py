"""Role hrx_restore, where it exists, may bring rows back and erase people; trails stay append-only to it.

It passes row-level security and sets triggers aside (both given by whoever makes the role): history is
brought back as it was known. Nothing signs in as this role but the recovery of the operations plane.

Revision: 0010   Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: A database elsewhere may not have the role yet; whoever makes it grants these lines as well.
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hrx_restore') THEN
    GRANT USAGE ON SCHEMA app, jobs, seam TO hrx_restore;
    GRANT SELECT ON ALL TABLES IN SCHEMA app, jobs TO hrx_restore;
    GRANT SELECT ON seam.integrity TO hrx_restore;
    GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA app TO hrx_restore;
    REVOKE INSERT, UPDATE ON app.audit_entry, app.audit_link, app.audit_head, app.audit_pending FROM hrx_restore;
    GRANT INSERT (tenant_id, action, subject_person_id, details, correlation_id) ON app.audit_entry TO hrx_restore;
    GRANT DELETE ON app.person_private, app.session, app.oidc_identity, app.data_import_row TO hrx_restore;
    ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT, INSERT, UPDATE ON TABLES TO hrx_restore;
  END IF;
END $$;
"""  # noqa: E501

REVOKES = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'hrx_restore') THEN
    ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT, INSERT, UPDATE ON TABLES FROM hrx_restore;
    REVOKE INSERT (tenant_id, action, subject_person_id, details, correlation_id)
      ON app.audit_entry FROM hrx_restore;
    REVOKE ALL ON ALL TABLES IN SCHEMA app, jobs FROM hrx_restore;
    REVOKE ALL ON seam.integrity FROM hrx_restore;
    REVOKE ALL ON SCHEMA app, jobs, seam FROM hrx_restore;
  END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(GRANTS)


def downgrade() -> None:
    # Loses nothing: rows that were brought back stay.
    op.execute(REVOKES)
