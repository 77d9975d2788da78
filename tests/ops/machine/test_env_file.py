"""The checkout's `.env` is the living stack's: what else runs out of that checkout is told none of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hrx.ops.targets.machine.environment import read_env_file

pytestmark = pytest.mark.req("R3.6-1")
NAME = "HRX_SLACK_SIGNING_SECRET"


@pytest.mark.parametrize(("said", "is_read"), [("true", True), ("false", False)])
def test_the_env_file_is_read_unless_somebody_said_not_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, is_read: bool
) -> None:
    monkeypatch.setenv("HRX_READS_ENV_FILE", said)
    monkeypatch.delenv(NAME, raising=False)
    (tmp_path / ".env").write_text(f"{NAME}=of-the-living\n")
    read_env_file(tmp_path)
    assert (os.environ.get(NAME) == "of-the-living") is is_read
    monkeypatch.delenv(NAME, raising=False)
