"""The product's own parts for measuring: PostgreSQL as durable as in the stack, Redis, the API, the worker.

Each is started as `hrx up` starts it, on free ports and in a temporary folder, and ended at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from pydantic import SecretStr

from hrx.app.settings import AppSettings
from hrx.ops.release.indexes.preparing import prepare_indexes
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import PostgresCluster, create_roles_and_database
from hrx.ops.targets.machine.redis import RedisServer, wheel_program
from hrx.ops.targets.machine.roles import LOGIN_ROLES

ROOT: Final = Path(__file__).resolve().parents[1]
_READY_WITHIN_S: Final = 60.0


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Database and cache with the schema in place, and the settings of the programs on them."""

    folder: Path
    admin_url: str
    owner_url: str
    settings: AppSettings

    def environment(self, **extra: str) -> dict[str, str]:
        """What a program of the application plane gets in the stack, ports aside."""
        given = self.settings
        values = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",
            "HRX_DATABASE_URL": given.database_url.get_secret_value(),
            "HRX_REDIS_URL": given.redis_url.get_secret_value() if given.redis_url else "",
            "HRX_STORAGE_URL": given.storage_url,
            "HRX_PUBLIC_URL": given.public_url,
            "HRX_SESSION_KEYS": given.session_keys.get_secret_value(),
            "HRX_SEAL_KEYS": given.seal_keys.get_secret_value(),
        }
        if "PYTHONPATH" in os.environ:
            values["PYTHONPATH"] = os.environ["PYTHONPATH"]
        # An empty value means: not configured.
        return {name: value for name, value in (values | extra).items() if value}


@contextmanager
def running_house() -> Iterator[House]:
    """Own PostgreSQL (fsync on, checksums on: the product's configuration) and Redis, migrated."""
    user = users.choose_service_user(may_create=False)
    folder = Path(tempfile.mkdtemp(prefix="hrx-bench-"))
    users.give_to(folder, user=user, mode=0o711)
    cluster = PostgresCluster(data_dir=folder / "postgres", port=free_port(), socket_dir=folder, run_as=user)
    redis = RedisServer(program=wheel_program(), folder=folder, port=free_port(), user=user)
    admin_password, redis_password = secrets.token_hex(12), secrets.token_hex(12)
    try:
        cluster.init(admin_password)
        cluster.start()
        redis.prepare(password=redis_password)
        with _process(redis.argv(), environment={}, output=folder / "redis.log", user=user):
            yield _build_house(folder, cluster, admin_password, redis_url=redis.url(redis_password))
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _build_house(folder: Path, cluster: PostgresCluster, admin_password: str, *, redis_url: str) -> House:
    passwords = {role: secrets.token_hex(12) for role in LOGIN_ROLES}
    create_roles_and_database(cluster.url("hrx_admin", admin_password, "postgres"), passwords)
    owner_url = cluster.url("hrx_owner", passwords["hrx_owner"], "hrx")
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={**os.environ, "HRX_OWNER_DATABASE_URL": owner_url.replace("://", "+psycopg://", 1)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    prepare_indexes(owner_url)
    settings = AppSettings(
        database_url=SecretStr(cluster.url("hrx_app", passwords["hrx_app"], "hrx")),
        redis_url=SecretStr(redis_url),
        storage_url=f"file:{folder / 'storage'}",
        session_keys=SecretStr(secrets.token_urlsafe(48)),
        seal_keys=SecretStr(secrets.token_urlsafe(48)),
    )
    return House(
        folder=folder,
        admin_url=cluster.url("hrx_admin", admin_password, "hrx"),
        owner_url=owner_url,
        settings=settings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running program with a port."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """CPU that the process has used so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def running_api(house: House, *, name: str = "api", **environment: str) -> Iterator[Server]:
    """One process of the API, as in the stack; further settings by their environment variables."""
    given = house.environment(HRX_API_METRICS_PORT=str(free_port()), **environment)
    with _server(house, "hrx.app.api", name=name, port_variable="HRX_API_PORT", environment=given) as server:
        yield server


@contextmanager
def running_worker(house: House) -> Iterator[Server]:
    """The worker, as in the stack."""
    with _server(
        house,
        "hrx.app.worker",
        name="worker",
        port_variable="HRX_WORKER_PORT",
        environment=house.environment(),
    ) as server:
        yield server


@contextmanager
def running_floor(house: House, statements: bytes) -> Iterator[Server]:
    """The floor on the statements that were recorded; see `floor`."""
    path = house.folder / f"statements-{secrets.token_hex(4)}.json"
    path.write_bytes(statements)
    given = house.environment(HRX_BENCH_STATEMENTS=str(path))
    with _server(
        house, "benchmarks.floor", name="floor", port_variable="HRX_API_PORT", environment=given
    ) as server:
        yield server


@contextmanager
def _server(
    house: House, module: str, *, name: str, port_variable: str, environment: Mapping[str, str]
) -> Iterator[Server]:
    port = free_port()
    output = house.folder / f"{name}-{port}.log"
    with _process(
        [sys.executable, "-m", module], environment={**environment, port_variable: str(port)}, output=output
    ) as process:
        _wait_until_open(process, port, output=output, is_ready_asked=module.startswith("hrx."))
        yield Server(name=name, port=port, pid=process.pid)


@contextmanager
def _process(
    argv: list[str], *, environment: Mapping[str, str], output: Path, user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as log:
        process = subprocess.Popen(
            argv,
            cwd=ROOT if user is None else output.parent,
            env=dict(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            user=user,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _wait_until_open(
    process: subprocess.Popen[bytes], port: int, *, output: Path, is_ready_asked: bool
) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            is_open = probe.connect_ex(("127.0.0.1", port)) == 0
        if is_open and (not is_ready_asked or _is_ready(port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"not ready within {_READY_WITHIN_S:g} s:\n{output.read_text()[-3000:]}")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
