"""Streams of tar: unpacked as they come, and the one file that is wanted from one that passes by.

pg_basebackup puts its list of files at the end of the same stream; keeping it as it passes saves reading the
whole backup again."""

from __future__ import annotations

import errno
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

_BLOCK: Final = 512
_COPY_CHUNK: Final = 1 << 20
_WANTED_MAX: Final = 64 * 1024 * 1024


def unpack(source: int, into: Path) -> None:
    """Write the folders and files of a stream below `into`, for the owner alone. `source`: the descriptor of
    a pipe's reading end. Raises tarfile.TarError for a stream that ends early, and for anything else in it.

    By hand: the library's own safe way came with 3.11.4 and Debian 12 has 3.11.2; and contents go from the
    pipe to the file within the kernel, where the library would copy them several times."""
    while (member := _next_member(source)) is not None:
        name = PurePosixPath(member.name)
        if (
            name.is_absolute()
            or ".." in name.parts
            or member.size < 0
            or not (member.isreg() or member.isdir())
        ):
            raise tarfile.ExtractError(f"{member.name} is no file of a data directory")
        path = into / name
        if member.isdir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            continue
        with path.open("xb", buffering=0) as file:
            _move(source, file.fileno(), member.size)
        _read_exactly(source, -member.size % _BLOCK)
        path.chmod(member.mode & 0o700)
        os.utime(path, (member.mtime, member.mtime))


def _next_member(source: int) -> tarfile.TarInfo | None:
    """None at the end, which two blocks of zeros tell."""
    header = _read_exactly(source, _BLOCK)
    if not header.strip(b"\0"):
        return None
    return tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")


def _read_exactly(source: int, size: int) -> bytes:
    content = b""
    while len(content) < size:
        chunk = os.read(source, size - len(content))
        if not chunk:
            raise tarfile.ReadError("the stream ends early")
        content += chunk
    return content


def _move(source: int, file: int, size: int) -> None:
    """Not every file system can take the bytes from the pipe by itself."""
    can_splice = hasattr(os, "splice")
    while size:
        wanted = min(size, _COPY_CHUNK)
        try:
            moved = os.splice(source, file, wanted) if can_splice else _copy(source, file, wanted)
        except OSError as error:
            if not can_splice or error.errno != errno.EINVAL:
                raise
            can_splice = False
            continue
        if not moved:
            raise tarfile.ReadError("the stream ends early")
        size -= moved


def _copy(source: int, file: int, size: int) -> int:
    chunk = memoryview(os.read(source, size))
    moved = len(chunk)
    while chunk:
        chunk = chunk[os.write(file, chunk) :]
    return moved


class Readable(Protocol):
    """Whatever gives bytes until it gives none."""

    def read(self, size: int = -1, /) -> bytes: ...


class TarWatch:
    """A source of bytes that keeps the content of one member, by name, and otherwise only counts."""

    def __init__(self, source: Readable, *, wanted: str) -> None:
        self._source, self._wanted = source, wanted.encode()
        self._header = b""
        self._skip = 0
        self._take = 0
        self._taken: list[bytes] = []
        self.is_complete = False

    @property
    def content(self) -> bytes:
        return b"".join(self._taken)

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._source.read(size)
        self._watch(memoryview(chunk))
        return chunk

    def _watch(self, chunk: memoryview) -> None:
        while chunk:
            if self._take:
                part, chunk = chunk[: self._take], chunk[self._take :]
                self._taken.append(bytes(part))
                self._take -= len(part)
                self.is_complete = self._take == 0
            elif self._skip:
                step = min(self._skip, len(chunk))
                self._skip -= step
                chunk = chunk[step:]
            else:
                lacks = _BLOCK - len(self._header)
                self._header += bytes(chunk[:lacks])
                chunk = chunk[lacks:]
                if len(self._header) == _BLOCK:
                    self._begin(self._header)
                    self._header = b""

    def _begin(self, header: bytes) -> None:
        name = header[:100].rstrip(b"\0")
        if not name:
            return
        size = int(header[124:136].rstrip(b"\0 ") or b"0", 8)
        padding = -size % _BLOCK
        if name == self._wanted and size <= _WANTED_MAX:
            self._take, self._skip = size, padding
        else:
            self._skip = size + padding
