"""The one catalogue of metrics: every figure that a process of ours exports, and those of others we rely on.

Instruments are made from these declarations and from nothing else; docs/metrics.md is made from them too,
and dashboards and alert rules take their names from here. It stands in the kit because the operations plane,
which reads the figures, never imports the application, which exports them."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue import ai, app, data, http, operations, process, security, web
from hrx.kit.catalogue.ai import (
    GEN_AI_COST,
    GEN_AI_DURATION,
    GEN_AI_FIRST_CHUNK,
    GEN_AI_TOKENS,
    MODEL_ACCURACY,
    MODEL_DRIFT,
    MODEL_DURATION,
    RAG_RELEVANCE,
    RAG_RETRIEVALS,
)
from hrx.kit.catalogue.app import (
    AUDIT_SEALED,
    JOB_DURATION,
    JOBS_RESCUED,
    LIVE_CONNECTIONS,
    LIVE_EVENTS,
    LIVE_RECONNECTS,
    QUEUE_DEPTH,
    QUEUE_LOOKED,
    QUEUE_LOSSES,
    QUEUE_OLDEST,
    WORKER_UP,
)
from hrx.kit.catalogue.data import (
    BACKUP_RUNS,
    BACKUP_SUCCEEDED,
    BACKUP_VERIFIED,
    CACHE_DURATION,
    CACHE_REQUESTS,
    CACHE_UP,
    DB_CONNECTIONS,
    DB_CONNECTIONS_MAX,
    DB_CPU,
    DB_DISK,
    DB_DURATION,
    DB_MEMORY,
    DB_PENDING,
    DB_WAIT,
    MACHINE_CPU,
    MACHINE_MEMORY,
    MACHINE_MEMORY_LEFT,
    MACHINE_NETWORK,
    RPO,
    STORAGE_AVAILABLE,
    STORAGE_CAPACITY,
)
from hrx.kit.catalogue.http import (
    EDGE_DENIED,
    EDGE_RESPONSES,
    EDGE_SERVERS,
    EVENT_LOOP_LAG,
    HTTP_ACTIVE,
    HTTP_DURATION,
)
from hrx.kit.catalogue.operations import (
    CLOCK_BREACHES,
    DELIVERIES,
    DELIVERY_LATENCY,
    HEARTBEAT,
    INCIDENTS_OPEN,
    LEDGER_ENTRIES,
    LEDGER_IS_VALID,
    LOOKED_AT,
    PART_LOOK,
    PART_MEMORY,
    PART_STATUS,
    PROBE_DURATION,
    PROBE_SUCCESS,
    PROBE_TLS,
    RULE_BLIND,
    RULES,
    SIGNALS,
)
from hrx.kit.catalogue.security import (
    AUTH_ATTEMPTS,
    BLOCKED,
    DETECTIONS,
    SUSPICIOUS_SOURCES,
)
from hrx.kit.catalogue.web import (
    DEVICES,
    UNMATCHED,
    VITALS,
    WEB_BEACONS,
    WEB_CLS,
    WEB_ERROR_TYPES,
    WEB_ERRORS,
    WEB_FCP,
    WEB_FID,
    WEB_INP,
    WEB_LCP,
    WEB_PAGE_VIEWS,
    WEB_ROUTES,
    WEB_TTFB,
    WEB_USERS,
)
from hrx.kit.figures import Metric, Source

#: Everything, in the order of the page.
CATALOGUE: Final[tuple[Metric, ...]] = (
    *http.HTTP,
    *security.SECURITY,
    *data.DATABASE,
    *data.CACHE,
    *app.LIVE,
    *app.JOBS,
    *web.WEB,
    *ai.AI,
    *operations.PLANE,
    *operations.INCIDENTS,
    *operations.TELLING,
    *data.MACHINE,
    *data.BACKUP,
    *operations.PROBE,
    *process.PROCESS,
    *data.SERVERS,
    *http.EDGE,
)


def list_metrics_of(source: Source) -> tuple[Metric, ...]:
    """What one process exports; of a program that is not ours, what we rely on."""
    return tuple(metric for metric in CATALOGUE if source in metric.sources)


def find_metric(name: str) -> Metric | None:
    """The metric of this name; `_bucket`, `_sum` and `_count` belong to their histogram."""
    known = {metric.name: metric for metric in CATALOGUE}
    if name in known:
        return known[name]
    stem, _, ending = name.rpartition("_")
    return known.get(stem) if ending in {"bucket", "sum", "count"} else None


__all__ = [
    "AUDIT_SEALED",
    "AUTH_ATTEMPTS",
    "BACKUP_RUNS",
    "BACKUP_SUCCEEDED",
    "BACKUP_VERIFIED",
    "BLOCKED",
    "CACHE_DURATION",
    "CACHE_REQUESTS",
    "CACHE_UP",
    "CATALOGUE",
    "CLOCK_BREACHES",
    "DB_CONNECTIONS",
    "DB_CONNECTIONS_MAX",
    "DB_CPU",
    "DB_DISK",
    "DB_DURATION",
    "DB_MEMORY",
    "DB_PENDING",
    "DB_WAIT",
    "DELIVERIES",
    "DELIVERY_LATENCY",
    "DETECTIONS",
    "DEVICES",
    "EDGE_DENIED",
    "EDGE_RESPONSES",
    "EDGE_SERVERS",
    "EVENT_LOOP_LAG",
    "GEN_AI_COST",
    "GEN_AI_DURATION",
    "GEN_AI_FIRST_CHUNK",
    "GEN_AI_TOKENS",
    "HEARTBEAT",
    "HTTP_ACTIVE",
    "HTTP_DURATION",
    "INCIDENTS_OPEN",
    "JOBS_RESCUED",
    "JOB_DURATION",
    "LEDGER_ENTRIES",
    "LEDGER_IS_VALID",
    "LIVE_CONNECTIONS",
    "LIVE_EVENTS",
    "LIVE_RECONNECTS",
    "LOOKED_AT",
    "MACHINE_CPU",
    "MACHINE_MEMORY",
    "MACHINE_MEMORY_LEFT",
    "MACHINE_NETWORK",
    "MODEL_ACCURACY",
    "MODEL_DRIFT",
    "MODEL_DURATION",
    "PART_LOOK",
    "PART_MEMORY",
    "PART_STATUS",
    "PROBE_DURATION",
    "PROBE_SUCCESS",
    "PROBE_TLS",
    "QUEUE_DEPTH",
    "QUEUE_LOOKED",
    "QUEUE_LOSSES",
    "QUEUE_OLDEST",
    "RAG_RELEVANCE",
    "RAG_RETRIEVALS",
    "RPO",
    "RULES",
    "RULE_BLIND",
    "SIGNALS",
    "STORAGE_AVAILABLE",
    "STORAGE_CAPACITY",
    "SUSPICIOUS_SOURCES",
    "UNMATCHED",
    "VITALS",
    "WEB_BEACONS",
    "WEB_CLS",
    "WEB_ERRORS",
    "WEB_ERROR_TYPES",
    "WEB_FCP",
    "WEB_FID",
    "WEB_INP",
    "WEB_LCP",
    "WEB_PAGE_VIEWS",
    "WEB_ROUTES",
    "WEB_TTFB",
    "WEB_USERS",
    "WORKER_UP",
    "find_metric",
    "list_metrics_of",
]
