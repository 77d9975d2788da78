"""A target and its place, once for each that there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.ops.release.deployers.site import Site, running_site
from tests.ops.targets.grounds import GROUNDS, MACHINE, VENDORS, Ground
from tests.ops.targets.this_machine import machine_ground


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The processes of this machine's ground."""
    with running_site() as made:
        yield made


#: In one process, which starts supervisor and edge once.
THIS_MACHINE = pytest.param(MACHINE, marks=pytest.mark.xdist_group("this-machine"))


@pytest.fixture(params=[*sorted(GROUNDS), THIS_MACHINE])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Every target."""
    with _open(request, tmp_path) as made:
        yield made


@pytest.fixture(params=sorted(GROUNDS))
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Every target that keeps settings for its programs."""
    with _open(request, tmp_path) as made:
        yield made


@pytest.fixture(params=[THIS_MACHINE])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """Every target whose programs read the settings where they lie."""
    with _open(request, tmp_path) as made:
        yield made


def _open(request: pytest.FixtureRequest, tmp: Path) -> AbstractContextManager[Ground]:
    if request.param == MACHINE:
        return machine_ground(request.getfixturevalue("site"))
    return GROUNDS[request.param](tmp)


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
