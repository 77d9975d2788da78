"""A small machine for the tests of the ring: a real supervisord with real (if small) parts.

PostgreSQL, Redis, API and web do not run here, which is the point: the plane needs none of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hrx.kit.settings import SecretStr
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.operators.accounts import create_operator
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.supervisor import Supervisor
from tests.conftest import ROOT, free_port

PASSWORD = "correct horse battery staple"
#: Parts that really run here; every other part of the runbook is absent.
LIVE_PARTS = ("worker", "haproxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallMachine:
    """A running supervisord. `mood` files tell the parts how to behave; see part_server.py."""

    layout: Layout
    ports: dict[str, int]

    def set_mood(self, part: str, mood: str) -> None:
        (self.layout.var / f"{part}.mood").write_text(mood)

    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.supervisor_socket)

    def environment(self, ledger_url: str) -> dict[str, str]:
        """The HRX_* variables with which a process of the plane finds this machine."""
        return {
            "HRX_VAR_DIR": str(self.layout.var),
            "HRX_LEDGER_URL": ledger_url,
            "HRX_WORKER_URL": f"http://127.0.0.1:{self.ports['worker']}",
            "HRX_HAPROXY_STATS_URL": f"http://127.0.0.1:{self.ports['haproxy']}",
            # The edge is looked at through itself too.
            "HRX_EDGE_URL": f"http://127.0.0.1:{self.ports['haproxy']}",
            "HRX_LANGUAGE": "en",
            "HRX_LOOK_TIMEOUT_S": "0.5",
        }


_PROGRAM = """
[program:{name}]
command={python} {script} {port} {mood}
autostart=true
autorestart=false
startsecs=0
stopwaitsecs=2
redirect_stderr=true
stdout_logfile={var}/log/{name}.log
"""

_CONFIG = """
[unix_http_server]
file={socket}
[supervisord]
logfile={var}/log/supervisord.log
pidfile={var}/run/supervisord.pid
nodaemon=true
silent=true
user={user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


@pytest.fixture(scope="session")
def small_machine() -> Iterator[SmallMachine]:
    """One supervisord for the tests of this process, with the parts `worker` and `haproxy`."""
    var = Path(tempfile.mkdtemp(prefix="hrx-ops-"))
    for folder in ("run", "log", "ops"):
        (var / folder).mkdir()
    machine = SmallMachine(
        layout=Layout(root=ROOT, var=var, tools=var / "tools", user=None),
        ports={name: free_port() for name in LIVE_PARTS},
    )
    config = _CONFIG.format(socket=machine.layout.supervisor_socket, var=var, user=_me())
    script = Path(__file__).with_name("part_server.py")
    for name, port in machine.ports.items():
        machine.set_mood(name, "ready")
        config += _PROGRAM.format(
            name=name, python=sys.executable, script=script, port=port, mood=var / f"{name}.mood", var=var
        )
    (var / "run" / "supervisord.conf").write_text(config)
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "supervisor.supervisord",
            "-c",
            str(var / "run" / "supervisord.conf"),
        ]
    )
    try:
        _wait_until_running(machine)
        yield machine
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(var, ignore_errors=True)


def _me() -> str:
    import getpass

    return getpass.getuser()


def _wait_until_running(machine: SmallMachine) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if machine.supervisor().is_answering():
            return
        time.sleep(0.05)
    raise AssertionError("supervisord did not start")


@pytest.fixture
def machine(small_machine: SmallMachine) -> SmallMachine:
    """The small machine with every part running and well."""
    for name in LIVE_PARTS:
        small_machine.set_mood(name, "ready")
        small_machine.supervisor().start(name, timeout_s=10)
        _wait_for_port(small_machine.ports[name])
    return small_machine


def _wait_for_port(port: int) -> None:
    import socket

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    """An empty ledger of this test."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"


@pytest.fixture
def ledger(ledger_url: str) -> Ledger:
    return open_ledger(ledger_url)


@pytest.fixture(scope="session")
def impatient_runbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's runbook, but waiting 2 s for a proof where people wait 60; for tests of proofs that fail.

    Nothing that should succeed may use it: on a busy machine a part needs longer than that to start."""
    folder = tmp_path_factory.mktemp("content") / "runbook"
    shutil.copytree(ROOT / "runbook", folder)
    path = folder / "procedures" / "restart-part.yaml"
    steps, proofs = path.read_text().split("\nproofs:")
    path.write_text(steps + "\nproofs:" + proofs.replace("timeout_s: 60", "timeout_s: 2"))
    return folder


@pytest.fixture
def settings(machine: SmallMachine, ledger_url: str) -> OpsSettings:
    """Settings of a plane that looks at the small machine; everything else is configured but absent."""
    nobody = f"127.0.0.1:{free_port()}"
    return OpsSettings(
        var_dir=machine.layout.var,
        runbook_dir=ROOT / "runbook",
        ledger_url=SecretStr(ledger_url),
        language="en",
        worker_url=f"http://127.0.0.1:{machine.ports['worker']}",
        haproxy_stats_url=f"http://127.0.0.1:{machine.ports['haproxy']}",
        edge_url=f"http://127.0.0.1:{machine.ports['haproxy']}",
        api_blue_url=f"http://{nobody}",
        web_blue_url=f"http://{nobody}",
        prometheus_url=f"http://{nobody}",
        alertmanager_url=f"http://{nobody}",
        ops_database_url=SecretStr(f"postgresql://hrx_ops:x@{nobody}/hrx"),
        redis_url=SecretStr(f"redis://{nobody}/0"),
        ops_hook_token=SecretStr("hook-token-of-the-tests"),
        slack_signing_secret=SecretStr("signing-secret-of-the-tests"),
        look_timeout_s=0.5,
    )


@pytest.fixture
def plane(settings: OpsSettings, machine: SmallMachine) -> Iterator[Plane]:
    """An opened plane on the small machine."""
    with opened_plane(settings, target=Machine(machine.layout)) as opened:
        yield opened


@pytest.fixture
def impatient_plane(settings: OpsSettings, machine: SmallMachine, impatient_runbook: Path) -> Iterator[Plane]:
    """The same, giving up on a proof after 2 s."""
    impatient = settings.model_copy(update={"runbook_dir": impatient_runbook})
    with opened_plane(impatient, target=Machine(machine.layout)) as opened:
        yield opened


def make_operator(ledger: Ledger, name: str, *, role: Role = Role.RESPONDER) -> Actor:
    """An operator with the tests' password."""
    create_operator(ledger, name, role=role, password=PASSWORD, by="test")
    return Actor(name=name, role=role, is_operator=True)
