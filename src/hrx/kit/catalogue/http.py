"""HTTP: what the API, the portal and the operations console say of the requests they answer."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import HTTP_BUCKETS_S, bounded, chosen, counter, gauge, histogram
from hrx.kit.figures import Source

_SERVERS: Final = (Source.API, Source.WEB, Source.OPS)

HTTP_DURATION: Final = histogram(
    "http_server_request_duration_seconds",
    *_SERVERS,
    unit="s",
    ja="HTTP 要求の処理時間(経路のひな形ごと)。要求の数、誤りの割合、p50〜p99 もここから求める。",
    en="Duration of HTTP server requests, by route template; rate, errors and p50–p99 come from it too.",
    labels=(
        chosen("http_request_method", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER"),
        bounded("http_route", "route templates of the process, `unmatched`", at_most=250),
        bounded("http_response_status_code", "HTTP status codes in use", at_most=30),
    ),
    buckets=HTTP_BUCKETS_S,
)
HTTP_ACTIVE: Final = gauge(
    "http_server_active_requests",
    *_SERVERS,
    unit="requests",
    ja="今処理している HTTP 要求の数。",
    en="HTTP requests being answered now.",
)
EVENT_LOOP_LAG: Final = gauge(
    "hrx_event_loop_lag_seconds",
    Source.API,
    Source.WORKER,
    Source.WEB,
    unit="s",
    ja="イベントループの遅れ。直近 10 秒の最大(止まっている間は今の遅れ)。",
    en="How late the event loop was: the worst of the last 10 s, or of now while it stands still.",
)

#: Of HAProxy's many, those that rules and pages rely on.
EDGE_SERVERS: Final = gauge(
    "haproxy_backend_active_servers",
    Source.EDGE,
    unit="servers",
    ja="要求を受けられるスロットの数。",
    en="Slots that take requests.",
    labels=(bounded("proxy", "backends in deploy/edge/haproxy.cfg", at_most=8),),
)
EDGE_RESPONSES: Final = counter(
    "haproxy_frontend_http_responses_total",
    Source.EDGE,
    unit="responses",
    ja="利用者への応答を状態の種類ごとに数えたもの。",
    en="Answers to people by class of status.",
    labels=(
        bounded("proxy", "frontends in deploy/edge/haproxy.cfg", at_most=8),
        chosen("code", "1xx", "2xx", "3xx", "4xx", "5xx", "other"),
    ),
)
EDGE_DENIED: Final = counter(
    "haproxy_frontend_requests_denied_total",
    Source.EDGE,
    unit="requests",
    ja="入口の規則で断った要求。",
    en="Requests that a rule of the edge refused.",
    labels=(bounded("proxy", "frontends in deploy/edge/haproxy.cfg", at_most=8),),
)
_FRONTEND: Final = bounded("proxy", "frontends in deploy/edge/haproxy.cfg", at_most=8)
_BACKEND: Final = bounded("proxy", "backends in deploy/edge/haproxy.cfg", at_most=8)
_EDGE_MORE: Final = (
    counter(
        "haproxy_backend_http_responses_total",
        Source.EDGE,
        unit="responses",
        ja="API とポータルの応答を状態の種類ごとに数えたもの。",
        en="Answers of API and portal by class of status.",
        labels=(_BACKEND, chosen("code", "1xx", "2xx", "3xx", "4xx", "5xx", "other")),
    ),
    gauge(
        "haproxy_frontend_current_sessions",
        Source.EDGE,
        unit="connections",
        ja="つながっている接続の数。",
        en="Open connections.",
        labels=(_FRONTEND,),
    ),
    gauge(
        "haproxy_backend_current_queue",
        Source.EDGE,
        unit="requests",
        ja="スロットの空きを待っている要求の数。",
        en="Requests that wait because every slot is full.",
        labels=(_BACKEND,),
    ),
    gauge(
        "haproxy_backend_response_time_average_seconds",
        Source.EDGE,
        unit="s",
        ja="受け手の応答時間(直近 1,024 回の平均)。",
        en="Response time behind the edge, the mean of the last 1,024 answers.",
        labels=(_BACKEND,),
    ),
    *(
        counter(f"haproxy_{name}_total", Source.EDGE, unit=unit, ja=ja, en=en, labels=(label,))
        for name, label, unit, ja, en in (
            ("frontend_bytes_in", _FRONTEND, "bytes", "利用者から受け取った量。", "Bytes from people."),
            ("frontend_bytes_out", _FRONTEND, "bytes", "利用者へ送った量。", "Bytes to people."),
            (
                "backend_connection_errors",
                _BACKEND,
                "errors",
                "受け手につながらなかった回数。",
                "Times a slot was not reached.",
            ),
            (
                "backend_retry_warnings",
                _BACKEND,
                "retries",
                "受け手とのつながりをやり直した回数。",
                "Times a connection to a slot was tried again.",
            ),
        )
    ),
)
HTTP: Final = (HTTP_DURATION, HTTP_ACTIVE, EVENT_LOOP_LAG)
EDGE: Final = (EDGE_SERVERS, EDGE_RESPONSES, EDGE_DENIED, *_EDGE_MORE)
