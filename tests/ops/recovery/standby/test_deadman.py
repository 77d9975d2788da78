"""The switch ends the server in time when its holder hangs, dies or is too late, and not before."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from hrx.ops.recovery.standby.deadman import Deadman
from hrx.ops.recovery.standby.lease import boot_s
from hrx.ops.targets.machine.fencing import Fence, list_processes_on, read_fence

FENCE = Fence(fenced_at=datetime(2026, 11, 26, tzinfo=UTC), run="lease", system_identifier="7", timeline=3)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A directory in which something works that does not listen to SIGTERM."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("18\n")
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", stubborn], cwd=folder)
    yield folder
    process.kill()
    process.wait(5)


def wait_for_end(data_dir: Path) -> float:
    """Until nothing works there; gives the moment."""
    deadline = time.monotonic() + 20
    while list_processes_on(data_dir):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return boot_s()


def test_it_ends_the_server_at_the_deadline_and_not_before(data_dir: Path) -> None:
    with Deadman(data_dir, FENCE, user=None) as switch:
        deadline = boot_s() + 3
        switch.extend(deadline)
        # The holder says nothing more, as one that hangs.
        ended_at = wait_for_end(data_dir)
    assert deadline <= ended_at <= deadline + 2
    assert (data_dir / "standby.signal").exists()
    fence = read_fence(data_dir)
    assert fence is not None
    assert (fence.run, fence.timeline) == ("lease", 3)


def test_it_ends_the_server_when_the_holder_dies(data_dir: Path) -> None:
    with Deadman(data_dir, FENCE, user=None) as switch:
        switch.extend(boot_s() + 600)
    wait_for_end(data_dir)
    assert read_fence(data_dir) is not None


def test_disarmed_it_leaves_the_server_alone(data_dir: Path) -> None:
    with Deadman(data_dir, FENCE, user=None) as switch:
        switch.extend(boot_s() + 600)
        switch.disarm()
    assert [type(one) for one in list_processes_on(data_dir)] == [psutil.Process]
    assert read_fence(data_dir) is None
