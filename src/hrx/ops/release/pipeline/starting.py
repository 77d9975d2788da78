"""Keepers of stages: started, looked for after the death of whoever started them, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit import clock
from hrx.kit.processes import is_number_reused, is_process_gone
from hrx.ops.release.pipeline import keeping
from hrx.ops.release.pipeline.folders import StageFolder, read_json, write_whole
from hrx.ops.release.pipeline.stages import Run, Stage

#: The word in a definition that stands for this program.
_HRX: Final = "hrx"
#: A keeper that was started has said so long before that. One that is later finds itself overtaken and ends.
_SAYS_SO_S: Final = 10.0
_ENDS_S: Final = 5.0


class Look(StrEnum):
    """What is seen of a stage's command."""

    RUNS = "runs"
    OVER = "over"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`result` is what the keeper left; None unless it is over. `Any`: stored JSON."""

    look: Look
    result: Mapping[str, Any] | None = None


class Keepers:
    """All commands of one runner. Processes that this runner started are reaped when they are looked at."""

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd
        self._started: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
        self._results: dict[tuple[str, int], Path] = {}
        self._since: dict[tuple[str, int], float] = {}

    def start(self, folder: StageFolder, run: Run, stage: Stage, *, attempt: int) -> None:
        """Have the command run; it outlives this process. Raises OSError."""
        order = {
            "attempt": attempt,
            "argv": fill_command(stage, run),
            "cwd": str(self._cwd),
            "timeout_s": stage.timeout_s,
        }
        write_whole(folder.order(attempt), orjson.dumps(order))
        argv = [sys.executable, "-m", keeping.__name__, str(folder.order(attempt))]
        self._results[(stage.id, attempt)] = folder.result(attempt)
        self._started[(stage.id, attempt)] = subprocess.Popen(
            argv,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look(self, folder: StageFolder, stage: Stage, *, attempt: int) -> Seen:
        """How it is with an attempt that was begun, by this process or by one that is dead."""
        child = self._started.get((stage.id, attempt))
        is_gone = child.poll() is not None if child is not None else self._is_gone(folder, stage, attempt)
        # In this order: a keeper that ended in between has left its result before.
        result = read_json(folder.result(attempt))
        if result is not None:
            self._reap(stage, attempt)
            return Seen(look=Look.OVER, result=result)
        return Seen(look=Look.DEAD if is_gone else Look.RUNS)

    def collect(self) -> None:
        """Reap what was started here and whose end another runner has read; what still runs goes on."""
        for key in [one for one in self._started if self._results[one].exists()]:
            self._wait(key)

    def clear(self, folder: StageFolder, *, attempt: int) -> None:
        """End what a dead keeper left running."""
        keeper = read_json(folder.keeper(attempt))
        if keeper is None:
            return
        # A group keeps its number as long as it has a member; another leader under that number is not ours.
        named = str(keeper["process"])
        if is_process_gone(named) and not is_number_reused(named):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(keeper["pid"]), signal.SIGKILL)

    def stop(self, folder: StageFolder, *, attempt: int) -> None:
        """Ask a running keeper to end its command; harmless to repeat."""
        keeper = read_json(folder.keeper(attempt))
        if keeper is not None and not is_process_gone(str(keeper["process"])):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(keeper["pid"]), signal.SIGTERM)

    def _reap(self, stage: Stage, attempt: int) -> None:
        self._wait((stage.id, attempt))

    def _wait(self, key: tuple[str, int]) -> None:
        child = self._started.pop(key, None)
        if child is not None:
            # Its result is the last thing it does; what it still does is to end itself.
            with suppress(subprocess.TimeoutExpired):
                child.wait(_ENDS_S)

    def _is_gone(self, folder: StageFolder, stage: Stage, attempt: int) -> bool:
        keeper = read_json(folder.keeper(attempt))
        if keeper is not None:
            return is_process_gone(str(keeper["process"]))
        if not folder.order(attempt).exists():
            # Whoever was to start it died before.
            return True
        since = self._since.setdefault((stage.id, attempt), clock.monotonic_s())
        return clock.monotonic_s() - since > _SAYS_SO_S


def fill_command(stage: Stage, run: Run) -> list[str]:
    """What is run: placeholders filled, `hrx` as the program of this very environment."""
    values = {"{release}": run.release_id, "{commit}": run.commit, "{run}": run.id}
    words = []
    for word in stage.command:
        for name, value in values.items():
            word = word.replace(name, value)
        words.append(word)
    beside = Path(sys.executable).with_name(_HRX)
    return [str(beside), *words[1:]] if words[0] == _HRX and beside.exists() else words
