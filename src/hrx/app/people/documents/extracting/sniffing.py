"""What a file is, decided by its content; the name only helps between kinds of plain text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.extracting.shapes import FileKind
from hrx.app.people.documents.problems import FileUnreadable

_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: How an encrypted docx or xlsx names its only stream.
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_SAMPLE_BYTES: Final = 4_096
#: Zips and old Office files are looked at this far for the mark of an encrypted one.
_OLE_BYTES: Final = 1 << 20
_HTML = re.compile(rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_BINARY: Final = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"MZ", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b",
    b"{\\rtf", b"II*\x00", b"MM\x00*",
)  # fmt: skip
BY_SUFFIX: Final = {
    ".md": FileKind.MARKDOWN, ".markdown": FileKind.MARKDOWN, ".mdx": FileKind.MARKDOWN,
    ".csv": FileKind.TABLE, ".tsv": FileKind.TABLE, ".html": FileKind.HTML, ".htm": FileKind.HTML,
    ".xhtml": FileKind.HTML, ".txt": FileKind.TEXT, ".text": FileKind.TEXT,
    ".pdf": FileKind.PDF, ".docx": FileKind.WORD, ".docm": FileKind.WORD,
    ".xlsx": FileKind.WORKBOOK, ".xlsm": FileKind.WORKBOOK,
    ".pptx": FileKind.SLIDES, ".pptm": FileKind.SLIDES,
}  # fmt: skip
_PLAIN: Final = frozenset({FileKind.MARKDOWN, FileKind.TABLE, FileKind.HTML, FileKind.TEXT})
MEDIA_TYPES: Final = {
    FileKind.PDF: "application/pdf",
    FileKind.WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    FileKind.WORKBOOK: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileKind.SLIDES: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    FileKind.HTML: "text/html",
    FileKind.MARKDOWN: "text/markdown",
    FileKind.TABLE: "text/csv",
    FileKind.TEXT: "text/plain",
}


def detect_kind(path: Path, *, name: str) -> FileKind:
    """The kind of a file. Raises FileUnreadable for what no reader takes."""
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE_BYTES)
    if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise FileUnreadable("file.empty")
    if b"%PDF-" in start[:1024]:
        return FileKind.PDF
    if start.startswith(b"PK\x03\x04"):
        return archives.office_kind(path)
    if start.startswith(_OLD_OFFICE):
        with path.open("rb") as stream:
            is_encrypted = _ENCRYPTED in stream.read(_OLE_BYTES)
        raise FileUnreadable("file.encrypted" if is_encrypted else "file.old_office")
    if start.startswith(_BINARY):
        raise FileUnreadable("file.unknown_kind")
    named = BY_SUFFIX.get(Path(name).suffix.lower())
    if _HTML.search(start):
        return FileKind.HTML
    return named if named in _PLAIN else FileKind.TEXT


def is_misnamed(kind: FileKind, *, name: str) -> bool:
    """Whether the name says another kind than the content; a name without a suffix says nothing."""
    named = BY_SUFFIX.get(Path(name).suffix.lower())
    return named is not None and named is not kind


def guess_media_type(name: str) -> str:
    """By name, for a file that was not opened yet."""
    kind = BY_SUFFIX.get(Path(name).suffix.lower())
    return MEDIA_TYPES[kind] if kind else "application/octet-stream"
