"""Where the parts of the product answer.

A part whose URL or secret is missing is shown as unknown."""

from __future__ import annotations

from hrx.kit.settings import SecretStr, Settings, setting


class PartSettings(Settings):
    """URLs of parts, and the roles they are looked at with."""

    edge_url: str = setting(
        "http://127.0.0.1:8080",
        ja="利用者が使う入口(HAProxy)の URL",
        en="URL of the edge (HAProxy) that people use",
        unit="URL",
    )
    api_blue_url: str = setting(
        "http://127.0.0.1:8101", ja="API(blue)の URL", en="URL of the API, slot blue", unit="URL"
    )
    api_green_url: str = setting(
        "http://127.0.0.1:8102", ja="API(green)の URL", en="URL of the API, slot green", unit="URL"
    )
    web_blue_url: str = setting(
        "http://127.0.0.1:8111", ja="Web(blue)の URL", en="URL of the web front end, slot blue", unit="URL"
    )
    web_green_url: str = setting(
        "http://127.0.0.1:8112", ja="Web(green)の URL", en="URL of the web front end, slot green", unit="URL"
    )
    worker_url: str = setting(
        "http://127.0.0.1:8153", ja="ワーカーの健康確認 URL", en="Health URL of the worker", unit="URL"
    )
    scoring_url: str = setting(
        "http://127.0.0.1:8155",
        ja="採点の部品の健康確認 URL",
        en="Health URL of the part that scores",
        unit="URL",
    )
    haproxy_stats_url: str = setting(
        "http://127.0.0.1:8192", ja="HAProxy の統計 URL", en="URL of HAProxy's statistics", unit="URL"
    )
    prometheus_url: str = setting(
        "http://127.0.0.1:8191", ja="Prometheus の URL", en="URL of Prometheus", unit="URL"
    )
    alertmanager_url: str = setting(
        "http://127.0.0.1:8193", ja="Alertmanager の URL", en="URL of Alertmanager", unit="URL"
    )
    postgres_exporter_url: str = setting(
        "http://127.0.0.1:8194",
        ja="PostgreSQL の指標を出すエクスポーターの URL",
        en="URL of the exporter of PostgreSQL's figures",
        unit="URL",
    )
    redis_exporter_url: str = setting(
        "http://127.0.0.1:8195",
        ja="Redis の指標を出すエクスポーターの URL",
        en="URL of the exporter of Redis' figures",
        unit="URL",
    )
    ops_database_url: SecretStr | None = setting(
        None,
        ja="役割 hrx_ops(pg_monitor と seam スキーマだけ読める)の PostgreSQL URL",
        en="PostgreSQL URL of role hrx_ops, which reads pg_monitor and the views of schema seam only",
        unit="URL",
        example="postgresql://hrx_ops:…@127.0.0.1:8432/hrx",
    )
    standby_database_url: SecretStr | None = setting(
        None,
        ja="待機系の PostgreSQL URL(役割 hrx_ops)。待機系がなければ未設定",
        en="PostgreSQL URL of the standby (role hrx_ops); unset where there is none",
        unit="URL",
        example="postgresql://hrx_ops:…@127.0.0.1:8433/hrx",
    )
    redis_url: SecretStr | None = setting(
        None, ja="Redis の URL", en="URL of Redis", unit="URL", example="redis://:…@127.0.0.1:8379/0"
    )
