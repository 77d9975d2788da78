"""Where the lines are: live files that programs write, closed ones that wait, the archive by day and part.

```
var/log/api-blue.log                                        live: held by the supervisor
var/log/closed/api-blue@20261126T113400123456Z-1234.log     closed: nobody writes it any more, or soon nobody
var/log/archive/day=2026-11-26/part=api-blue/20261126T113400123456Z-1234.parquet
```
A closed file and what is archived of it have one name, made once: whoever archives it twice writes the same
files twice, and whoever reads takes the closed file as long as it is there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO, Final

from hrx.ops.settings import OpsSettings

_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_CLOSED: Final = re.compile(r"(?P<part>[\w-]+)@(?P<stamp>\d{8}T\d{12}Z)-(?P<inode>\d+)\.log")
#: Files that the supervisor rotated itself before we did.
_FORMER: Final = re.compile(r"(?P<part>[\w-]+)\.log\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFolders:
    """The three folders of one stack."""

    live: Path
    archive: Path

    @property
    def closed(self) -> Path:
        return self.live / "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """One live or closed file, opened: what is read of it does not change when it is renamed or removed."""

    part: str
    file: BinaryIO
    size_bytes: int
    inode: int
    modified_at: datetime
    #: None while it is live.
    stem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedFile:
    """A file that is to be archived."""

    path: Path
    part: str

    @property
    def stem(self) -> str:
        """What its archived files are called."""
        return self.path.name.partition("@")[2].removesuffix(".log")

    @property
    def closed_at(self) -> datetime:
        return _read_stamp(self.stem)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """The lines of one closed file of one day."""

    path: Path
    part: str
    day: date

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def inode(self) -> int:
        """Of the file whose lines these are."""
        return int(self.stem.partition("-")[2])

    @property
    def closed_at(self) -> datetime:
        return _read_stamp(self.stem)


def _read_stamp(stem: str) -> datetime:
    return datetime.strptime(stem.partition("-")[0], _STAMP).replace(tzinfo=UTC)


def folders_of(settings: OpsSettings) -> LogFolders:
    live = settings.var_dir.resolve() / "log"
    return LogFolders(live=live, archive=(settings.log_archive_dir or live / "archive").resolve())


def closed_name(part: str, *, at: datetime, inode: int) -> str:
    return f"{part}@{at.strftime(_STAMP)}-{inode}.log"


def list_live(folders: LogFolders) -> list[Path]:
    """The files that programs write now."""
    return sorted(path for path in folders.live.glob("*.log") if path.is_file())


def list_former(folders: LogFolders) -> Iterator[tuple[Path, str]]:
    """Files with a number at their end, the oldest first, with their part."""
    for path in sorted(folders.live.glob("*.log.*"), key=lambda path: path.name, reverse=True):
        found = _FORMER.fullmatch(path.name)
        if found is not None and path.is_file():
            yield path, found["part"]


def list_closed(folders: LogFolders) -> list[ClosedFile]:
    """What waits for the archive, the oldest first."""
    found = [
        ClosedFile(path=path, part=matched["part"])
        for path in folders.closed.glob("*.log")
        if (matched := _CLOSED.fullmatch(path.name)) is not None
    ]
    return sorted(found, key=lambda one: one.stem)


def list_archived(folders: LogFolders) -> list[ArchivedFile]:
    """Every archived file, the oldest day first."""
    found = []
    for path in folders.archive.glob("day=*/part=*/*.parquet"):
        with suppress(ValueError):
            day = date.fromisoformat(path.parent.parent.name.removeprefix("day="))
            found.append(ArchivedFile(path=path, part=path.parent.name.removeprefix("part="), day=day))
    return sorted(found, key=lambda one: (one.day, one.stem, one.part))


def open_texts(folders: LogFolders) -> list[TextFile]:
    """Live and closed files, opened, each once even when it is being closed at this moment."""
    opened: dict[int, TextFile] = {}
    # Live ones first: what is closed meanwhile is met again below, under the number it had.
    for path in (*list_live(folders), *(path for path, _ in list_former(folders))):
        _open(path, part=path.name.partition(".log")[0], stem=None, into=opened)
    for closed in list_closed(folders):
        _open(closed.path, part=closed.part, stem=closed.stem, into=opened)
    return list(opened.values())


def without_doubles(
    archived: list[ArchivedFile], texts: list[TextFile], *, listed_at: datetime
) -> list[ArchivedFile]:
    """The archived files whose lines are not read from their text already.

    `listed_at` is when `texts` began to be opened: a live file of then may be closed and archived by now."""
    stems = {(one.part, one.stem) for one in texts if one.stem is not None}
    live = {(one.part, one.inode) for one in texts if one.stem is None}
    return [
        one
        for one in archived
        if (one.part, one.stem) not in stems
        and not ((one.part, one.inode) in live and one.closed_at >= listed_at)
    ]


def _open(path: Path, *, part: str, stem: str | None, into: dict[int, TextFile]) -> None:
    try:
        file = path.open("rb")
    except OSError:
        # Closed or archived between the listing and now; it is met under its next name.
        return
    seen = os.fstat(file.fileno())
    if seen.st_ino in into:
        known = into.pop(seen.st_ino)
        known.file.close()
    into[seen.st_ino] = TextFile(
        part=part,
        file=file,
        size_bytes=seen.st_size,
        inode=seen.st_ino,
        modified_at=datetime.fromtimestamp(seen.st_mtime, UTC),
        stem=stem,
    )
