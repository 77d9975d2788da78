"""What the outside probe looks at, how often, and when it pages in the plane's place."""

from __future__ import annotations

from hrx.kit.settings import Settings, setting


class ProbeSettings(Settings):
    """The outside probe, which runs apart from the plane."""

    ops_url: str = setting(
        "http://127.0.0.1:8090",
        ja="外部監視から見た運用コンソールの URL",
        en="URL of the operations console as the outside probe reaches it",
        unit="URL",
    )
    probe_url: str = setting(
        "http://127.0.0.1:8198", ja="外部監視の URL", en="URL of the outside probe", unit="URL"
    )
    probe_port: int = setting(
        8198,
        ja="外部監視のポート(指標と状態)",
        en="Port of the outside probe: figures and readiness",
        unit="port",
        ge=1,
        le=65535,
    )
    probe_interval_s: float = setting(
        1.0, ja="外部監視が見る間隔", en="How often the probe looks at each target", unit="s", ge=0.2, le=60
    )
    probe_timeout_s: float = setting(
        3.0, ja="外部監視が 1 回に待つ時間", en="Time limit of one look of the probe", unit="s", ge=0.1, le=30
    )
    probe_silence_s: float = setting(
        8.0,
        ja="運用コンソールの応答がないとき、外部監視が自分で通知するまでの時間",
        en="How long the plane may be silent before the probe pages in its place",
        unit="s",
        ge=2,
        le=600,
    )
    probe_status_url: str | None = setting(
        None,
        ja="外部監視が見るステータスページの URL",
        en="URL of the status page the probe looks at",
        unit="URL",
    )
    probe_tls_hosts: str = setting(
        "",
        ja="証明書の期限と信頼を外から確かめるホスト(host または host:port、カンマ区切り)",
        en="Hosts whose certificates the probe looks at: host or host:port, separated by commas",
        example="hrx.example.co.jp,status.example.co.jp:8443",
    )
    probe_dns_hosts: str = setting(
        "",
        ja="名前解決を外から確かめるホスト(カンマ区切り)",
        en="Names the probe resolves, separated by commas",
        example="hrx.example.co.jp",
    )
