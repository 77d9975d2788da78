"""The quiet plane of the incidents' tests, and a real status process on its files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from hrx.kit.settings import to_environment
from hrx.ops.run.plane import Plane
from tests.conftest import free_port
from tests.ops.incidents.conftest import quiet as quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusProcess:
    """A running `python -m hrx.ops.status`."""

    url: str
    pid: int

    def get(self, path: str, *, language: str = "en") -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.get(self.url + path, headers={"Accept-Language": language})

    @property
    def size_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6


@pytest.fixture
def status_page(quiet: Plane) -> Iterator[StatusProcess]:
    """The status process with only what the machine would give it: no ledger, no token."""
    port = free_port()
    known = to_environment(quiet.settings)
    process = subprocess.Popen(
        [sys.executable, "-m", "hrx.ops.status"],
        env={"PATH": "", "HRX_VAR_DIR": known["HRX_VAR_DIR"], "HRX_STATUS_PORT": str(port)},
    )
    page = StatusProcess(url=f"http://127.0.0.1:{port}", pid=process.pid)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            page.get("/livez")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    try:
        yield page
    finally:
        process.terminate()
        process.wait(timeout=10)
