"""A copy as a server: how it is configured, who may ask it, and how it becomes an ordinary one again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.recovery.planning import RestorePlan
from hrx.ops.recovery.wal import format_lsn
from hrx.ops.seams.sessions import SessionLost, opened_session
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster
from hrx.ops.targets.machine.replacing import replace_file

_CONFIG_BEGIN: Final = "# Written for a restore beside the living system:"
_CONFIG_END: Final = "# end of what the restore wrote."
_READ_ONLY: Final = ("default_transaction_read_only = on", "autovacuum = off")
_ASK_TIMEOUT_S: Final = 5.0
_PROMOTE_S: Final = 60
_PROMOTE_TIMEOUT_S: Final = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where to restore to, and as whom. The copy listens on no network: whoever may enter `socket_dir`, which
    is made for its user alone, may ask it everything, whatever the passwords of that time were."""

    directory: Path
    port: int
    socket_dir: Path
    run_as: str | None
    install_dir: Path | None
    receiver_dir: Path | None

    @property
    def cluster(self) -> PostgresCluster:
        return PostgresCluster(
            data_dir=self.directory / "data",
            port=self.port,
            socket_dir=self.socket_dir,
            run_as=self.run_as,
            install_dir=self.install_dir,
        )


def conninfo_of(cluster: PostgresCluster, *, database: str = "postgres") -> str:
    """The superuser's way into a copy, over its own socket."""
    return f"host={cluster.socket_dir} port={cluster.port} user={SUPERUSER} dbname={database}"


def configure(plan: RestorePlan, ground: Ground) -> None:
    """Recovery stops at the target and stays read-only there; without a target it reads all and never
    promotes."""
    data, records = ground.cluster.data_dir, ground.directory / "records"
    lines = [
        *_access_lines(ground),
        f'restore_command = \'cp "{records}/%f" "%p"\'',
        "primary_conninfo = ''",
        "primary_slot_name = ''",
        "synchronous_standby_names = ''",
        # It must write into nobody's archive (recovery anchors, P18).
        "archive_mode = off",
        "hot_standby = on",
        f"recovery_target_timeline = '{plan.timeline}'",
        "recovery_target_action = 'pause'",
    ]
    if plan.target.time:
        lines.append(f"recovery_target_time = '{plan.target.time.isoformat()}'")
    elif plan.target.lsn is not None:
        lines.append(f"recovery_target_lsn = '{format_lsn(plan.target.lsn)}'")
        lines.append(f"recovery_target_inclusive = {'off' if plan.target.is_before else 'on'}")
    is_open = plan.target.time is None and plan.target.lsn is None
    (data / ("standby.signal" if is_open else "recovery.signal")).touch()
    _append(data / "postgresql.auto.conf", [*lines, _CONFIG_END])
    for folder in ("pg_wal", "pg_wal/archive_status", "pg_wal/summaries"):
        (data / folder).mkdir(exist_ok=True)
    _give_tree(ground.directory, user=ground.run_as)


def keep_private(ground: Ground) -> None:
    """The same for a copy that was an ordinary server meanwhile: nobody else may ask it; read-only.

    Harmless when it is so; else it is stopped first."""
    path = ground.cluster.data_dir / "postgresql.auto.conf"
    if _CONFIG_BEGIN not in path.read_text():
        ground.cluster.stop(mode="fast")
        _append(path, [*_access_lines(ground), *_READ_ONLY, _CONFIG_END])
    _give_tree(ground.directory, user=ground.run_as)


def _access_lines(ground: Ground) -> list[str]:
    access = ground.directory / "pg_hba.conf"
    access.write_text("local all all trust\n")
    return [
        _CONFIG_BEGIN,
        "listen_addresses = ''",
        "unix_socket_permissions = 0700",
        f"hba_file = '{access}'",
    ]


def holds_locks(cluster: PostgresCluster) -> bool:
    """Whether a transaction under way at the target holds a table: nobody could read it, for ever."""
    row = ask_copy(
        cluster,
        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
        " AND locktype = 'relation' AND pid <> pg_backend_pid()",
    )
    return bool(row and row[0])


def open_read_only(cluster: PostgresCluster) -> None:
    """End recovery, which rolls back what was under way and lets go of its locks; sessions stay read-only and
    nothing is tidied up behind anybody's back. Raises SessionLost, Unavailable."""
    path = cluster.data_dir / "postgresql.auto.conf"
    text = path.read_text()
    added = "\n".join(_READ_ONLY) + "\n"
    if added not in text:
        # A server that starts meanwhile, or a crash, must never meet half of it: it would be open to all.
        replace_file(path, text.replace(_CONFIG_END, added + _CONFIG_END))
    with opened_session(conninfo_of(cluster), timeout_s=_PROMOTE_TIMEOUT_S) as session:
        session.row("SELECT pg_reload_conf()")
        row = session.row("SELECT NOT pg_is_in_recovery() OR pg_promote(true, %(s)s)", {"s": _PROMOTE_S})
    if row is None or not row[0]:
        raise Unavailable(
            Text(
                ja=f"写しが {_PROMOTE_S} 秒以内に開きませんでした",
                en=f"The copy did not open within {_PROMOTE_S} s",
            ),
            hint=Text(
                ja=f"{cluster.data_dir}/startup.log を見ます。", en=f"See {cluster.data_dir}/startup.log."
            ),
            code="recovery.not_promoted",
        )


def let_write(cluster: PostgresCluster, *, database: str) -> None:
    """End recovery and let sessions of this database write. Raises SessionLost, Unavailable."""
    open_read_only(cluster)
    with opened_session(conninfo_of(cluster), timeout_s=_ASK_TIMEOUT_S, is_read_only=False) as session:
        session.row(f"ALTER DATABASE {database} SET default_transaction_read_only = off")


def end_recovery_at_once(cluster: PostgresCluster) -> None:
    """Have a stopped server end its next start with a promotion: it reads its own records, and no others."""
    path = cluster.data_dir / "postgresql.auto.conf"
    if _CONFIG_BEGIN not in path.read_text():
        own = ("restore_command = '/bin/false'", "recovery_target_timeline = 'current'")
        _append(path, [_CONFIG_BEGIN, *own, _CONFIG_END])
    signal = cluster.data_dir / "recovery.signal"
    signal.touch()
    users.give_to(signal, user=cluster.run_as, mode=0o600)


def forget_restore(data_dir: Path) -> None:
    """Take what the restore wrote out of the settings, before the copy becomes the living system; harmless
    when it is out."""
    path = data_dir / "postgresql.auto.conf"
    kept, is_ours = [], False
    for line in path.read_text().splitlines(keepends=True):
        is_ours = is_ours or line.strip() == _CONFIG_BEGIN
        if not is_ours:
            kept.append(line)
        is_ours = is_ours and line.strip() != _CONFIG_END
    replace_file(path, "".join(kept))


def _append(path: Path, lines: Sequence[str]) -> None:
    """At its end, all of it or nothing."""
    replace_file(path, path.read_text() + "\n".join(lines) + "\n")


def ask_copy(cluster: PostgresCluster, query: str) -> Sequence[object] | None:
    """The first row; None while the copy takes no connections."""
    try:
        with opened_session(conninfo_of(cluster), timeout_s=_ASK_TIMEOUT_S) as session:
            return session.row(query)
    except SessionLost:
        return None


def _give_tree(top: Path, *, user: str | None) -> None:
    """PostgreSQL wants its directory for itself (0700) and to own all of it."""
    (top / "data").chmod(0o700)
    if user is None:
        return
    for folder, _, files in os.walk(top):
        shutil.chown(folder, user, users.primary_group(user))
        for name in files:
            shutil.chown(Path(folder) / name, user, users.primary_group(user))
