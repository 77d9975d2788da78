"""The dead man's switch: ends a server whose lease ran out, also when whoever renews the lease hangs or died.

A process of its own that does nothing but wait. Each renewal tells it the new deadline, a line of seconds
of the clock that runs on while the machine sleeps. When the deadline passes, or the pipe closes, the data
directory is made a standby's (so that no restart writes) and every process on it is killed."""

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hrx.kit import clock
from hrx.ops.recovery.standby.lease import boot_s
from hrx.ops.targets.machine.fencing import Fence, kill_processes_on, raise_fence

_ENDS_WITHIN_S: Final = 5.0


class Deadman:
    """The switch as the holder of the lease sees it; leaving the block pulls it unless it was disarmed."""

    def __init__(self, data_dir: Path, fence: Fence, *, user: str | None) -> None:
        argv = [
            sys.executable,
            "-m",
            "hrx.ops.recovery.standby.deadman",
            str(data_dir),
            fence.run,
            fence.system_identifier,
            str(fence.timeline),
            user or "",
        ]
        # A group of its own: a signal to whoever renews must not reach the switch.
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)

    def extend(self, deadline: float) -> None:
        """The server may live until this moment of `boot_s`. Raises OSError when the switch is gone: then the
        caller has to end the server itself."""
        self._tell(f"{deadline!r}\n")

    def disarm(self) -> None:
        """Nothing happens when this ends: the server was ended in order."""
        self._tell("disarm\n")

    def _tell(self, line: str) -> None:
        if self._process.stdin is None:
            raise OSError("the switch has no pipe")
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        self._process.wait(_ENDS_WITHIN_S)


def wait_for_end(pipe: int, *, first_deadline: float) -> bool:
    """Follow the deadlines that come down the pipe; True when the server has to be ended, False when not."""
    deadline, rest = first_deadline, b""
    while True:
        left = deadline - boot_s()
        if left <= 0:
            return True
        # A short wait each time: the kernel's own time-out stands still while the machine sleeps.
        readable, _, _ = select.select([pipe], [], [], min(left, 0.25))
        if not readable:
            continue
        chunk = os.read(pipe, 4096)
        if not chunk:
            return True
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line == b"disarm":
                return False
            deadline = float(line)


def main() -> None:
    """As a process: `deadman DATA_DIR RUN SYSTEM TIMELINE USER`, deadlines on standard input."""
    parser = argparse.ArgumentParser()
    for name in ("data_dir", "run", "system_identifier", "timeline", "user"):
        parser.add_argument(name)
    told = parser.parse_args()
    if not wait_for_end(sys.stdin.fileno(), first_deadline=boot_s() + 60):
        return
    fence = Fence(
        fenced_at=clock.now(),
        run=told.run,
        system_identifier=told.system_identifier,
        timeline=int(told.timeline),
    )
    data_dir = Path(told.data_dir)
    try:
        raise_fence(data_dir, fence, user=told.user or None)
    finally:
        # Also with a full disk: two writers are worse than a server that comes back.
        kill_processes_on(data_dir)


if __name__ == "__main__":
    main()
