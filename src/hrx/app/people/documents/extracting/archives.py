"""Zips are weighed before they are opened: files of Office, and folders that people upload as one.

Sizes in a zip's directory may lie, so every part is read through a counter."""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from lxml import etree

from hrx.app.people.documents.extracting.shapes import FileKind
from hrx.app.people.documents.problems import FileUnreadable

MAX_UNPACKED_BYTES: Final = 300 * 1024 * 1024
MAX_PART_BYTES: Final = 100 * 1024 * 1024
MAX_ENTRIES: Final = 5_000
#: The directory of as many entries with paths of a few hundred bytes; an entry takes 46 bytes at least.
MAX_DIRECTORY_BYTES: Final = 2 * 1024 * 1024
_MEGABYTE: Final = 1 << 20
_MAIN_PARTS: Final = {
    "word/document.xml": FileKind.WORD,
    "xl/workbook.xml": FileKind.WORKBOOK,
    "ppt/presentation.xml": FileKind.SLIDES,
}
_ENCRYPTED_FLAG: Final = 0x1


class _Weighed(io.FileIO):
    """A zip whose directory is refused before it is read where it is too large.

    The standard library reads a directory in one piece, as long as its end says, and makes an object of each
    entry before anybody can count them."""

    is_directory_read = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.is_directory_read and size is not None and size > MAX_DIRECTORY_BYTES:
            raise too_many(MAX_ENTRIES)
        return super().read(-1 if size is None else size) or b""


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, its damage and a directory over the limit told as FileUnreadable."""
    try:
        with _Weighed(path) as stream, zipfile.ZipFile(stream) as archive:
            stream.is_directory_read = True
            if len(archive.infolist()) > MAX_ENTRIES:
                raise too_many(MAX_ENTRIES)
            yield archive
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        KeyError,
        ValueError,
    ) as error:
        raise FileUnreadable("file.corrupt") from error
    except RuntimeError as error:
        # The standard library reports an encrypted member this way.
        raise FileUnreadable("file.encrypted") from error


def office_kind(path: Path) -> FileKind:
    """Which program's file a zip is. Raises FileUnreadable for other zips, bombs and damage."""
    with opened(path) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
            raise bomb()
        names = {entry.filename for entry in entries}
        for name, kind in _MAIN_PARTS.items():
            if name in names:
                return kind
    raise FileUnreadable("file.unknown_kind")


def is_office(path: Path) -> bool:
    """Whether a zip is one file of Office rather than a folder of files."""
    with opened(path) as archive:
        return not _MAIN_PARTS.keys().isdisjoint(archive.namelist())


def has_macros(archive: zipfile.ZipFile) -> bool:
    return any(PurePosixPath(name).name.lower() == "vbaproject.bin" for name in archive.namelist())


def read_part(archive: zipfile.ZipFile, name: str, *, limit_bytes: int = MAX_PART_BYTES) -> bytes:
    """One part, whole. Raises FileUnreadable when it unpacks to more than the limit, KeyError when absent."""
    entry = copy.copy(archive.getinfo(name))
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise FileUnreadable("file.encrypted")
    # With a size too large in the directory's copy, reading goes on to the end that the data really has.
    entry.file_size = limit_bytes + 1
    with archive.open(entry) as stream:
        data = stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise bomb()
    return data


def read_xml(archive: zipfile.ZipFile, name: str) -> etree._Element:
    """A part as XML: no entities, nothing fetched. Raises FileUnreadable for what is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root: etree._Element = etree.fromstring(read_part(archive, name), parser)
    except etree.XMLSyntaxError as error:
        raise FileUnreadable("file.corrupt") from error
    return root


def related_parts(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Names of the parts that a part refers to, by relation id; parts outside the file are left out."""
    folder = PurePosixPath(name).parent
    relations = str(folder / "_rels" / f"{PurePosixPath(name).name}.rels")
    if relations not in archive.namelist():
        return {}
    found = {}
    for relation in read_xml(archive, relations):
        target, ref = relation.get("Target"), relation.get("Id")
        if target and ref and relation.get("TargetMode") != "External":
            found[ref] = target.lstrip("/") if target.startswith("/") else _joined(folder, target)
    return found


def _joined(folder: PurePosixPath, target: str) -> str:
    parts: list[str] = list(folder.parts)
    for part in PurePosixPath(target).parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in ("..", "."):
            parts.append(part)
    return "/".join(parts)


def too_many(limit: int) -> FileUnreadable:
    return FileUnreadable("archive.too_many", limit=limit)


def bomb() -> FileUnreadable:
    return FileUnreadable("file.bomb", limit=MAX_UNPACKED_BYTES // _MEGABYTE)
