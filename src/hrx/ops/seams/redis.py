"""Looking at Redis: does it answer, how full is it; and throwing away keys that begin in one way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import redis

from hrx.ops.check import Fact, Observation
from hrx.ops.seams.looking import look, no_answer

#: Keys asked for, and thrown away, at a time: Redis answers others in between.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """`removed` were thrown away, `kept` are spared by their beginning, `left` are there although they should
    not be."""

    removed: int
    kept: int
    left: int


def clear_keys(url: str, *, prefix: str, but: str, timeout_s: float) -> Cleared:
    """Throw away what begins with `prefix` and not with `but`; then look again. Raises LookFailed.

    Costs one walk over all keys, twice; nobody is held up, for it goes in small steps."""
    client = redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, client_name="hrx-ops"
    )
    try:
        removed = _clear(client, prefix=prefix, but=but)
        left, kept = 0, 0
        for key in _walk(client, prefix):
            kept, left = (kept + 1, left) if key.startswith(but.encode()) else (kept, left + 1)
    except (redis.RedisError, OSError, ValueError) as error:
        raise no_answer(error, within_s=timeout_s) from error
    finally:
        client.close()
    return Cleared(removed=removed, kept=kept, left=left)


def _clear(client: redis.Redis, *, prefix: str, but: str) -> int:
    removed, batch = 0, []
    for key in _walk(client, prefix):
        if not key.startswith(but.encode()):
            batch.append(key)
        if len(batch) == _BATCH:
            removed += _drop(client, batch)
            batch = []
    return removed + (_drop(client, batch) if batch else 0)


def _drop(client: redis.Redis, keys: list[bytes]) -> int:
    # `Any`: the library's answers are of two colours.
    dropped: Any = client.unlink(*keys)
    return int(dropped)


def _walk(client: redis.Redis, prefix: str) -> set[bytes]:
    """Keys that begin so; each that is there from beginning to end is among them. The prefix has no signs
    that mean something in a pattern."""
    return set(client.scan_iter(match=f"{prefix}*", count=_BATCH))


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
