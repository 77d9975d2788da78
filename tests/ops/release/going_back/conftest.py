"""One house for each test: a way back changes everything in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.toolchain import Toolchain, find_tools
from tests.ops.machine.conftest import _layout
from tests.ops.release.going_back.house import House, open_house

MakeHouse = Callable[..., House]


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    return find_tools(_layout(checkout() / "var"), MachineSettings())


@pytest.fixture
def make_house(tools: Toolchain, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeHouse]:
    """Opens it; everything ends with the test."""
    with ExitStack() as ended:

        def make(**wanted: object) -> House:
            var = Path(tempfile.mkdtemp(prefix="hrx-b-"))
            var.chmod(0o755)
            ended.callback(shutil.rmtree, var, ignore_errors=True)
            monkeypatch.setenv("HRX_VAR_DIR", str(var))
            house = ended.enter_context(open_house(var, tools, **wanted))  # type: ignore[arg-type]
            for name, value in house.environment.items():
                monkeypatch.setenv(name, value)
            return house

        yield make


@pytest.fixture
def open_plane() -> Iterator[Callable[[House], Plane]]:
    with ExitStack() as ended:
        yield lambda house: ended.enter_context(opened_plane(house.settings, target=Machine(house.layout)))
