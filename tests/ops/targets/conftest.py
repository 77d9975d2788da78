"""A target and its place, once for each that there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.targets.grounds import GROUNDS, VENDORS, Ground


@pytest.fixture(params=sorted(GROUNDS))
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Every target."""
    with GROUNDS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=sorted(VENDORS))
def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Every target that is spoken to over a network, where an answer may be lost."""
    with VENDORS[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def railway(tmp_path: Path) -> Iterator[Ground]:
    with VENDORS["railway"](tmp_path) as made:
        yield made


@pytest.fixture
def fly(tmp_path: Path) -> Iterator[Ground]:
    with VENDORS["fly"](tmp_path) as made:
        yield made


@pytest.fixture
def vercel(tmp_path: Path) -> Iterator[Ground]:
    with VENDORS["vercel"](tmp_path) as made:
        yield made


@pytest.fixture
def cloudflare(tmp_path: Path) -> Iterator[Ground]:
    with VENDORS["cloudflare"](tmp_path) as made:
        yield made
