"""What a process wants of the processor, told from what it gets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hrx.ops.triage.looks.demand import measure_wanted_core

pytestmark = pytest.mark.req("R5.2-1")


@contextmanager
def running(code: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-c", f"print(flush=True)\n{code}"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_a_process_that_spins_wants_a_core_however_many_others_spin_too() -> None:
    spin = "while True: pass"
    with running(spin) as one, running(spin), running(spin), running(spin), running(spin):
        wanted = measure_wanted_core(one, for_s=0.5)
    assert wanted is not None
    assert wanted > 0.75


def test_a_process_that_waits_wants_nothing_and_one_that_is_gone_is_not_known() -> None:
    with running("import time; time.sleep(60)") as waiting:
        wanted = measure_wanted_core(waiting, for_s=0.5)
    assert wanted is not None
    assert wanted < 0.3
    assert measure_wanted_core(waiting, for_s=0.01) is None
