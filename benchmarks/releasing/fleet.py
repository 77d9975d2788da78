"""The product's edge before two slots of one service, each a process that can be started and ended."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks.servers import ROOT, free_port
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.haproxy import Edge, send_command
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.shares import MachineEdge
from hrx.ops.targets.machine.slots import MachineSlots
from hrx.ops.targets.machine.toolchain import find_tools
from hrx.ops.targets.target import PartState, PartStatus

_WITHIN_S: Final = 20.0


class Processes:
    """Servers by part (`api-blue`), with the powers over parts that a target has."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.bad: dict[str, float] = {}

    def list_parts(self) -> list[PartStatus]:
        return [
            PartStatus(name=name, state=PartState.RUNNING, pid=process.pid)
            for name, process in self._running.items()
            if process.poll() is None
        ]

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        process = start_server(
            name, "--port", str(self._ports[name.replace("-", "_")]), bad=self.bad.get(name, 0)
        )
        self._running[name] = process
        return PartStatus(name=name, state=PartState.RUNNING, pid=process.pid)

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        del timeout_s
        self.end(name)
        return PartStatus(name=name, state=PartState.STOPPED)

    def end(self, name: str) -> None:
        """In order: requests under way are answered."""
        process = self._running.pop(name, None)
        if process is not None:
            end_process(process)

    def end_all(self) -> None:
        for name in list(self._running):
            self.end(name)


class Fleet:
    """Everything of one bench: `port` is the edge's."""

    def __init__(self, *, edge: MachineEdge, processes: Processes, ports: dict[str, int], port: int) -> None:
        self.processes, self.port = processes, port
        self.slots = MachineSlots(edge=edge, parts=processes, ports=ports)


@contextmanager
def running_fleet() -> Iterator[Fleet]:
    """HAProxy with deploy/edge/haproxy.cfg, and the blue slot of the API behind it."""
    user = users.choose_service_user(may_create=False)
    folder = Path(tempfile.mkdtemp(prefix="hrx-bench-"))
    users.give_to(folder, user=user, mode=0o711)
    settings = MachineSettings()
    tools = find_tools(Layout(root=ROOT, var=ROOT / "var", user=user, tools=_tools(settings)), settings)
    layout = Layout(root=ROOT, var=folder / "var", user=user, tools=_tools(settings))
    layout.make_folders()
    ports = Ports(edge=free_port(), ops=free_port(), inner={name: free_port() for name in INNER_DEFAULTS})
    edge = Edge(
        tool=tools.found["haproxy"],
        source=ROOT / "deploy" / "edge",
        folder=layout.run / "edge",
        socket_path=layout.haproxy_socket,
        public=layout.status_public,
        ports=ports,
        bind="127.0.0.1",
        user=user,
    )
    edge.prepare()
    inner = {name: ports[name] for name in ("api_blue", "api_green")}
    processes = Processes(inner)
    haproxy = subprocess.Popen(
        edge.argv(),
        env={**os.environ, **edge.tool.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        processes.start_part("api-blue", timeout_s=_WITHIN_S)
        wait_until_answered(ports.edge)
        door = MachineEdge(
            send=lambda command: send_command(layout.haproxy_socket, command), folder=layout.run / "edge"
        )
        yield Fleet(edge=door, processes=processes, ports=inner, port=ports.edge)
    finally:
        haproxy.kill()
        haproxy.wait(timeout=10)
        processes.end_all()
        shutil.rmtree(folder, ignore_errors=True)


def start_server(
    name: str, *arguments: str, bad: float = 0.0, fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.releasing.server", "--name", name, *arguments],
        cwd=ROOT,
        env={**os.environ, "HRX_BENCH_BAD": str(bad)},
        pass_fds=fds,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end_process(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=_WITHIN_S)


def wait_until_answered(port: int) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as asked:
            asked.request("GET", "/readyz")
            answer = asked.getresponse()
            answer.read()
            if answer.status == http.client.OK:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nobody answers at port {port}")


def _tools(settings: MachineSettings) -> Path:
    return (ROOT / settings.tools_dir).resolve() if settings.tools_dir is not None else ROOT / "var" / "tools"
