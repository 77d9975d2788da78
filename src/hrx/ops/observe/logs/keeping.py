"""The console's round for logs: closes what is due, and has a process of its own archive what is closed.

Costs microseconds at almost every tick. It needs neither application nor database; while the supervisor does
not answer, files only grow."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Final

from hrx.kit import clock
from hrx.kit.settings import to_environment
from hrx.ops.observe.logs.archiving import SETTLES
from hrx.ops.observe.logs.files import folders_of, list_closed
from hrx.ops.observe.logs.rotating import rotate
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.machine import PARTS

_log = logging.getLogger("hrx.ops.logs")
_LOOK_EVERY_S: Final = 10.0
#: Days pass and disks fill without a file being closed.
_ROUND_EVERY_S: Final = 3600.0
#: After a round that failed (a full disk), the next one waits.
_RETRY_S: Final = 60.0
#: Whose files the supervisor holds; any other file is closed only while nobody has it open.
SUPERVISED: Final = frozenset({*PARTS, "supervisord"})


class LogKeeper:
    """Keeps the logs of one machine; `keep` is called at every tick, from one thread."""

    def __init__(self, plane: Plane) -> None:
        self._folders = folders_of(plane.settings)
        self._archiver: subprocess.Popen[bytes] | None = None
        self._look_at_s = 0.0
        self._round_at_s = clock.monotonic_s()

    def keep(self, plane: Plane) -> None:
        """Rotate what is due; start the archiver when something waits or an hour has passed."""
        now_s = clock.monotonic_s()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOK_EVERY_S
        rotate(
            self._folders,
            max_bytes=plane.settings.log_rotate_bytes,
            max_age_s=plane.settings.log_rotate_s,
            reopen=plane.target.reopen_logs,
            supervised=SUPERVISED,
        )
        if not self._is_archiving(now_s) and (now_s >= self._round_at_s or self._has_settled()):
            self._start(plane)

    def close(self) -> None:
        """End an archiver that is at work: it may end at any moment, and the next one goes on."""
        if self._archiver is not None:
            self._archiver.kill()
            self._archiver.wait()
            self._archiver = None

    def _has_settled(self) -> bool:
        return any(clock.now() - one.closed_at >= SETTLES for one in list_closed(self._folders)[:1])

    def _is_archiving(self, now_s: float) -> bool:
        if self._archiver is None:
            return False
        code = self._archiver.poll()
        if code is None:
            return True
        self._archiver = None
        if code != 0:
            _log.warning("logs.round_failed", extra={"fields": {"exit_code": code}})
            self._look_at_s = now_s + _RETRY_S
            return True
        return False

    def _start(self, plane: Plane) -> None:
        self._round_at_s = clock.monotonic_s() + _ROUND_EVERY_S
        self._archiver = subprocess.Popen(
            [sys.executable, "-m", "hrx.ops.observe.logs"],
            env={**os.environ, **to_environment(plane.settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
