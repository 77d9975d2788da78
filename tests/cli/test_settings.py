"""The settings reference is what the code declares, and shows no secret."""

from __future__ import annotations

import pytest

from hrx.cli import settings
from hrx.ops.release.environments.schema import ask_product


@pytest.mark.req("R3.6-1")
def test_the_written_reference_is_current() -> None:
    for path, content in settings.render_all().items():
        assert path.read_text() == content, f"{path.name}: run `hrx settings write`"


@pytest.mark.req("R3.6-1")
def test_every_setting_is_explained_in_both_languages() -> None:
    for row in ask_product():
        assert row.ja, row.variable
        assert row.en, row.variable
