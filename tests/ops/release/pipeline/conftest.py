"""A workshop for each test, cleared of processes afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.release.pipeline.workshop import Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(home=tmp_path)
    made.add_release()
    yield made
    made.end_all()
