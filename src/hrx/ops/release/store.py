"""Releases on disk, and what is placed where: `<id>/release.json` and `_placed/<environment>.jsonl`.

A manifest appears whole or not at all and is never written again. Placements are only added, under a lock of
the operating system that a killed writer gives back by dying; a line that a killed writer left unfinished is
not read, and is cut off by the next one. It knows nothing of how a release gets to its place."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import Conflict, NotFound, Text
from hrx.ops.release.releases import (
    Environment,
    Release,
    ReleaseUnreadable,
    Slot,
    is_release_id,
    release_from_json,
    release_to_json,
)

MANIFEST: Final = "release.json"
_PLACED: Final = "_placed"
_NUMBERED: Final = "r"


class ReleaseNotFound(NotFound):
    """No release of that id is kept here."""

    code = "release.not_found"


class ReleaseExists(Conflict):
    """Another release has this id already; a release is never changed."""

    code = "release.exists"


class PlacementChanged(Conflict):
    """Somebody else placed a release in this slot since it was looked at."""

    code = "release.placement_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """From `at` on, `slot` holds `release_id` (None: nothing) and gets `weight` of 100 requests.

    `by`: the operator or program; `run`: the run's id where a run did it."""

    at: datetime
    slot: Slot
    release_id: str | None
    weight: int
    by: str
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What each slot of an environment holds now."""

    environment: Environment
    slots: dict[Slot, Placement]

    @property
    def live(self) -> str | None:
        """The release that gets most requests; None when nothing was placed yet."""
        serving = [one for one in self.slots.values() if one.release_id is not None and one.weight > 0]
        return max(serving, key=lambda one: (one.weight, one.at)).release_id if serving else None

    @property
    def serving(self) -> frozenset[str]:
        """Every release that gets requests: two while a canary runs."""
        return frozenset(
            one.release_id for one in self.slots.values() if one.release_id is not None and one.weight > 0
        )

    @property
    def warm(self) -> frozenset[str]:
        """Every release that a slot holds, with requests or without."""
        return frozenset(one.release_id for one in self.slots.values() if one.release_id is not None)


@dataclass(frozen=True, slots=True)
class ReleaseStore:
    """The folder, usually `var/releases`; it need not exist yet."""

    folder: Path

    def add(self, release: Release) -> Release:
        """Keep a release for good; harmless to repeat. Raises ReleaseExists when the id means another."""
        home = self.folder / release.id
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f"{MANIFEST}.{secrets.token_hex(6)}.new"
        try:
            _write_whole(draft, orjson.dumps(release_to_json(release), option=orjson.OPT_INDENT_2))
            # A link fails where a rename would replace: of two writers one is told.
            draft.with_name(MANIFEST).hardlink_to(draft)
        except FileExistsError:
            kept = self.get(release.id)
            if kept.content_hash != release.content_hash:
                raise _exists(release.id) from None
            return kept
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(home)
        _sync_folder(self.folder)
        return release

    def add_next(self, make: Callable[[str], Release]) -> Release:
        """Keep what `make` gives for the next free id (r1, r2 …), whose folder it may fill; two builders get
        two ids, and nothing stays of one that fails."""
        while True:
            release_id = self._next_id()
            try:
                (self.folder / release_id).mkdir(parents=True)
            except FileExistsError:
                continue
            try:
                return self.add(make(release_id))
            except BaseException:
                # Half a release is none.
                shutil.rmtree(self.folder / release_id, ignore_errors=True)
                raise

    def find(self, release_id: str) -> Release | None:
        """The release, or None. Raises ReleaseUnreadable when its manifest is damaged."""
        if not is_release_id(release_id):
            return None
        try:
            content = (self.folder / release_id / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            values = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise ReleaseUnreadable(
                Text(ja=f"{release_id} の記録が壊れています", en=f"The record of {release_id} is damaged"),
                hint=Text(
                    ja=f"{self.folder / release_id} を確かめてください。",
                    en=f"See to {self.folder / release_id}.",
                ),
            ) from error
        return release_from_json(values)

    def get(self, release_id: str) -> Release:
        """Raises ReleaseNotFound, ReleaseUnreadable."""
        found = self.find(release_id)
        if found is None:
            raise ReleaseNotFound(
                Text(ja=f"リリース {release_id} はありません", en=f"There is no release {release_id}"),
                hint=Text(
                    ja="`hrx release history` で一覧できます。", en="`hrx release history` lists them."
                ),
            )
        return found

    def list_all(self) -> list[Release]:
        """Every release, oldest first. Raises ReleaseUnreadable: a graph with a hole would mislead."""
        if not self.folder.is_dir():
            return []
        names = sorted(home.name for home in self.folder.iterdir() if (home / MANIFEST).is_file())
        found = [one for name in names if (one := self.find(name)) is not None]
        return sorted(found, key=lambda one: (one.built_at, one.id))

    def place(
        self,
        environment: Environment,
        slot: Slot,
        release_id: str | None,
        *,
        weight: int,
        by: str,
        expected: str | None,
        run: str = "",
    ) -> Placement:
        """Record that `slot` holds `release_id` from now on. `expected`: what it held when this was decided.

        Raises PlacementChanged when it holds something else by now, ReleaseNotFound."""
        if release_id is not None:
            self.get(release_id)
        with self._turn(environment) as file:
            known = _read_placements(file)
            held = next((one.release_id for one in reversed(known) if one.slot is slot), None)
            if held != expected:
                raise changed_slot(slot, held=held, expected=expected)
            placement = Placement(
                at=clock.now(), slot=slot, release_id=release_id, weight=weight, by=by, run=run
            )
            file.write(_placement_line(placement))
            file.flush()
            os.fsync(file.fileno())
        return placement

    def list_placements(self, environment: Environment) -> list[Placement]:
        """Everything that was ever placed there, oldest first."""
        try:
            with self._placed(environment).open("rb") as file:
                return _read_placements(file)
        except FileNotFoundError:
            return []

    def look(self, environment: Environment) -> Standing:
        """What each slot holds now."""
        latest = {one.slot: one for one in self.list_placements(environment)}
        return Standing(environment=environment, slots=latest)

    def _next_id(self) -> str:
        taken = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        numbers = [int(name[1:]) for name in taken if name[:1] == _NUMBERED and name[1:].isdecimal()]
        return f"{_NUMBERED}{max(numbers, default=0) + 1}"

    def _placed(self, environment: Environment) -> Path:
        return self.folder / _PLACED / f"{environment.value}.jsonl"

    @contextmanager
    def _turn(self, environment: Environment) -> Iterator[BinaryIO]:
        """The file of placements, held alone, ready to be added to."""
        path = self._placed(environment)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
            yield file


def _read_placements(file: BinaryIO) -> list[Placement]:
    file.seek(0)
    whole, _, _ = file.read().rpartition(b"\n")
    return [_placement_of(line) for line in whole.split(b"\n") if line]


def _placement_line(one: Placement) -> bytes:
    values = {
        "at": one.at.isoformat(),
        "slot": one.slot.value,
        "release": one.release_id,
        "weight": one.weight,
        "by": one.by,
        "run": one.run,
    }
    return orjson.dumps(values) + b"\n"


def _placement_of(line: bytes) -> Placement:
    try:
        values = orjson.loads(line)
        return Placement(
            at=datetime.fromisoformat(values["at"]),
            slot=Slot(values["slot"]),
            release_id=values["release"],
            weight=int(values["weight"]),
            by=values["by"],
            run=values["run"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReleaseUnreadable(
            Text(ja="リリースの履歴が壊れています", en="The history of placements is damaged"),
            hint=Text(
                ja="var/releases/_placed のファイルを確かめてください。",
                en="See to the file in var/releases/_placed.",
            ),
        ) from error


def _write_whole(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """A new name is durable only when its folder is on disk, too."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exists(release_id: str) -> ReleaseExists:
    return ReleaseExists(
        Text(
            ja=f"{release_id} は別の内容で登録されています", en=f"{release_id} is the id of another release"
        ),
        hint=Text(
            ja="リリースは変更できません。新しい名前で作ってください: `hrx release build`",
            en="A release is never changed. Build one with a new id: `hrx release build`.",
        ),
    )


def changed_slot(slot: Slot, *, held: str | None, expected: str | None) -> PlacementChanged:
    """What to raise when a slot does not hold what was decided on."""
    return PlacementChanged(
        Text(
            ja=f"{slot.value} の中身が変わりました(想定 {expected or '-'}、現在 {held or '-'})",
            en=f"Slot {slot.value} changed meanwhile (expected {expected or '-'}, now {held or '-'})",
        ),
        hint=Text(
            ja="`hrx release history` で確かめ、計画を作り直してください。",
            en="See `hrx release history` and plan again.",
        ),
    )
