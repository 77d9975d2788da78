"""Looking at Redis: does it answer, how full is it, how often does the cache help."""

from __future__ import annotations

from typing import Any

import redis

from hrx.ops.check import Fact, Observation
from hrx.ops.seams.looking import look, no_answer


def look_at_redis(subject: str, url: str, *, timeout_s: float) -> Observation:
    """Version, memory, clients and hit ratio of the server behind `url`."""
    return look(subject, lambda: _ask(url, timeout_s=timeout_s))


def _ask(url: str, *, timeout_s: float) -> dict[str, Fact]:
    client = redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, client_name="hrx-ops"
    )
    try:
        # `Any`: INFO is a mapping of whatever this server version reports.
        info: Any = client.info()
    except (redis.RedisError, OSError, ValueError) as error:
        raise no_answer(error, within_s=timeout_s) from error
    finally:
        client.close()
    hits, misses = int(info.get("keyspace_hits", 0)), int(info.get("keyspace_misses", 0))
    return {
        "version": str(info.get("redis_version", "")),
        "uptime_s": int(info.get("uptime_in_seconds", 0)),
        "clients": int(info.get("connected_clients", 0)),
        "memory_bytes": int(info.get("used_memory", 0)),
        "memory_limit_bytes": int(info.get("maxmemory", 0)),
        "policy": str(info.get("maxmemory_policy", "")),
        "evictions": int(info.get("evicted_keys", 0)),
        "hit_ratio": round(hits / (hits + misses), 3) if hits + misses else None,
    }
