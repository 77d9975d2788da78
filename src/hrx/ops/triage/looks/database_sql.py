"""The statements with which triage asks PostgreSQL. Each reads catalogues and statistics only."""

from __future__ import annotations

from typing import Final

HELLO: Final = """
SELECT current_setting('server_version') AS version,
       EXTRACT(EPOCH FROM now() - pg_postmaster_start_time())::float8 AS uptime_s,
       EXTRACT(EPOCH FROM clock_timestamp())::float8 AS now_s,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::float8
         / (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - COALESCE(current_setting('reserved_connections', true)::int, 0))
         AS used_ratio,
       pg_database_size(current_database()) AS size_bytes
"""

# One name for all requests of the product: their application_name ends in a correlation id.
CONNECTIONS: Final = """
SELECT CASE WHEN application_name LIKE 'hrx %' THEN 'hrx' ELSE application_name END AS application,
       usename AS role, COALESCE(state, '') AS state, count(*) AS connections,
       max(EXTRACT(EPOCH FROM clock_timestamp() - state_change))::float8 AS oldest_s,
       current_setting('max_connections')::int AS max_connections
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 GROUP BY 1, 2, 3
 ORDER BY 4 DESC
"""

# pg_blocking_pids takes the lock manager's locks for a moment: asked for those who wait, and no others.
# A statement that has run for a minute may wait for a millisecond: the wait counts from its own start.
LOCKS: Final = """
WITH waiting AS (
  SELECT pid, pg_blocking_pids(pid) AS blockers
    FROM pg_stat_activity
   WHERE wait_event_type = 'Lock' AND pid <> pg_backend_pid()
   LIMIT 200
), concerned AS (
  SELECT pid FROM waiting UNION SELECT unnest(blockers) FROM waiting
)
SELECT a.pid, CASE WHEN a.application_name LIKE 'hrx %' THEN 'hrx' ELSE a.application_name END AS application,
       a.state, a.query, w.blockers,
       EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start)::float8 AS transaction_s,
       EXTRACT(EPOCH FROM clock_timestamp() - l.waitstart)::float8 AS waited_s,
       a.backend_start::text AS started,
       l.mode, l.relation
  FROM concerned AS c
  JOIN pg_stat_activity AS a ON a.pid = c.pid
  LEFT JOIN waiting AS w ON w.pid = a.pid
  LEFT JOIN LATERAL (
    SELECT k.mode, k.relation::regclass::text AS relation, k.waitstart
      FROM pg_locks AS k WHERE k.pid = a.pid AND NOT k.granted LIMIT 1
  ) AS l ON true
"""

STATEMENTS: Final = """
SELECT pid, CASE WHEN application_name LIKE 'hrx %' THEN 'hrx' ELSE application_name END AS application,
       state, wait_event_type AS wait_type, query, backend_start::text AS started,
       EXTRACT(EPOCH FROM clock_timestamp() - query_start)::float8 AS running_s
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'
   AND usename <> 'hrx_ops'
 ORDER BY query_start
 LIMIT 100
"""

TABLES: Final = """
SELECT schemaname || '.' || relname AS name, seq_scan, seq_tup_read, n_live_tup
  FROM pg_stat_user_tables
 WHERE schemaname IN ('app', 'jobs', 'gate')
"""

INDEXES: Final = """
SELECT n.nspname || '.' || c.relname AS name, i.indisvalid AS is_valid
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('app', 'gate')
"""
