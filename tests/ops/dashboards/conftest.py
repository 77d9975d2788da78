"""The project's own watch, a Prometheus that does as it is told, and a console in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hrx.ops.observe.dashboards.asking import Asker
from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.content import Watch, load_watch
from tests.conftest import ROOT
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import make_operator
from tests.ops.dashboards.fake_prometheus import FakePrometheus, running_prometheus


@pytest.fixture(scope="session")
def watch() -> Watch:
    return load_watch(ROOT / "runbook")


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with running_prometheus() as fake:
        yield fake


@pytest.fixture
def asker(prometheus: FakePrometheus) -> Iterator[Asker]:
    opened = Asker(prometheus.address)
    yield opened
    opened.close()


@pytest.fixture
def board_plane(plane: Plane, prometheus: FakePrometheus) -> Plane:
    """The small machine's plane with the fake Prometheus."""
    return replace(plane, settings=plane.settings.model_copy(update={"prometheus_url": prometheus.address}))


@pytest.fixture
def browser(board_plane: Plane) -> Iterator[Browser]:
    make_operator(board_plane.ledger, "viewer", role=Role.VIEWER)
    with serving(board_plane) as address:
        opened = Browser(address)
        opened.sign_in("viewer")
        yield opened
        opened.close()
