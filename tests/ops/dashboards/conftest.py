"""The project's own watch."""

from __future__ import annotations

import pytest

from hrx.ops.runbook.watch.content import Watch, load_watch
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def watch() -> Watch:
    return load_watch(ROOT / "runbook")
