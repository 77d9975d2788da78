"""The application as processes and as a served app on a socket, for tests that need either."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from hrx.app.settings import AppSettings
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import ROOT, UNPRIVILEGED_USER, PostgresServer, free_port, prepare_postgres


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app on a free port of the loopback; gives its address. Streams work here as they do in life."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn gives a flag, not an event)
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@dataclass(slots=True, kw_only=True)
class Process:
    """A process of the application plane."""

    popen: subprocess.Popen[bytes]
    url: str
    output: Path

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(timeout=10)

    def stop(self, timeout_s: float = 30) -> int:
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout=timeout_s)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10, trust_env=False)

    def wait_until_ready(self, timeout_s: float = 30) -> None:
        """Raises AssertionError with the process's output when /readyz does not turn green in time."""
        deadline = time.monotonic() + timeout_s
        last = "never answered"
        while time.monotonic() < deadline:
            try:
                answer = self.get("/readyz")
                last = answer.text
                if answer.status_code == 200:
                    return
            except httpx.HTTPError as error:
                last = repr(error)
            assert self.popen.poll() is None, self.output.read_text()[-3000:]
            time.sleep(0.05)
        raise AssertionError(f"not ready within {timeout_s} s: {last}\n{self.output.read_text()[-3000:]}")


@contextmanager
def running_process(module: str, settings: AppSettings, *, port_variable: str) -> Iterator[Process]:
    """`python -m module` with these settings on a free port, killed at the end."""
    port = free_port()
    home = Path(tempfile.mkdtemp(prefix="hrx-test-process-"))
    environment = {
        "PATH": os.environ["PATH"],
        # The same sources as the tests', also in a second working tree.
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HRX_DATABASE_URL": settings.database_url.get_secret_value(),
        "HRX_REDIS_URL": settings.redis_url.get_secret_value() if settings.redis_url else "",
        "HRX_SESSION_KEYS": settings.session_keys.get_secret_value(),
        "HRX_SEAL_KEYS": settings.seal_keys.get_secret_value(),
        "HRX_PUBLIC_URL": settings.public_url,
        "HRX_STORAGE_URL": settings.storage_url,
        "HRX_API_METRICS_PORT": "0",
        port_variable: str(port),
    }
    output = home / "output.log"
    # Lines go through a pipe, as under supervisord: what is true of files here is not true of logs there.
    with output.open("wb") as log:
        writer = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
    assert writer.stdin is not None
    with writer.stdin as pipe:
        popen = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=pipe, stderr=subprocess.STDOUT
        )
    process = Process(popen=popen, url=f"http://127.0.0.1:{port}", output=output)
    try:
        yield process
    finally:
        if popen.poll() is None:
            process.kill()
        writer.wait(timeout=10)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """A durable cluster of one's own, for tests that kill it."""
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="hrx-test-pg-"))
    home.chmod(0o711)
    if run_as:
        shutil.chown(home, run_as)
    cluster = PostgresCluster(data_dir=home / "data", port=free_port(), socket_dir=home, run_as=run_as)
    cluster.init("admin-of-a-test")
    cluster.start(timeout_s=60)
    try:
        yield prepare_postgres(
            cluster, cluster.url("hrx_admin", "admin-of-a-test", "postgres"), database="hrx"
        )
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(home, ignore_errors=True)


def kill_postgres(cluster: PostgresCluster) -> None:
    """kill -9 the postmaster; its children follow."""
    pid = int((cluster.data_dir / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        time.sleep(0.02)
