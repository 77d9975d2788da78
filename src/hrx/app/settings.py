"""Every setting of the application plane, with its unit and its reason in both languages.

`python -m hrx.app.settings` prints them as JSON; `.env.example` and docs/settings.md are made from that."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import orjson
from pydantic import SecretStr

from hrx.app.llm_settings import LlmSettings
from hrx.app.model_settings import ScoringSettings
from hrx.app.vendor_settings import VendorSettings
from hrx.kit.search.encoders.settings import EncoderSettings
from hrx.kit.settings import Settings, document, setting


class ProductSettings(Settings):
    """What the product needs of itself: its stores, its secrets, its limits."""

    # ── where the other parts are ──────────────────────────────────────────────────────────────────
    database_url: SecretStr = setting(
        ja="API とワーカーが使う PostgreSQL。行レベルセキュリティを回避できないロールで接続します。",
        en="PostgreSQL of the API and the worker, as a role that cannot bypass row-level security.",
        unit="URL",
        example="postgresql://hrx_app:…@127.0.0.1:8432/hrx",
    )
    redis_url: SecretStr | None = setting(
        None,
        ja="キャッシュ用 Redis。空の場合や停止中は、キャッシュなしで動作します。",
        en="Redis for the cache. Without it, or while it is down, the product runs uncached.",
        unit="URL",
        example="redis://127.0.0.1:8379/0",
    )
    storage_url: str = setting(
        "file:var/storage",
        ja="アップロードされたファイルの保存先。",
        en="Where uploaded files are kept.",
        unit="URL",
        example="file:/srv/hrx/storage",
    )
    public_url: str = setting(
        "http://127.0.0.1:8080",
        ja="利用者のブラウザから見た URL。Origin の検査、リダイレクト、Cookie の Secure 属性に使います。",
        en="The address people's browsers use; decides the Origin check, redirects and the Secure cookie.",
        unit="URL",
        pattern=r"^https?://[^/]+$",
    )
    trusted_proxies: str = setting(
        "127.0.0.1,::1",
        ja="X-Forwarded-For を信用する中継サーバーのアドレス(カンマ区切り)。",
        en="Addresses of proxies whose X-Forwarded-For is believed, separated by commas.",
    )

    # ── secrets ────────────────────────────────────────────────────────────────────────────────────
    session_keys: SecretStr = setting(
        ja="CSRF トークンとページ位置に署名する鍵。新しい順にカンマ区切り。各 32 文字以上。",
        en="Keys signing CSRF tokens and cursors, newest first, separated by commas; 32+ characters each.",
        example="(python -c 'import secrets; print(secrets.token_urlsafe(48))')",
    )
    seal_keys: SecretStr = setting(
        ja="二要素認証の秘密を暗号化する鍵。新しい順にカンマ区切り。各 32 文字以上。",
        en="Keys sealing TOTP secrets at rest, newest first, separated by commas; 32+ characters each.",
        example="(python -c 'import secrets; print(secrets.token_urlsafe(48))')",
    )
    oidc_providers: SecretStr = setting(
        SecretStr("[]"),
        ja="外部サインイン(OIDC)の設定。JSON 配列。docs/sign-in.md を参照。",
        en="OIDC sign-in providers as a JSON array; see docs/sign-in.md.",
        unit="JSON",
        example='[{"id":"google","name":"Google","issuer":"https://accounts.google.com","client_id":"…"}]',
    )

    # ── this process ───────────────────────────────────────────────────────────────────────────────
    slot: Literal["blue", "green", "none"] = setting(
        "none",
        ja="このプロセスの配備スロット。/version と指標に出ます。",
        en="The deployment slot of this process; shown by /version and in metrics.",
    )
    commit: str = setting(
        "unknown",
        ja="動いているソースのコミット。/version に出ます。",
        en="Commit of the running source; shown by /version.",
    )
    api_bind: str = setting(
        "127.0.0.1", ja="API が待ち受けるアドレス。", en="Address the API listens on.", unit="IP address"
    )
    api_port: int = setting(8101, ja="API のポート。", en="Port of the API.", unit="port", ge=1, le=65535)
    api_metrics_port: int = setting(
        8151,
        ja="API の指標(Prometheus)のポート。0 で無効。",
        en="Port of the API's Prometheus metrics; 0 turns them off.",
        unit="port",
        ge=0,
        le=65535,
    )
    metrics_bind: str = setting(
        "127.0.0.1",
        ja="指標とワーカーの状態確認が待ち受けるアドレス。"
        "収集する Prometheus が別のコンテナにあるときだけ変えます。",
        en="Address of the metrics and of the worker's health; another one only for a Prometheus that is "
        "in another container.",
        unit="IP address",
    )
    worker_port: int = setting(
        8153,
        ja="ワーカーの状態確認と指標のポート。",
        en="Port of the worker's health and metrics.",
        unit="port",
        ge=0,
        le=65535,
    )
    worker_concurrency: int = setting(
        4,
        ja="ワーカーが同時に行う仕事の数。",
        en="Jobs that the worker runs at once.",
        unit="jobs",
        ge=1,
        le=64,
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", ja="ログの詳しさ。", en="How much is logged."
    )
    access_log: bool = setting(
        True, ja="要求ごとに 1 行のアクセスログを出します。", en="Write one access line for each request."
    )
    http_metrics: bool = setting(
        True, ja="要求ごとの指標を記録します。", en="Record metrics of each request."
    )

    # ── database ───────────────────────────────────────────────────────────────────────────────────
    database_pool_size: int = setting(
        10,
        ja="1 プロセスが使う PostgreSQL 接続の上限。",
        en="PostgreSQL connections of one process at most.",
        unit="connections",
        ge=2,
        le=200,
    )
    database_pool_timeout_s: float = setting(
        5.0,
        ja="空き接続を待つ時間。過ぎると 503 を返します。",
        en="How long a request waits for a free connection before it is told 503.",
        unit="s",
        gt=0,
        le=60,
    )
    database_connect_timeout_s: int = setting(
        3, ja="接続を確立する制限時間。", en="Limit for opening a connection.", unit="s", ge=1, le=60
    )
    database_statement_timeout_ms: int = setting(
        15_000, ja="1 つの SQL 文の制限時間。", en="Limit for one SQL statement.", unit="ms", ge=100
    )
    database_lock_timeout_ms: int = setting(
        5_000, ja="ロックを待つ制限時間。", en="Limit for waiting on a lock.", unit="ms", ge=10
    )
    database_commit_wait_s: float = setting(
        5.0,
        ja="待機系への複製を待つ上限(HRX_STANDBY_MODE=sync のとき)。過ぎると、保存したがまだ安全でないと"
        "伝えて 503 を返します。",
        en="How long a commit waits for the standby (with HRX_STANDBY_MODE=sync). Later than this the "
        "request is told 503: saved here, not yet safe.",
        unit="s",
        gt=0,
        le=60,
    )

    # ── cache and live events ──────────────────────────────────────────────────────────────────────
    redis_timeout_ms: int = setting(
        50,
        ja="Redis の応答を待つ時間。過ぎるとキャッシュなしで続けます。",
        en="How long Redis may take; later than this the request goes on uncached.",
        unit="ms",
        ge=5,
        le=5_000,
    )
    redis_retry_s: float = setting(
        2.0,
        ja="Redis が失敗した後、次に試すまでの間隔。",
        en="Pause before Redis is tried again after a failure.",
        unit="s",
        gt=0,
        le=300,
    )
    cache_ttl_s: int = setting(
        300,
        ja="キャッシュを保つ時間の上限。",
        en="Longest time an entry stays cached.",
        unit="s",
        ge=1,
        le=86_400,
    )
    events_max_connections: int = setting(
        500,
        ja="1 プロセスが保つライブ更新(SSE)接続の上限。",
        en="Live (SSE) connections of one process at most.",
        unit="connections",
        ge=1,
    )
    events_heartbeat_s: float = setting(
        15.0,
        ja="ライブ更新の接続を保つための空行を送る間隔。",
        en="Interval of the comment that keeps a live connection open.",
        unit="s",
        gt=0,
        le=120,
    )

    # ── drills ─────────────────────────────────────────────────────────────────────────────────────
    environment: Literal["development", "staging", "production"] = setting(
        "development",
        ja="どの環境か。本番環境では訓練用の故障を受け付けません。",
        en="Which environment this is; production refuses faults that are put in on purpose.",
        example="production",
    )
    faults_file: Path | None = setting(
        None,
        ja="訓練で故障を起こすための JSON ファイル。未設定なら無効。本番環境では起動を拒みます。",
        en="JSON file by which drills put faults in; unset turns that off. Refused in production.",
        unit="path",
    )

    # ── limits ─────────────────────────────────────────────────────────────────────────────────────
    body_limit_bytes: int = setting(
        10 * 1024 * 1024,
        ja="要求本文の上限。超えると 413 を返します。",
        en="Largest request body; more is answered 413.",
        unit="bytes",
        ge=1024,
    )
    import_limit_bytes: int = setting(
        100 * 1024 * 1024,
        ja="取り込みファイルの上限。超えると 413 を返します。",
        en="Largest import file; more is answered 413.",
        unit="bytes",
        ge=1024,
    )

    document_limit_bytes: int = setting(
        100 * 1024 * 1024,
        ja="文書ファイル(zip を含む)の上限。超えると 413 を返します。",
        en="Largest file of a document, or zip of documents; more is answered 413.",
        unit="bytes",
        ge=1024,
    )
    clamd_address: str | None = setting(
        None,
        ja="ウイルス検査(ClamAV の clamd)のソケットのパス、または host:port。未設定なら検査せず、"
        "文書にその旨を表示します。",
        en="Socket path or host:port of ClamAV's clamd; unset means that documents are not scanned, and say "
        "so.",
        example="/run/clamav/clamd.ctl",
    )

    web_beacons_per_minute: int = setting(
        600,
        ja="同じ発信元のブラウザーから受け取る計測の報告の上限(1 分あたり)。",
        en="Reports of web vitals and errors taken from one address in a minute.",
        unit="reports/min",
        ge=1,
    )

    # ── sign-in ────────────────────────────────────────────────────────────────────────────────────
    session_lifetime_s: int = setting(
        43_200, ja="セッションの最長時間。", en="Longest life of a session.", unit="s", ge=60
    )
    session_idle_s: int = setting(
        14_400,
        ja="操作がないままセッションが続く時間。",
        en="How long a session survives without use.",
        unit="s",
        ge=60,
    )
    totp_pending_s: int = setting(
        300,
        ja="パスワードの後、認証コードを入力できる時間。",
        en="Time between the password and the code of the second factor.",
        unit="s",
        ge=30,
        le=3600,
    )
    sign_in_window_s: int = setting(
        900,
        ja="サインイン失敗を数える期間。",
        en="Period in which failed sign-ins are counted.",
        unit="s",
        ge=10,
    )
    sign_in_failures_per_account: int = setting(
        10,
        ja="同じ発信元から同じアカウントへの失敗の上限(期間内)。",
        en="Failures allowed for one account from one address in that period.",
        unit="attempts",
        ge=1,
    )
    sign_in_failures_per_account_anywhere: int = setting(
        50,
        ja="すべての発信元を合わせた、同じアカウントへの失敗の上限(期間内)。",
        en="Failures allowed for one account from all addresses together in that period.",
        unit="attempts",
        ge=1,
    )
    sign_in_failures_per_address: int = setting(
        100,
        ja="同じ発信元からの失敗の上限(期間内)。",
        en="Failures allowed from one address in that period.",
        unit="attempts",
        ge=1,
    )
    oidc_timeout_s: float = setting(
        5.0,
        ja="外部サインインのサーバーを待つ時間。",
        en="How long an OIDC provider may take to answer.",
        unit="s",
        gt=0,
        le=60,
    )
    oidc_jwks_ttl_s: int = setting(
        600,
        ja="外部サインインの公開鍵を再取得するまでの時間。",
        en="How long the keys of an OIDC provider are believed before they are fetched again.",
        unit="s",
        ge=1,
    )

    # ── traces ─────────────────────────────────────────────────────────────────────────────────────
    otlp_endpoint: str | None = setting(
        None,
        ja="トレースの送り先(OTLP/HTTP)。空の場合はトレースを取りません。",
        en="Where traces go (OTLP over HTTP); without it no span is ever made.",
        unit="URL",
        example="http://127.0.0.1:8090/otlp/v1/traces",
    )
    trace_ratio: float = setting(
        0.1,
        ja="トレースする要求の割合。エラーになった要求は常に残します。",
        en="Share of requests that are traced; a request that fails is always kept.",
        unit="ratio",
        ge=0,
        le=1,
    )


# The generated reference lists the fields of the last base first.
class AppSettings(EncoderSettings, ScoringSettings, LlmSettings, VendorSettings, ProductSettings):
    """Settings of the API and the worker; read once in `main`, then passed down."""


def main() -> None:
    """Print the settings reference as JSON."""
    rows = [asdict(row) for row in document(AppSettings)]
    sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
