"""${message}

Delete these lines once you have followed them.
While this runs, and until the release after the next, OLD and NEW code both work on this schema:
 1. Add: new tables, columns that may be empty or have a constant default, indexes beside the traffic:
        with op.get_context().autocommit_block():
            # It waits for old transactions and stands in nobody's way while it waits.
            op.execute("SET lock_timeout = 0")
            op.execute("CREATE INDEX CONCURRENTLY person_by_kana ON app.person (kana)")
            op.execute("RESET lock_timeout")
 2. Backfill in batches, never here: an UPDATE of a whole table stalls every writer behind it.
        from hrx.ops.release.migrations.backfilling import Backfill, run_backfill
        run_backfill(admin_url, Backfill(name="person-kana", table="app.person",
                                         set_clause="kana = app.fold(t.name)", where="t.kana IS NULL"))
    It notes where it stands in the database and goes on there after a stop or a kill.
 3. Enforce in the next release, in two transactions (two revisions, or an autocommit_block between):
        ALTER TABLE app.person ADD CONSTRAINT person_kana NOT NULL kana NOT VALID
        ALTER TABLE app.person VALIDATE CONSTRAINT person_kana      -- the same for CHECK and FOREIGN KEY
 4. Drop one release later still, when no release to go back to reads it: until then the build warns, and the
    deploy is refused. If nobody will go back any more, say so: ends_contract = ("app.table.column",)
Locks: the runner waits 200 ms for each and tries again (`hrx.ops.release.migrations.running`); leave
lock_timeout alone in a transaction. One strong lock a transaction, and no rows written behind it.

Every tenant table needs: tenant_id DEFAULT app.current_tenant(), `SELECT app.protect('table')`, a grant, and
a policy of its own when "same tenant" is not narrow enough. tests/app/platform/test_catalogue.py walks the
catalogue and fails otherwise.

`downgrade` must really undo. What is lost on the way down (rows and values that new code wrote), or at once
by a drop, is named in declares_loss as "app.table" or "app.table.column": the way back asks for approval of
exactly that, and refuses without a verified backup younger than the RPO.

A finding that is right here is accepted with its reason, and stays visible; without a reason it is none:
        # hrx: accept RULE on app.table because it holds forty rows
See what is found: `hrx release migrations lint`. See what it does: `hrx release migrations rehearse`.

Revision: ${up_revision}   Revises: ${down_revision | comma,n}   Created: ${create_date}
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
declares_loss: tuple[str, ...] = ()


def upgrade() -> None:
    ${upgrades if upgrades else "op.execute(\"\")"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.execute(\"\")"}
