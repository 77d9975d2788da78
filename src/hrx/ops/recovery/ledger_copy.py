"""The operations' ledger in the vault: copied while it is in use, looked through, and brought back when lost.

It is the record of what was done, so restoring the product never rolls it back, and a copy never replaces a
ledger that is well and knows more."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import NotFound, Refused, Text, Unavailable
from hrx.ops.ledger.chain import Verification
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.ledger.store import Store, file_of, open_store
from hrx.ops.recovery.vault import BackupFileDamaged, Vault

_FACTS: Final = ".json"
_BUSY_S: Final = 10.0
_PAGES: Final = 2_000
#: Every copy of the last half hour, then one an hour, then one a day.
_EVERY_FOR: Final = timedelta(minutes=30)
_HOURLY_FOR: Final = timedelta(days=2)


class LedgerDamaged(Unavailable):
    """The ledger, or its copy, is no whole ledger: SQLite or the chain says so."""

    code = "recovery.ledger_damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCopy:
    """One copy. `entries` and `head_hash` name everything in it; a copy that is not valid shows what the
    ledger had become, and is never restored."""

    id: str
    taken_at: datetime
    entries: int
    head_hash: str
    is_valid: bool
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        return f"ledger/{self.id}.sqlite"

    @property
    def facts_name(self) -> str:
        return f"ledger/{self.id}{_FACTS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRestored:
    """`set_aside`: where what was there before lies now, None when there was nothing."""

    copy: LedgerCopy
    set_aside: Path | None


def copy_ledger(vault: Vault, url: str) -> LedgerCopy | None:
    """A copy of the ledger as it is this moment; None when the newest copy has all of it already.

    Raises LedgerDamaged after keeping what could be read, NotFound when there is no ledger, Refused for a
    ledger in a server, PlaceUnavailable."""
    path = _require_file(url)
    before = next(iter(list_copies(vault)), None)
    if before and (before.entries, before.head_hash) == _read_head(path):
        return None
    with tempfile.TemporaryDirectory(prefix="hrx-ledger-") as folder:
        plain = Path(folder) / "ledger.sqlite"
        _copy_database(path, plain)
        found = _look_through(plain)
        taken_at = clock.now()
        copy_id = f"{taken_at:%Y%m%dT%H%M%S%f}Z"
        with plain.open("rb") as file:
            sealed = vault.put(f"ledger/{copy_id}.sqlite", file)
    made = LedgerCopy(
        id=copy_id,
        taken_at=taken_at,
        entries=found.entries,
        head_hash=found.head_hash,
        is_valid=found.is_valid,
        size_bytes=sealed.size_bytes,
        sha256=sealed.sha256,
    )
    # Last, as with a base backup: without its facts a copy does not exist.
    with vault.folder.writing(made.facts_name) as file:
        file.write(orjson.dumps({key: getattr(made, key) for key in LedgerCopy.__dataclass_fields__}))
    if not made.is_valid:
        raise _damaged(found.problem or Text(ja="鎖が途切れています", en="its chain is broken"))
    return made


def list_copies(vault: Vault) -> list[LedgerCopy]:
    """Finished copies, the newest first."""
    names = [one.name for one in vault.folder.list_files("ledger") if one.name.endswith(_FACTS)]
    found = []
    for name in sorted(names, reverse=True):
        with vault.folder.reading(name) as file:
            told = orjson.loads(file.read())
        found.append(LedgerCopy(**{**told, "taken_at": datetime.fromisoformat(told["taken_at"])}))
    return found


def choose_copy(vault: Vault, copy_id: str | None) -> LedgerCopy:
    """The copy with this id, or the newest valid one. Raises NotFound."""
    for one in list_copies(vault):
        if one.id == copy_id or (copy_id is None and one.is_valid):
            return one
    raise NotFound(
        Text(ja="台帳の写しがありません", en="There is no such copy of the ledger"),
        hint=Text(
            ja="別の場所にあれば `hrx recover fetch` で取り戻します。",
            en="If there is one elsewhere, `hrx recover fetch` brings it back.",
        ),
        code="recovery.no_ledger_copy",
    )


def thin_copies(vault: Vault, *, keep_days: int) -> list[str]:
    """Delete copies that a newer one of the same hour, later of the same day, replaces; gives the files.

    The newest valid one always stays."""
    now = clock.now()
    deleted: list[str] = []
    seen: set[str] = set()
    newest_valid = next((one.id for one in list_copies(vault) if one.is_valid), None)
    for one in list_copies(vault):
        age = now - one.taken_at
        if age > timedelta(days=keep_days):
            is_kept = False
        else:
            slot = "%Y%m%d%H%M%S%f" if age < _EVERY_FOR else "%Y%m%d%H" if age < _HOURLY_FOR else "%Y%m%d"
            key = f"{one.taken_at:{slot}}"
            is_kept = key not in seen
            seen.add(key)
        if is_kept or one.id == newest_valid:
            continue
        vault.folder.delete(one.facts_name)
        vault.delete(one.name)
        deleted += [one.facts_name, vault.stored_name(one.name)]
    return deleted


def restore_ledger(vault: Vault, url: str, *, actor: str, copy_id: str | None = None) -> LedgerRestored:
    """Put a copy (the newest valid one) where the ledger belongs, and record that in it.

    What is there is set aside, never deleted. Raises Refused when it is well and is not behind the copy,
    NotFound, LedgerDamaged, BackupFileDamaged, PlaceUnavailable. May be killed anywhere and run again."""
    path = _require_file(url, must_exist=False)
    chosen = choose_copy(vault, copy_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.restoring")
    with _unpacked(vault, chosen, fresh):
        if path.exists():
            _refuse_what_is_well(path, chosen)
        set_aside = _set_aside(path)
        fresh.rename(path)
    store = open_store(url)
    try:
        body = {
            "copy": chosen.id,
            "entries": chosen.entries,
            "head_hash": chosen.head_hash,
            "set_aside": set_aside.name if set_aside else None,
        }
        Ledger(store).append(Kind.LEDGER_RESTORED, actor=actor, subject="ledger", body=body)
    finally:
        store.close()
    return LedgerRestored(copy=chosen, set_aside=set_aside)


@contextmanager
def _unpacked(vault: Vault, chosen: LedgerCopy, fresh: Path) -> Iterator[None]:
    """A checked copy at `fresh`, which is gone after the block unless it was given another name."""
    try:
        with fresh.open("wb") as file:
            digest = vault.read_into(chosen.name, file)
        if digest != chosen.sha256:
            raise BackupFileDamaged(
                Text(
                    ja=f"台帳の写し {chosen.id} の中身が記録と違います",
                    en=f"Copy {chosen.id} of the ledger is not what its record says",
                )
            )
        found = _look_through(fresh)
        if not found.is_valid or found.head_hash != chosen.head_hash:
            raise _damaged(found.problem or Text(ja="末尾が記録と違います", en="its end is not as recorded"))
        yield
    finally:
        for name in (fresh, *_companions(fresh)):
            name.unlink(missing_ok=True)


def _refuse_what_is_well(path: Path, chosen: LedgerCopy) -> None:
    """A ledger that holds together and is not behind the copy is what we want; so is one with the copy's
    head in it."""
    try:
        found = _look_through(path)
    except LedgerDamaged:
        return
    if not found.is_valid or found.entries < chosen.entries or not _knows(path, chosen):
        return
    raise Refused(
        Text(
            ja=f"台帳は無事で、写しより新しい記録があります({found.entries} 件、写しは {chosen.entries} 件)",
            en=f"The ledger is well and knows at least as much ({found.entries} entries; the copy has"
            f" {chosen.entries})",
        ),
        hint=Text(
            ja="戻す必要はありません。`hrx ledger verify` で確かめられます。",
            en="There is nothing to restore. `hrx ledger verify` shows that it is well.",
        ),
        code="recovery.ledger_is_well",
    )


def _set_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.lost-{clock.now():%Y%m%dT%H%M%S}")
    # Its journal first: without the main file it means nothing to anybody who opens the path meanwhile.
    for one in (*_companions(path), path):
        if one.exists():
            one.rename(aside.with_name(one.name.replace(path.name, aside.name, 1)))
    return aside


def _companions(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _copy_database(path: Path, into: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=_BUSY_S)) as source,
            closing(sqlite3.connect(into)) as copy,
        ):
            source.backup(copy, pages=_PAGES)
            # One file, without a journal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise _damaged(Text(ja=str(error), en=str(error))) from error


def _read_head(path: Path) -> tuple[int, str] | None:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=_BUSY_S)) as connection:
            row = connection.execute("SELECT seq, hash FROM head").fetchone()
    except sqlite3.Error as error:
        raise _damaged(Text(ja=str(error), en=str(error))) from error
    return (int(row[0]), str(row[1])) if row else None


def _look_through(path: Path) -> Verification:
    """SQLite's own check, then the whole chain. Raises LedgerDamaged when SQLite cannot read it."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=_BUSY_S)) as connection:
            said = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if said != "ok":
                raise _damaged(Text(ja=said, en=said))
            connection.execute("SELECT seq FROM entry LIMIT 1")
    except sqlite3.Error as error:
        raise _damaged(Text(ja=str(error), en=str(error))) from error
    store = Store(f"sqlite:///{path}")
    try:
        return Ledger(store).verify()
    finally:
        store.close()


def _knows(path: Path, chosen: LedgerCopy) -> bool:
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=_BUSY_S)) as connection:
        found = connection.execute("SELECT 1 FROM entry WHERE hash = ?", (chosen.head_hash,)).fetchone()
    return found is not None or chosen.entries == 0


def _require_file(url: str, *, must_exist: bool = True) -> Path:
    path = file_of(url)
    if path is None:
        raise Refused(
            Text(
                ja="台帳はサーバーの上にあり、そのサーバーのバックアップに入ります。",
                en="The ledger lies in a server, and is part of that server's backups.",
            ),
            code="recovery.ledger_in_server",
        )
    if must_exist and not path.exists():
        raise NotFound(
            Text(ja=f"台帳がありません: {path}", en=f"There is no ledger at {path}"),
            hint=Text(
                ja="失われたのなら `hrx recover ledger` で戻します。",
                en="If it was lost, `hrx recover ledger` brings it back.",
            ),
            code="recovery.no_ledger",
        )
    return path


def _damaged(why: Text) -> LedgerDamaged:
    return LedgerDamaged(
        Text(ja=f"台帳が壊れています: {why.ja}", en=f"The ledger is damaged: {why.en}"),
        hint=Text(
            ja="`hrx recover ledger` で最後の無事な写しに戻せます。今のものは脇に残ります。",
            en="`hrx recover ledger` brings back the last good copy, and keeps what is there aside.",
        ),
    )
