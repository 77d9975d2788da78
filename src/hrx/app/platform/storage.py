"""Files that people upload: kept whole or not at all, under keys that the product makes.

One kind of place so far, a folder (`file:` URLs). Keys are never made of what a user sent: they carry the
tenant and random letters, so that no name can climb out of the folder or meet another's file.

Where backups run there is a folder `outgoing`: a second link of every new file waits in it until the file is
in the backups, so that deleting the file cannot outrun them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BufferedWriter
from pathlib import Path
from typing import Final, Literal

from hrx.app.platform.tenancy import TenantId
from hrx.kit.errors import Invalid, Text, TooLarge, Unavailable

CHUNK_BYTES: Final = 1 << 20
_OUTGOING: Final = "outgoing"
#: Nobody collects for a backup any more; what was deleted must not stay readable in the spool.
_UNCOLLECTED_AFTER: Final = timedelta(days=7)
#: Folders of a tenant. Documents have one of their own: the release before they came deletes from `files`
#: what no import names, and it may run beside this one, or again after a rollback.
Shelf = Literal["files", "documents"]
_SHELVES: Final[tuple[Shelf, ...]] = ("files", "documents")
_KEY: Final = re.compile(r"[a-z0-9]+(?:/[A-Za-z0-9_-]+){2}")


class StorageUnavailable(Unavailable):
    """The folder cannot be written or read: full, missing, or without rights."""

    code = "storage.unavailable"


class FileMissing(Unavailable):
    """A file that was stored is not there any more."""

    code = "storage.file_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What was stored."""

    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder of files by key."""

    root: Path

    async def put(
        self,
        chunks: AsyncIterator[bytes],
        *,
        tenant_id: TenantId,
        limit_bytes: int,
        shelf: Shelf = "files",
    ) -> StoredFile:
        """Store a stream under a new key. Raises TooLarge, StorageUnavailable; then nothing is left."""
        key = f"t{tenant_id}/{shelf}/{secrets.token_urlsafe(24)}"
        path = self._path(key)
        partial = path.with_suffix(".part")
        digest = hashlib.sha256()
        size = 0
        try:
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            stream = await asyncio.to_thread(partial.open, "xb")
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit_bytes:
                        raise _too_large(limit_bytes)
                    digest.update(chunk)
                    await asyncio.to_thread(stream.write, chunk)
                await asyncio.to_thread(_flush, stream)
            finally:
                await asyncio.to_thread(stream.close)
            await asyncio.to_thread(_settle, partial, path)
            await asyncio.to_thread(_link_outgoing, self.root, key)
        except OSError as error:
            raise _unavailable(error) from error
        finally:
            with suppress(FileNotFoundError):
                await asyncio.to_thread(partial.unlink)
        return StoredFile(key=key, size_bytes=size, sha256=digest.hexdigest())

    def local_path(self, key: str) -> Path:
        """Where a stored file can be opened for reading. Raises FileMissing."""
        path = self._path(key)
        if not path.is_file():
            raise FileMissing(
                Text(ja="保存したファイルが見つかりません。", en="The stored file cannot be found."),
                hint=Text(ja="ファイルをもう一度アップロードしてください。", en="Upload the file again."),
            )
        return path

    async def delete(self, key: str) -> None:
        """Delete a file; one that is gone already is fine."""
        with suppress(FileNotFoundError):
            await asyncio.to_thread(self._path(key).unlink)

    async def delete_strays(
        self, *, tenant_id: TenantId, kept: Collection[str], stored_before: datetime
    ) -> list[str]:
        """Delete the tenant's files that nobody remembers, halves of broken uploads too; gives their keys.

        A process killed between storing a file and committing its key leaves one behind, and it holds
        personal data. `stored_before` must spare uploads that are still to be committed."""
        uncollected = (stored_before - _UNCOLLECTED_AFTER).timestamp()
        deleted = []
        for shelf in _SHELVES:
            mine = Path(f"t{tenant_id}") / shelf
            await asyncio.to_thread(
                _delete_strays, self.root / _OUTGOING / mine, kept=frozenset(), before_s=uncollected
            )
            deleted += await asyncio.to_thread(
                _delete_strays, self.root / mine, kept=kept, before_s=stored_before.timestamp()
            )
        return deleted

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("not a key of this storage")
        return self.root / key


def open_storage(url: str) -> Storage:
    """The storage at `file:FOLDER` (relative folders start at the working directory).

    Raises Invalid for other schemes: they are not offered yet."""
    scheme, _, folder = url.partition(":")
    if scheme != "file" or not folder:
        raise Invalid(
            Text(
                ja=f"保存先 {scheme}: には対応していません。", en=f"Storage at {scheme}: URLs is not offered."
            ),
            hint=Text(
                ja="HRX_STORAGE_URL を file:フォルダー の形にしてください。",
                en="Set HRX_STORAGE_URL to file:FOLDER.",
            ),
            code="storage.unknown_scheme",
        )
    return Storage(Path(folder.removeprefix("//")))


def _delete_strays(folder: Path, *, kept: Collection[str], before_s: float) -> list[str]:
    deleted = []
    for path in folder.iterdir() if folder.is_dir() else ():
        key = f"{folder.parent.name}/{folder.name}/{path.name}"
        if key not in kept and path.stat().st_mtime < before_s:
            path.unlink(missing_ok=True)
            deleted.append(key)
    return deleted


def _flush(stream: BufferedWriter) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _settle(partial: Path, path: Path) -> None:
    """Give the finished file its name, and make the name survive a power cut."""
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _link_outgoing(root: Path, key: str) -> None:
    """Where no backup runs there is no such folder, and nothing is linked."""
    spool = root / _OUTGOING
    if not spool.is_dir():
        return
    path = spool / key
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        path.hardlink_to(root / key)


def _too_large(limit_bytes: int) -> TooLarge:
    limit = f"{limit_bytes // 2**20} MB"
    return TooLarge(
        Text(ja=f"ファイルが大きすぎます（上限 {limit}）。", en=f"The file is too large (limit {limit})."),
        hint=Text(ja="ファイルを分けてください。", en="Split the file."),
        code="file.too_large",
    )


def _unavailable(error: OSError) -> StorageUnavailable:
    return StorageUnavailable(
        Text(
            ja="ファイルを保存できません。何も取り込んでいません。",
            en="The file cannot be stored. Nothing was imported.",
        ),
        hint=Text(
            ja="ディスクの空き容量を管理者に確認してください。",
            en=f"Ask the administrator about free disk space ({error.strerror}).",
        ),
    )
