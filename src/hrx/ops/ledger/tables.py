"""The ledger's tables, and the triggers that make appending the only thing one can do to it.

The triggers do not stop somebody who owns the file; the chain shows what they did. They stop every mistake,
ours included: an update, a delete, a REPLACE, and two writers who both believe to be next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()
# SQLite numbers rows only in a column that is exactly INTEGER.
BIG: Final = BigInteger().with_variant(Integer, "sqlite")

entry = Table(
    "entry",
    metadata,
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("kind", String(40), nullable=False, index=True),
    Column("actor", String(200), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("correlation_id", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # A fork would need two entries with the same predecessor.
    UniqueConstraint("prev_hash"),
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BIG, nullable=False),
    Column("hash", String(64), nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("process", String(200), nullable=False),
    Column("version", BIG, nullable=False),
    Column("acquired_at", String(40), nullable=False),
    Column("expires_at", String(40), nullable=False),
)

operator = Table(
    "operator",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("totp_secret", Text),
    Column("language", String(2)),
    Column("created_at", String(40), nullable=False),
    Column("disabled_at", String(40)),
    Column("last_sign_in_at", String(40)),
)

session = Table(
    "session",
    metadata,
    # SHA-256 of the token: a copy of the store signs nobody in.
    Column("token_digest", String(64), primary_key=True),
    Column("operator", String(100), nullable=False, index=True),
    Column("csrf_token", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("seen_at", String(40), nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("window_ends_at", String(40), nullable=False),
)

alert = Table(
    "alert",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("severity", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("seen_at", String(40), nullable=False),
    Column("body", Text, nullable=False),
)

CORE_TABLES: Final = (entry, head, lease, operator, session, attempt, alert)

_SQLITE: Final = (
    """
    CREATE TRIGGER IF NOT EXISTS entry_never_updated BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS entry_never_deleted BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    # INSERT OR REPLACE deletes without firing the trigger above, so the new row must be the next one.
    """
    CREATE TRIGGER IF NOT EXISTS entry_only_appended BEFORE INSERT ON entry
    WHEN NEW.seq != (SELECT COALESCE(MAX(seq), 0) + 1 FROM entry)
      OR NEW.prev_hash != COALESCE((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1), :genesis)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS head_never_back BEFORE UPDATE ON head
    WHEN NEW.seq != OLD.seq + 1
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS head_never_deleted BEFORE DELETE ON head
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
)

_POSTGRESQL: Final = (
    """
    CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
    """,
    """
    CREATE OR REPLACE FUNCTION ledger_only_append() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM entry)
         OR NEW.prev_hash <> COALESCE((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1), :genesis)
      THEN RAISE EXCEPTION 'the ledger is append-only'; END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE OR REPLACE FUNCTION ledger_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.seq <> OLD.seq + 1 THEN RAISE EXCEPTION 'the ledger is append-only'; END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER entry_never_changed BEFORE UPDATE OR DELETE ON entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE OR REPLACE TRIGGER entry_never_emptied BEFORE TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()
    """,
    """
    CREATE OR REPLACE TRIGGER entry_only_appended BEFORE INSERT ON entry
    FOR EACH ROW EXECUTE FUNCTION ledger_only_append()
    """,
    """
    CREATE OR REPLACE TRIGGER head_never_back BEFORE UPDATE ON head
    FOR EACH ROW EXECUTE FUNCTION ledger_head_forward()
    """,
    """
    CREATE OR REPLACE TRIGGER head_never_deleted BEFORE DELETE ON head
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse()
    """,
)


def guards(dialect: str, *, genesis: str) -> list[str]:
    """The statements that make the ledger append-only on this database; harmless when run again."""
    statements = _SQLITE if dialect == "sqlite" else _POSTGRESQL
    # A trigger's body takes no bound parameter; the value is a constant of ours.
    return [statement.replace(":genesis", f"'{genesis}'") for statement in statements]


def to_moment(at: datetime) -> str:
    """A moment as stored: UTC with microseconds always, so that text sorts as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
