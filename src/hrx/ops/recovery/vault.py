"""The vault: a place's files, compressed and encrypted, each of which knows its own name.

What is read back is what was put under that name, or an error: a flipped byte breaks the encryption's seal, a
file put in another's place carries the wrong name, a file that was cut short ends without its seal."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import pyrage
import zstandard

from hrx.kit.errors import Text, Unavailable
from hrx.ops.recovery.keys import Keyring
from hrx.ops.recovery.places import FileNotThere, Folder
from hrx.ops.recovery.tarring import Readable

#: zstd level 3 is the knee: a base backup of 1.95 GB took 8.8 s and came to 532 MB (recovery anchors 3.1).
_LEVEL: Final = 3
#: The library compresses beside us, while we read and encrypt: 2 GB took 12.4 s without, see measurements.
_THREADS: Final = 2
_MAGIC: Final = b"HRX-BACKUP-1 "
_CHUNK: Final = 1 << 20
#: Of every stored file that is a content; what lacks it is kept in plain.
SUFFIX: Final = ".zst.age"
KEYS: Final = "keys.txt"


class BackupFileDamaged(Unavailable):
    """A file of the backups is not what was put there."""

    code = "recovery.file_damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What was put: sizes before and after, and the digest of the file that is kept (SHA-256, hexadecimal),
    which can be checked without a key."""

    name: str
    size_bytes: int
    stored_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """Names are those of the contents; the suffix of the stored file is the vault's own affair."""

    folder: Folder
    keyring: Keyring

    def put(self, name: str, source: Readable) -> Sealed:
        """Keep everything that `source` gives until its end; whole or not at all. Raises PlaceUnavailable."""
        counted = _Counted(source)
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, threads=_THREADS)
        head = io.BytesIO(_MAGIC + name.encode() + b"\n")
        self._note_key()
        with self.folder.writing(name + SUFFIX) as file:
            kept = _Digested(file)
            with compressor.stream_reader(
                cast("IO[bytes]", _Chained(head, counted)), read_size=_CHUNK
            ) as packed:
                try:
                    pyrage.encrypt_io(packed, cast("BinaryIO", kept), [self.keyring.recipient])
                except pyrage.EncryptError as error:
                    raise OSError(str(error)) from error
            stored = file.tell()
        return Sealed(
            name=name,
            size_bytes=counted.size_bytes,
            stored_bytes=stored,
            sha256=kept.digest.hexdigest(),
        )

    def put_bytes(self, name: str, content: bytes) -> Sealed:
        return self.put(name, io.BytesIO(content))

    def read_into(self, name: str, into: BinaryIO) -> str:
        """Write what was put to `into`; gives the digest of the file that is kept. Raises FileNotThere,
        BackupFileDamaged, and OSError when `into` cannot take it.

        What is in `into` after an error is worth nothing."""
        with self.folder.reading(name + SUFFIX) as file:
            return self.unseal(name, file, into)

    def unseal(self, name: str, stored: BinaryIO, into: BinaryIO) -> str:
        """The same of a stored file from anywhere. Raises BackupFileDamaged, OSError."""
        checked, kept = _Checked(into, expected=_MAGIC + name.encode() + b"\n"), _Digested(stored)
        writer = zstandard.ZstdDecompressor().stream_writer(cast("IO[bytes]", checked), closefd=False)
        try:
            pyrage.decrypt_io(cast("BinaryIO", kept), writer, list(self.keyring.identities))
        # The library wraps whatever a file at either end raised: what could not be written is told as such.
        except (pyrage.DecryptError, zstandard.ZstdError, _WrongName, OSError) as error:
            if checked.failure is not None:
                raise checked.failure from error
            raise _damaged(name, str(error)) from error
        if not checked.is_named:
            raise _damaged(name, "it ends before its name")
        return kept.digest.hexdigest()

    def get_bytes(self, name: str) -> bytes:
        """For what is small. Raises FileNotThere, BackupFileDamaged."""
        into = io.BytesIO()
        self.read_into(name, into)
        return into.getvalue()

    @contextmanager
    def unpacked(self, name: str, *, beside: Path) -> Iterator[Path]:
        """A temporary plain copy, gone after the block."""
        path = beside / f"{Path(name).name}.plain"
        try:
            with path.open("wb") as file:
                self.read_into(name, file)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def list_names(self, prefix: str = "") -> Iterator[str]:
        """Names of contents, in no order."""
        for name in self.folder.list_names(prefix):
            if name.endswith(SUFFIX):
                yield name.removesuffix(SUFFIX)

    def has(self, name: str) -> bool:
        return self.folder.has(name + SUFFIX)

    def delete(self, name: str) -> None:
        self.folder.delete(name + SUFFIX)

    def stored_name(self, name: str) -> str:
        """The file of the place that holds this content."""
        return name + SUFFIX

    def content_name(self, stored: str) -> str | None:
        """What a file of the place is the content of; None for what is kept in plain."""
        return stored.removesuffix(SUFFIX) if stored.endswith(SUFFIX) else None

    def list_keys_needed(self) -> frozenset[str]:
        """Public halves of every key that ever encrypted something here; told in plain on purpose."""
        return list_keys_needed(self.folder)

    def _note_key(self) -> None:
        known = self.list_keys_needed()
        if self.keyring.fingerprint not in known:
            lines = sorted({*known, self.keyring.fingerprint})
            with self.folder.writing(KEYS) as file:
                file.write("".join(f"{line}\n" for line in lines).encode())


def list_keys_needed(folder: Folder) -> frozenset[str]:
    """As `Vault.list_keys_needed`, without a key at hand."""
    try:
        with folder.reading(KEYS) as file:
            return frozenset(file.read().decode().split())
    except FileNotThere:
        return frozenset()


class _Counted:
    """A source whose bytes are counted as they pass."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.size_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._source.read(size)
        self.size_bytes += len(chunk)
        return chunk


class _Digested(io.RawIOBase):
    """The file that is kept, digested as it is written or read from its beginning to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk

    def write(self, data: object, /) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self.digest.update(chunk)
        return self._file.write(chunk)


class _Chained:
    """One source after another."""

    def __init__(self, *sources: Readable) -> None:
        self._sources = list(sources)

    def read(self, size: int = -1, /) -> bytes:
        while self._sources:
            chunk = self._sources[0].read(size)
            if chunk:
                return chunk
            del self._sources[0]
        return b""


class _WrongName(Exception):
    pass


class _Checked(io.RawIOBase):
    """Takes the name off the front and passes the rest on."""

    def __init__(self, into: BinaryIO, *, expected: bytes) -> None:
        self._into, self._expected, self._head = into, expected, b""
        self.is_named = False
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        # What is written is handed on as it came: a copy of every byte of a restore is felt.
        chunk = memoryview(data)  # type: ignore[arg-type]
        taken = len(chunk)
        if not self.is_named:
            self._head += chunk
            if len(self._head) < len(self._expected):
                return taken
            if not self._head.startswith(self._expected):
                raise _WrongName("another file was put in its place")
            chunk, self._head, self.is_named = memoryview(self._head[len(self._expected) :]), b"", True
        try:
            self._into.write(chunk)
        except OSError as error:
            self.failure = error
            raise
        return taken


def _damaged(name: str, says: str) -> BackupFileDamaged:
    return BackupFileDamaged(
        Text(
            ja=f"バックアップのファイルが壊れています: {name}({says})",
            en=f"A file of the backups is damaged: {name} ({says})",
        ),
        hint=Text(
            ja="`hrx recover verify` で使えるバックアップを調べ、別の場所の写しから取り戻します。",
            en="`hrx recover verify` tells which backups work; fetch it again from the copy elsewhere.",
        ),
    )
