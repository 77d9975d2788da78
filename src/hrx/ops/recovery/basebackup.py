"""Taking base backups with PostgreSQL's own program, straight into the vault: nothing plain touches a
disk."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.recovery.manifest import NAME as MANIFEST
from hrx.ops.recovery.manifest import Algorithm, Manifest, NotAManifest, read_manifest
from hrx.ops.recovery.places import PlaceUnavailable
from hrx.ops.recovery.tarring import TarWatch
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import format_lsn, parse_lsn

_FACTS: Final = "backup.json"
_ENDS_WITHIN_S: Final = 60.0


class BackupFailed(Unavailable):
    """No backup was made; what was begun is gone."""

    code = "recovery.backup_failed"


class BackupKind(StrEnum):
    """Whether it stands alone, or holds the blocks that changed since its parent."""

    FULL = "full"
    INCREMENTAL = "incremental"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBackup:
    """One base backup of the vault. `start` and `end` are positions; `id` sorts by time."""

    id: str
    kind: BackupKind
    parent: str | None
    system_identifier: str
    timeline: int
    start: int
    end: int
    began_at: datetime
    ended_at: datetime
    data_bytes: int
    stored_bytes: int
    sha256: str
    key: str

    @property
    def tar_name(self) -> str:
        return f"base/{self.id}/base.tar"

    @property
    def manifest_name(self) -> str:
        return f"base/{self.id}/{MANIFEST}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The server to copy. `conninfo` names a role that may replicate; its password comes in `environment`
    (PGPASSFILE), never on a command line, which everybody on a machine can read."""

    program: str
    conninfo: str
    environment: Mapping[str, str]
    max_rate_kbytes: int | None = None


def take_backup(vault: Vault, source: Source, *, parent: BaseBackup | None, timeout_s: float) -> BaseBackup:
    """Copy the running server into the vault. Raises BackupFailed, PlaceUnavailable; then nothing is left.

    With a parent, only the blocks changed since it; the server keeps its summaries for ten days."""
    began_at = clock.now()
    backup_id = began_at.strftime("%Y%m%dT%H%M%S%f")[:18] + "Z"
    tar_name = f"base/{backup_id}/base.tar"
    with _parent_manifest(vault, parent) as listed, _running(source, listed) as process:
        stdout = cast("IO[bytes]", process.stdout)
        watch = TarWatch(stdout, wanted=MANIFEST)
        sealed = vault.put(tar_name, _Whole(watch, process, timeout_s=timeout_s))
    try:
        manifest = read_manifest(watch.content)
    except NotAManifest:
        vault.delete(tar_name)
        raise
    vault.put_bytes(f"base/{backup_id}/{MANIFEST}", watch.content)
    backup = BaseBackup(
        id=backup_id,
        kind=BackupKind.INCREMENTAL if parent else BackupKind.FULL,
        parent=parent.id if parent else None,
        system_identifier=manifest.system_identifier,
        timeline=manifest.timeline,
        start=manifest.start,
        end=manifest.end,
        began_at=began_at,
        ended_at=clock.now(),
        data_bytes=manifest.size_bytes,
        stored_bytes=sealed.stored_bytes,
        sha256=sealed.sha256,
        key=vault.keyring.fingerprint,
    )
    # Last of all: without its facts a backup does not exist, and is swept away.
    _write_facts(vault, backup)
    return backup


def list_backups(vault: Vault) -> list[BaseBackup]:
    """Every finished backup, oldest first."""
    found = [one.name for one in vault.folder.list_files("base") if one.name.endswith("/" + _FACTS)]
    return [_read_facts(vault, name) for name in sorted(found)]


def read_manifest_of(vault: Vault, backup: BaseBackup) -> Manifest:
    """Raises FileNotThere, BackupFileDamaged, NotAManifest."""
    return read_manifest(vault.get_bytes(backup.manifest_name))


def delete_backup(vault: Vault, backup: BaseBackup) -> None:
    """Its facts go first: half a removal must not look like a backup."""
    vault.folder.delete(f"base/{backup.id}/{_FACTS}")
    vault.delete(backup.tar_name)
    vault.delete(backup.manifest_name)


@contextmanager
def _parent_manifest(vault: Vault, parent: BaseBackup | None) -> Iterator[Path | None]:
    """The parent's list as a file, which is how the server learns what it need not send again."""
    if parent is None:
        yield None
        return
    with (
        tempfile.TemporaryDirectory(prefix="hrx-backup-") as folder,
        vault.unpacked(parent.manifest_name, beside=Path(folder)) as path,
    ):
        yield path


def _write_facts(vault: Vault, backup: BaseBackup) -> None:
    told = {
        **{name: getattr(backup, name) for name in BaseBackup.__dataclass_fields__},
        "start": format_lsn(backup.start),
        "end": format_lsn(backup.end),
    }
    with vault.folder.writing(f"base/{backup.id}/{_FACTS}") as file:
        file.write(orjson.dumps(told, option=orjson.OPT_INDENT_2))


def _read_facts(vault: Vault, name: str) -> BaseBackup:
    with vault.folder.reading(name) as file:
        told: dict[str, Any] = orjson.loads(file.read())
    return BaseBackup(
        **{
            **told,
            "kind": BackupKind(told["kind"]),
            "start": parse_lsn(told["start"]),
            "end": parse_lsn(told["end"]),
            "began_at": datetime.fromisoformat(told["began_at"]),
            "ended_at": datetime.fromisoformat(told["ended_at"]),
        }
    )


class _Whole:
    """The stream, whose end counts only when the program ended well: a cut stream is no backup."""

    def __init__(self, watch: TarWatch, process: subprocess.Popen[bytes], *, timeout_s: float) -> None:
        self._watch, self._process = watch, process
        self._until = clock.monotonic_s() + timeout_s

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._watch.read(size)
        if clock.monotonic_s() > self._until:
            self._process.kill()
            raise OSError("pg_basebackup took too long")
        if not chunk and (self._process.wait(_ENDS_WITHIN_S) != 0 or not self._watch.is_complete):
            raise OSError("pg_basebackup ended before the backup did")
        return chunk


@contextmanager
def _running(source: Source, listed: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    argv = [
        source.program,
        f"--dbname={source.conninfo}",
        "--pgdata=-",
        "--format=tar",
        "--wal-method=none",
        "--checkpoint=fast",
        f"--manifest-checksums={Algorithm.CRC32C}",
        "--no-password",
        *([f"--max-rate={source.max_rate_kbytes}k"] if source.max_rate_kbytes else []),
        *([f"--incremental={listed}"] if listed else []),
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **source.environment}
        )
        try:
            yield process
        except (PlaceUnavailable, OSError) as error:
            process.kill()
            process.wait(_ENDS_WITHIN_S)
            said.seek(0)
            words = mask_text(said.read().decode(errors="replace").strip())[-600:]
            raise BackupFailed(
                Text(
                    ja=f"バックアップを取れませんでした: {words or error}",
                    en=f"No backup could be taken: {words or error}",
                ),
                hint=Text(
                    ja="データベースが動いているかを `hrx status` で確かめ、もう一度実行してください。",
                    en="See with `hrx status` that the database runs, and run it again.",
                ),
            ) from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(_ENDS_WITHIN_S)
            if process.stdout:
                process.stdout.close()
