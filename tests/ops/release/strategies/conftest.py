"""A real HAProxy with the product's configuration before two small servers of one service, and traffic."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.haproxy import send_command
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.shares import MachineEdge
from hrx.ops.targets.machine.toolchain import Toolchain, find_tools
from tests.conftest import free_port
from tests.ops.machine.conftest import _layout
from tests.ops.machine.edges import make_edge
from tests.ops.release.strategies.place import Place, Slots


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    return find_tools(_layout(checkout() / "var"), MachineSettings())


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="hrx-s-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def place(folder: Path, tools: Toolchain) -> Iterator[Place]:
    """Blue answers, green rests; both services."""
    layout = _layout(folder / "var")
    layout.make_folders()
    ports = Ports(edge=free_port(), ops=free_port(), inner={name: free_port() for name in INNER_DEFAULTS})
    edge = make_edge(layout, ports, tools)
    edge.prepare()
    layout.ports_file.write_text(json.dumps(dict(ports.inner)))
    slots = Slots(
        edge=MachineEdge(
            send=lambda command: send_command(layout.haproxy_socket, command), folder=layout.run / "edge"
        ),
        ports={name: ports[name] for name in ("api_blue", "api_green", "web_blue", "web_green")},
    )
    made = Place(edge=edge, slots=slots, store=RolloutStore(rollout_folder(layout.var)), var=layout.var)
    with ExitStack() as ended:
        ended.callback(made.stop)
        made.start()
        yield made
