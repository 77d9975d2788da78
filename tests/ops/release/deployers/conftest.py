"""One place in small for the tests of this process: each brings one more release to it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hrx.ops.ledger.entries import open_ledger
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.toolchain import find_tools
from tests.conftest import free_port
from tests.ops.machine.conftest import _layout
from tests.ops.machine.edges import make_edge
from tests.ops.release.deployers.site import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Up, on its first release, with people asking."""
    folder = Path(tempfile.mkdtemp(prefix="hrx-d-"))
    folder.chmod(0o755)
    layout = _layout(folder / "var")
    layout.make_folders()
    ports = Ports(edge=free_port(), ops=free_port(), inner={name: free_port() for name in INNER_DEFAULTS})
    layout.ports_file.write_text(json.dumps(dict(ports.inner)))
    edge = make_edge(layout, ports, find_tools(_layout(checkout() / "var"), MachineSettings()))
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
    settings = OpsSettings(var_dir=layout.var)
    made = Site(layout=layout, ports=ports, edge=edge, settings=settings, ledger=ledger)
    try:
        made.start()
        with made.visited():
            yield made
    finally:
        made.stop()
        ledger.store.close()
        shutil.rmtree(folder, ignore_errors=True)
