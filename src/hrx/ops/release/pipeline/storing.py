"""Runs on disk: `pN/run.json`, and a folder for each stage with its record, its log and what its keeper left.

Every file appears whole or not at all, but for the logs, which only grow. A stage has its own record, so that
several machines' hands on one run (a job for each stage) never write the same file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from hrx.kit.errors import NotFound, Text, Unavailable
from hrx.ops.release.pipeline.folders import StageFolder, write_whole
from hrx.ops.release.pipeline.stages import Run, Stage, StageRecord

_RUN: Final = TypeAdapter(Run)
_RECORD: Final = TypeAdapter(StageRecord)
_STOP: Final = "stop"
_DESPITE: Final = "despite.json"
_PREFIX: Final = "p"


class RunUnreadable(Unavailable):
    """The record of a run is not what was written."""

    code = "pipeline.unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Despite:
    """Somebody's word that these reasons do not hold this run; others still do."""

    by: str
    reason: str
    at: datetime
    covers: tuple[str, ...]


_DESPITE_FILE: Final = TypeAdapter(Despite)


def pipeline_folder(var_dir: Path) -> Path:
    """Where this machine's runs are kept."""
    return var_dir / "pipelines"


@dataclass(frozen=True, slots=True)
class RunStore:
    """The folder of all runs; it need not exist yet."""

    folder: Path

    def next_id(self) -> str:
        """Takes the next free number, for good."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            found = f"{_PREFIX}{max(self._numbers(), default=0) + 1}"
            try:
                (self.folder / found).mkdir(mode=0o700)
            except FileExistsError:
                continue
            return found

    def save(self, run: Run) -> None:
        """Raises OSError (a full disk), with the former state kept."""
        write_whole(self.folder / run.id / "run.json", _RUN.dump_json(run, indent=1))

    def get(self, run_id: str) -> Run:
        """Raises NotFound, RunUnreadable."""
        found = self.find(run_id)
        if found is None:
            raise NotFound(
                Text(ja=f"パイプライン {run_id} はありません", en=f"There is no pipeline {run_id}"),
                hint=Text(
                    ja="`hrx release pipeline list` で一覧できます。",
                    en="`hrx release pipeline list` lists them.",
                ),
                code="pipeline.not_found",
            )
        return found

    def find(self, run_id: str) -> Run | None:
        """Raises RunUnreadable."""
        if _number_of(run_id) is None:
            return None
        path = self.folder / run_id / "run.json"
        try:
            return _RUN.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise _unreadable(path) from error

    def list_all(self) -> list[Run]:
        """Newest first. Raises RunUnreadable."""
        ids = [f"{_PREFIX}{number}" for number in sorted(self._numbers(), reverse=True)]
        return [one for name in ids if (one := self.find(name)) is not None]

    def stage(self, run: Run, stage: Stage) -> StageFolder:
        home = self.folder / run.id / "stages" / stage.id
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return StageFolder(home)

    def records(self, run: Run) -> dict[str, StageRecord]:
        """Where each stage stands. Raises RunUnreadable."""
        return {one.id: self._record(run, one) for one in run.stages}

    def save_record(self, run: Run, record: StageRecord) -> None:
        """Raises OSError."""
        folder = self.stage(run, run.get_stage(record.stage))
        write_whole(folder.record, _RECORD.dump_json(record))

    def ask_stop(self, run_id: str) -> None:
        """Have whoever drives the run end it. Raises OSError."""
        write_whole(self.folder / run_id / _STOP, b"stop\n")

    def is_asked_to_stop(self, run_id: str) -> bool:
        return (self.folder / run_id / _STOP).exists()

    def forget_stop(self, run_id: str) -> None:
        (self.folder / run_id / _STOP).unlink(missing_ok=True)

    def keep_despite(self, run_id: str, word: Despite) -> None:
        """Raises OSError."""
        write_whole(self.folder / run_id / _DESPITE, _DESPITE_FILE.dump_json(word))

    def find_despite(self, run_id: str) -> Despite | None:
        """Raises RunUnreadable."""
        path = self.folder / run_id / _DESPITE
        try:
            return _DESPITE_FILE.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise _unreadable(path) from error

    def _record(self, run: Run, stage: Stage) -> StageRecord:
        path = self.stage(run, stage).record
        try:
            return _RECORD.validate_json(path.read_bytes())
        except FileNotFoundError:
            return StageRecord(stage=stage.id)
        except (OSError, ValidationError) as error:
            raise _unreadable(path) from error

    def _numbers(self) -> list[int]:
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        return [number for name in names if (number := _number_of(name)) is not None]


def _number_of(name: str) -> int | None:
    number = name[1:]
    is_ours = name[:1] == _PREFIX and number.isascii() and number.isdecimal() and len(number) <= 9
    return int(number) if is_ours else None


def _unreadable(path: Path) -> RunUnreadable:
    return RunUnreadable(
        Text(ja=f"パイプラインの記録 {path} を読めません", en=f"The pipeline's record {path} cannot be read"),
        hint=Text(
            ja="そのファイルを別名にして、もう一度実行してください。",
            en="Move that file aside and try again.",
        ),
    )
