"""Views of former versions leave the cache; whatever else is there stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import redis

from hrx.kit.settings import SecretStr
from hrx.ops.release.checking.caching import VIEWS, check_cache_clear
from hrx.ops.release.checking.results import Bench
from hrx.ops.release.releases import Outcome
from tests.conftest import ROOT, free_port, start_redis
from tests.ops.release.checking.benching import make_bench
from tests.ops.release.checking.test_smoke import Product, serving

pytestmark = pytest.mark.req("R3.1-1")
LIVE, FORMER = "aaaaaaaaaaaa", "bbbbbbbbbbbb"


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    """A Redis of this test's own."""
    server = start_redis(free_port())
    opened = redis.Redis.from_url(server.url)
    yield opened
    opened.close()
    server.process.kill()
    server.process.wait(10)


def bench_on(tmp_path: Path, client: redis.Redis) -> Bench:
    port = client.connection_pool.connection_kwargs["port"]
    return make_bench(tmp_path, redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))


def fill(client: redis.Redis, commit: str, *, count: int) -> None:
    for number in range(count):
        client.set(f"{VIEWS}{commit}:1:{number}:all:hr:org:ab", b"view", ex=600)


def clear(bench: Bench, commit: str = LIVE) -> tuple[Outcome, str]:
    product = Product()
    product.say("/version", orjson.dumps({"commit": commit}))
    with serving(product) as url:
        settings = bench.settings.model_copy(update={"edge_url": url})
        found = check_cache_clear(replace(bench, settings=settings))
    return found.outcome, found.detail.en


def test_only_views_of_former_versions_go(tmp_path: Path, client: redis.Redis) -> None:
    fill(client, FORMER, count=1201)
    fill(client, "unknown", count=3)
    fill(client, LIVE, count=7)
    client.pfadd("hrx:visitors:2026-11-27", "a")
    client.set("somebody:else", b"1")
    outcome, said = clear(bench_on(tmp_path, client))
    assert (outcome, said) == (Outcome.PASSED, f"1204 views of former versions cleared; 7 of {LIVE} kept")
    assert client.dbsize() == 9


def test_where_nothing_of_a_former_version_is_there_it_says_so(tmp_path: Path, client: redis.Redis) -> None:
    fill(client, LIVE, count=2)
    outcome, said = clear(bench_on(tmp_path, client))
    assert outcome is Outcome.PASSED
    assert said.startswith("Nothing to clear")
    assert client.dbsize() == 2


def test_without_redis_there_is_nothing_to_clear(tmp_path: Path) -> None:
    assert clear(make_bench(tmp_path)) == (Outcome.PASSED, "No Redis is used: nothing to clear")


def test_while_redis_or_the_api_is_away_it_is_not_checked(tmp_path: Path, client: redis.Redis) -> None:
    fill(client, FORMER, count=2)
    away = make_bench(tmp_path, redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    assert clear(away)[0] is Outcome.NOT_CHECKED
    bench = bench_on(tmp_path, client)
    silent = bench.settings.model_copy(update={"edge_url": f"http://127.0.0.1:{free_port()}"})
    assert check_cache_clear(replace(bench, settings=silent)).outcome is Outcome.NOT_CHECKED
    assert client.dbsize() == 2


def test_the_product_names_its_views_as_they_are_looked_for_here() -> None:
    source = (ROOT / "src" / "hrx" / "app" / "platform" / "cache.py").read_text()
    assert f'f"{VIEWS}{{commit}}:' in source
