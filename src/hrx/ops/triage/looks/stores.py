"""Checks of Redis and of the queue of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.seams.postgres import DatabaseRefused, read_rows
from hrx.ops.seams.redis import look_at_redis
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.looks.database_words import unknown_database

_ASK_S: Final = 1.5
_QUEUE: Final = """
SELECT COALESCE(sum(jobs) FILTER (WHERE status = 'todo'), 0)::bigint AS waiting,
       COALESCE(sum(jobs) FILTER (WHERE status = 'doing'), 0)::bigint AS doing,
       COALESCE(sum(jobs) FILTER (WHERE status = 'failed'), 0)::bigint AS failed,
       COALESCE(max(oldest_age_s) FILTER (WHERE status = 'todo'), 0)::float8 AS oldest_s,
       (SELECT min(heartbeat_age_s) FROM seam.worker)::float8 AS heartbeat_age_s
  FROM seam.queue
"""


def _look_at_redis(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = eyes.plane.settings.redis_url
    if url is None:
        return Seen(facts={"is_configured": False})
    seen = look_at_redis("redis", url.get_secret_value(), timeout_s=_ASK_S)
    facts: dict[str, Fact] = {"is_configured": True, "answers": seen.failure is None}
    if seen.failure is not None:
        said = seen.failure.en.lower()
        door = "refused" if "refused" in said else "timed_out" if "within" in said else "failed"
        facts["door"] = "wrong_password" if "auth" in said or "wrongpass" in said else door
        return Seen(facts=facts, raw=seen.failure.en)
    limit = seen.facts.get("memory_limit_bytes")
    used = seen.facts.get("memory_bytes")
    facts |= {
        "door": "open",
        "latency_ms": seen.latency_ms,
        "clients": seen.facts.get("clients"),
        "memory_mb": round(float(used) / 1_048_576, 1) if isinstance(used, int) else None,
        "hit_ratio": seen.facts.get("hit_ratio"),
        "evictions": seen.facts.get("evictions"),
        "memory_ratio": _ratio(used, limit),
        # A cache that drops what was used least is full on an ordinary day.
        "refuses_when_full": not str(seen.facts.get("policy", "")).startswith("allkeys"),
    }
    return Seen(facts=facts, raw="\n".join(f"{name} {value}" for name, value in seen.facts.items()))


def _ratio(used: Fact, limit: Fact) -> float | None:
    """How full it is; None without a limit."""
    if not isinstance(used, int) or not isinstance(limit, int) or not limit:
        return None
    return round(used / limit, 3)


def _look_at_queue(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    url = eyes.plane.settings.ops_database_url
    if url is None:
        raise unknown_database()
    try:
        row = read_rows(url.get_secret_value(), _QUEUE, timeout_s=2.0)[0]
    except DatabaseRefused as error:
        return Seen(facts={}, raw=error.why.en)
    facts: dict[str, Fact] = {
        "waiting": int(row["waiting"]),
        "doing": int(row["doing"]),
        "failed": int(row["failed"]),
        "oldest_s": round(float(row["oldest_s"]), 1),
        "heartbeat_age_s": None if row["heartbeat_age_s"] is None else round(row["heartbeat_age_s"], 1),
    }
    return Seen(facts=facts)


CHECKS: Final = (
    CheckSpec(
        id="redis.state",
        title=Text(ja="キャッシュの状態", en="State of the cache"),
        asks=Text(
            ja="Redis に接続し、メモリーと追い出しの数を読む",
            en="Connects to Redis and reads its memory and evictions",
        ),
        facts=(
            "is_configured", "answers", "door", "latency_ms", "clients", "memory_mb", "memory_ratio",
            "refuses_when_full", "hit_ratio", "evictions",
        ),
        timeout_s=4,
        look=_look_at_redis,
    ),
    CheckSpec(
        id="queue.depth",
        title=Text(ja="仕事の待ち行列", en="Queue of jobs"),
        asks=Text(
            ja="待っている仕事の数と古さ、ワーカーの最後の合図を読む",
            en="Reads how many jobs wait, how old they are, and the worker's last sign of life",
        ),
        facts=("waiting", "doing", "failed", "oldest_s", "heartbeat_age_s"),
        timeout_s=4,
        look=_look_at_queue,
    ),
)  # fmt: skip
