"""A throw-away folder layout for each test, and the real outside tools once for all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.toolchain import Toolchain, find_tools
from tests.conftest import free_port


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the service user may enter; pytest's own temporary folders are closed to others."""
    made = Path(tempfile.mkdtemp(prefix="hrx-m-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def layout(folder: Path) -> Layout:
    """An empty stack's folders."""
    made = _layout(folder / "var")
    made.make_folders()
    return made


@pytest.fixture
def ports() -> Ports:
    """Ports that nobody used a moment ago."""
    return Ports(edge=free_port(), ops=free_port(), inner={name: free_port() for name in INNER_DEFAULTS})


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    """The tools of this checkout, fetched on first use; shared by every test and `make up`."""
    return find_tools(_layout(checkout() / "var"), MachineSettings())


def _layout(var: Path) -> Layout:
    user = users.choose_service_user() if os.geteuid() == 0 else None
    return Layout(root=checkout(), var=var, user=user, tools=checkout() / "var" / "tools")
