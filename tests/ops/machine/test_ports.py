"""A taken port is either somebody to name or a reason to move, never a mystery."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hrx.kit.errors import Refused
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports, choose_ports
from hrx.ops.targets.machine.settings import MachineSettings
from tests.conftest import free_port

#: One by one, and where no stack of the tests looks: two that choose at once find the same port free.
pytestmark = pytest.mark.xdist_group("ports")
SHIFT = 23_400


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield


@contextmanager
def part_of(stack: str, *, port: int = 0) -> Iterator[int]:
    """A process of that stack which listens; gives its port."""
    script = f"import socket,time; s=socket.socket(); s.bind(('127.0.0.1',{port})); s.listen(); "
    script += "print(s.getsockname()[1], flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HRX_STACK": stack},
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def choose(tmp_path: Path, *, edge: int, ops: int) -> Ports:
    return choose_ports(
        MachineSettings(edge_port=edge, ops_port=ops, inner_port_shift=SHIFT),
        remembered_in=tmp_path / "ports.json",
        stack_mark=str(tmp_path),
    )


@pytest.mark.req("R1-1")
def test_a_taken_public_port_names_its_holder_and_the_command_to_type(tmp_path: Path) -> None:
    edge, ops = free_port(), free_port()
    with listening(edge), pytest.raises(Refused) as refused:
        choose(tmp_path, edge=edge, ops=ops)
    assert f"process {os.getpid()}" in refused.value.message.en
    assert refused.value.hint is not None
    assert "HRX_EDGE_PORT=" in refused.value.hint.en
    assert "make up" in refused.value.hint.ja
    suggested = int(refused.value.hint.en.split("HRX_EDGE_PORT=")[1].split()[0])
    assert suggested > edge
    with socket.socket() as free:
        free.bind(("127.0.0.1", suggested))


def test_a_port_held_by_another_stack_names_that_stack(tmp_path: Path) -> None:
    ops = free_port()
    with part_of("/srv/other") as edge, pytest.raises(Refused) as refused:
        choose(tmp_path, edge=edge, ops=ops)
    assert "/srv/other" in refused.value.message.ja
    assert refused.value.hint is not None
    assert "HRX_VAR_DIR=/srv/other make down" in refused.value.hint.en


def test_an_inner_port_that_is_taken_moves_and_is_remembered(tmp_path: Path) -> None:
    edge, ops = free_port(), free_port()
    first = choose(tmp_path, edge=edge, ops=ops)
    assert len({first.edge, first.ops, *first.inner.values()}) == len(first.inner) + 2
    with listening(first["redis"]):
        moved = choose(tmp_path, edge=edge, ops=ops)
    assert moved["redis"] != first["redis"]
    assert moved["postgres"] == first["postgres"]
    assert choose(tmp_path, edge=edge, ops=ops)["redis"] == moved["redis"]


def test_our_own_running_parts_are_no_conflict(tmp_path: Path) -> None:
    edge, ops = free_port(), free_port()
    first = choose(tmp_path, edge=edge, ops=ops)
    with part_of(str(tmp_path), port=first["api_blue"]):
        assert choose(tmp_path, edge=edge, ops=ops) == first


def test_a_port_that_another_stack_took_first_is_given_up_however_often_up_runs(tmp_path: Path) -> None:
    """Two stacks that start together find the same port free; the one that came late must not insist."""
    edge, ops = free_port(), free_port()
    first = choose(tmp_path, edge=edge, ops=ops)
    with part_of("/srv/other", port=first["worker"]):
        assert choose(tmp_path, edge=edge, ops=ops)["worker"] != first["worker"]


def test_a_second_stack_looks_for_its_inner_ports_elsewhere(tmp_path: Path) -> None:
    settings = MachineSettings(edge_port=free_port(), ops_port=free_port(), inner_port_shift=9000)
    ports = choose_ports(settings, remembered_in=tmp_path / "ports.json", stack_mark=str(tmp_path))
    assert all(port >= INNER_DEFAULTS[name] + 9000 for name, port in ports.inner.items())


def test_a_damaged_memory_of_ports_is_forgotten(tmp_path: Path) -> None:
    edge, ops = free_port(), free_port()
    (tmp_path / "ports.json").write_text('{"redis": ')
    assert choose(tmp_path, edge=edge, ops=ops)["redis"] >= 8379
