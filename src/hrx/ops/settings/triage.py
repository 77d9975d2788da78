"""What triage asks beyond the parts, and what it may never block."""

from __future__ import annotations

from hrx.kit.settings import Settings, setting


class TriageSettings(Settings):
    """Pages of figures, outside services and networks that triage knows."""

    api_blue_metrics_url: str = setting(
        "http://127.0.0.1:8151/metrics",
        ja="API(blue)の数値のページ",
        en="Page of figures of the API, slot blue",
        unit="URL",
    )
    api_green_metrics_url: str = setting(
        "http://127.0.0.1:8152/metrics",
        ja="API(green)の数値のページ",
        en="Page of figures of the API, slot green",
        unit="URL",
    )
    outside_services: str = setting(
        "",
        ja="切り分けで応答を確かめる外部サービス。名前=URL をコンマで並べる(auth、billing、llm)",
        en="Outside services that triage asks, as name=URL separated by commas: auth, billing, llm",
        unit="list",
        example="auth=https://id.example.com/.well-known/openid-configuration,billing=https://api.stripe.com",
    )
    status_pages: str = setting(
        "",
        ja="提供元の公開状況ページ(Statuspage の JSON)。名前=URL をコンマで並べる"
        "(hosting、web、database、auth、billing、llm)",
        en="Public status pages of providers (Statuspage JSON), as name=URL separated by commas: hosting, "
        "web, database, auth, billing, llm",
        unit="list",
        example="hosting=https://status.fly.io/api/v2/status.json",
    )
    never_blocked: str = setting(
        "127.0.0.0/8,::1/128",
        ja="入口で遮断してはならない自社のアドレスとネットワーク。コンマで並べる",
        en="Own addresses and networks that may never be blocked at the edge, separated by commas",
        unit="list",
        example="127.0.0.0/8,::1/128,203.0.113.0/24",
    )
