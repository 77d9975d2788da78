"""Looking at PostgreSQL as role `hrx_ops`: pg_monitor and the views of schema `seam`, nothing else.

Plain SQL in the open. Each look is one connection, read-only, with limits inside the server too: a look must
never be what makes a sick database worse."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from hrx.kit.errors import Text
from hrx.ops.check import Fact, Observation
from hrx.ops.seams.looking import LookFailed, look, no_answer

# pg_stat_activity is small and has no index; pg_database_size reads file sizes of one database.
_FACTS_SQL: Final = """
SELECT current_setting('server_version') AS version,
       EXTRACT(EPOCH FROM now() - pg_postmaster_start_time())::bigint AS uptime_s,
       pg_is_in_recovery() AS is_standby,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS connections_max,
       (SELECT COALESCE(max(EXTRACT(EPOCH FROM now() - xact_start)), 0)::float8
          FROM pg_stat_activity
         WHERE state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend')
         AS oldest_transaction_s,
       (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock') AS waiting_for_locks,
       pg_database_size(current_database()) AS size_bytes
"""


def look_at_postgres(subject: str, url: str, *, timeout_s: float) -> Observation:
    """Version, connections, the oldest transaction, lock waits and size of the database behind `url`."""
    return look(subject, lambda: _ask(url, timeout_s=timeout_s))


class Door(StrEnum):
    """Why the server's door is shut; each has another remedy."""

    REFUSED = "refused"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  # the name of a state
    TOO_MANY = "too_many"
    STARTING = "starting"
    TIMED_OUT = "timed_out"
    NO_HOST = "no_host"
    FAILED = "failed"


class DatabaseRefused(LookFailed):
    """The database did not answer a question; `door` says how it refused."""

    def __init__(self, why: Text, *, door: Door) -> None:
        super().__init__(why)
        self.door = door


def read_rows(
    url: str, statement: str, *, timeout_s: float, parameters: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """The rows of one read-only statement. Raises DatabaseRefused. `Any`: columns differ in type."""
    return _run(url, statement, timeout_s=timeout_s, parameters=parameters, is_read_only=True)


def call_function(
    url: str, statement: str, *, timeout_s: float, parameters: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """The same for a function of schema `seam` that changes something; it decides what may be changed."""
    return _run(url, statement, timeout_s=timeout_s, parameters=parameters, is_read_only=False)


def _ask(url: str, *, timeout_s: float) -> dict[str, Fact]:
    rows = read_rows(url, _FACTS_SQL, timeout_s=timeout_s)
    return dict(rows[0]) if rows else {}


# `Any`: rows of the driver have no type.
def _run(
    url: str,
    statement: str,
    *,
    timeout_s: float,
    parameters: Mapping[str, object] | None,
    is_read_only: bool,
) -> list[dict[str, Any]]:
    milliseconds = max(50, int(timeout_s * 1000))
    try:
        with psycopg.connect(
            url.replace("postgresql+psycopg://", "postgresql://", 1),
            # libpq counts whole seconds, and takes 1 for 2.
            connect_timeout=max(2, round(timeout_s)),
            application_name="hrx-ops",
            autocommit=True,
            options=f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
            f" -c default_transaction_read_only={'on' if is_read_only else 'off'}",
            row_factory=dict_row,
        ) as connection:
            found = connection.execute(statement.encode(), parameters)
            return list(found.fetchall()) if found.description else []
    except (psycopg.Error, ValueError, OSError) as error:
        why = no_answer(error, within_s=timeout_s).why
        raise DatabaseRefused(why, door=_door_of(error)) from error


def _door_of(error: Exception) -> Door:
    """The kind of refusal; a failed connection carries no SQLSTATE, so the server's own words decide."""
    said = f"{getattr(error, 'sqlstate', None) or ''} {error}".lower()
    for door, marks in (
        (Door.WRONG_PASSWORD, ("28p01", "password authentication failed", "no password supplied")),
        (Door.TOO_MANY, ("53300", "too many clients", "remaining connection slots")),
        (Door.STARTING, ("57p03", "starting up", "shutting down", "recovery mode")),
        (Door.TIMED_OUT, ("57014", "timeout", "timed out")),
        (Door.NO_HOST, ("could not translate host", "name or service", "failed to resolve")),
        (Door.REFUSED, ("refused", "no such file")),
    ):
        if any(mark in said for mark in marks):
            return door
    return Door.FAILED


def address_of(url: str) -> str:
    """Host and port of a database URL, without its credentials."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port or 5432}"
