"""The supervisor's client against a real supervisord on a socket of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from hrx.kit.errors import NotFound, Unavailable
from hrx.ops.targets.machine import processes
from hrx.ops.targets.machine.environment import base_environment
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import Program, write_config
from hrx.ops.targets.target import PartState

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
GREETER = "import os,time; print(os.environ['GREETING'], flush=True); time.sleep(99)"


def programs(layout: Layout, *, greeting: str = "hello") -> list[Program]:
    return [
        Program(
            name="worker",
            argv=[sys.executable, "-c", GREETER],
            cwd=layout.run,
            environment={"GREETING": greeting},
        ),
        Program(name="ops", argv=[sys.executable, "-c", STUBBORN], cwd=layout.run, stop_wait_s=1),
    ]


@pytest.fixture
def supervisor(layout: Layout) -> Iterator[Supervisor]:
    write_config(layout, programs(layout))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(layout.run / "supervisord.conf")],
        env=base_environment(layout),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = Supervisor(layout.supervisor_socket)
    eventually(client.is_answering)
    yield client
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(timeout=20)
    processes.end_stack_processes(layout.stack_mark, timeout_s=2)


def eventually(condition: Callable[[], bool], *, within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_part_starts_restarts_and_stops_and_each_is_seen_to_have_happened(
    supervisor: Supervisor, layout: Layout
) -> None:
    assert supervisor.get_part("worker").state is PartState.STOPPED
    first = supervisor.start("worker", timeout_s=10)
    assert first.state is PartState.RUNNING
    assert first.pid is not None
    assert supervisor.start("worker", timeout_s=10).pid == first.pid
    second = supervisor.restart("worker", timeout_s=10)
    assert second.pid not in (None, first.pid)
    assert "hello" in Machine(layout).tail_log("worker", size_bytes=1000)
    assert "hello" in supervisor.tail_log("worker", size_bytes=1000)
    assert supervisor.stop("worker", timeout_s=10).state is PartState.STOPPED
    assert supervisor.stop("worker", timeout_s=10).pid is None


@pytest.mark.req("R1-2")
def test_a_killed_part_comes_back_by_itself(supervisor: Supervisor) -> None:
    before = supervisor.start("worker", timeout_s=10)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    eventually(
        lambda: (
            supervisor.get_part("worker").pid not in (None, before.pid)
            and supervisor.get_part("worker").state is PartState.RUNNING
        )
    )


def test_a_part_that_ignores_the_request_to_end_is_ended_after_its_time(supervisor: Supervisor) -> None:
    supervisor.start("ops", timeout_s=10)
    assert supervisor.stop("ops", timeout_s=10).state is PartState.STOPPED


def test_a_changed_environment_counts_as_a_changed_program_and_nothing_else_does(
    supervisor: Supervisor, layout: Layout
) -> None:
    write_config(layout, programs(layout))
    same = supervisor.reload_config()
    assert (same.added, same.changed, same.removed) == ((), (), ())
    supervisor.start("worker", timeout_s=10)
    write_config(layout, programs(layout, greeting="good evening")[:1])
    change = supervisor.reload_config()
    assert (change.added, change.changed, change.removed) == ((), ("worker",), ("ops",))
    supervisor.drop("ops", timeout_s=10)
    supervisor.drop("worker", timeout_s=10)
    supervisor.adopt("worker")
    supervisor.start("worker", timeout_s=10)
    assert "good evening" in supervisor.tail_log("worker", size_bytes=1000)
    with pytest.raises(NotFound):
        supervisor.get_part("ops")


def test_a_hanging_supervisor_costs_no_more_than_the_time_limit(
    supervisor: Supervisor, layout: Layout
) -> None:
    os.kill(supervisor.pid(), signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        Supervisor(layout.supervisor_socket, call_timeout_s=0.3).list_parts()
    assert time.monotonic() - started < 3


def test_programs_whose_supervisor_was_killed_are_found_by_their_mark_and_ended(
    supervisor: Supervisor, layout: Layout
) -> None:
    left = supervisor.start("worker", timeout_s=10)
    supervisor.start("ops", timeout_s=10)
    os.kill(supervisor.pid(), signal.SIGKILL)
    eventually(lambda: not supervisor.is_answering())
    assert left.pid is not None
    assert psutil.pid_exists(left.pid)
    assert {"worker", "ops"} <= set(processes.end_stack_processes(layout.stack_mark, timeout_s=1))
    assert processes.find_stack_processes(layout.stack_mark) == []
    assert not processes.is_alive(left.pid)
