"""The product's files in the vault: each once, as their contents never change under a key.

A row of the database names a file by its key; so a database of any moment needs the files that its rows name,
and has them as long as no file leaves the vault that a restorable moment can name. A new file is linked into
the storage's `outgoing` folder before its row is committed: it reaches the vault even when it is deleted a
second later."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.recovery.places import FileNotThere
from hrx.ops.recovery.vault import BackupFileDamaged, Vault
from hrx.ops.seams.sessions import Session

OUTGOING: Final = "outgoing"
_KEY: Final = re.compile(r"(?P<top>[a-z0-9]+)/(?P<kind>[A-Za-z0-9_-]+)/(?P<token>[A-Za-z0-9_-]+)")
_NAME: Final = re.compile(r"files/(?P<top>[a-z0-9]+)/k(?P<kind>[A-Za-z0-9_-]+)/k(?P<token>[A-Za-z0-9_-]+)")
_GONE: Final = re.compile(
    r"gone/(?P<top>[a-z0-9]+)/k(?P<kind>[A-Za-z0-9_-]+)/k(?P<token>[A-Za-z0-9_-]+)\.(?P<at>\d+)"
)
#: The product deletes a file before it commits that no row names it, and a job killed in between does so a
#: day later: until then a row of the database may still name it.
_NAMED_AFTER_GONE: Final = timedelta(days=2)
#: A file is stored before its row is committed.
_UPLOAD_TAKES: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file that a row of the database names."""

    tenant_id: int
    key: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What reached the vault: how many files and bytes; `gone`: noted as deleted by the product; `forgotten`:
    names that left the vault, because no restorable moment can name them."""

    files: int = 0
    size_bytes: int = 0
    gone: int = 0
    forgotten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCheck:
    """Rows against files, both ways. `lost`: named, and neither here nor in the vault; `absent`: named, in
    the vault, not here; `wrong`: here with other contents; `unkept`: here and named, not in the vault yet;
    `nameless`: here, and no row names it (an upload younger than an hour is not counted)."""

    rows: int
    lost: tuple[NamedFile, ...] = ()
    absent: tuple[NamedFile, ...] = ()
    wrong: tuple[NamedFile, ...] = ()
    unkept: tuple[NamedFile, ...] = ()
    nameless: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Nameless files are the past's, or the next clean-up's: no fault."""
        return not (self.lost or self.absent or self.wrong or self.unkept)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesRestored:
    """`there`: were in place already; `lost`: could not be brought back whole."""

    restored: int
    there: int
    size_bytes: int
    lost: tuple[NamedFile, ...]


def list_named(session: Session) -> list[NamedFile]:
    """Every file that a row of this database names: the living one, or a restored copy. Raises
    SessionLost."""
    rows = session.rows("SELECT tenant_id, key, sha256 FROM seam.stored_file ORDER BY tenant_id, key")
    return [NamedFile(tenant_id=int(row[0]), key=str(row[1]), sha256=str(row[2])) for row in rows]


def vault_name(key: str) -> str:
    """The content's name in the vault. A key's parts may begin with a dash, names of a vault may not.

    Raises ValueError for what is no key of the product."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError("not a key of the product's storage")
    return f"files/{found['top']}/k{found['kind']}/k{found['token']}"


def key_of(name: str) -> str | None:
    """The key whose file this content is; None for any other content."""
    found = _NAME.fullmatch(name)
    return f"{found['top']}/{found['kind']}/{found['token']}" if found else None


def open_spool(storage: Path) -> None:
    """From now on the product links what it stores into `outgoing`; harmless when it does already."""
    (storage / OUTGOING).mkdir(mode=0o700, parents=True, exist_ok=True)


def collect_new(vault: Vault, storage: Path) -> Collected:
    """Put into the vault what the product stored since; cheap when there is nothing, so ask each second.

    Raises PlaceUnavailable; what was not put stays in the spool."""
    files = size_bytes = 0
    spool = storage / OUTGOING
    for path, key in _walk(spool):
        size = _keep(vault, path, key)
        if size is not None:
            files, size_bytes = files + 1, size_bytes + size
        # In the vault now. The product's own name of the file, if it has one still, is another link.
        path.unlink(missing_ok=True)
    return Collected(files=files, size_bytes=size_bytes)


def collect_all(vault: Vault, storage: Path, *, oldest_moment: datetime | None) -> Collected:
    """Compare the whole storage with the vault: keep what is missing, note what the product deleted, forget
    what no moment from `oldest_moment` on can name (None: nothing is forgotten).

    Raises PlaceUnavailable. May be killed anywhere and run again."""
    fresh = collect_new(vault, storage)
    files, size_bytes = fresh.files, fresh.size_bytes
    here: set[str] = set()
    in_vault = {name for name in vault.list_names("files") if key_of(name)}
    for path, key in _walk(storage):
        name = vault_name(key)
        here.add(name)
        if name not in in_vault and (size := _keep(vault, path, key)) is not None:
            files, size_bytes = files + 1, size_bytes + size
    # A storage that is not there at all was lost, not emptied by the product.
    gone = _note_gone(vault, in_vault - here, here) if storage.is_dir() else 0
    forgotten = _forget(vault, oldest_moment) if oldest_moment else ()
    return Collected(files=files, size_bytes=size_bytes, gone=gone, forgotten=forgotten)


def restore_files(
    vault: Vault, named: Iterable[NamedFile], storage: Path, *, told: Callable[[int], None] | None = None
) -> FilesRestored:
    """Put the files that these rows name where they belong; nothing that is there is changed.

    May be killed anywhere and run again. Raises PlaceUnavailable."""
    restored = there = size_bytes = 0
    lost = []
    for done, one in enumerate(named, start=1):
        path = storage / one.key
        if path.is_file():
            there += 1
            continue
        size = _bring(vault, one, path)
        if size is None:
            lost.append(one)
        else:
            restored, size_bytes = restored + 1, size_bytes + size
        if told:
            told(done)
    return FilesRestored(restored=restored, there=there, size_bytes=size_bytes, lost=tuple(lost))


def check_storage(
    vault: Vault, named: Collection[NamedFile], storage: Path, *, is_reading: bool = False
) -> StorageCheck:
    """Every row has its file, and every file its row. With `is_reading`, contents are compared as well.

    `named` must have been read before this begins: a file stored later is younger than an upload."""
    in_vault = set(vault.list_names("files"))
    here = {key: path for path, key in _walk(storage)}
    lost: list[NamedFile] = []
    absent: list[NamedFile] = []
    wrong, unkept = [], []
    for one in named:
        path = here.get(one.key)
        is_kept = vault_name(one.key) in in_vault
        if path is None:
            (absent if is_kept else lost).append(one)
            continue
        if not is_kept:
            unkept.append(one)
        if is_reading and _digest(path) not in (None, one.sha256):
            wrong.append(one)
    names = {one.key for one in named}
    settled = clock.now() - _UPLOAD_TAKES
    nameless = [key for key, path in here.items() if key not in names and _is_before(path, settled)]
    return StorageCheck(
        rows=len(named),
        lost=tuple(lost),
        absent=tuple(absent),
        wrong=tuple(wrong),
        unkept=tuple(unkept),
        nameless=tuple(sorted(nameless)),
    )


def _walk(top: Path) -> Iterator[tuple[Path, str]]:
    """Whole files of a storage (or its spool) and their keys."""
    for folder, folders, files in os.walk(top):
        if Path(folder) == top and OUTGOING in folders:
            folders.remove(OUTGOING)
        for name in files:
            path = Path(folder) / name
            key = path.relative_to(top).as_posix()
            if _KEY.fullmatch(key):
                yield path, key


def _keep(vault: Vault, path: Path, key: str) -> int | None:
    """Put one file; gives its size, None when it was there already or was deleted meanwhile."""
    name = vault_name(key)
    if (vault.folder.root / vault.stored_name(name)).exists():
        return None
    try:
        with path.open("rb") as file:
            return vault.put(name, file).size_bytes
    except FileNotFoundError:
        return None


def _note_gone(vault: Vault, missing: set[str], here: set[str]) -> int:
    """Note when a file was first seen to be deleted; one that is back (restored) is not gone any more."""
    noted = _list_gone(vault)
    for name, (_, mark) in noted.items():
        if name in here:
            vault.folder.delete(mark)
    at = int(clock.now().timestamp()) + 1
    fresh = missing - noted.keys()
    for name in fresh:
        with vault.folder.writing(f"gone/{name.removeprefix('files/')}.{at}"):
            pass
    return len(fresh)


def _list_gone(vault: Vault) -> Mapping[str, tuple[datetime, str]]:
    """By content: when it was first seen to be gone, and the file that says so."""
    found: dict[str, tuple[datetime, str]] = {}
    for one in vault.folder.list_files("gone"):
        mark = _GONE.fullmatch(one.name)
        if mark:
            name = f"files/{mark['top']}/k{mark['kind']}/k{mark['token']}"
            at = datetime.fromtimestamp(int(mark["at"]), tz=UTC)
            if name not in found or found[name][0] < at:
                found[name] = (at, one.name)
    return found


def _forget(vault: Vault, oldest_moment: datetime) -> tuple[str, ...]:
    forgotten = []
    for name, (gone_at, mark) in _list_gone(vault).items():
        if gone_at + _NAMED_AFTER_GONE < oldest_moment:
            vault.delete(name)
            vault.folder.delete(mark)
            forgotten += [vault.stored_name(name), mark]
    return tuple(forgotten)


def _bring(vault: Vault, one: NamedFile, path: Path) -> int | None:
    """Fetch, compare with what the row says, then give it its name; None when that cannot be done."""
    partial = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with partial.open("wb") as file:
            vault.read_into(vault_name(one.key), file)
            _sync(file)
        if _digest(partial) != one.sha256:
            return None
        size = partial.stat().st_size
        partial.rename(path)
    except (FileNotThere, BackupFileDamaged):
        return None
    finally:
        partial.unlink(missing_ok=True)
    return size


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _digest(path: Path) -> str | None:
    """None when it was deleted meanwhile."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _is_before(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def say_check(found: StorageCheck) -> Text:
    """One sentence about rows and files."""
    if not found.rows:
        return Text(ja="ファイルを持つ行はまだありません", en="No row names a file yet")
    if found.is_well:
        return Text(
            ja=f"{found.rows} 行すべてにファイルがあり、控えもあります",
            en=f"All {found.rows} rows have their file, here and in the backups",
        )
    counts = (
        (found.lost, "失われた", "lost"),
        (found.absent, "控えにだけある", "only in the backups"),
        (found.wrong, "中身が違う", "with other contents"),
        (found.unkept, "控えがまだない", "not in the backups yet"),
    )
    told = [(len(rows), ja, en) for rows, ja, en in counts if rows]
    return Text(
        ja=f"{found.rows} 行のうち、" + "、".join(f"{ja} {count} 件" for count, ja, _ in told),
        en=f"Of {found.rows} rows: " + ", ".join(f"{count} {en}" for count, _, en in told),
    )
