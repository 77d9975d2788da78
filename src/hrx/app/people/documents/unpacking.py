"""An upload as stored files: one, or each file of a zip. When anything goes wrong nothing stays stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hrx.app.people.documents import folders
from hrx.app.people.documents.actions.uploading import File
from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.extracting.sniffing import guess_media_type
from hrx.app.people.documents.problems import FileUnreadable
from hrx.app.platform.db import CommitUnknown, NotYetSafe
from hrx.app.platform.storage import Storage
from hrx.app.platform.tenancy import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Stored files, and those of a zip that were not taken, by path."""

    files: list[File] = field(default_factory=list)
    skipped: list[tuple[str, FileUnreadable]] = field(default_factory=list)


async def take_files(
    chunks: AsyncIterator[bytes],
    *,
    name: str,
    source_path: str | None,
    storage: Storage,
    tenant_id: TenantId,
    limit_bytes: int,
    unpacks: bool,
) -> Taken:
    """Store an upload; a zip of files is unpacked when `unpacks`, and then it is not kept itself.

    Raises TooLarge, StorageUnavailable, FileUnreadable (empty, or a zip over a limit)."""
    stored = await storage.put(chunks, tenant_id=tenant_id, limit_bytes=limit_bytes, shelf="documents")
    async with AsyncExitStack() as undo:
        undo.push_async_callback(storage.delete, stored.key)
        if stored.size_bytes == 0:
            raise FileUnreadable("file.empty")
        path = storage.local_path(stored.key)
        if unpacks and await asyncio.to_thread(folders.is_folder, path):
            return await _unpack(path, storage=storage, tenant_id=tenant_id)
        undo.pop_all()
    file = File(name=name, media_type=guess_media_type(name), stored=stored, source_path=source_path)
    return Taken(files=[file])


async def _unpack(path: Path, *, storage: Storage, tenant_id: TenantId) -> Taken:
    taken = Taken()
    left = archives.MAX_UNPACKED_BYTES
    try:
        with archives.opened(path) as archive:
            for member in await asyncio.to_thread(folders.list_members, archive):
                if member.problem is not None:
                    taken.skipped.append((member.path, member.problem))
                    continue
                try:
                    data = await asyncio.to_thread(folders.read_member, archive, member)
                except FileUnreadable as error:
                    taken.skipped.append((member.path, error))
                    continue
                # What the directory says of sizes was added up before; this is what they are.
                left -= len(data)
                if left < 0:
                    raise archives.bomb()
                stored = await storage.put(
                    folders.chunks_of(data),
                    tenant_id=tenant_id,
                    limit_bytes=archives.MAX_PART_BYTES,
                    shelf="documents",
                )
                name = PurePosixPath(member.path).name[-255:] or "document"
                taken.files.append(
                    File(name=name, media_type=guess_media_type(name), stored=stored, source_path=member.path)
                )
    except BaseException:
        for file in taken.files:
            await storage.delete(file.stored.key)
        raise
    if not taken.files and not taken.skipped:
        raise FileUnreadable("file.empty")
    return taken


@asynccontextmanager
async def or_forgotten(storage: Storage, taken: Taken) -> AsyncIterator[None]:
    """What is stored goes when what is to name it does not become so."""
    try:
        yield
    except (CommitUnknown, NotYetSafe):
        # Its rows are there, or may be; what they name must stay.
        raise
    except BaseException:
        await forget(storage, taken.files)
        raise


async def forget(storage: Storage, stored: Iterable[File]) -> None:
    """Delete stored files that nothing names. Raises StorageUnavailable."""
    for file in stored:
        await storage.delete(file.stored.key)
