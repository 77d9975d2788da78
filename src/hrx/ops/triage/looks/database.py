"""Checks of PostgreSQL: as role hrx_ops while it answers, from the server's own log when it does not.

No literal of a statement leaves these functions: literals are people's data."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.seams.postgres import DatabaseRefused, Door, read_rows
from hrx.ops.triage.eyes import Eyes
from hrx.ops.triage.looking import CheckSpec, Seen
from hrx.ops.triage.looks import database_sql as sql
from hrx.ops.triage.looks.database_words import normalise, unknown_database

_ASK_S: Final = 2.0
_SCAN_SAMPLE_S: Final = 1.0
_LOG_LINE: Final = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+ \S+ \[\d+\] (.*)$")


def _rows(eyes: Eyes, statement: str) -> list[dict[str, Any]]:
    """Rows as hrx_ops. Raises DatabaseRefused; that is answered as a fact by each check. `Any`: columns."""
    url = eyes.plane.settings.ops_database_url
    if url is None:
        raise unknown_database()
    return read_rows(url.get_secret_value(), statement, timeout_s=_ASK_S)


def _look_at_door(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    try:
        row = _rows(eyes, sql.HELLO)[0]
    except DatabaseRefused as error:
        closed: dict[str, Fact] = {"answers": False, "door": error.door.value}
        if error.door is Door.TOO_MANY:
            closed["used_ratio"] = 1.0
        return Seen(facts=closed, raw=error.why.en)
    facts: dict[str, Fact] = {
        "answers": True,
        "door": "open",
        "uptime_s": round(float(row["uptime_s"]), 1),
        "used_ratio": round(float(row["used_ratio"]), 3),
        "size_mb": round(int(row["size_bytes"]) / 1_048_576, 1),
        "skew_s": round(abs(float(row["now_s"]) - time.time()), 2),
        "version": str(row["version"]),
    }
    return Seen(facts=facts)


def _look_at_log(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    since = eyes.at.timestamp() - eyes.window_s
    lines = [line for line in eyes.tail("postgres", size_bytes=600_000).splitlines() if _is_new(line, since)]
    said = "\n".join(lines)
    shut = [at for at, line in enumerate(lines) if "shut down" in line or "shutdown request" in line]
    opened = [at for at, line in enumerate(lines) if "ready to accept connections" in line]
    roles = Counter(re.findall(r'password authentication failed for user "(hrx_[a-z]+)"', said))
    role = roles.most_common(1)[0][0] if roles else None
    facts: dict[str, Fact] = {
        "wrong_passwords": sum(roles.values()),
        "wrong_password_role": role,
        "app_password_fails": None if not lines else roles.get("hrx_app", 0) > 0,
        "too_many": len(re.findall(r"too many clients|remaining connection slots", said)),
        "lock_waits": len(re.findall(r"still waiting for", said)),
        "deadlocks": len(re.findall(r"deadlock detected", said)),
        "slow_statements": len(re.findall(r"duration: \d+", said)),
        "crashes": len(re.findall(r"was terminated by signal|terminating any other active", said)),
        "disk_full": len(re.findall(r"No space left on device", said)),
        "was_shut_down": bool(shut) and (not opened or shut[-1] > opened[-1]),
    }
    return Seen(facts=facts, raw="\n".join(normalise(line) for line in lines[-60:]))


def _is_new(line: str, since: float) -> bool:
    found = _LOG_LINE.match(line)
    if not found:
        return False
    return datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC).timestamp() >= since


def _look_at_connections(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    rows = _rows(eyes, sql.CONNECTIONS)
    limit = int(rows[0]["max_connections"]) if rows else 0
    used = sum(int(row["connections"]) for row in rows)
    idle_in = sum(int(row["connections"]) for row in rows if str(row["state"]).startswith("idle in trans"))
    groups: Counter[str] = Counter()
    for row in rows:
        groups[str(row["application"])] += int(row["connections"])
    top = groups.most_common(1)[0] if groups else ("", 0)
    facts: dict[str, Fact] = {
        "used": used,
        "limit": limit,
        "used_ratio": round(used / limit, 3) if limit else None,
        "idle_in_transaction": idle_in,
        "oldest_idle_in_transaction_s": max(
            (float(row["oldest_s"] or 0) for row in rows if str(row["state"]).startswith("idle in trans")),
            default=0.0,
        ),
        "active": sum(int(row["connections"]) for row in rows if row["state"] == "active"),
        "top_application": top[0] or None,
        "top_connections": top[1],
    }
    raw = "\n".join(f"{row['application']} {row['role']} {row['state']} {row['connections']}" for row in rows)
    return Seen(facts=facts, raw=raw)


def _look_at_locks(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    rows = {int(row["pid"]): row for row in _rows(eyes, sql.LOCKS)}
    waiting = {pid: row for pid, row in rows.items() if row["blockers"]}
    blockers = Counter(_root_of(pid, rows) for pid in waiting)
    blockers.pop(None, None)
    facts: dict[str, Fact] = {
        "waiting": len(waiting),
        "longest_wait_s": round(
            max((float(row["waited_s"] or 0) for row in waiting.values()), default=0.0), 1
        ),
        "blockers": len(blockers),
    }
    if blockers:
        pid = blockers.most_common(1)[0][0]
        root = rows.get(pid or 0)
        held = Counter(str(row["relation"]) for row in waiting.values() if row["relation"])
        facts |= {
            "root_pid": pid,
            "root_waiters": blockers[pid],
            "root_application": str(root["application"]) if root else None,
            "root_state": str(root["state"]) if root else None,
            "root_age_s": round(float(root["transaction_s"] or 0), 1) if root else None,
            "root_started": str(root["started"]) if root else None,
            "relation": held.most_common(1)[0][0] if held else None,
        }
    return Seen(facts=facts, raw="\n".join(_lock_line(row) for row in rows.values()))


def _root_of(pid: int, rows: Mapping[int, Mapping[str, Any]]) -> int | None:
    """Who stands at the head of the queue that `pid` waits in; a ring of waiters has no head."""
    seen: set[int] = set()
    while pid not in seen:
        seen.add(pid)
        row = rows.get(pid)
        if row is None or not row["blockers"]:
            return pid
        pid = int(row["blockers"][0])
    return None


def _lock_line(row: Mapping[str, Any]) -> str:
    after = f" after {list(row['blockers'])}" if row["blockers"] else ""
    return (
        f"{row['pid']} {row['application']} {row['state']}{after} "
        f"{row['mode'] or ''} {row['relation'] or ''} "
        f"transaction {float(row['transaction_s'] or 0):.1f} s: {normalise(str(row['query'] or ''))}"
    )


def _look_at_statements(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    rows = _rows(eyes, sql.STATEMENTS)
    running = [row for row in rows if row["state"] == "active" and row["wait_type"] != "Lock"]
    texts = Counter(normalise(str(row["query"])) for row in running)
    first = running[0] if running else None
    facts: dict[str, Fact] = {
        "active": len([row for row in rows if row["state"] == "active"]),
        "long_running": len([row for row in running if float(row["running_s"]) > 1]),
        "longest_s": round(float(first["running_s"]), 1) if first else 0.0,
        "top_pid": int(first["pid"]) if first else None,
        "top_started": str(first["started"]) if first else None,
        "top_application": str(first["application"]) if first else None,
        "same_statement": texts.most_common(1)[0][1] if texts else 0,
    }
    raw = "\n".join(
        f"{row['pid']} {row['application']} {float(row['running_s']):.1f} s {row['wait_type'] or 'CPU'} "
        f"{normalise(str(row['query']))}"
        for row in rows
    )
    return Seen(facts=facts, raw=raw)


def _look_at_indexes(eyes: Eyes, _params: Mapping[str, str], _timeout_s: float) -> Seen:
    promised = eyes.plane.content.indexes
    before = {str(row["name"]): row for row in _rows(eyes, sql.TABLES)}
    there = {str(row["name"]): bool(row["is_valid"]) for row in _rows(eyes, sql.INDEXES)}
    time.sleep(_SCAN_SAMPLE_S)
    after = {str(row["name"]): row for row in _rows(eyes, sql.TABLES)}
    read = {
        name: int(row["seq_tup_read"]) - int(before.get(name, row)["seq_tup_read"])
        for name, row in after.items()
    }
    top = max(read, key=lambda name: read[name], default=None)
    missing = [item for item in promised if not there.get(item.name, False)]
    missing.sort(key=lambda item: -read.get(item.table, 0))
    facts: dict[str, Fact] = {
        "promised": len(promised),
        "missing": len(missing),
        "missing_index": missing[0].name if missing else None,
        "missing_table": missing[0].table if missing else None,
        "scanned_table": top if top and read[top] else None,
        "scanned_rows_per_s": round(read[top] / _SCAN_SAMPLE_S) if top else 0,
    }
    lines = [f"missing {item.name} on {item.table}" for item in missing]
    lines += [
        f"{name} {count} rows read by sequential scans in {_SCAN_SAMPLE_S:g} s"
        for name, count in read.items()
    ]
    return Seen(facts=facts, raw="\n".join(lines))


CHECKS: Final = (
    CheckSpec(
        id="postgres.door",
        title=Text(ja="データベースへの接続", en="Reaching the database"),
        asks=Text(
            ja="監視用の役割で接続し、断られたらその理由を分ける",
            en="Connects as the watching role and tells apart why it is refused",
        ),
        facts=("answers", "door", "used_ratio", "uptime_s", "size_mb", "skew_s", "version"),
        timeout_s=4,
        look=_look_at_door,
    ),
    CheckSpec(
        id="postgres.log",
        title=Text(ja="データベースの記録", en="The database's own log"),
        asks=Text(
            ja="サーバーの記録の末尾から、認証の失敗、上限、停止、容量不足を数える",
            en="Counts refused passwords, limits, shutdowns and full disks at the end of the server's log",
        ),
        facts=(
            "wrong_passwords", "wrong_password_role", "app_password_fails", "too_many", "lock_waits",
            "deadlocks", "slow_statements", "crashes", "disk_full", "was_shut_down",
        ),
        timeout_s=3,
        look=_look_at_log,
    ),
    CheckSpec(
        id="postgres.connections",
        title=Text(ja="接続数", en="Connections"),
        asks=Text(
            ja="接続を使い手と状態ごとに数え、上限と比べる",
            en="Counts connections by application and state, beside the limit",
        ),
        facts=(
            "used", "limit", "used_ratio", "idle_in_transaction", "oldest_idle_in_transaction_s", "active",
            "top_application", "top_connections",
        ),
        timeout_s=4,
        look=_look_at_connections,
    ),
    CheckSpec(
        id="postgres.locks",
        title=Text(ja="ロック待ちの木", en="Tree of lock waits"),
        asks=Text(
            ja="待っている処理をたどり、列の先頭で止めている接続を見つける",
            en="Follows who waits for whom up to the connection at the head",
        ),
        facts=(
            "waiting", "longest_wait_s", "blockers", "root_pid", "root_waiters", "root_application",
            "root_state", "root_age_s", "root_started", "relation",
        ),
        timeout_s=4,
        look=_look_at_locks,
    ),
    CheckSpec(
        id="postgres.statements",
        title=Text(ja="実行中の SQL", en="Running statements"),
        asks=Text(
            ja="実行中の SQL を長い順に、値を伏せて読む",
            en="Reads running statements, the longest first, without their literals",
        ),
        facts=(
            "active", "long_running", "longest_s", "top_pid", "top_started", "top_application",
            "same_statement",
        ),
        timeout_s=4,
        look=_look_at_statements,
    ),
    CheckSpec(
        id="postgres.indexes",
        title=Text(ja="索引と全件走査", en="Indexes and sequential scans"),
        asks=Text(
            ja="移行が約束する索引がそろっているかを比べ、1 秒間の全件走査を表ごとに測る",
            en="Compares with the indexes that migrations promise; measures sequential scans for a second",
        ),
        facts=(
            "promised", "missing", "missing_index", "missing_table", "scanned_table", "scanned_rows_per_s",
        ),
        timeout_s=6,
        look=_look_at_indexes,
    ),
)  # fmt: skip
