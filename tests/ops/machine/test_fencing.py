"""Whether anybody may work on a data directory: nothing is proven by a look that was denied, unless who was
looked at cannot be at work there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.targets.machine import fencing

pytestmark = pytest.mark.req("R6.3-1")


class Closed:
    """A PostgreSQL process that lets nobody see where it works."""

    pid = 4242

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def cwd(self) -> str:
        raise psutil.AccessDenied(self.pid)

    def name(self) -> str:
        return "postgres"

    def uids(self) -> SimpleNamespace:
        return SimpleNamespace(effective=self._uid)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    found = tmp_path / "postgres"
    found.mkdir()
    return found


@pytest.mark.parametrize("is_gone", [False, True])
def test_another_users_server_is_no_reason_to_doubt_and_ones_own_is(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, is_gone: bool
) -> None:
    if is_gone:
        shutil.rmtree(data_dir)
    ours, other = os.getuid(), os.getuid() + 1
    monkeypatch.setattr(psutil, "process_iter", lambda: [Closed(other)])
    assert fencing.list_processes_on(data_dir) == []
    monkeypatch.setattr(psutil, "process_iter", lambda: [Closed(ours)])
    with pytest.raises(Unavailable) as refused:
        fencing.list_processes_on(data_dir)
    assert refused.value.stable_code == "standby.not_proven"
