"""The exporters of PostgreSQL and Redis as they run in the stack: what they tell, and what they keep."""

from __future__ import annotations

import subprocess
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from prometheus_client.metrics_core import Metric as Family

from hrx.kit.catalogue import list_metrics_of
from hrx.kit.figures import Source
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.exporters import PostgresExporter, RedisExporter
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.conftest import PostgresServer, RedisServer, free_port
from tests.exposition import fetch_families

pytestmark = pytest.mark.req("R4.1-1")
#: What each may take, at most; measured 20 to 30 MB.
_MEMORY_BYTES = 45 * 1024 * 1024


def postgres_exporter(layout: Layout, tools: Toolchain, *, url: str) -> PostgresExporter:
    exporter = PostgresExporter(
        tool=tools.found["postgres-exporter"],
        folder=layout.var / "exporters",
        port=free_port(),
        database_url=url,
        user=None,
    )
    exporter.prepare()
    return exporter


def redis_exporter(layout: Layout, tools: Toolchain, *, url: str) -> RedisExporter:
    return RedisExporter(
        tool=tools.found["redis-exporter"],
        folder=layout.var / "exporters",
        port=free_port(),
        redis_url=url,
        user=None,
    )


@contextmanager
def running(exporter: PostgresExporter | RedisExporter) -> Iterator[psutil.Process]:
    popen = subprocess.Popen(
        exporter.argv(),
        cwd=exporter.folder,
        env={"PATH": "/usr/bin:/bin", "GOMEMLIMIT": "24MiB", **exporter.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(popen.pid)
    finally:
        popen.kill()
        popen.wait(timeout=10)


def scrape(port: int) -> dict[str, Family]:
    """The families now, waiting up to 15 s for the exporter to start."""
    deadline = time.monotonic() + 15
    while True:
        try:
            return fetch_families(f"127.0.0.1:{port}")
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "the exporter does not answer"
            time.sleep(0.1)


def test_the_database_tells_what_we_rely_on_and_one_setting_only(
    layout: Layout, tools: Toolchain, postgres: PostgresServer
) -> None:
    exporter = postgres_exporter(layout, tools, url=postgres.ops_url)
    with running(exporter) as process:
        scrape(exporter.port)
        found = scrape(exporter.port)
        assert process.memory_info().rss < _MEMORY_BYTES
    wanted = {metric.name for metric in list_metrics_of(Source.POSTGRES)}
    assert wanted - found.keys() == set()
    assert found["pg_up"].samples[0].value == 1
    assert found["pg_settings_max_connections"].samples[0].value >= 10
    assert {name for name in found if name.startswith("pg_settings_")} == {"pg_settings_max_connections"}
    assert sum(len(family.samples) for family in found.values()) < 900


def test_redis_tells_what_we_rely_on(layout: Layout, tools: Toolchain, redis_server: RedisServer) -> None:
    exporter = redis_exporter(layout, tools, url=redis_server.url)
    with running(exporter) as process:
        found = scrape(exporter.port)
        assert process.memory_info().rss < _MEMORY_BYTES
    wanted = {metric.name for metric in list_metrics_of(Source.REDIS)}
    assert wanted - found.keys() == set()
    assert found["redis_up"].samples[0].value == 1


def test_a_server_that_is_away_is_said_to_be_and_the_exporter_stays(layout: Layout, tools: Toolchain) -> None:
    away = f"postgresql://hrx_ops:secret-of-a-test@127.0.0.1:{free_port()}/hrx"
    database = postgres_exporter(layout, tools, url=away)
    with running(database):
        assert scrape(database.port)["pg_up"].samples[0].value == 0
        assert "pg_database_size_bytes" not in scrape(database.port)
    cache = redis_exporter(layout, tools, url=f"redis://:secret-of-a-test@127.0.0.1:{free_port()}/0")
    with running(cache):
        assert scrape(cache.port)["redis_up"].samples[0].value == 0


def test_no_secret_stands_on_a_command_line_or_in_a_file(layout: Layout, tools: Toolchain) -> None:
    secret = "secret-of-a-test"
    for exporter in (
        postgres_exporter(layout, tools, url=f"postgresql://hrx_ops:{secret}@127.0.0.1:1/hrx"),
        redis_exporter(layout, tools, url=f"redis://:{secret}@127.0.0.1:1/0"),
    ):
        assert secret not in " ".join(exporter.argv())
        assert secret in " ".join(exporter.environment().values())
    for path in _files(layout.var / "exporters"):
        assert secret not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0 or users.choose_service_user() is None


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_tls_wish_of_the_address_is_left_alone(layout: Layout, tools: Toolchain) -> None:
    def source(url: str) -> str:
        return postgres_exporter(layout, tools, url=url).environment()["DATA_SOURCE_NAME"]

    assert "sslmode=disable" in source("postgresql://ops@127.0.0.1:1/hrx")
    assert source("postgresql://ops@db.example/hrx?sslmode=verify-full").endswith("sslmode=verify-full")
    assert "sslmode" not in source("postgresql://ops@db.example/hrx")
