"""The rollout of one place on disk: whole or not at all, and one process at a time at work on it.

`current.json` is the rollout that is under way or was last; finished ones lie in `finished`. The lock is the
operating system's, so a process that is killed gives it back by dying."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from hrx.kit import clock
from hrx.kit.errors import Conflict, NotFound, Text, Unavailable
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.rollout import Rollout

_FILE: Final = TypeAdapter(Progress)
_CURRENT: Final = "current.json"
_BACK: Final = "asked-back"


def rollout_folder(var_dir: Path) -> Path:
    """Where this machine's rollouts are recorded, below the folder of everything that it keeps."""
    return var_dir / "ops" / "rollout"


class RolloutUnderWay(Conflict):
    """Another rollout has not come to its end."""

    code = "rollout.under_way"


class RolloutBusy(Conflict):
    """Another process is at work on the rollout."""

    code = "rollout.lock_held"


class RolloutStore:
    """The folder of one environment's rollouts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, rollout: Rollout) -> Progress:
        """Its first state, on disk. Raises RolloutUnderWay while another is not over."""
        former = self.find()
        if former is not None and not former.stand.is_over:
            raise RolloutUnderWay(
                Text(
                    ja=f"リリース {former.rollout.release_id} の切り替えがまだ終わっていません。",
                    en=f"The rollout of release {former.rollout.release_id} has not come to its end.",
                ),
                hint=Text(
                    ja="`hrx release status` で見て、`hrx release promote` で進めるか "
                    "`hrx release rollback` で戻してください。",
                    en="Look with `hrx release status`; go on with `hrx release promote`, "
                    "or back with `hrx release rollback`.",
                ),
            )
        now = clock.now()
        begun = Progress(rollout=rollout, began_at=now, step_at=now).note(now)
        self.save(begun)
        return begun

    def find(self) -> Progress | None:
        """The current rollout, over or not; None when there never was one.

        Raises Unavailable when the file is not what was written: nothing is guessed about traffic."""
        path = self._folder / _CURRENT
        try:
            return _FILE.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise Unavailable(
                Text(
                    ja=f"切り替えの記録 {path} を読めません。",
                    en=f"The record of the rollout, {path}, cannot be read.",
                ),
                hint=Text(
                    ja="入口の割り振りを `hrx status` で確かめ、ファイルを別名にしてからやり直してください。",
                    en="Look where requests go with `hrx status`, move the file aside, and begin again.",
                ),
                code="rollout.unreadable",
            ) from error

    def get(self) -> Progress:
        """Raises NotFound."""
        found = self.find()
        if found is None:
            raise NotFound(
                Text(ja="切り替えはまだ一度もありません。", en="There has been no rollout yet."),
                hint=Text(ja="`hrx release deploy` で始めます。", en="Begin one with `hrx release deploy`."),
                code="rollout.none",
            )
        return found

    def save(self, progress: Progress) -> None:
        """Atomically. Raises OSError (a full disk), with the former state kept."""
        document = _FILE.dump_json(progress, indent=1)
        self._write(_CURRENT, document)
        if progress.stand.is_over:
            self._write(f"finished/{progress.rollout.id}.json", document)

    def ask_back(self, rollout_id: str) -> None:
        """Have whoever is at work on this rollout undo it at the next tick. Raises OSError."""
        self._write(_BACK, rollout_id.encode())

    def is_asked_back(self, rollout_id: str) -> bool:
        try:
            return (self._folder / _BACK).read_text() == rollout_id
        except OSError:
            return False

    def back_asked_at(self) -> float:
        """When somebody last asked for the way back and it is not on record yet, in s since 1970; else 0."""
        try:
            return (self._folder / _BACK).stat().st_mtime
        except OSError:
            return 0.0

    def forget_back(self) -> None:
        """The wish is on record as the state itself."""
        (self._folder / _BACK).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For one process at a time. Raises RolloutBusy, naming who holds it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "?"
                raise RolloutBusy(
                    Text(
                        ja=f"別のプロセス(pid {holder})がこの切り替えを進めています。",
                        en=f"Another process (pid {holder}) is at work on this rollout.",
                    ),
                    hint=Text(
                        ja="`hrx release status` で様子を見てください。",
                        en="Watch it with `hrx release status`.",
                    ),
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _write(self, name: str, document: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
