"""One place in small for the tests of this process: each brings one more release to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ops.release.deployers.site import Site, running_site


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    """Up, on its first release, with people asking."""
    with running_site() as made, made.visited():
        yield made


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The same for each test; where one that failed left it without a supervisor, it is started anew."""
    if not shared_site.supervisor.is_answering():
        shared_site.kill_supervisor()
        shared_site.kill_orphans()
        shared_site.start_supervisor()
        shared_site.start_parts()
    return shared_site
