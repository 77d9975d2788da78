"""A zip that people upload as a folder: each file in it by its place, within limits; the rest is said.

What is skipped without a word is what no person put there: hidden files and the like."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.problems import FileUnreadable

MAX_FILES: Final = 1_000
_CHUNK_BYTES: Final = 1 << 20
#: Text packs to a tenth; a file that unpacks to a hundred times its size was made for it.
_MAX_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = 1 << 20
_NESTED: Final = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".lzh"})
_UNSEEN: Final = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the zip, or the reason why it is not taken."""

    path: str
    entry: zipfile.ZipInfo
    problem: FileUnreadable | None = None


def is_folder(path: Path) -> bool:
    """Whether an upload is a zip of files (not one file of Office, which is a zip, too)."""
    with path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return False
    return not archives.is_office(path)


def list_members(archive: zipfile.ZipFile) -> list[Member]:
    """Files in the order of their paths. Raises FileUnreadable when the whole zip is over a limit."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_unseen(entry)]
    if len(entries) > MAX_FILES:
        raise archives.too_many(MAX_FILES)
    if sum(entry.file_size for entry in entries) > archives.MAX_UNPACKED_BYTES:
        raise archives.bomb()
    return sorted((_judge(entry) for entry in entries), key=lambda member: member.path)


def read_member(archive: zipfile.ZipFile, member: Member) -> bytes:
    """The file's bytes; sizes in the directory are not believed. Raises FileUnreadable."""
    return archives.read_part(archive, member.entry.filename)


async def chunks_of(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]


def _judge(entry: zipfile.ZipInfo) -> Member:
    name = _decoded(entry)
    parts = PurePosixPath(name.replace("\\", "/")).parts
    path = "/".join(part for part in parts if part not in ("/", "."))
    path = "".join(letter for letter in path if letter.isprintable() or letter == "\u3000")
    problem = None
    if not path or ".." in parts or name.startswith(("/", "\\")) or parts[0].endswith(":"):
        problem = FileUnreadable("archive.path")
    elif PurePosixPath(path).suffix.lower() in _NESTED:
        problem = FileUnreadable("archive.nested")
    elif entry.flag_bits & 0x1:
        problem = FileUnreadable("file.encrypted")
    elif entry.file_size > _RATIO_FROM_BYTES and entry.file_size > _MAX_RATIO * max(entry.compress_size, 1):
        problem = archives.bomb()
    return Member(path=path[-1_000:], entry=entry, problem=problem)


def _is_unseen(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    return any(part in _UNSEEN or (part.startswith(".") and part not in (".", "..")) for part in parts)


def _decoded(entry: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 flag were written by Windows in Japan more often than by DOS."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("cp932")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return entry.filename
