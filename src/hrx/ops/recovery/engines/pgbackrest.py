"""Base backups by pgBackRest, driven by its own command line; change records stay ours.

It copies in parallel, restores only what differs, and knows object stores. What it lacks are the last
seconds: it archives whole files, and lost 2.6 to 28 s where our receiver lost none (recovery anchors, 3.3).
So its backups are planned with our records, which also name a hole that its own `verify` passes over (P8).

Its stanza, repository, encryption and retention are its own, in its own configuration file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.recovery.basebackup import BackupFailed, BackupKind, BaseBackup
from hrx.ops.recovery.vault import BackupFileDamaged
from hrx.ops.recovery.wal import parse_lsn
from hrx.ops.targets.machine.users import run_as_user

_INFO_TIMEOUT_S: Final = 20.0
_STANZA_TIMEOUT_S: Final = 120.0
_RESTORE_TIMEOUT_S: Final = 4 * 3600.0
_LABEL: Final = re.compile(r"[0-9FDI_-]+")
#: Codes of "no backup yet" and of "no stanza yet", which are no trouble of the program's.
_EMPTY: Final = {1, 2}
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


class PgBackRestFailed(Unavailable):
    """It could not be run, or ended with an error."""

    code = "recovery.pgbackrest_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PgBackRest:
    """`config`: its own file (None: /etc/pgbackrest.conf). `run_as`: the user that PostgreSQL runs as."""

    program: str
    config: Path | None
    stanza: str
    run_as: str | None

    def create_stanza(self) -> None:
        """Harmless when it is there. Raises PgBackRestFailed."""
        self._run("stanza-create", timeout_s=_STANZA_TIMEOUT_S)

    def list_backups(self) -> list[BaseBackup]:
        """Every finished backup without an error in it, oldest first. Raises PgBackRestFailed."""
        told: Any = orjson.loads(self._run("info", "--output=json", timeout_s=_INFO_TIMEOUT_S))
        found = next((one for one in told if one.get("name") == self.stanza), None)
        if found is None or (found["status"]["code"] in _EMPTY and not found.get("backup")):
            return []
        systems = {one["id"]: str(one["system-id"]) for one in found.get("db", ())}
        made = [
            _read_backup(one, systems)
            for one in found["backup"]
            if not one.get("error") and one.get("lsn") and _LABEL.fullmatch(one["label"])
        ]
        return sorted(made, key=lambda one: one.ended_at)

    def back_up(self, *, is_full: bool, timeout_s: float) -> BaseBackup:
        """Raises BackupFailed, PgBackRestFailed."""
        before = {one.id for one in self.list_backups()}
        try:
            self._run("backup", f"--type={'full' if is_full else 'incr'}", timeout_s=timeout_s)
        except PgBackRestFailed as error:
            raise BackupFailed(error.message, hint=error.hint) from error
        new = [one for one in self.list_backups() if one.id not in before]
        if not new:
            # It ends well with a damaged page, too, and says so in its list (pitfall P8).
            raise BackupFailed(
                Text(
                    ja="pgBackRest は終わりましたが、使えるバックアップが増えていません",
                    en="pgBackRest ended, but there is no new backup without an error in it",
                ),
                hint=Text(
                    ja=f"`pgbackrest --stanza={self.stanza} info` の error を見ます。",
                    en=f"See what `pgbackrest --stanza={self.stanza} info` says of errors.",
                ),
            )
        return new[-1]

    def fetch(self, chain: Sequence[BaseBackup], into: Path) -> None:
        """The data directory of the newest of the chain, without any settings of recovery, which are ours.

        Every file's checksum is checked on the way. Raises BackupFileDamaged, PgBackRestFailed."""
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        arguments = [f"--pg1-path={into}", f"--set={chain[-1].id}", "--type=none", "--archive-mode=off"]
        try:
            self._run("restore", *arguments, timeout_s=_RESTORE_TIMEOUT_S)
        except PgBackRestFailed as error:
            raise BackupFileDamaged(error.message, hint=error.hint) from error

    def _run(self, command: str, *arguments: str, timeout_s: float) -> str:
        options = [f"--stanza={self.stanza}", "--log-level-console=error", "--log-level-stderr=error"]
        if self.config is not None:
            options.insert(0, f"--config={self.config}")
        argv = [self.program, *options, command, *arguments]
        try:
            done = run_as_user(argv, user=self.run_as, timeout_s=timeout_s, env=_ENVIRONMENT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._failed(command, type(error).__name__) from error
        if done.returncode != 0:
            lines = [line for line in (done.stderr + done.stdout).splitlines() if "ERROR" in line]
            raise self._failed(command, mask_text(" ".join(lines)[-300:]) or f"exit code {done.returncode}")
        return done.stdout

    def _failed(self, command: str, said: str) -> PgBackRestFailed:
        return PgBackRestFailed(
            Text(
                ja=f"pgBackRest の {command} が失敗しました: {said}",
                en=f"pgBackRest failed ({command}): {said}",
            ),
            hint=Text(
                ja="HRX_PGBACKREST_PROGRAM、HRX_PGBACKREST_CONFIG、HRX_PGBACKREST_STANZA を確かめ、"
                f"`pgbackrest --stanza={self.stanza} check` を実行します。",
                en="See to HRX_PGBACKREST_PROGRAM, HRX_PGBACKREST_CONFIG and HRX_PGBACKREST_STANZA, and run "
                f"`pgbackrest --stanza={self.stanza} check`.",
            ),
        )


# `Any`: its answer is JSON (command reference, "info").
def _read_backup(one: Mapping[str, Any], systems: Mapping[int, str]) -> BaseBackup:
    info, is_full = one["info"], one["type"] == "full"
    return BaseBackup(
        id=str(one["label"]),
        kind=BackupKind.FULL if is_full else BackupKind.INCREMENTAL,
        parent=None if is_full else str(one["prior"]),
        system_identifier=systems.get(one["database"]["id"], ""),
        timeline=int(str(one["archive"]["start"])[:8], 16),
        start=parse_lsn(one["lsn"]["start"]),
        end=parse_lsn(one["lsn"]["stop"]),
        began_at=datetime.fromtimestamp(one["timestamp"]["start"], tz=UTC),
        # Whole seconds, and it may have ended within the one that it names.
        ended_at=datetime.fromtimestamp(one["timestamp"]["stop"] + 1, tz=UTC),
        data_bytes=int(info["size"]),
        stored_bytes=int(info["repository"].get("delta") or 0),
        sha256="",
        key="",
    )
