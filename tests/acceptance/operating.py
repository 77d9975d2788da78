"""What acceptance tests do to a running stack: give commands, ask doors, wait, stop and start parts."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from hrx.ops.targets.machine.blueprint import list_doors
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import RESTING, Machine
from hrx.ops.targets.machine.ports import Ports, read_remembered
from hrx.ops.targets.machine.readiness import ask
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.target import PartState
from hrx.ops.triage.eyes import SLOTTED
from tests.conftest import Stack, last_lines

#: A part gets this long to stop or to start.
PART_TIMEOUT_S = 60


def run_hrx(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line on the stack under test, with nothing else in its environment."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "HRX_DEMO")}
    return subprocess.run(
        [sys.executable, "-m", "hrx.cli", *arguments],
        env={**kept, **stack.environment},
        cwd=checkout(),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def status_of(url: str) -> int:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)) as connection:
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status
        except OSError:
            return 0


def eventually(condition: Callable[[], bool], *, within_s: float, what: str | Callable[[], str]) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.1)


def list_unwell(stack: Stack) -> list[str]:
    """What should run and does not, and the doors that stay shut; asked here: a command costs a second."""
    parts = supervisor_of(stack).list_parts()
    stopped = [part for part in parts if part.state is not PartState.RUNNING and part.name not in RESTING]
    # As they are now: an inner port that somebody took meanwhile has moved.
    inner = read_remembered(stack.var / "run" / "ports.json")
    ports = Ports(edge=stack.ports["edge"], ops=stack.ports["ops"], inner=inner)
    doors = list_doors(ports, names=[part.name for part in parts])
    shut = [f"{door.part}: {answer}" for door in doors if not (answer := ask(door.url)).is_ready]
    return [f"{part.name}: {part.state}" for part in stopped] + shut


def becomes_well(stack: Stack, *, within_s: float) -> None:
    """Waits for the whole stack; fails with what is not well and what it wrote."""
    deadline = time.monotonic() + within_s
    while unwell := list_unwell(stack):
        assert time.monotonic() < deadline, f"not well in {within_s} s: {unwell}\n{_said_by(stack, unwell)}"
        time.sleep(0.1)


def _said_by(stack: Stack, unwell: list[str]) -> str:
    """The logs of the parts in question only: in those of all of them nobody finds the line that matters."""
    named = {one.partition(":")[0] for one in unwell}
    logs = {log.stem for log in (stack.var / "log").glob("*.log")}
    return last_lines(stack.var, parts={log for log in logs if {log, log.partition("-")[0]} & named})


def put_blue_live(stack: Stack) -> None:
    """As `hrx up` leaves a new stack: blue takes requests, green rests, whatever a test before this one did.

    A test that failed in the middle of a release leaves green live, and others name blue."""
    layout = layout_of(stack)
    machine, supervisor = Machine(layout), supervisor_of(stack)
    for service in SLOTTED:
        blue, green = f"{service}-blue", f"{service}-green"
        if machine.list_live(service) != (blue,):
            if supervisor.get_part(blue).state is not PartState.RUNNING:
                supervisor.start(blue, timeout_s=PART_TIMEOUT_S)
            machine.switch_to(blue, timeout_s=PART_TIMEOUT_S)
        if supervisor.get_part(green).state is PartState.RUNNING:
            machine.send_to_edge(f"set server {service}/{green} state maint")
            supervisor.stop(green, timeout_s=PART_TIMEOUT_S)


def list_incidents(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run_hrx(stack, "incident", "list", "--json").stdout)["items"]
    return found


def finish_all(stack: Stack) -> None:
    """Ends every open incident: a busy machine opens its own, and beside one no drill begins."""
    for one in list_incidents(stack):
        for verb in ("mitigate", "resolve"):
            run_hrx(stack, "incident", verb, str(one["incident"]), "--reason", "over", "--yes")


def layout_of(stack: Stack) -> Layout:
    """The folders of the stack under test."""
    return Layout(root=checkout(), var=stack.var, user=None, tools=checkout() / "var" / "tools")


def pids(stack: Stack) -> dict[str, int | None]:
    return {part.name: part.pid for part in supervisor_of(stack).list_parts()}


def supervisor_of(stack: Stack) -> Supervisor:
    return Supervisor(stack.var / "run" / "supervisor.sock")


@contextmanager
def stopped(stack: Stack, *parts: str) -> Iterator[None]:
    """The stack without these parts; afterwards they are started again and everything is waited for."""
    try:
        for part in parts:
            supervisor_of(stack).stop(part, timeout_s=PART_TIMEOUT_S)
        yield
    finally:
        # All are asked for before one is waited for: a part that does not come back keeps no other down.
        for part in reversed(parts):
            supervisor_of(stack).request_start(part)
        becomes_well(stack, within_s=60)


@contextmanager
def stopped_again(stack: Stack, part: str) -> Iterator[None]:
    """Whatever happens to this part in the block, it is stopped afterwards."""
    try:
        yield
    finally:
        supervisor_of(stack).stop(part, timeout_s=PART_TIMEOUT_S)
