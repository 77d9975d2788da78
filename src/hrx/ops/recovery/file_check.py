"""Every file of the vault read from its first byte to its last, without restoring anything: what can be told
in minutes, on a machine with no room for a copy. It says less than a restore does.

Of a backup: its list's own checksum, the digest of the whole as it is kept, every file against the list.
Of change records: the seal, the size and address of each, and that no segment lacks its neighbour."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops.recovery.basebackup import BaseBackup, list_backups, read_manifest_of
from hrx.ops.recovery.coverage import find_coverage
from hrx.ops.recovery.manifest import NAME, Algorithm, Listed, Manifest, digest_of
from hrx.ops.recovery.records import (
    KeptSegment,
    history_name,
    list_all_segments,
    list_histories,
    list_segments,
)
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.vault import BackupFileDamaged, Vault
from hrx.ops.recovery.wal import address_of

_CHUNK: Final = 1 << 20
#: Decrypting and unpacking let go of the interpreter.
_AT_ONCE: Final = min(4, os.cpu_count() or 1)
#: So many seals are looked at between two words to a person.
_WORD_EVERY: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One file, or one stretch, that is not as it should be."""

    name: str
    said: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesChecked:
    """What was read, and what is wrong with it."""

    backups: int
    segments: int
    stored_bytes: int
    troubles: tuple[Trouble, ...]
    seconds: float

    @property
    def is_well(self) -> bool:
        return not self.troubles and self.backups > 0


#: Told now and then: how many of how many files of change records were read.
OnProgress = Callable[[int, int], None]


def check_vault_files(
    site: Site, *, backups: Sequence[BaseBackup] | None = None, on_progress: OnProgress | None = None
) -> FilesChecked:
    """`backups`: these with all change records; None: every one.

    Raises KeyFileUnreadable, PlaceUnavailable."""
    began = clock.monotonic_s()
    vault = site.vault
    chosen = list_backups(vault) if backups is None else list(backups)
    troubles = [trouble for one in chosen for trouble in _check_backup(vault, one)]
    everything, filling = list_all_segments(vault, site.received_dir)
    kept = list_segments(vault)
    troubles += _check_records(vault, kept, on_progress=on_progress)
    troubles += _check_histories(vault)
    found = find_coverage(list_backups(vault), everything, filling=filling, until=clock.now())
    troubles += [
        Trouble(
            name=hole.first.name,
            said=Text(
                ja=f"変更記録 {hole.first.name} から {hole.last.name} までの {hole.count} 本がありません",
                en=f"{hole.count} files of change records are missing, {hole.first.name} to {hole.last.name}",
            ),
        )
        for hole in found.holes
    ]
    troubles += [
        Trouble(
            name=one,
            said=Text(ja=f"増分 {one} の元がありません", en=f"Increment {one} lacks what it builds upon"),
        )
        for one in found.broken
        if one in {made.id for made in chosen}
    ]
    stored = sum(one.stored_bytes for one in chosen) + sum(_size(vault, one) for one in kept)
    return FilesChecked(
        backups=len(chosen),
        segments=len(kept),
        stored_bytes=stored,
        troubles=tuple(troubles),
        seconds=round(clock.monotonic_s() - began, 3),
    )


def _check_backup(vault: Vault, backup: BaseBackup) -> Iterator[Trouble]:
    try:
        manifest = read_manifest_of(vault, backup)
        digest, wrong = _walk_tar(vault, backup, manifest)
    # One that is damaged says so, and the next is looked at.
    except HrxError as error:
        yield Trouble(name=backup.id, said=error.message)
        return
    if digest != backup.sha256:
        yield Trouble(
            name=backup.tar_name,
            said=Text(
                ja=f"バックアップ {backup.id} のダイジェストが記録と違います",
                en=f"The digest of backup {backup.id} is not what its record says",
            ),
        )
    for name in wrong:
        yield Trouble(
            name=f"{backup.id}/{name}",
            said=Text(
                ja=f"バックアップ {backup.id} の {name} が一覧と違います",
                en=f"{name} of backup {backup.id} is not as listed",
            ),
        )


def _walk_tar(vault: Vault, backup: BaseBackup, manifest: Manifest) -> tuple[str, list[str]]:
    """The digest of the stored file, and the members that differ from the list. Nothing is written."""
    read_end, write_end = os.pipe()
    told: list[str | BaseException] = []

    def pour() -> None:
        try:
            with os.fdopen(write_end, "wb") as pipe:
                told.append(vault.read_into(backup.tar_name, pipe))
        # Whatever it is, it is raised where somebody waits for it.
        except BaseException as error:  # noqa: BLE001
            told.append(error)

    pouring = threading.Thread(target=pour, name="check-backup", daemon=True)
    pouring.start()
    wrong: list[str] = []
    broken: tarfile.TarError | None = None
    try:
        with os.fdopen(read_end, "rb") as pipe:
            try:
                with tarfile.open(fileobj=pipe, mode="r|", bufsize=_CHUNK) as tar:
                    wrong = list(_compare(tar, manifest))
            except tarfile.TarError as error:
                broken = error
            while pipe.read(_CHUNK):
                pass
    finally:
        pouring.join()
    (result,) = told
    if isinstance(result, BaseException):
        raise result
    return result, wrong if broken is None else [backup.tar_name]


def _compare(tar: tarfile.TarFile, manifest: Manifest) -> Iterator[str]:
    listed = {one.path: one for one in manifest.files}
    for member in tar:
        if not member.isreg() or member.name == NAME or member.name.startswith("pg_wal/"):
            continue
        one = listed.pop(member.name.removeprefix("./"), None)
        source = tar.extractfile(member)
        if one is None or source is None or not _is_as_listed(one, member.size, source):
            yield member.name
    yield from listed


def _is_as_listed(one: Listed, size: int, source: IO[bytes]) -> bool:
    return size == one.size_bytes and digest_of(source, Algorithm(one.algorithm)) == one.checksum


def _check_records(
    vault: Vault, segments: Sequence[KeptSegment], *, on_progress: OnProgress | None
) -> Iterator[Trouble]:
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="check-records") as pool:
        done: Iterable[Trouble | None] = pool.map(lambda one: _check_segment(vault, one), segments)
        for number, trouble in enumerate(done, start=1):
            if on_progress and (number % _WORD_EVERY == 0 or number == len(segments)):
                on_progress(number, len(segments))
            if trouble is not None:
                yield trouble


def _check_segment(vault: Vault, one: KeptSegment) -> Trouble | None:
    into = _Head()
    try:
        vault.read_into(one.name, cast("IO[bytes]", into))  # type: ignore[arg-type]
    except BackupFileDamaged as error:
        return Trouble(name=one.name, said=error.message)
    except HrxError as error:
        # Pruned meanwhile, which is no damage.
        return None if not vault.has(one.name) else Trouble(name=one.name, said=error.message)
    if (into.size, address_of(into.head)) == (one.segment.end - one.segment.start, one.segment.start):
        return None
    return Trouble(
        name=one.name,
        said=Text(
            ja=f"変更記録 {one.segment.name} の中身が名前と違います",
            en=f"Change records {one.segment.name} are not what their name says",
        ),
    )


def _check_histories(vault: Vault) -> Iterator[Trouble]:
    for timeline in list_histories(vault):
        try:
            vault.get_bytes(history_name(timeline))
        except HrxError as error:
            yield Trouble(name=history_name(timeline), said=error.message)


def _size(vault: Vault, one: KeptSegment) -> int:
    try:
        return (Path(vault.folder.root) / vault.stored_name(one.name)).stat().st_size
    except FileNotFoundError:
        return 0


class _Head(io.RawIOBase):
    """Takes everything, keeps the first bytes, counts the rest."""

    def __init__(self) -> None:
        self.head, self.size = b"", 0

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        if len(self.head) < 16:
            self.head += chunk[:16]
        self.size += len(chunk)
        return len(chunk)
