"""Looking at PostgreSQL as role `hrx_ops`: pg_monitor and the views of schema `seam`, nothing else.

Plain SQL in the open. Each look is one connection, read-only, with limits inside the server too: a look must
never be what makes a sick database worse."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from hrx.ops.check import Fact, Observation
from hrx.ops.seams.looking import look, no_answer

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


def _ask(url: str, *, timeout_s: float) -> dict[str, Fact]:
    milliseconds = max(50, int(timeout_s * 1000))
    try:
        with psycopg.connect(
            url.replace("postgresql+psycopg://", "postgresql://", 1),
            # libpq counts whole seconds, and takes 1 for 2.
            connect_timeout=max(2, round(timeout_s)),
            application_name="hrx-ops",
            autocommit=True,
            options=f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
            " -c default_transaction_read_only=on",
            row_factory=dict_row,
        ) as connection:
            row = connection.execute(_FACTS_SQL).fetchone()
    except (psycopg.Error, ValueError, OSError) as error:
        raise no_answer(error, within_s=timeout_s) from error
    return dict(row or {})


def address_of(url: str) -> str:
    """Host and port of a database URL, without its credentials."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port or 5432}"
