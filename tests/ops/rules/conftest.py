"""The project's own watch, and the real promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.ops.observe.rules.promtool import Promtool
from hrx.ops.runbook.watch.content import Watch, load_watch
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.toolchain import Toolchain, find_tools
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def watch() -> Watch:
    return load_watch(ROOT / "runbook")


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The tools of this checkout, fetched when missing."""
    layout = Layout(root=ROOT, var=ROOT / "var", tools=ROOT / "var" / "tools", user=None)
    return find_tools(layout, MachineSettings())


@pytest.fixture(scope="session")
def promtool(toolchain: Toolchain) -> Promtool:
    return Promtool(Path(toolchain.found["promtool"].path))
