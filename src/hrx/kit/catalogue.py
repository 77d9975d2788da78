"""The one catalogue of metrics: every figure that a process of ours exports, and those of others we rely on.

Instruments are made from these declarations and from nothing else; docs/metrics.md is made from them too,
and dashboards and alert rules will be. It stands in the kit because the operations plane, which reads the
figures, never imports the application, which exports them."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.kit.figures import Label, Metric, MetricType, Source, bounded, chosen

_PYTHON: Final = (Source.API, Source.WORKER, Source.OPS)
_HTTP: Final = (Source.API, Source.OPS)
#: Advisory bounds of OTel's http.server.request.duration, with two more below for a local product.
_HTTP_BUCKETS_S: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
_JOB_BUCKETS_S: Final = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0)
_PART: Final = bounded("part", "parts in runbook/parts.yaml", at_most=32)
_NOTHING: Final[tuple[Label, ...]] = ()


def _metric(
    name: str,
    metric_type: MetricType,
    sources: tuple[Source, ...],
    *,
    unit: str,
    ja: str,
    en: str,
    labels: tuple[Label, ...] = _NOTHING,
    buckets: tuple[float, ...] = (),
) -> Metric:
    return Metric(
        name=name,
        type=metric_type,
        unit=unit,
        says=Text(ja=ja, en=en),
        sources=sources,
        labels=labels,
        buckets=buckets,
    )


# ── HTTP: API and operations console ──────────────────────────────────────────────────────────────────
HTTP_DURATION: Final = _metric(
    "http_server_request_duration_seconds",
    MetricType.HISTOGRAM,
    _HTTP,
    unit="s",
    ja="HTTP 要求の処理時間(経路のひな形ごと)。",
    en="Duration of HTTP server requests, by route template.",
    labels=(
        chosen("http_request_method", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER"),
        bounded("http_route", "route templates of the process, `unmatched`", at_most=250),
        bounded("http_response_status_code", "HTTP status codes in use", at_most=30),
    ),
    buckets=_HTTP_BUCKETS_S,
)
HTTP_ACTIVE: Final = _metric(
    "http_server_active_requests",
    MetricType.GAUGE,
    _HTTP,
    unit="requests",
    ja="今処理している HTTP 要求の数。",
    en="HTTP requests being answered now.",
)

# ── the application ───────────────────────────────────────────────────────────────────────────────────
SIGN_INS: Final = _metric(
    "hrx_app_sign_ins_total",
    MetricType.COUNTER,
    (Source.API,),
    unit="sign-ins",
    ja="サインインの段階を、方法と結果ごとに数えたもの。",
    en="Sign-in steps by method and outcome.",
    labels=(
        chosen("method", "password", "password+totp", "totp", "oidc", "any"),
        chosen("outcome", "signed_in", "wrong", "totp_required", "no_account", "too_many"),
    ),
)
CACHE_REQUESTS: Final = _metric(
    "hrx_app_cache_requests_total",
    MetricType.COUNTER,
    (Source.API,),
    unit="requests",
    ja="キャッシュの参照を結果ごとに数えたもの。",
    en="Cache look-ups by outcome.",
    labels=(
        bounded("view", "cached views named in the code", at_most=32),
        chosen("outcome", "hit", "shared", "miss", "bypass"),
    ),
)
CACHE_UP: Final = _metric(
    "hrx_app_cache_up",
    MetricType.GAUGE,
    (Source.API,),
    unit="0/1",
    ja="Redis が応答していれば 1、迂回中は 0。",
    en="1 while Redis answers, 0 while it is bypassed.",
)
LIVE_CONNECTIONS: Final = _metric(
    "hrx_app_live_connections",
    MetricType.GAUGE,
    (Source.API,),
    unit="connections",
    ja="開いているライブ更新の接続数。",
    en="Open live streams.",
)
LIVE_EVENTS: Final = _metric(
    "hrx_app_live_events_total",
    MetricType.COUNTER,
    (Source.API,),
    unit="events",
    ja="受け取った変更の知らせ。",
    en="Events heard.",
    labels=(
        chosen(
            "kind",
            "people.changed",
            "org.changed",
            "import.progress",
            "change_order.changed",
            "session.revoked",
            "reset",
        ),
    ),
)
LIVE_RECONNECTS: Final = _metric(
    "hrx_app_live_reconnects_total",
    MetricType.COUNTER,
    (Source.API,),
    unit="losses",
    ja="変更の知らせを待つ接続が切れた回数。",
    en="Times the listening connection was lost.",
)
JOB_DURATION: Final = _metric(
    "hrx_app_job_duration_seconds",
    MetricType.HISTOGRAM,
    (Source.WORKER,),
    unit="s",
    ja="裏の仕事の所要時間。",
    en="Duration of jobs.",
    labels=(
        bounded("task", "tasks named in the code", at_most=64),
        chosen("outcome", "succeeded", "failed"),
    ),
    buckets=_JOB_BUCKETS_S,
)
JOBS_RESCUED: Final = _metric(
    "hrx_app_jobs_rescued_total",
    MetricType.COUNTER,
    (Source.WORKER,),
    unit="jobs",
    ja="止まったワーカーの仕事をやり直した回数。",
    en="Jobs of dead workers that were run again.",
)
WORKER_UP: Final = _metric(
    "hrx_app_worker_up",
    MetricType.GAUGE,
    (Source.WORKER,),
    unit="0/1",
    ja="仕事を受け取っていれば 1。",
    en="1 while jobs are being taken.",
)
AUDIT_SEALED: Final = _metric(
    "hrx_app_audit_sealed_total",
    MetricType.COUNTER,
    (Source.WORKER,),
    unit="entries",
    ja="鎖につないだ監査記録の数。",
    en="Audit entries linked.",
)
QUEUE_LOSSES: Final = _metric(
    "hrx_app_worker_queue_losses_total",
    MetricType.COUNTER,
    (Source.WORKER,),
    unit="losses",
    ja="仕事の待ち行列を見失った回数。",
    en="Times the queue was lost.",
)

# ── the operations plane ──────────────────────────────────────────────────────────────────────────────
PART_STATUS: Final = _metric(
    "hrx_ops_part_status",
    MetricType.GAUGE,
    (Source.OPS,),
    unit="0/1",
    ja="部品の今の状態に 1、ほかの状態に 0。",
    en="1 for the present status of each part.",
    labels=(_PART, chosen("status", "ok", "degraded", "down", "unknown")),
)
PART_LOOK: Final = _metric(
    "hrx_ops_part_look_seconds",
    MetricType.GAUGE,
    (Source.OPS,),
    unit="s",
    ja="最後に部品を見たときの応答時間。",
    en="Duration of the last look at a part.",
    labels=(_PART,),
)
PART_MEMORY: Final = _metric(
    "hrx_ops_part_memory_bytes",
    MetricType.GAUGE,
    (Source.OPS,),
    unit="bytes",
    ja="部品のプロセスのメモリー(按分した大きさ)。",
    en="Proportional memory of a part's processes.",
    labels=(_PART,),
)
LOOKED_AT: Final = _metric(
    "hrx_ops_look_timestamp_seconds",
    MetricType.GAUGE,
    (Source.OPS,),
    unit="s since 1970",
    ja="最後に全部品を見た時刻。",
    en="When the watcher last looked.",
)
LEDGER_IS_VALID: Final = _metric(
    "hrx_ops_ledger_is_valid",
    MetricType.GAUGE,
    (Source.OPS,),
    unit="0/1",
    ja="台帳の鎖を検証できれば 1。",
    en="1 when the chain verified.",
)
LEDGER_ENTRIES: Final = _metric(
    "hrx_ops_ledger_entries",
    MetricType.GAUGE,
    (Source.OPS,),
    unit="entries",
    ja="検証したときの台帳の件数。",
    en="Entries when the chain was verified.",
)

# ── what the client library tells of every process of ours ────────────────────────────────────────────
_PROCESS: Final = (
    _metric(
        "process_cpu_seconds_total",
        MetricType.COUNTER,
        _PYTHON,
        unit="s",
        ja="プロセスが使った CPU 時間。",
        en="CPU time of the process.",
    ),
    _metric(
        "process_resident_memory_bytes",
        MetricType.GAUGE,
        _PYTHON,
        unit="bytes",
        ja="プロセスの常駐メモリー。",
        en="Resident memory of the process.",
    ),
    _metric(
        "process_virtual_memory_bytes",
        MetricType.GAUGE,
        _PYTHON,
        unit="bytes",
        ja="プロセスの仮想メモリー。",
        en="Virtual memory of the process.",
    ),
    _metric(
        "process_open_fds",
        MetricType.GAUGE,
        _PYTHON,
        unit="files",
        ja="開いているファイルの数。",
        en="Open files and sockets.",
    ),
    _metric(
        "process_max_fds",
        MetricType.GAUGE,
        _PYTHON,
        unit="files",
        ja="開けるファイルの上限。",
        en="How many the process may open.",
    ),
    _metric(
        "process_start_time_seconds",
        MetricType.GAUGE,
        _PYTHON,
        unit="s since 1970",
        ja="プロセスが始まった時刻。",
        en="When the process started.",
    ),
    _metric(
        "python_info",
        MetricType.GAUGE,
        _PYTHON,
        unit="1",
        ja="Python の版。",
        en="The Python that runs.",
        labels=tuple(
            bounded(name, "the interpreter's own word", at_most=1)
            for name in ("implementation", "major", "minor", "patchlevel", "version")
        ),
    ),
    *(
        _metric(
            f"python_gc_{name}_total",
            MetricType.COUNTER,
            _PYTHON,
            unit=unit,
            ja=ja,
            en=en,
            labels=(chosen("generation", "0", "1", "2"),),
        )
        for name, unit, ja, en in (
            ("collections", "collections", "ゴミ集めの回数。", "Garbage collections."),
            ("objects_collected", "objects", "ゴミ集めで片付いたもの。", "Objects collected."),
            ("objects_uncollectable", "objects", "片付けられなかったもの。", "Objects that could not be."),
        )
    ),
)

# ── of others: only those that our rules and pages rely on; each exports many more ────────────────────
_OTHERS: Final = (
    _metric(
        "haproxy_backend_active_servers",
        MetricType.GAUGE,
        (Source.EDGE,),
        unit="servers",
        ja="要求を受けられるスロットの数。",
        en="Slots that take requests.",
        labels=(bounded("proxy", "backends in deploy/edge/haproxy.cfg", at_most=8),),
    ),
    _metric(
        "haproxy_frontend_http_responses_total",
        MetricType.COUNTER,
        (Source.EDGE,),
        unit="responses",
        ja="利用者への応答を状態の種類ごとに数えたもの。",
        en="Answers to people by class of status.",
        labels=(
            bounded("proxy", "frontends in deploy/edge/haproxy.cfg", at_most=8),
            chosen("code", "1xx", "2xx", "3xx", "4xx", "5xx", "other"),
        ),
    ),
)

_OURS: Final = (
    HTTP_DURATION,
    HTTP_ACTIVE,
    SIGN_INS,
    CACHE_REQUESTS,
    CACHE_UP,
    LIVE_CONNECTIONS,
    LIVE_EVENTS,
    LIVE_RECONNECTS,
    JOB_DURATION,
    JOBS_RESCUED,
    WORKER_UP,
    AUDIT_SEALED,
    QUEUE_LOSSES,
    PART_STATUS,
    PART_LOOK,
    PART_MEMORY,
    LOOKED_AT,
    LEDGER_IS_VALID,
    LEDGER_ENTRIES,
)
#: Everything, in the order of the page.
CATALOGUE: Final[tuple[Metric, ...]] = (*_OURS, *_PROCESS, *_OTHERS)


def list_metrics_of(source: Source) -> tuple[Metric, ...]:
    """What one process exports; of a program that is not ours, what we rely on."""
    return tuple(metric for metric in CATALOGUE if source in metric.sources)
