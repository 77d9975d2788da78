"""Runs migrations as the owner role, one transaction each, with time limits and an advisory lock.

Only plain SQL migrations are used: the tables carry row-level security, exclusion constraints and functions
that no autogeneration would keep."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import create_engine, text

# Two migrators at once would interleave; the second waits for the first. Any constant works.
ADVISORY_LOCK = 4_873_120_551
# A migration that cannot get its lock in 5 s gives up instead of queueing every reader behind it
# (measured: a harmless ADD COLUMN behind a 6 s transaction stalled all reads for 5.0 s). The runner of the
# release asks for a far shorter wait (`-x lock_timeout_ms=200`) and tries again.
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 600_000


def run() -> None:
    asked = context.get_x_argument(as_dictionary=True)
    lock_timeout_ms = int(asked.get("lock_timeout_ms", LOCK_TIMEOUT_MS))
    # As options of the connection, so that RESET in a revision comes back to them.
    limits = f"-c lock_timeout={lock_timeout_ms} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    engine = create_engine(
        os.environ["HRX_OWNER_DATABASE_URL"], connect_args={"connect_timeout": 10, "options": limits}
    )
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text("RESET lock_timeout"))
        connection.commit()
        context.configure(
            connection=connection,
            version_table="schema_revision",
            version_table_schema="public",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Offline SQL is not offered: migrations are rehearsed on a real database.")
run()
