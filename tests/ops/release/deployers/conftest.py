"""One place in small for the tests of this process: each brings one more release to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ops.release.deployers.site import Site, running_site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Up, on its first release, with people asking."""
    with running_site() as made, made.visited():
        yield made
