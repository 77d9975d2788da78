"""The files of a folder as vendors want them: relative names, digests, sizes. Secrets stay here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Invalid, Text, TooLarge

#: Never part of a build; `.env*` and keys besides, see `_is_left_out`.
_LEFT_OUT: Final = frozenset(
    {".git", "node_modules", ".next", "__pycache__", ".vercel", ".wrangler", ".DS_Store"}
)
#: Cloudflare Pages takes 20,000 files of 25 MiB each; Vercel 15,000 source files.
MOST_FILES: Final = 15_000
LARGEST_BYTES: Final = 25 * 1024 * 1024

Digest = Callable[[bytes, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile:
    """`name` is relative, with `/`."""

    name: str
    path: Path
    digest: str
    size_bytes: int


def sha1(content: bytes, name: str) -> str:
    """As Vercel's /v2/files wants it; no security rests on it."""
    del name
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def pages_key(content: bytes, name: str) -> str:
    """32 hexadecimal digits, as Cloudflare's asset store wants; the ending decides the type of a page."""
    return hashlib.sha256(content + Path(name).suffix.encode()).hexdigest()[:32]


def list_files(folder: Path, *, digest: Digest) -> tuple[UploadFile, ...]:
    """In the order of their names. Links are not followed.

    Raises Invalid for an empty folder, TooLarge for too many files or one that is too large."""
    found: list[UploadFile] = []
    for path in _walk(folder):
        size_bytes = path.stat().st_size
        if size_bytes > LARGEST_BYTES:
            raise TooLarge(
                Text(
                    ja=f"{path.relative_to(folder)} が 25 MiB を超えています。",
                    en=f"{path.relative_to(folder)} is larger than 25 MiB.",
                ),
                code="target.file_too_large",
            )
        name = path.relative_to(folder).as_posix()
        found.append(
            UploadFile(name=name, path=path, digest=digest(path.read_bytes(), name), size_bytes=size_bytes)
        )
    if not found:
        raise Invalid(
            Text(ja=f"{folder} にファイルがありません。", en=f"There are no files in {folder}."),
            code="target.folder_empty",
        )
    if len(found) > MOST_FILES:
        raise TooLarge(
            Text(
                ja=f"{folder} のファイルが {MOST_FILES} を超えています。",
                en=f"{folder} has more than {MOST_FILES} files.",
            ),
            code="target.too_many_files",
        )
    return tuple(found)


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for base, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        found += [Path(base, name) for name in names if not _is_left_out(name)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _is_left_out(name: str) -> bool:
    return name in _LEFT_OUT or name.startswith(".env") or name.endswith((".pem", ".key"))
