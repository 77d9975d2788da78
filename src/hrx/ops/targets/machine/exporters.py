"""The exporters of PostgreSQL and Redis: small programs that ask the servers and answer Prometheus.

Both may be missing; the stack runs without them. What they sign in with is in their environment file, never
on a command line. Of PostgreSQL's 252 settings one is a figure that rules use, so the settings are switched
off and that one is asked for by a query of our own. Who waits for a lock it does not tell by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.tools import Tool

_QUERIES: Final = """\
# The one setting that rules need; the other 251 are switched off.
pg_settings:
  query: "SELECT setting::int AS max_connections FROM pg_settings WHERE name = 'max_connections'"
  master: true
  metrics:
    - max_connections:
        usage: GAUGE
        description: How many connections the server takes.
pg_lock_waits:
  query: "SELECT count(*) AS sessions FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
  master: true
  metrics:
    - sessions:
        usage: GAUGE
        description: Sessions that wait for a lock that another holds.
# By the slot, which is there while a standby belongs to this server: one that is away is late, too.
pg_standby:
  query: >-
    SELECT COALESCE(max(EXTRACT(EPOCH FROM CASE WHEN slot.active THEN sender.replay_lag
                                                ELSE clock_timestamp() - slot.inactive_since END)), 0)::float8
             AS lag_seconds,
           COALESCE(max(pg_wal_lsn_diff(
             CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END,
             COALESCE(sender.flush_lsn, slot.restart_lsn))), 0)::float8 AS lag_bytes
      FROM pg_replication_slots AS slot
      LEFT JOIN pg_stat_replication AS sender ON sender.pid = slot.active_pid
     WHERE slot.slot_name = 'hrx_standby'
  master: true
  metrics:
    - lag_seconds:
        usage: GAUGE
        description: How late the standby replays, or how long it has been away.
    - lag_bytes:
        usage: GAUGE
        description: Change records that the standby has not flushed.
"""
#: Series for each table and each of its indexes: hundreds, and none of them in a rule.
_NOT_COLLECTED: Final = ("stat_user_tables", "statio_user_tables", "roles")
_COLLECTED: Final = ("long_running_transactions",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresExporter:
    """Asks the database as role hrx_ops, which may look and change nothing."""

    tool: Tool
    folder: Path
    port: int
    database_url: str
    user: str | None

    def prepare(self) -> None:
        """Write what it asks besides its own queries."""
        for name, text in (("queries.yml", _QUERIES), ("exporter.yml", "auth_modules: {}\n")):
            path = self.folder / name
            path.write_text(text)
            users.give_to(path, user=self.user, mode=0o600)

    def argv(self) -> list[str]:
        """The foreground command."""
        return [
            str(self.tool.path),
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--config.file={self.folder}/exporter.yml",
            f"--extend.query-path={self.folder}/queries.yml",
            "--disable-settings-metrics",
            *(f"--no-collector.{name}" for name in _NOT_COLLECTED),
            *(f"--collector.{name}" for name in _COLLECTED),
            "--log.level=warn",
            "--log.format=json",
        ]

    def environment(self) -> Mapping[str, str]:
        """Where the database is and who asks. Its driver insists on TLS, which ours has none of."""
        separator = "&" if "?" in self.database_url else "?"
        is_local = urlsplit(self.database_url).hostname in ("127.0.0.1", "localhost", "::1")
        is_said = "sslmode=" in self.database_url or not is_local
        return {
            "DATA_SOURCE_NAME": self.database_url
            + ("" if is_said else f"{separator}sslmode=disable&application_name=hrx-exporter")
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisExporter:
    """Asks Redis for its own figures; reads no key."""

    tool: Tool
    folder: Path
    port: int
    redis_url: str
    user: str | None

    def argv(self) -> list[str]:
        """The foreground command."""
        return [
            str(self.tool.path),
            f"-web.listen-address=127.0.0.1:{self.port}",
            "-connection-timeout=1s",
            # Without its CONFIG command: it would read the password to leave it out again.
            "-config-command=-",
            "-redis-only-metrics",
            "-log-format=json",
        ]

    def environment(self) -> Mapping[str, str]:
        """Where Redis is and, apart from it, the password: the exporter prints addresses."""
        parts = urlsplit(self.redis_url)
        found = {"REDIS_ADDR": f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"}
        if parts.username:
            found["REDIS_USER"] = unquote(parts.username)
        if parts.password:
            found["REDIS_PASSWORD"] = unquote(parts.password)
        return found
