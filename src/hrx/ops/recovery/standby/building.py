"""Making a standby: a copy of the running primary that follows it by a slot of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Conflict, Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.recovery.basebackup import Source
from hrx.ops.recovery.standby.members import SLOT, Member, run, write_own_settings
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.fencing import lift_fence
from hrx.ops.targets.machine.postgres import PostgresCluster

#: Its name to the primary, which `synchronous_standby_names` names.
STANDBY_NAME: Final = "hrx_standby"
#: Where records of a primary that died are laid for the standby; inside its own directory.
HANDOVER: Final = "hrx_handover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """How a standby reaches its primary. `conninfo` names a role that may replicate, without its password;
    that is in `passfile`, which the standby's own user must be able to read."""

    conninfo: str
    passfile: Path | None

    @property
    def primary_conninfo(self) -> str:
        secret = f" passfile='{self.passfile}'" if self.passfile else ""
        return f"{self.conninfo} application_name={STANDBY_NAME}{secret} connect_timeout=3"


def build_standby(
    primary: Member, cluster: PostgresCluster, source: Source, upstream: Upstream, *, timeout_s: float
) -> None:
    """Copy the primary into the cluster's data directory, ready to be started as its standby.

    What lay there is replaced (of an old primary use `rejoining.copy_anew`, which keeps what only it had); a
    copy that was cut off has another name and is swept away by the next try. Raises Conflict while a server
    runs there, Unavailable when the copy fails, SessionLost."""
    if cluster.is_running():
        raise Conflict(
            Text(ja="待機系が動いています", en="The standby is running"),
            hint=Text(
                ja="`hrx recover standby stop` で止めてください。", en="Stop it: `hrx recover standby stop`."
            ),
            code="standby.runs",
        )
    ensure_slot(primary)
    fresh = cluster.data_dir.with_name(cluster.data_dir.name + ".copying")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    users.give_to(fresh, user=cluster.run_as, mode=0o700)
    _copy(fresh, source, run_as=cluster.run_as, timeout_s=timeout_s)
    shutil.rmtree(cluster.data_dir, ignore_errors=True)
    fresh.rename(cluster.data_dir)
    follow(cluster, upstream)
    # What the fence was for is gone: this is a copy of the writer.
    lift_fence(cluster.data_dir, keeps_reading=True)


def follow(cluster: PostgresCluster, upstream: Upstream) -> None:
    """Let the data directory come up as the standby of `upstream`; it must not be running."""
    handover = cluster.data_dir / HANDOVER
    shutil.rmtree(handover, ignore_errors=True)
    handover.mkdir()
    users.give_to(handover, user=cluster.run_as, mode=0o700)
    write_own_settings(
        cluster,
        {
            "primary_conninfo": upstream.primary_conninfo,
            "primary_slot_name": SLOT,
            "restore_command": f'cp {HANDOVER}/%f "%p"',
            "recovery_target_timeline": "latest",
            # It asks for records again after this long; five seconds, the default, are an outage.
            "wal_retrieve_retry_interval": "200ms",
            "hot_standby_feedback": "on",
            # What the primary waits for is no affair of the standby's, least of all once it is the writer.
            "synchronous_standby_names": None,
        },
    )
    signal = cluster.data_dir / "standby.signal"
    signal.touch()
    users.give_to(signal, user=cluster.run_as, mode=0o600)


def ensure_slot(primary: Member) -> None:
    """The slot keeps what the standby has not read yet, up to `max_slot_wal_keep_size` (P10)."""
    run(
        primary,
        "SELECT pg_create_physical_replication_slot(%(slot)s, true) "
        "WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %(slot)s)",
        {"slot": SLOT},
    )


def _copy(into: Path, source: Source, *, run_as: str | None, timeout_s: float) -> None:
    argv = [
        source.program,
        f"--dbname={source.conninfo}",
        f"--pgdata={into}",
        "--format=plain",
        "--wal-method=stream",
        f"--slot={SLOT}",
        "--checkpoint=fast",
        "--no-password",
        *([f"--max-rate={source.max_rate_kbytes}k"] if source.max_rate_kbytes else []),
    ]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **source.environment}
    try:
        done = users.run_as_user(argv, user=run_as, timeout_s=timeout_s, env=environment)
        said = mask_text(done.stderr.strip())[-600:]
    except subprocess.TimeoutExpired:
        done, said = None, f"> {timeout_s:g} s"
    if done is None or done.returncode != 0:
        shutil.rmtree(into, ignore_errors=True)
        raise Unavailable(
            Text(ja=f"待機系を作れませんでした: {said}", en=f"The standby could not be made: {said}"),
            hint=Text(
                ja="主系が動いているかを `hrx status` で確かめ、もう一度実行してください。",
                en="See with `hrx status` that the primary runs, and run it again.",
            ),
            code="standby.not_made",
        )
