"""What a tree of processes takes of the machine, with those that ended; disks once each."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hrx.ops.targets.machine.usage import list_volumes, measure_age_s, measure_usage

pytestmark = pytest.mark.req("R4.1-1")
#: A parent that lets a child burn CPU and end, says so, and waits.
_PARENT = """
import subprocess, sys, time
burn = "import time\\nend = time.process_time() + 0.4\\nwhile time.process_time() < end: pass"
subprocess.run([sys.executable, "-c", burn])
print("ended", flush=True)
time.sleep(30)
"""


def test_the_cpu_time_of_children_that_ended_is_not_lost() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ended\n"
        usage = measure_usage(parent.pid)
        parent.kill()
    assert usage is not None
    assert usage.cpu_s >= 0.4
    assert usage.reads is not None
    assert usage.reads > 0


def test_a_process_that_is_gone_has_no_usage() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as done:
        done.wait(timeout=20)
    assert measure_usage(done.pid) is None


def test_a_disk_is_told_once_under_its_first_use(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    volumes = list_volumes({"files": tmp_path / "gone", "database": tmp_path / "a", "logs": tmp_path / "b"})
    assert [volume.name for volume in volumes] == ["database"]
    assert 0 < volumes[0].available_bytes < volumes[0].capacity_bytes


def test_the_age_of_a_process_is_exact_to_parts_of_a_second() -> None:
    began_s = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as young:
        time.sleep(0.3)
        age_s = measure_age_s(young.pid)
        took_s = time.monotonic() - began_s
        young.communicate(b"\n", timeout=20)
    assert age_s is not None
    assert 0.27 <= age_s <= took_s + 0.02
    assert measure_age_s(young.pid) is None
