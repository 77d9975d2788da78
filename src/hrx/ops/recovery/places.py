"""Places that keep files of backups by name: a folder here, a bucket (`buckets.py`) somewhere else. Nothing
here can read them.

A file appears whole or not at all, and is not changed afterwards; putting the same name again is harmless."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from hrx.kit.errors import NotFound, Text, Unavailable

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
WRITING: Final = ".writing"


class PlaceUnavailable(Unavailable):
    """The place cannot be written or read now: full, away, or without rights."""

    code = "recovery.place_unavailable"


class CopyDamaged(Unavailable):
    """A copy is not what was sent there."""

    code = "recovery.copy_damaged"


class FileNotThere(NotFound):
    """No such file is kept there."""

    code = "recovery.file_not_there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One file of a place."""

    name: str
    size_bytes: int
    changed_at: datetime


class Place(Protocol):
    """Where files of backups are kept."""

    def put_file(self, name: str, path: Path) -> None:
        """Keep a copy of this file; durable when it returns. Raises PlaceUnavailable."""

    def get_file(self, name: str, into: Path) -> None:
        """Write a copy of what is kept to `into`. Raises FileNotThere, PlaceUnavailable."""

    def list_files(self, prefix: str = "") -> Iterator[Kept]:
        """Everything under a prefix (a folder of names), in no order. Raises PlaceUnavailable."""

    def delete(self, name: str) -> None:
        """Harmless when it is not there."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on a disk of this machine."""

    root: Path

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A new file to write to, which appears under its name when the block ends well."""
        with self.receiving(name) as fresh, fresh.open("xb") as file:
            yield file

    @contextmanager
    def receiving(self, name: str) -> Iterator[Path]:
        """The same for whoever makes the file by itself, at the path that this gives."""
        path = self._path(name)
        fresh = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{WRITING}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            yield fresh
            _sync(fresh)
            fresh.rename(path)
            _sync(path.parent)
        except OSError as error:
            raise unavailable(str(self.root), error) from error
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError:
            raise not_there(name) from None
        except OSError as error:
            raise unavailable(str(self.root), error) from error
        with file:
            yield file

    def put_file(self, name: str, path: Path) -> None:
        with path.open("rb") as source, self.writing(name) as file:
            shutil.copyfileobj(source, file, 1 << 20)

    def get_file(self, name: str, into: Path) -> None:
        with self.reading(name) as source, into.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)

    def list_files(self, prefix: str = "") -> Iterator[Kept]:
        top = self._path(prefix) if prefix else self.root
        for path in top.rglob("*"):
            if path.name.endswith(WRITING):
                continue
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                changed_at = datetime.fromtimestamp(facts.st_mtime, tz=UTC)
                name = path.relative_to(self.root).as_posix()
                yield Kept(name=name, size_bytes=facts.st_size, changed_at=changed_at)

    def list_names(self, prefix: str = "") -> Iterator[str]:
        """Names alone, which is far quicker: of tens of thousands of segments nothing else is asked."""
        top = self._path(prefix) if prefix else self.root
        for folder, _, files in os.walk(top):
            at = Path(folder).relative_to(self.root).as_posix()
            for name in files:
                if not name.endswith(WRITING):
                    yield name if at == "." else f"{at}/{name}"

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what killed writers left; gives how many. Nobody may be writing meanwhile."""
        left = [path for path in self.root.rglob(f"*{WRITING}") if path.is_file()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, name: str) -> Path:
        check_name(name)
        return self.root / name


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name of a backup's file: {name!r}")


def _sync(path: Path) -> None:
    """A rename is durable only when its folder is on disk, too."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_there(name: str) -> FileNotThere:
    return FileNotThere(
        Text(
            ja=f"バックアップのファイルがありません: {name}", en=f"A file of the backups is not there: {name}"
        ),
        hint=Text(
            ja="`hrx recover verify` で欠けを調べます。", en="`hrx recover verify` tells what is missing."
        ),
    )


def unavailable(where: str, error: Exception) -> PlaceUnavailable:
    return PlaceUnavailable(
        Text(
            ja=f"バックアップの置き場所が使えません({where}): {error}",
            en=f"The place of the backups cannot be used ({where}): {error}",
        ),
        hint=Text(
            ja="空き容量、権限、接続を確かめて、もう一度実行してください。途中のファイルは残りません。",
            en="See to space, rights and the connection, and run it again. Nothing half-written is left.",
        ),
    )
