"""Bringing the vault back from its copy elsewhere: all of it, or what is missing or damaged here.

Every file comes whole or not at all and what is here already is not fetched again, so it may be cut off or
killed and begun again. After the loss of everything, the key file and the location are all it takes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.recovery.elsewhere_state import FACTS, Tail, join_tails
from hrx.ops.recovery.keys import require_keys
from hrx.ops.recovery.places import CopyDamaged, FileNotThere, Kept, Place
from hrx.ops.recovery.records import list_received, list_segments, partial_of, ship
from hrx.ops.recovery.restoring import NotEnoughRoom
from hrx.ops.recovery.vault import KEYS, BackupFileDamaged, Vault, list_keys_needed
from hrx.ops.recovery.wal import SEGMENT_BYTES

_SPARE_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came: files and bytes, names of those that replaced a damaged one, what could not be fetched
    whole, and the unfilled file that was brought as far as it had been copied (None: there was none)."""

    files: int
    size_bytes: int
    replaced: tuple[str, ...]
    damaged_there: tuple[str, ...]
    tail: Tail | None


#: Told after every file: files done, files in all, bytes done, bytes in all.
Progress = Callable[[int, int, int, int], None]


def fetch(
    vault: Vault,
    place: Place,
    *,
    received_dir: Path,
    is_checking: bool = False,
    told: Progress | None = None,
) -> Fetched:
    """Everything that is there and not here; with `is_checking`, what is damaged here too (reads it all).

    Raises PlaceUnavailable, NotEnoughRoom, KeyLost when the keys at hand open nothing of it."""
    there = {one.name: one for one in place.list_files()}
    if not there:
        raise _empty_place()
    _bring_keys(vault, place, there)
    require_keys(vault.keyring, needed=list_keys_needed(vault.folder))
    here = {one.name: one.size_bytes for one in vault.folder.list_files()}
    damaged = set(_list_damaged(vault)) if is_checking else set()
    wanted = [
        one
        for one in there.values()
        if not one.name.startswith("tail/") and one.name != KEYS
        if here.get(one.name) != one.size_bytes or one.name in damaged
    ]
    # A backup exists once its facts are there: they come last, as they went.
    wanted.sort(key=lambda one: (one.name.endswith(FACTS), one.name.endswith(".json"), one.name))
    _check_room(vault.folder.root, wanted)
    done_bytes, bad = 0, []
    for done, one in enumerate(wanted, start=1):
        try:
            _fetch_one(vault, place, one)
        except (BackupFileDamaged, CopyDamaged, FileNotThere):
            bad.append(one.name)
        done_bytes += one.size_bytes
        if told:
            told(done, len(wanted), done_bytes, sum(item.size_bytes for item in wanted))
    tail = _bring_tails(vault, place, there, received_dir=received_dir)
    came = [one for one in wanted if one.name not in bad]
    return Fetched(
        files=len(came),
        size_bytes=sum(one.size_bytes for one in came),
        replaced=tuple(sorted(one.name for one in came if one.name in here)),
        damaged_there=tuple(sorted(bad)),
        tail=tail,
    )


def _fetch_one(vault: Vault, place: Place, one: Kept) -> None:
    """Look at the seal before it gets its name: a bad copy must not replace anything."""
    with vault.folder.receiving(one.name) as fresh:
        place.get_file(one.name, fresh)
        name = vault.content_name(one.name)
        if name is not None:
            _check_seal(vault, name, fresh)


def _check_seal(vault: Vault, name: str, path: Path) -> None:
    with path.open("rb") as stored, Path(os.devnull).open("wb") as nowhere:
        vault.unseal(name, stored, nowhere)


def _list_damaged(vault: Vault) -> Iterator[str]:
    """Stored files here whose seal is broken."""
    for name in list(vault.list_names()):
        stored = vault.stored_name(name)
        try:
            _check_seal(vault, name, vault.folder.root / stored)
        except BackupFileDamaged:
            yield stored
        except FileNotFoundError:
            continue


def _bring_keys(vault: Vault, place: Place, there: Mapping[str, Kept]) -> None:
    """Which keys are needed, of both, so that a missing key is told before anything is fetched."""
    if KEYS not in there:
        return
    known = list_keys_needed(vault.folder)
    with tempfile.TemporaryDirectory(prefix="hrx-fetch-") as folder:
        path = Path(folder) / KEYS
        place.get_file(KEYS, path)
        needed = known | set(path.read_text().split())
    if needed != known:
        with vault.folder.writing(KEYS) as file:
            file.write("".join(f"{line}\n" for line in sorted(needed)).encode())


def _bring_tails(vault: Vault, place: Place, there: Mapping[str, Kept], *, received_dir: Path) -> Tail | None:
    """Put what no file held yet where the receiver would have left it; gives the newest.

    What is received here already is never replaced: it is as new or newer."""
    pieces = [tail for name in there if (tail := Tail.parse(vault.content_name(name) or ""))]
    in_vault = {one.segment for one in list_segments(vault)}
    whole, filling = list_received(received_dir)
    here = in_vault | set(whole) | ({filling} if filling else set())
    missing = sorted({one.segment for one in pieces} - here)
    received_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    newest = None
    for segment in missing:
        path = received_dir / segment.name
        into = partial_of(path) if segment == missing[-1] else path
        newest = _bring_tail(vault, place, join_tails(pieces, segment), into=into)
    ship(vault, received_dir)
    return newest


def _bring_tail(vault: Vault, place: Place, pieces: Sequence[Tail], *, into: Path) -> Tail | None:
    """Put the pieces of one segment together; gives them as one, None when its beginning is not there."""
    if not pieces:
        return None
    fresh = into.with_name(into.name + ".fetching")
    stored = fresh.with_name(fresh.name + ".sealed")
    first, last = pieces[0], pieces[-1]
    try:
        with fresh.open("wb") as file:
            for piece in pieces:
                place.get_file(vault.stored_name(piece.name), stored)
                file.seek(piece.start - piece.segment.start)
                with stored.open("rb") as source:
                    vault.unseal(piece.name, source, file)
            file.truncate(SEGMENT_BYTES)
            file.flush()
            os.fsync(file.fileno())
        os.utime(fresh, (last.at.timestamp(), last.at.timestamp()))
        fresh.rename(into)
    finally:
        stored.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)
    return Tail(segment=first.segment, start=first.start, end=last.end, at=last.at)


def _check_room(root: Path, wanted: Sequence[Kept]) -> None:
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    needed = sum(one.size_bytes for one in wanted) + _SPARE_BYTES
    free = shutil.disk_usage(root).free
    if wanted and free < needed:
        raise NotEnoughRoom(
            Text(
                ja=f"{root} の空きが足りません。必要 {needed / 1e9:.1f} GB、空き {free / 1e9:.1f} GB",
                en=f"Not enough room in {root}: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free",
            ),
            hint=Text(
                ja="空きを作るか、HRX_BACKUP_DIR で別のディスクを指定します。",
                en="Make room, or name another disk with HRX_BACKUP_DIR.",
            ),
        )


def _empty_place() -> NotFound:
    return NotFound(
        Text(ja="別の場所に写しがありません", en="There is no copy at that location"),
        hint=Text(
            ja="HRX_OFFSITE_URL の接頭辞まで合っているかを確かめてください。",
            en="See that HRX_OFFSITE_URL is right down to its prefix.",
        ),
        code="recovery.no_copy_elsewhere",
    )
