"""${message}

While this runs, and until the release after the next, OLD and NEW code both work on this schema:
 1. Add first: new tables, nullable columns, indexes CONCURRENTLY (in `with op.get_context().autocommit_block()`).
 2. Backfill in batches from a job, never here: an UPDATE of a whole table stalls every writer behind it.
 3. Enforce (NOT NULL, constraints NOT VALID then VALIDATE) in the next release; drop one release later still.
Every tenant table needs: tenant_id DEFAULT app.current_tenant(), `SELECT app.protect('table')`, a grant, and
a policy of its own when "same tenant" is not narrow enough. tests/app/platform/test_catalogue.py walks the
catalogue and fails otherwise. `downgrade` must really undo, and say so when rows written since are lost.

Revision: ${up_revision}   Revises: ${down_revision | comma,n}   Created: ${create_date}
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "op.execute(\"\")"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.execute(\"\")"}
