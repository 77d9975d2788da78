"""Security: who tries to get in, what was refused, what was noticed."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import bounded, chosen, counter, gauge
from hrx.kit.figures import Source

AUTH_ATTEMPTS: Final = counter(
    "hrx_auth_attempts_total",
    Source.API,
    unit="attempts",
    ja="サインインの各段階を、方法・結果・理由ごとに数えたもの。challenge は次の段階へ進んだもの。",
    en="Steps of sign-ins by method, outcome and reason; a challenge leads to the next step.",
    labels=(
        chosen("method", "password", "totp", "oidc"),
        chosen("outcome", "success", "failure", "challenge"),
        chosen(
            "reason",
            "none",
            "wrong_password",
            "wrong_code",
            "no_account",
            "token_refused",
            "too_many",
            "totp_required",
            "tenant_needed",
        ),
    ),
)
BLOCKED: Final = counter(
    "hrx_blocked_requests_total",
    Source.API,
    unit="requests",
    ja="守りの規則で断った要求。",
    en="Requests that a protective rule refused.",
    labels=(
        chosen("source", "application", "edge", "waf"),
        chosen("rule", "sign_in", "second_step", "oidc_departure", "web_beacons", "body_size", "forged_form"),
    ),
)
SUSPICIOUS_SOURCES: Final = gauge(
    "hrx_suspicious_sources",
    Source.API,
    unit="networks",
    ja="直近 15 分に守りの規則で断った接続元の数(IPv6 は /64 で一つ)。",
    en="Networks that a protective rule refused in the last 15 minutes; an IPv6 /64 is one.",
)
DETECTIONS: Final = counter(
    "hrx_detections_total",
    Source.OPS,
    unit="findings",
    ja="検知の規則が見つけた不審な動き。",
    en="Suspicious behaviour found by detection rules.",
    labels=(
        bounded("rule", "detection rules in runbook/", at_most=64),
        chosen("severity", "critical", "warning", "info"),
    ),
)
SECURITY: Final = (AUTH_ATTEMPTS, BLOCKED, SUSPICIOUS_SOURCES, DETECTIONS)
