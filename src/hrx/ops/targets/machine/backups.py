"""What this machine's database needs so that it can be backed up: who may, how its change records (WAL) leave
it, and a second way for those that the receiver lacks.

The receiver is PostgreSQL's own pg_receivewal. By itself it makes no slot, and some troubles end it for good:
the small script here goes on until it is told to end."""

from __future__ import annotations

import os
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.passfile import format_pass_line
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.roles import BACKUP_ROLE

SLOT: Final = "hrx_receiver"
#: A spool over this lets go of records instead of holding them: held, they fill the disk of the database.
#: As much as the slot may hold (max_slot_wal_keep_size).
SPOOL_LIMIT_BYTES: Final = 4 * 1024**3
#: Neither is the last space of the disk taken for it.
_SPOOL_LEAVES_FREE_BYTES: Final = 1024**3
_PAUSE_S: Final = 2

# A slot that the server let go of, records that it no longer has, and another history after a restore would
# each stop pg_receivewal for good: then it begins anew from what the server has. What is missing in between
# is told as a hole by whoever looks at the records; the unfilled file is kept under another name.
_RECEIVE: Final = """\
#!/bin/sh
# Written by `make up`. Receives the database's change records until it is told to end.
received={received} said={said} spool={spool}
child=
# Killed, this script must not leave a receiver behind that nobody looks after and that holds the slot.
tied=
command -v setpriv >/dev/null && tied="setpriv --pdeathsig INT"
trap 'trap "" TERM INT; [ -n "$child" ] && kill -INT "$child" 2>/dev/null && wait "$child"; exit 0' TERM INT
tell() {{ echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $1" >&2; }}
while :; do
  if {create} 2>"$said"; then
    $tied {receive} 2>"$said" &
    child=$!
    wait "$child"
    child=
  fi
  head -c 4000 "$said" >&2
  if grep -q -e 'can no longer access replication slot' -e 'has been invalidated' "$said"; then
    tell "the server let go of what was not received: the slot is made anew"
    {drop}
  fi
  if grep -q -e 'has already been removed' -e "is not in this server's history" "$said"; then
    tell "the server has not what comes next: receiving begins anew, the unfilled file is kept beside"
    {drop}
    for one in "$received"/*; do
      case "$one" in
        *.partial) mv "$one" "$one.behind";;
        *.behind|*.history) ;;
        # It goes on after the newest whole file, too: those are put away from where the second way's are.
        *) [ -f "$one" ] && mv "$one" "$spool/";;
      esac
    done
  fi
  sleep {pause} &
  child=$!
  wait "$child"
  child=
done
"""

# dd with fsync, then a rename: what lies there under its name is whole and on disk. A record of another
# history under the same name is kept beside, never instead; archiving goes on in any case.
# It runs in the data directory. What cannot be copied is tried again until it is too much to hold there.
_ARCHIVE: Final = """\
#!/bin/sh
# Written by `make up`. archive_command: keep-segment PATH NAME. Exit 1 makes PostgreSQL ask again.
source=$1 name=$2 spool={spool}
case "$name" in *.backup) exit 0;; esac
used_kb() {{ du -sk "$1" 2>/dev/null | cut -f1; }}
free_kb() {{ df -Pk "$1" 2>/dev/null | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4; }}
let_go() {{
  # The mark comes first; where not even it can be written, letting go still keeps the database running.
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $name" 2>/dev/null >> "$spool/let-go"
  echo "$1: $name was let go" >&2
  exit 0
}}
keep() {{
  target=$spool/$name
  if [ -e "$target" ]; then
    cmp -s "$source" "$target" && return 0
    sum=$(cksum < "$source") && mkdir -p "$spool/other" || return 1
    target=$spool/other/$name.${{sum%% *}}
    [ -e "$target" ] && return 0
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $name" >> "$spool/conflict"
  fi
  draft=$spool/.$name.$$
  trap 'rm -f "$draft"' EXIT
  dd if="$source" of="$draft" bs=1048576 conv=fsync 2>/dev/null && mv "$draft" "$target" && sync "$spool"
}}
used=$(used_kb "$spool") free=$(free_kb "$spool")
[ "${{used:-0}}" -gt {limit_kb} ] && let_go "spool $spool holds $used kB"
[ "${{free:-{leaves_kb}}}" -lt {leaves_kb} ] && let_go "the disk of $spool has $free kB left"
keep && exit 0
held=$(used_kb pg_wal) free=$(free_kb .)
[ "${{held:-0}}" -gt {limit_kb} ] && let_go "$spool cannot be written, and $held kB wait for it"
[ "${{free:-{leaves_kb}}}" -lt {leaves_kb} ] && let_go "$spool cannot be written; the data has $free kB left"
exit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupDoor:
    """How backups reach this machine's own database. `user` runs database and receiver (None: ourselves)."""

    run: Path
    recovery: Path
    port: int
    user: str | None
    limit_bytes: int = SPOOL_LIMIT_BYTES
    leaves_free_bytes: int = _SPOOL_LEAVES_FREE_BYTES

    @property
    def conninfo(self) -> str:
        """Where the role is, without its password."""
        return f"host=127.0.0.1 port={self.port} user={BACKUP_ROLE} dbname=hrx"

    @property
    def passfile(self) -> Path:
        return self.run / "backup.pgpass"

    @property
    def received(self) -> Path:
        return self.recovery / "received"

    @property
    def spool(self) -> Path:
        return self.recovery / "archived"

    @property
    def archive_command(self) -> str:
        """For postgresql.conf: %p and %f are the server's, `%%` is its percent sign."""
        script = shlex.quote(str(self._archive_script)).replace("%", "%%")
        return f'{script} "%p" "%f"'

    @property
    def _archive_script(self) -> Path:
        return self.run / "keep-segment"

    @property
    def _receive_script(self) -> Path:
        return self.run / "receive-wal"

    def prepare_spool(self) -> None:
        """Before the server starts: its folders, and the script that it calls."""
        self.recovery.mkdir(mode=0o711, exist_ok=True)
        for folder in (self.received, self.spool):
            folder.mkdir(exist_ok=True)
            users.give_to(folder, user=self.user, mode=0o700)
        script = _ARCHIVE.format(
            spool=shlex.quote(str(self.spool)),
            limit_kb=self.limit_bytes // 1024,
            leaves_kb=self.leaves_free_bytes // 1024,
        )
        _write(self._archive_script, script, user=None, mode=0o755)

    def prepare_receiver(self, cluster: PostgresCluster, *, password: str) -> None:
        """The password's file and the receiver's script. The file is its reader's: libpq refuses others'."""
        line = format_pass_line(host="127.0.0.1", port=self.port, login=BACKUP_ROLE, password=password)
        _write(self.passfile, line, user=self.user, mode=0o600)
        program = cluster.program("pg_receivewal")
        script = _RECEIVE.format(
            create=shlex.join(create_slot_argv(program, conninfo=self.conninfo)),
            receive=shlex.join(
                [*receiver_argv(program, conninfo=self.conninfo, directory=self.received), "--no-loop"]
            ),
            drop=shlex.join(drop_slot_argv(program, conninfo=self.conninfo)),
            received=shlex.quote(str(self.received)),
            said=shlex.quote(str(self.received / ".said")),
            spool=shlex.quote(str(self.spool)),
            pause=_PAUSE_S,
        )
        _write(self._receive_script, script, user=None, mode=0o755)

    def receiver_argv(self) -> list[str]:
        """The foreground command for a supervisor; stop it with SIGTERM."""
        return [str(self._receive_script)]


def receiver_argv(program: str, *, conninfo: str, directory: Path) -> list[str]:
    """pg_receivewal's command.

    It flushes what it received at once: otherwise it would do so once a segment, and what it says of itself
    (`flush_lsn`) would be 16 MiB late. That costs 0.14 CPU s a segment (recovery anchors 3.4)."""
    return [
        program,
        f"--dbname={conninfo}",
        f"--directory={directory}",
        f"--slot={SLOT}",
        "--synchronous",
        "--status-interval=1",
        "--no-password",
    ]


def create_slot_argv(program: str, *, conninfo: str) -> list[str]:
    """Make the slot; harmless when it is there. Without it the server may remove what was not received."""
    return [
        program, f"--dbname={conninfo}", f"--slot={SLOT}", "--create-slot", "--if-not-exists",
        "--no-password", ]  # fmt: skip


def drop_slot_argv(program: str, *, conninfo: str) -> list[str]:
    """Let go of the slot; for one that the server has let go of already."""
    return [program, f"--dbname={conninfo}", f"--slot={SLOT}", "--drop-slot", "--no-password"]


def _write(path: Path, content: str, *, user: str | None, mode: int) -> None:
    """Written beside with its rights and renamed: no moment exposes or halves it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        users.give_to(draft, user=user, mode=mode)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
