"""The operations plane: what the watcher saw, the ledger, messages to people, signs of life."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import PART, bounded, chosen, counter, gauge, histogram
from hrx.kit.figures import Source

_CHANNEL: Final = chosen("channel", "slack", "email", "pagerduty", "webhook", "other")
_TARGET: Final = bounded("target", "addresses that the probe is told to try", at_most=64)

PART_STATUS: Final = gauge(
    "hrx_ops_part_status",
    Source.OPS,
    unit="0/1",
    ja="部品の今の状態に 1、ほかの状態に 0。",
    en="1 for the present status of each part.",
    labels=(PART, chosen("status", "ok", "degraded", "down", "unknown")),
)
PART_LOOK: Final = gauge(
    "hrx_ops_part_look_seconds",
    Source.OPS,
    unit="s",
    ja="最後に部品を見たときの応答時間。",
    en="Duration of the last look at a part.",
    labels=(PART,),
)
PART_MEMORY: Final = gauge(
    "hrx_ops_part_memory_bytes",
    Source.OPS,
    unit="bytes",
    ja="部品のプロセスのメモリー(按分した大きさ)。",
    en="Proportional memory of a part's processes.",
    labels=(PART,),
)
LOOKED_AT: Final = gauge(
    "hrx_ops_look_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="最後に全部品を見た時刻。",
    en="When the watcher last looked.",
)
LEDGER_IS_VALID: Final = gauge(
    "hrx_ops_ledger_is_valid",
    Source.OPS,
    unit="0/1",
    ja="台帳の鎖を検証できれば 1。",
    en="1 when the chain verified.",
)
LEDGER_ENTRIES: Final = gauge(
    "hrx_ops_ledger_entries",
    Source.OPS,
    unit="entries",
    ja="検証したときの台帳の件数。",
    en="Entries when the chain was verified.",
)
DELIVERIES: Final = counter(
    "hrx_notification_deliveries_total",
    Source.OPS,
    unit="messages",
    ja="人への知らせを、届け先の種類と結果ごとに数えたもの(台帳による)。",
    en="Messages to people by channel and outcome, counted in the ledger.",
    labels=(_CHANNEL, chosen("outcome", "delivered", "failed")),
)
DELIVERY_LATENCY: Final = histogram(
    "hrx_notification_latency_seconds",
    Source.OPS,
    unit="s",
    ja="知らせることが決まってから届くまでの時間(再試行を含む)。",
    en="From the decision to tell somebody until it was delivered, retries included.",
    labels=(_CHANNEL,),
    buckets=(0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
HEARTBEAT: Final = gauge(
    "hrx_heartbeat_last_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="生きている印が最後に届いた時刻。",
    en="When each sign of life was last seen.",
    labels=(chosen("source", "watcher", "ticker", "alert-chain", "probe", "rules", "watchdog"),),
)
RULES: Final = gauge(
    "hrx_alert_rules",
    Source.OPS,
    unit="rules",
    ja="アラート規則の数(状態ごと)。",
    en="Alert rules by how they stand.",
    labels=(chosen("state", "ok", "pending", "firing", "blind", "not_fed", "unknown"),),
)
RULE_BLIND: Final = gauge(
    "hrx_alert_rule_is_blind",
    Source.OPS,
    unit="0/1",
    ja="規則が見るべきものを見られないとき 1。",
    en="1 while a rule cannot see what it is about.",
    labels=(bounded("rule", "rules in runbook/watch", at_most=120),),
)
PROBE_SUCCESS: Final = gauge(
    "hrx_probe_success",
    Source.PROBE,
    unit="0/1",
    ja="外から見て応答すれば 1。",
    en="1 when it answers as seen from outside.",
    labels=(_TARGET,),
)
PROBE_DURATION: Final = gauge(
    "hrx_probe_duration_seconds",
    Source.PROBE,
    unit="s",
    ja="外から見た応答時間。",
    en="How long the answer took from outside.",
    labels=(_TARGET,),
)
PROBE_TLS: Final = gauge(
    "hrx_probe_tls_not_after_timestamp_seconds",
    Source.PROBE,
    unit="s since 1970",
    ja="証明書の有効期限。",
    en="When the certificate ends.",
    labels=(_TARGET,),
)
INCIDENTS_OPEN: Final = gauge(
    "hrx_incidents_open",
    Source.OPS,
    unit="incidents",
    ja="対応中の障害の数(重大度ごと)。",
    en="Incidents in which somebody still has something to do, by severity.",
    labels=(chosen("severity", "1", "2", "3", "4"),),
)
SIGNALS: Final = counter(
    "hrx_signals_total",
    Source.OPS,
    unit="signals",
    ja="受け取ったシグナルの数(出どころごと)。台帳で数える。",
    en="Signals taken in, by who told them; counted in the ledger.",
    labels=(
        chosen(
            "source", "alertmanager", "webhook", "console", "cli", "watcher", "probe", "detector", "drill"
        ),
    ),
)
CLOCK_BREACHES: Final = counter(
    "hrx_clock_breaches_total",
    Source.OPS,
    unit="breaches",
    ja="期限を過ぎた時計の数(対応開始か復旧か)。台帳で数える。",
    en="Clocks of incidents that ran out, response or recovery; counted in the ledger.",
    labels=(chosen("clock", "respond", "recover"),),
)
INCIDENTS: Final = (INCIDENTS_OPEN, SIGNALS, CLOCK_BREACHES)
LOG_SIZE: Final = gauge(
    "hrx_log_size_bytes",
    Source.OPS,
    unit="bytes",
    ja="ログの大きさ。書いている文字、閉じた文字、保管庫。",
    en="Size of the logs: text being written, closed text, archive.",
    labels=(chosen("store", "live", "closed", "archive"),),
)
LOG_OLDEST: Final = gauge(
    "hrx_log_oldest_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="保管庫にあるいちばん古い日。",
    en="The oldest day of the archive.",
)
LOG_ARCHIVED_AT: Final = gauge(
    "hrx_log_archive_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="ログの保管が最後に終わった時刻。",
    en="When archiving of logs last ended.",
)
LOG_LINES: Final = counter(
    "hrx_log_archived_lines_total",
    Source.OPS,
    unit="lines",
    ja="保管庫に入れた行。",
    en="Lines taken into the archive.",
)
LOG_LOST: Final = counter(
    "hrx_log_lost_lines_total",
    Source.OPS,
    unit="lines",
    ja="保管で失われた行。0 でなければならない。",
    en="Lines that archiving lost; must be 0.",
)
_LOGS: Final = (LOG_SIZE, LOG_OLDEST, LOG_ARCHIVED_AT, LOG_LINES, LOG_LOST)
PLANE: Final = (
    *(PART_STATUS, PART_LOOK, PART_MEMORY, LOOKED_AT, LEDGER_IS_VALID, LEDGER_ENTRIES),
    *_LOGS,
)
TELLING: Final = (DELIVERIES, DELIVERY_LATENCY, HEARTBEAT, RULES, RULE_BLIND)
PROBE: Final = (PROBE_SUCCESS, PROBE_DURATION, PROBE_TLS)
