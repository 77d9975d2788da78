"""The application besides HTTP and data: sign-in, live updates, background jobs."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import JOB_BUCKETS_S, bounded, chosen, counter, gauge, histogram
from hrx.kit.figures import Source

_QUEUE: Final = bounded("queue", "queues named in the code", at_most=8)

LIVE_CONNECTIONS: Final = gauge(
    "hrx_app_live_connections",
    Source.API,
    unit="connections",
    ja="開いているライブ更新の接続数。",
    en="Open live streams.",
)
LIVE_EVENTS: Final = counter(
    "hrx_app_live_events_total",
    Source.API,
    unit="events",
    ja="受け取った変更の知らせ。",
    en="Events heard.",
    labels=(
        chosen(
            "kind",
            "people.changed",
            "org.changed",
            "import.progress",
            "document.progress",
            "change_order.changed",
            "session.revoked",
            "reset",
        ),
    ),
)
LIVE_RECONNECTS: Final = counter(
    "hrx_app_live_reconnects_total",
    Source.API,
    unit="losses",
    ja="変更の知らせを待つ接続が切れた回数。",
    en="Times the listening connection was lost.",
)
JOB_DURATION: Final = histogram(
    "messaging_process_duration_seconds",
    Source.WORKER,
    unit="s",
    ja="裏の仕事の所要時間。",
    en="Duration of jobs.",
    labels=(
        bounded("task", "tasks named in the code", at_most=64),
        chosen("outcome", "succeeded", "failed"),
    ),
    buckets=JOB_BUCKETS_S,
)
QUEUE_DEPTH: Final = gauge(
    "hrx_queue_depth",
    Source.WORKER,
    unit="jobs",
    ja="待ち行列の仕事の数。waiting は期日が来たもの、scheduled はまだ来ていないもの。",
    en="Jobs in the queue; waiting ones are due, scheduled ones are not yet.",
    labels=(_QUEUE, chosen("state", "waiting", "scheduled", "running", "failed")),
)
QUEUE_OLDEST: Final = gauge(
    "hrx_queue_oldest_age_seconds",
    Source.WORKER,
    unit="s",
    ja="いちばん長く待っている仕事が、期日からどれだけ待ったか。",
    en="How long the longest waiting job has been due.",
    labels=(_QUEUE,),
)
QUEUE_LOOKED: Final = gauge(
    "hrx_queue_looked_timestamp_seconds",
    Source.WORKER,
    unit="s since 1970",
    ja="待ち行列を最後に数えた時刻。",
    en="When the queue was last counted.",
)
JOBS_RESCUED: Final = counter(
    "hrx_app_jobs_rescued_total",
    Source.WORKER,
    unit="jobs",
    ja="止まったワーカーの仕事をやり直した回数。",
    en="Jobs of dead workers that were run again.",
)
WORKER_UP: Final = gauge(
    "hrx_app_worker_up",
    Source.WORKER,
    unit="0/1",
    ja="仕事を受け取っていれば 1。",
    en="1 while jobs are being taken.",
)
EFFECTS_HELD: Final = gauge(
    "hrx_app_effects_held",
    Source.WORKER,
    unit="0/1",
    ja="復元後に外部への送信を止めていれば 1。人が再開するまで仕事を受け取らない。",
    en="1 while outside effects are held after a restore: no job is taken until a person releases them.",
)
AUDIT_SEALED: Final = counter(
    "hrx_app_audit_sealed_total",
    Source.WORKER,
    unit="entries",
    ja="鎖につないだ監査記録の数。",
    en="Audit entries linked.",
)
QUEUE_LOSSES: Final = counter(
    "hrx_app_worker_queue_losses_total",
    Source.WORKER,
    unit="losses",
    ja="仕事の待ち行列を見失った回数。",
    en="Times the queue was lost.",
)
LIVE: Final = (LIVE_CONNECTIONS, LIVE_EVENTS, LIVE_RECONNECTS)
JOBS: Final = (
    JOB_DURATION,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    QUEUE_LOOKED,
    JOBS_RESCUED,
    WORKER_UP,
    EFFECTS_HELD,
    AUDIT_SEALED,
    QUEUE_LOSSES,
)
