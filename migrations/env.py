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
# (measured: a harmless ADD COLUMN behind a 6 s transaction stalled all reads for 5.0 s).
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"


def run() -> None:
    engine = create_engine(os.environ["HRX_OWNER_DATABASE_URL"], connect_args={"connect_timeout": 10})
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
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
