"""Data: the database as its callers, the machine and it itself see it; the cache; volumes."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import DATABASE_BUCKETS_S, bounded, chosen, counter, gauge, histogram
from hrx.kit.figures import Source

_CALLERS: Final = (Source.API, Source.WORKER)
_DATABASE: Final = bounded("datname", "databases of the server", at_most=8)
_VOLUME: Final = chosen("volume", "database", "files", "ledger", "logs", "releases")

# ── as the application sees it ────────────────────────────────────────────────────────────────────────
DB_DURATION: Final = histogram(
    "db_client_operation_duration_seconds",
    *_CALLERS,
    unit="s",
    ja="SQL 文の所要時間(送ってから答えが来るまで)。",
    en="Duration of SQL statements, from sending to the answer.",
    labels=(
        chosen("db_system_name", "postgresql"),
        chosen(
            "db_operation_name", "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "OTHER"
        ),
        chosen("error_type", "", "timeout", "lock", "constraint", "connection", "other"),
    ),
    buckets=DATABASE_BUCKETS_S,
)
DB_CONNECTIONS: Final = gauge(
    "db_client_connection_count",
    *_CALLERS,
    unit="connections",
    ja="接続プールの接続数。",
    en="Connections of the pool.",
    labels=(chosen("state", "idle", "used"),),
)
DB_CONNECTIONS_MAX: Final = gauge(
    "db_client_connection_max",
    *_CALLERS,
    unit="connections",
    ja="接続プールの上限。",
    en="How many connections the pool may have.",
)
DB_PENDING: Final = gauge(
    "db_client_connection_pending_requests",
    *_CALLERS,
    unit="requests",
    ja="空き接続を待っている要求の数。",
    en="Requests waiting for a connection.",
)
DB_WAIT: Final = histogram(
    "db_client_connection_wait_time_seconds",
    *_CALLERS,
    unit="s",
    ja="接続を得るまでに待った時間(新しくつなぐ時間を含む)。",
    en="Time until a connection was had, opening one included.",
    buckets=DATABASE_BUCKETS_S,
)

# ── as the machine sees it ────────────────────────────────────────────────────────────────────────────
DB_CPU: Final = gauge(
    "hrx_db_cpu_utilization_ratio",
    Source.OPS,
    unit="ratio",
    ja="データベースの全プロセスの CPU 使用率(1 = 使える全コア)。",
    en="CPU use of all processes of the database; 1 is every core it may have.",
)
DB_MEMORY: Final = gauge(
    "hrx_db_memory_bytes",
    Source.OPS,
    unit="bytes",
    ja="データベースの全プロセスのメモリー(共有分は一度だけ数える)。",
    en="Memory of all processes of the database, shared pages counted once.",
)
DB_DISK: Final = counter(
    "hrx_db_disk_operations_total",
    Source.OPS,
    unit="operations",
    ja="データベースのプロセスが行ったファイルの読み書きの回数。",
    en="File reads and writes made by the database's processes.",
    labels=(chosen("direction", "read", "write"),),
)
STORAGE_AVAILABLE: Final = gauge(
    "hrx_storage_available_bytes",
    Source.OPS,
    unit="bytes",
    ja="データを置くディスクの空き。同じディスクは一度だけ、最初の用途の名前で出す。",
    en="Free space of the disks that hold our data; each disk once, named after its first use.",
    labels=(_VOLUME,),
)
STORAGE_CAPACITY: Final = gauge(
    "hrx_storage_capacity_bytes",
    Source.OPS,
    unit="bytes",
    ja="同じディスクの大きさ(使える空きと使用中の合計)。",
    en="Size of the same disks: what is used and what may be used.",
    labels=(_VOLUME,),
)
# Names of OpenTelemetry's `system.*`.
MACHINE_CPU: Final = counter(
    "system_cpu_time_seconds_total",
    Source.OPS,
    unit="s",
    ja="このマシンの CPU 時間を使い道ごとに数えたもの。",
    en="CPU time of this machine by what it went into.",
    labels=(chosen("cpu_mode", "user", "nice", "system", "idle", "iowait", "interrupt", "steal"),),
)
MACHINE_MEMORY: Final = gauge(
    "system_memory_limit_bytes",
    Source.OPS,
    unit="bytes",
    ja="このマシンのメモリー。",
    en="Memory of this machine.",
)
MACHINE_MEMORY_LEFT: Final = gauge(
    "system_linux_memory_available_bytes",
    Source.OPS,
    unit="bytes",
    ja="まだ使えるメモリー(捨てられる控えを含む)。",
    en="Memory that may still be used, what can be dropped included.",
)
MACHINE_NETWORK: Final = counter(
    "system_network_io_bytes_total",
    Source.OPS,
    unit="bytes",
    ja="このマシンの外との通信量(マシン内の通信を除く)。",
    en="Traffic of this machine with others; loopback is not in it.",
    labels=(chosen("network_io_direction", "receive", "transmit"),),
)

# ── the cache ─────────────────────────────────────────────────────────────────────────────────────────
CACHE_REQUESTS: Final = counter(
    "hrx_app_cache_requests_total",
    Source.API,
    unit="requests",
    ja="キャッシュの参照を結果ごとに数えたもの。",
    en="Cache look-ups by outcome.",
    labels=(
        bounded("view", "cached views named in the code", at_most=32),
        chosen("outcome", "hit", "shared", "miss", "bypass"),
    ),
)
CACHE_DURATION: Final = histogram(
    "hrx_cache_operation_duration_seconds",
    Source.API,
    unit="s",
    ja="Redis への問い合わせの所要時間。",
    en="Duration of calls to Redis.",
    labels=(chosen("operation", "get", "put"), chosen("outcome", "ok", "failed")),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5),
)
CACHE_UP: Final = gauge(
    "hrx_app_cache_up",
    Source.API,
    unit="0/1",
    ja="Redis が応答していれば 1、迂回中は 0。",
    en="1 while Redis answers, 0 while it is bypassed.",
)

# ── as the servers see themselves: of the exporters' many, those we rely on ───────────────────────────
_POSTGRES: Final = (
    gauge(
        "pg_up",
        Source.POSTGRES,
        unit="0/1",
        ja="エクスポーターがデータベースに届いていれば 1。",
        en="1 while the exporter reaches the database.",
    ),
    gauge(
        "pg_stat_activity_count",
        Source.POSTGRES,
        unit="connections",
        ja="サーバー側の接続数(状態ごと)。",
        en="Connections as the server counts them, by state.",
        labels=(_DATABASE, bounded("state", "PostgreSQL's states of a session", at_most=8)),
        is_open=True,
    ),
    gauge(
        "pg_settings_max_connections",
        Source.POSTGRES,
        unit="connections",
        ja="サーバーの接続数の上限。",
        en="How many connections the server takes.",
        is_open=True,
    ),
    gauge(
        "pg_database_size_bytes",
        Source.POSTGRES,
        unit="bytes",
        ja="データベースの大きさ。",
        en="Size of each database.",
        labels=(_DATABASE,),
    ),
    *(
        counter(
            f"pg_stat_database_{name}",
            Source.POSTGRES,
            unit=unit,
            ja=ja,
            en=en,
            labels=(_DATABASE,),
            is_open=True,
        )
        for name, unit, ja, en in (
            ("xact_commit", "transactions", "確定したトランザクション。", "Transactions committed."),
            ("xact_rollback", "transactions", "取り消したトランザクション。", "Transactions rolled back."),
            ("blks_read", "blocks", "ディスクから読んだブロック。", "Blocks read from disk."),
            ("blks_hit", "blocks", "メモリーで足りたブロック。", "Blocks found in memory."),
            ("deadlocks", "deadlocks", "デッドロック。", "Deadlocks."),
            ("temp_bytes", "bytes", "一時ファイルに書いた量。", "Bytes written to temporary files."),
            ("tup_returned", "rows", "走査した行。", "Rows that scans went through."),
            ("tup_fetched", "rows", "索引で取り出した行。", "Rows fetched by an index."),
        )
    ),
    gauge(
        "pg_locks_count",
        Source.POSTGRES,
        unit="locks",
        ja="ロックの数(種類ごと)。",
        en="Locks, by mode.",
        labels=(_DATABASE, bounded("mode", "PostgreSQL's lock modes", at_most=10)),
        is_open=True,
    ),
    gauge(
        "pg_lock_waits_sessions",
        Source.POSTGRES,
        unit="sessions",
        ja="他の処理が持つロックを待っているセッションの数。",
        en="Sessions that wait for a lock that another holds.",
        is_open=True,
    ),
    gauge(
        "pg_standby_lag_seconds",
        Source.POSTGRES,
        unit="s",
        ja="待機系の遅れ。離れていればその長さ。待機系がなければ 0。",
        en="How late the standby replays, or how long it has been away; 0 without a standby.",
        is_open=True,
    ),
    gauge(
        "pg_standby_lag_bytes",
        Source.POSTGRES,
        unit="bytes",
        ja="待機系がまだ書き込んでいない変更記録の量。待機系がなければ 0。",
        en="Change records that the standby has not flushed; 0 without a standby.",
        is_open=True,
    ),
    gauge(
        "pg_replication_lag_seconds",
        Source.POSTGRES,
        unit="s",
        ja="複製の遅れ(複製でないサーバーでは 0)。",
        en="How far a replica is behind; 0 on a server that is none.",
        is_open=True,
    ),
    gauge(
        "pg_long_running_transactions_oldest_timestamp_seconds",
        Source.POSTGRES,
        unit="s",
        ja="いちばん長いトランザクションの長さ(名前に反して経過時間)。",
        en="How long the longest transaction has run (an age, in spite of its name).",
        is_open=True,
    ),
)
_REDIS: Final = (
    gauge(
        "redis_up",
        Source.REDIS,
        unit="0/1",
        ja="エクスポーターが Redis に届いていれば 1。",
        en="1 while the exporter reaches Redis.",
    ),
    gauge(
        "redis_memory_used_bytes", Source.REDIS, unit="bytes", ja="使用中のメモリー。", en="Memory in use."
    ),
    gauge(
        "redis_memory_max_bytes",
        Source.REDIS,
        unit="bytes",
        ja="使ってよいメモリー。",
        en="Memory that may be used.",
    ),
    gauge(
        "redis_connected_clients",
        Source.REDIS,
        unit="connections",
        ja="つながっている接続の数。",
        en="Connections.",
    ),
    *(
        counter(f"redis_{name}_total", Source.REDIS, unit=unit, ja=ja, en=en)
        for name, unit, ja, en in (
            ("keyspace_hits", "look-ups", "見つかった参照。", "Look-ups that found something."),
            ("keyspace_misses", "look-ups", "見つからなかった参照。", "Look-ups that found nothing."),
            ("evicted_keys", "keys", "場所を空けるために捨てたもの。", "Keys dropped to make room."),
            ("commands_processed", "commands", "処理した命令。", "Commands processed."),
        )
    ),
)
DATABASE: Final = (DB_DURATION, DB_CONNECTIONS, DB_CONNECTIONS_MAX, DB_PENDING, DB_WAIT)
MACHINE: Final = (
    DB_CPU,
    DB_MEMORY,
    DB_DISK,
    STORAGE_AVAILABLE,
    STORAGE_CAPACITY,
    MACHINE_CPU,
    MACHINE_MEMORY,
    MACHINE_MEMORY_LEFT,
    MACHINE_NETWORK,
)
CACHE: Final = (CACHE_REQUESTS, CACHE_DURATION, CACHE_UP)
SERVERS: Final = (*_POSTGRES, *_REDIS)
