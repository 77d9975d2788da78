"""A running console with one operator of each role, and a browser in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import make_operator


@pytest.fixture
def console(plane: Plane) -> Iterator[str]:
    """The address of a running console with one operator of each role, named like the role."""
    for role in Role:
        make_operator(plane.ledger, role.value, role=role)
    with serving(plane) as address:
        yield address


@pytest.fixture
def browser(console: str) -> Iterator[Browser]:
    opened = Browser(console)
    yield opened
    opened.close()
