"""The copy elsewhere: what is new in the vault goes up, and every few seconds what no file holds yet.

Change records go first, a backup's facts last, so that what is elsewhere can always be restored as far as it
goes. Nothing is ever deleted there because it is missing here: a lost vault must not empty its copy. Sending
again is harmless, so that it may be killed or cut off anywhere."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.buckets import open_place
from hrx.ops.recovery.elsewhere_known import Known
from hrx.ops.recovery.elsewhere_state import (
    FACTS,
    ElsewhereState,
    Tail,
    find_horizon,
    is_before,
    read_state,
    state_file_of,
    write_state,
)
from hrx.ops.recovery.files import collect_new
from hrx.ops.recovery.places import CopyDamaged, Folder, Place, PlaceUnavailable
from hrx.ops.recovery.records import list_received, partial_of
from hrx.ops.recovery.shelf import Shelf
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.vault import KEYS, Vault

#: After so many pieces of one segment they are sent as one.
_PIECES_MAX: Final = 20
#: Longer than any pass takes.
_SCRATCH_FOR_S: Final = 6 * 3600.0
#: How long we believe what we know to be elsewhere, before it is listed anew (1,000 names a request).
_LISTED_FOR_S: Final = 24 * 3600.0
#: What records wait for, so that no row that is elsewhere lacks its file there.
_FILES_BEFORE: Final = 500
_BYTES_BEFORE: Final = 64 << 20


@dataclass(slots=True, kw_only=True)
class Elsewhere:
    """The vault's copy in `place`. One for each process: it remembers what is there.

    Records and the rest may be sent by two threads: a large backup must not keep the records waiting."""

    vault: Vault
    place: Place
    where: str
    received_dir: Path
    scratch_dir: Path
    state_file: Path
    storage: Path | None = None
    _known: Known = field(default_factory=Known)
    _listed_at_s: float | None = None
    _keys_sent: bytes = b""
    _shelf: Shelf = field(init=False)
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._shelf = Shelf(self.vault.folder.root)

    def copy_records(self) -> ElsewhereState:
        """Send change records, and what is not a full file yet. Raises PlaceUnavailable; what was sent
        counts."""
        began_at = clock.now()
        with self._telling(), self._scratch() as scratch:
            self._learn()
            tails = self._seal_tails(began_at, into=scratch)
            records = self._new("wal")
            self._send_keys()
            # Listed after the records: of every row in them the file is here by now, and arrives first.
            self._send_files()
            self._send(records)
            whole = set(self._known.whole)
            for tail in tails:
                if tail.segment not in whole:
                    self._send_tail(tail, sealed_in=scratch)
            undeletable = self._forget_tails()
        covered_to = max([*(one.end for one in whole), *(one.end for one in tails)], default=None)
        return self._note(covered_at=began_at, covered_to=covered_to, undeletable=undeletable, problem=None)

    def copy_rest(self) -> ElsewhereState:
        """Send backups, files, the ledger's copies, proofs. Raises PlaceUnavailable; what was sent counts."""
        began_at = clock.now()
        with self._telling():
            self._learn()
            self._send_keys()
            finished = {
                name.removesuffix(FACTS) for name in self._shelf.names("base") if name.endswith(FACTS)
            }
            new = [
                name
                for name in self._new()
                if not name.startswith(("wal/", "base/")) or name.rpartition("/")[0] in finished
            ]
            self._send(sorted(new, key=lambda name: (name.endswith(".json"), name)))
        return self._note(copied_at=began_at, problem=None)

    def copy_once(self) -> ElsewhereState:
        """Everything, once."""
        self.copy_records()
        return self.copy_rest()

    def remove_old(self, *, keep_days: int) -> list[str]:
        """Delete there what pruning deleted here, once it is older than the retention; gives the names.

        Only what lies before the oldest full backup of this vault, and only when that one alone covers the
        whole retention: a vault that was lost and begun anew deletes nothing for that long."""
        window = clock.now() - timedelta(days=keep_days)
        here = set(self._shelf.names(is_anew=True)) - {KEYS}
        horizon = find_horizon(self.vault.folder, here, window=window)
        if horizon is None:
            return []
        with self._telling():
            self._learn()
            old = [
                name
                for name in list(self._known.sizes)
                if name not in here and is_before(name, horizon, window=window)
            ]
            # The facts go first: half a removal must not look like a backup.
            old.sort(key=lambda name: (not name.endswith(FACTS), name))
            deleted = [name for name in old if self._delete(name)]
        self._note(undeletable=len(old) - len(deleted), problem=None)
        return deleted

    def delete(self, names: Iterable[str]) -> list[str]:
        """Delete these there; gives those that are gone now."""
        return [name for name in names if self._delete(name)]

    def _new(self, top: str = "") -> list[str]:
        """What is here and not known to be there."""
        return self._shelf.new(self._known.sizes, version=self._known.version, top=top)

    def _learn(self) -> None:
        now_s = clock.monotonic_s()
        if self._listed_at_s is not None and now_s - self._listed_at_s < _LISTED_FOR_S:
            return
        self._known.learn(self.place.list_files())
        self._listed_at_s, self._keys_sent = now_s, b""
        differing = [
            one.name
            for one in self.vault.folder.list_files()
            if one.name != KEYS and self._known.sizes.get(one.name, one.size_bytes) != one.size_bytes
        ]
        self._note(differing=tuple(sorted(differing)))

    def _send_keys(self) -> None:
        """Which keys are needed changes when a key is added, so it is the one file that is sent again."""
        path = self.vault.folder.root / KEYS
        content = path.read_bytes() if path.exists() else b""
        if content and content != self._keys_sent:
            self.place.put_file(KEYS, path)
            self._known.add(KEYS, len(content))
            self._keys_sent = content

    def _send(self, names: list[str]) -> None:
        for done, name in enumerate(names):
            path = self.vault.folder.root / name
            try:
                size = path.stat().st_size
                self.place.put_file(name, path)
            except FileNotFoundError:
                # Pruned meanwhile.
                continue
            self._known.add(name, size)
            if done % 50 == 0:
                self._note(waiting=len(names) - done)

    def _send_files(self) -> None:
        """The product's new files, unless they are so many that records would wait: a first copy."""
        if self.storage is not None:
            collect_new(self.vault, self.storage)
        names = self._new("files")
        if len(names) > _FILES_BEFORE:
            return
        paths = [self.vault.folder.root / name for name in names]
        if sum(path.stat().st_size for path in paths if path.exists()) <= _BYTES_BEFORE:
            self._send(names)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder of this pass alone: the command line may be sending, too. Clears up after kills."""
        self.scratch_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        forgotten = clock.now().timestamp() - _SCRATCH_FOR_S
        for left in self.scratch_dir.iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < forgotten:
                    shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.scratch_dir, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def _seal_tails(self, at: datetime, *, into: Path) -> list[Tail]:
        """Encrypt what was received and is in no file of the vault yet, a file each."""
        scratch = Vault(folder=Folder(into), keyring=self.vault.keyring)
        whole, filling = list_received(self.received_dir)
        # Before the vault's own are listed: what is shipped meanwhile is sent as such.
        tails = []
        for segment in [*whole, *([filling] if filling else [])]:
            content = _read_received(self.received_dir / segment.name)
            end = segment.start + len(content.rstrip(b"\0"))
            if end == segment.start:
                continue
            there = self._known.pieces_of(segment)
            covered = there[-1].end if there else segment.start
            start = segment.start if len(there) >= _PIECES_MAX else covered
            tail = Tail(segment=segment, start=start, end=end, at=at)
            if end > covered:
                scratch.put_bytes(tail.name, content[start - segment.start : end - segment.start])
            tails.append(tail)
        return tails

    def _send_tail(self, tail: Tail, *, sealed_in: Path) -> None:
        stored = self.vault.stored_name(tail.name)
        path = sealed_in / stored
        if path.exists():
            self.place.put_file(stored, path)
            self._known.add(stored, path.stat().st_size)

    def _forget_tails(self) -> int:
        """Remove pieces that something larger replaces; gives how many could not be."""
        return sum(not self._delete(name) for name in self._known.list_replaced())

    def _delete(self, name: str) -> bool:
        """Whether it is gone. Without the right to delete, the store's own rules have to do it."""
        try:
            self.place.delete(name)
        except PlaceUnavailable:
            return False
        self._known.remove(name)
        return True

    def _telling(self) -> _Telling:
        return _Telling(self._forget_knowledge)

    def _forget_knowledge(self, problem: Text) -> None:
        """After a failure nothing is believed: the store may have been emptied or exchanged."""
        self._listed_at_s = None
        self._note(problem=problem)

    # `Any`: fields of the state differ in type.
    def _note(self, **changed: Any) -> ElsewhereState:
        known: dict[str, Any] = {
            "where": self.where,
            "files": len(self._known.sizes),
            "stored_bytes": self._known.size_bytes,
        }
        if "problem" in changed and changed["problem"] is None:
            known["waiting"] = 0
        with self._noting:
            before = read_state(self.state_file) or ElsewhereState(where=self.where)
            state = replace(before, **known, **changed)
            write_state(self.state_file, state)
        return state


class _Telling:
    """Notes what went wrong where it can be read without us, and raises it on."""

    def __init__(self, note: Callable[[Text], None]) -> None:
        self._note = note

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PlaceUnavailable | CopyDamaged):
            self._note(error.message)


def open_elsewhere(site: Site, *, url: str | None = None) -> tuple[Place, str]:
    """The location of the copy and its name for people. Raises Refused where none is configured."""
    settings = site.settings
    chosen = url or settings.offsite_url
    if chosen is None:
        raise Refused(
            Text(
                ja="バックアップの写しを置く別の場所が決まっていません(HRX_OFFSITE_URL)。",
                en="No location elsewhere is configured for the copy of the backups (HRX_OFFSITE_URL).",
            ),
            hint=Text(
                ja="`s3://バケット/接頭辞` か `file:/別のディスク` を設定してください。",
                en="Set it to `s3://bucket/prefix`, or to `file:/another/disk`.",
            ),
            code="recovery.no_place_elsewhere",
        )
    place = open_place(
        chosen,
        endpoint=settings.offsite_endpoint,
        region=settings.offsite_region,
        access_key_id=settings.offsite_access_key_id,
        secret_access_key=settings.offsite_secret_access_key,
        max_rate_kbytes=settings.offsite_max_rate_kbytes,
    )
    return place, chosen


def open_copy(site: Site) -> Elsewhere:
    """This machine's copy elsewhere. Raises Refused, KeyFileUnreadable."""
    place, where = open_elsewhere(site)
    return Elsewhere(
        vault=site.vault,
        place=place,
        where=where,
        received_dir=site.received_dir,
        scratch_dir=site.layout.recovery / "tail",
        state_file=state_file_of(site),
        storage=site.files_dir,
    )


def copy_once(site: Site) -> ElsewhereState:
    """Send everything that is new, once. Raises Refused, KeyFileUnreadable, PlaceUnavailable."""
    return open_copy(site).copy_once()


def _read_received(path: Path) -> bytes:
    """A received segment, which may be completed, or shipped, while we look."""
    for one in (partial_of(path), path):
        try:
            return one.read_bytes()
        except FileNotFoundError:
            continue
    return b""
