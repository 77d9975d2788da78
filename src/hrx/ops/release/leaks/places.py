"""Where secrets leak to: the tree, git's history, what browsers are sent, logs. Bytes with a name, no more.

Files are read once and whole; one larger than the limit is named as not looked at, never as clean."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from hrx.kit.errors import Text, Unavailable

#: Larger files are data; in this repository the largest text has a tenth of it.
MAX_BYTES: Final = 20 * 1024 * 1024
_GIT_TIMEOUT_S: Final = 60
#: Git's own sign of a binary file: a zero byte near its beginning.
_LOOK_FOR_ZERO: Final = 8_000
#: What the web server sends to browsers: scripts, styles and maps; pages made at build time.
_SENT: Final = ("static", "server/app", "server/pages")
_SENT_SUFFIXES: Final = frozenset(
    {".js", ".mjs", ".css", ".map", ".html", ".rsc", ".json", ".txt", ".body", ".meta"}
)


class PlaceKind(StrEnum):
    """Where something was found."""

    TREE = "tree"
    HISTORY = "history"
    BUILD = "build"
    LOG = "log"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes to look at. `path` is relative where there is a root; `blob` is git's name of it.

    `data` is None when the piece was too large or could not be read."""

    kind: PlaceKind
    path: str
    data: bytes | None
    blob: str = ""


def read_tree(root: Path) -> Iterator[Piece]:
    """Every file that git knows or would take in. Raises Unavailable when git does not answer."""
    kept = _git(root, "ls-files", "-z", "--stage")
    changed = _git(root, "ls-files", "-z", "--modified", "--others", "--exclude-standard")
    # `mode name stage TAB path`; what differs from the index has no name in git yet.
    blobs = {path: facts.split()[1].decode() for facts, _, path in _partition(kept)}
    blobs |= dict.fromkeys(filter(None, changed.split(b"\0")), "")
    for name in sorted(blobs):
        path = root / name.decode(errors="surrogateescape")
        if path.is_file() and not path.is_symlink():
            yield _read(PlaceKind.TREE, path, name.decode(errors="replace"), blob=blobs[name])


def read_history(root: Path, *, refs: str = "--all") -> Iterator[Piece]:
    """Every version of every file that these refs reach, each once, with a path that it had.

    Costs one `git rev-list` and one `git cat-file`. Raises Unavailable when git does not answer, and in a
    shallow clone: what was cut off was not looked at."""
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise Unavailable(
            Text(
                ja="浅いクローンのため、履歴の一部がありません。",
                en="This clone is shallow: part of its history is not here.",
            ),
            hint=Text(
                ja="`git fetch --unshallow` の後でもう一度実行してください。",
                en="Run `git fetch --unshallow`, then this again.",
            ),
            code="settings.shallow_clone",
        )
    listed = _git(root, "rev-list", "--objects", refs)
    named = [line.partition(b" ")[::2] for line in listed.splitlines()]
    yield from _read_objects(root, [(name.decode(), path.decode(errors="replace")) for name, path in named])


def read_build(folder: Path) -> Iterator[Piece]:
    """What a web build sends to browsers; server code that stays on the server is not among it."""
    for sent in _SENT:
        for path in sorted((folder / sent).rglob("*")):
            is_sent = sent == "static" or path.suffix not in (".js", ".json")
            if path.is_file() and path.suffix in _SENT_SUFFIXES and is_sent:
                yield _read(PlaceKind.BUILD, path, str(path.relative_to(folder)))


def read_logs(folder: Path) -> Iterator[Piece]:
    """The files of logs that are lines of text, closed ones too."""
    for path in sorted(folder.rglob("*.log*")):
        if path.is_file():
            yield _read(PlaceKind.LOG, path, str(path.relative_to(folder)))


def read_rows(rows: Iterable[tuple[str, str]]) -> Iterator[Piece]:
    """Rows of the ledger: a name for each (`entry 12`) and its text."""
    for name, text in rows:
        yield Piece(kind=PlaceKind.LEDGER, path=name, data=text.encode())


def is_text(data: bytes) -> bool:
    """Whether it is worth reading as text."""
    return b"\0" not in data[:_LOOK_FOR_ZERO]


def _partition(listed: bytes) -> list[tuple[bytes, bytes, bytes]]:
    return [line.partition(b"\t") for line in filter(None, listed.split(b"\0"))]


def _read(kind: PlaceKind, path: Path, name: str, *, blob: str = "") -> Piece:
    try:
        data = None if path.stat().st_size > MAX_BYTES else path.read_bytes()
    except OSError:
        data = None
    return Piece(kind=kind, path=name, data=data, blob=blob)


def _read_objects(root: Path, named: list[tuple[str, str]]) -> Iterator[Piece]:
    paths = dict(named)
    # The list goes through a file: a pipe would have to be written beside the reading.
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{name}\n" for name in paths).encode())
        wanted.seek(0)
        with subprocess.Popen(
            ["git", "-C", str(root), "cat-file", "--batch", "--buffer"], stdin=wanted, stdout=subprocess.PIPE
        ) as process:
            if process.stdout is not None:
                yield from _take_objects(process.stdout, paths)


def _take_objects(gives: IO[bytes], paths: Mapping[str, str]) -> Iterator[Piece]:
    while header := gives.readline():
        name, _, rest = header.decode().strip().partition(" ")
        kind, _, size = rest.partition(" ")
        if not size:
            continue
        data = _take(gives, int(size))
        if kind == "blob":
            yield Piece(kind=PlaceKind.HISTORY, path=paths.get(name) or name, data=data, blob=name)


def _take(gives: IO[bytes], size: int) -> bytes | None:
    data = gives.read(size)
    gives.read(1)
    return data if size <= MAX_BYTES else None


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _no_git(type(error).__name__) from error
    if done.returncode != 0:
        raise _no_git(done.stderr.decode(errors="replace").strip()[:200])
    return done.stdout


def _no_git(said: str) -> Unavailable:
    return Unavailable(
        Text(ja=f"git に聞けません: {said}", en=f"git cannot be asked: {said}"),
        hint=Text(
            ja="git のあるチェックアウトの中で実行してください。",
            en="Run this inside a checkout, with git on PATH.",
        ),
        code="settings.no_git",
    )
