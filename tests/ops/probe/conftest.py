"""The world that the probe looks at in these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ops.probe.outside import World, serving_world


@pytest.fixture
def world() -> Iterator[World]:
    with serving_world(World()) as opened:
        yield opened
