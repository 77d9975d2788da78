"""Every setting of the operations plane: typed, with a unit, explained in both languages.

Built once in a `main` and passed down. Secrets have no default; a part whose URL or secret is missing is
shown as unknown rather than stopping the plane, for the plane must work when everything else is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hrx.kit.settings import SecretStr, Settings, setting

#: The checkout: `runbook/` and `var/` stand beside `src/` unless told otherwise.
HOME = Path(__file__).resolve().parents[3]


class OpsSettings(Settings):
    """Settings of console, runs and the `hrx` command."""

    # --- places -------------------------------------------------------------------------------------
    var_dir: Path = setting(
        HOME / "var",
        ja="実行時データ(データベース、ログ、台帳)を置くフォルダ",
        en="Folder for what the running system writes: databases, logs, the ledger",
        unit="path",
        example="var",
    )
    runbook_dir: Path = setting(
        HOME / "runbook",
        ja="ランブックの内容(手順、章、部品表)を置くフォルダ",
        en="Folder with the runbook's content: procedures, chapters, the list of parts",
        unit="path",
        example="runbook",
    )
    ledger_url: SecretStr | None = setting(
        None,
        ja="台帳の SQLAlchemy URL。未設定なら var/ops/ledger.sqlite3。"
        "本番では製品とは別のデータベースを指定する",
        en="SQLAlchemy URL of the ledger; unset means var/ops/ledger.sqlite3. In production name a database "
        "other than the product's: restoring the product must not erase the record of the restore",
        unit="URL",
        example="postgresql+psycopg://ledger:…@db.example/ledger",
    )
    language: Literal["ja", "en"] = setting(
        "ja",
        ja="利用者が選んでいないときの表示言語",
        en="Language shown until somebody chooses another",
        example="ja",
    )
    environment: Literal["development", "staging", "production"] = setting(
        "development",
        ja="どの環境か。画面の見出しと台帳に残る",
        en="Which environment this is; shown in the console's header and kept in the ledger",
        example="production",
    )
    commit: str = setting(
        "unknown",
        ja="動いているソースのコミット。/version に出る",
        en="Commit of the running source; shown by /version",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", ja="ログに残す最低の重要度", en="Least severe level that is logged"
    )

    # --- the console's own door ---------------------------------------------------------------------
    ops_bind: str = setting(
        "127.0.0.1",
        ja="運用コンソールが待ち受けるアドレス",
        en="Address the operations console listens on",
        unit="address",
    )
    ops_port: int = setting(
        8090, ja="運用コンソールのポート", en="Port of the operations console", unit="port", ge=1, le=65535
    )
    ops_public_url: str | None = setting(
        None,
        ja="ブラウザーから見たコンソールの URL。https のとき Cookie に Secure を付ける",
        en="URL of the console as browsers see it; https marks the cookies Secure",
        unit="URL",
        example="https://ops.example.co.jp",
    )
    ops_session_idle_s: int = setting(
        3600,
        ja="操作がないときにサインインが切れるまで",
        en="Sign-in ends after this long unused",
        unit="s",
        ge=60,
    )
    ops_session_max_s: int = setting(
        43200,
        ja="操作していてもサインインが切れるまで",
        en="Sign-in ends after this long in any case",
        unit="s",
        ge=300,
    )
    ops_sign_in_attempts: int = setting(
        5,
        ja="同じ名前または同じ接続元から連続で失敗できるサインインの回数",
        en="Failed sign-ins allowed in a row for one name or one address",
        unit="count",
        ge=1,
    )
    ops_sign_in_window_s: int = setting(
        300,
        ja="失敗回数を数える時間。超えるとこの時間だけ断る",
        en="Window in which failures are counted, and how long further tries are refused",
        unit="s",
        ge=1,
    )
    ops_hook_token: SecretStr | None = setting(
        None,
        ja="Alertmanager が通知に付ける共有トークン。未設定なら受け付けない",
        en="Token that Alertmanager sends with its notifications; unset means none are accepted",
        unit="secret",
    )

    # --- where the parts answer ---------------------------------------------------------------------
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
    redis_url: SecretStr | None = setting(
        None, ja="Redis の URL", en="URL of Redis", unit="URL", example="redis://:…@127.0.0.1:8379/0"
    )

    # --- the outside probe --------------------------------------------------------------------------
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

    # --- the public status page -----------------------------------------------------------------------
    status_bind: str = setting(
        "127.0.0.1",
        ja="ステータスページが待ち受けるアドレス",
        en="Address the public status page listens on",
        unit="address",
    )
    status_port: int = setting(
        8095,
        ja="ステータスページのポート",
        en="Port of the public status page",
        unit="port",
        ge=1,
        le=65535,
    )
    status_url: str = setting(
        "http://127.0.0.1:8095",
        ja="運用コンソールから見たステータスページの URL",
        en="URL of the status page as the plane reaches it",
        unit="URL",
    )
    status_public_url: str | None = setting(
        None,
        ja="利用者から見たステータスページの URL。フィードとメールのリンクに使う",
        en="URL of the status page as readers see it; used in feeds and messages",
        unit="URL",
        example="https://status.example.co.jp",
    )

    subscriber_key: SecretStr | None = setting(
        None,
        ja="ステータスページの購読者のメールアドレスを封じる鍵。未設定なら購読を受け付けない。失うと購読者も失う",
        en="Key that seals the mail addresses of the status page's subscribers; unset means none are taken. "
        "Without it the subscribers are lost",
        unit="secret",
    )
    status_mirror_dir: Path | None = setting(
        None,
        ja="ステータスページのファイルを同時に書く別のフォルダ。別の静的ホストが配る",
        en="A second folder for the status page's files, which another static host serves when ours is down",
        unit="path",
        example="/mnt/status-mirror",
    )

    # --- triage -------------------------------------------------------------------------------------
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

    # --- how people are reached ---------------------------------------------------------------------
    slack_api_url: str = setting(
        "https://slack.com/api/", ja="Slack Web API の URL", en="URL of Slack's Web API", unit="URL"
    )
    slack_bot_token: SecretStr | None = setting(
        None,
        ja="Slack のボットトークン(chat:write)。未設定なら Slack は使わない",
        en="Slack's bot token (chat:write); unset means Slack is not used",
        unit="secret",
        example="xoxb-…",
    )
    slack_signing_secret: SecretStr | None = setting(
        None,
        ja="Slack の署名シークレット。未設定なら「受領」ボタンの呼び出しを断る",
        en="Slack's signing secret; unset means the acknowledge button's calls are refused",
        unit="secret",
    )
    smtp_host: str | None = setting(
        None,
        ja="メールを渡す SMTP サーバー。未設定ならメールは使わない",
        en="SMTP server that takes our mail; unset means mail is not used",
        unit="address",
        example="smtp.example.co.jp",
    )
    smtp_port: int = setting(587, ja="SMTP のポート", en="Port of SMTP", unit="port", ge=1, le=65535)
    smtp_user: str | None = setting(
        None, ja="SMTP の利用者名(STARTTLS のときだけ送る)", en="SMTP user; sent only after STARTTLS"
    )
    smtp_password: SecretStr | None = setting(None, ja="SMTP のパスワード", en="SMTP password", unit="secret")
    smtp_sender: str = setting(
        "ops@hrx.example", ja="運用メールの差出人", en="Sender of mail from operations", unit="address"
    )
    pagerduty_events_url: str = setting(
        "https://events.pagerduty.com",
        ja="PagerDuty Events API v2 の URL",
        en="URL of PagerDuty's Events API v2",
        unit="URL",
    )
    pagerduty_routing_key: SecretStr | None = setting(
        None,
        ja="PagerDuty の統合キー。未設定なら PagerDuty は使わない",
        en="PagerDuty's integration key; unset means PagerDuty is not used",
        unit="secret",
    )
    webhook_url: str | None = setting(
        None,
        ja="署名付き Webhook の送り先(SMS ゲートウェイなど)",
        en="Where signed webhooks go, such as an SMS gateway",
        unit="URL",
    )
    webhook_secret: SecretStr | None = setting(
        None, ja="Webhook の署名に使う鍵", en="Key that signs webhooks", unit="secret"
    )
    notify_timeout_s: float = setting(
        5.0,
        ja="通知を1回送るときの制限時間。過ぎたら別の経路も試す",
        en="Time limit of one try to deliver a message; late ones are tried again and elsewhere",
        unit="s",
        ge=0.5,
        le=60,
    )
    inbox_url: str | None = setting(
        None,
        ja="開発用の受信箱(Slack、PagerDuty、メールの代わり)の URL。本番では未設定",
        en="URL of the development inbox that stands in for Slack, PagerDuty and mail; unset in production",
        unit="URL",
    )
    inbox_port: int = setting(
        8196, ja="受信箱の HTTP ポート", en="HTTP port of the inbox", unit="port", ge=1, le=65535
    )
    inbox_smtp_port: int = setting(
        8197, ja="受信箱の SMTP ポート", en="SMTP port of the inbox", unit="port", ge=1, le=65535
    )

    # --- logs ---------------------------------------------------------------------------------------
    log_archive_dir: Path | None = setting(
        None,
        ja="ログの保管庫(Parquet)を置くフォルダ。未設定なら var/log/archive",
        en="Folder of the archive of logs (Parquet); unset means var/log/archive",
        unit="path",
        example="/srv/hrx-logs",
    )
    log_rotate_bytes: int = setting(
        16 * 1024 * 1024,
        ja="ログファイルがこの大きさを超えたら閉じて保管庫へ移す",
        en="A log file larger than this is closed and archived",
        unit="bytes",
        ge=64 * 1024,
    )
    log_rotate_s: int = setting(
        86_400,
        ja="ログファイルがこの時間より古くなったら閉じて保管庫へ移す",
        en="A log file older than this is closed and archived",
        unit="s",
        ge=60,
    )
    log_keep_days: int = setting(
        400,
        ja="ログを保管する日数。過ぎた日から消す",
        en="How many days of logs are kept; older days are removed",
        unit="days",
        ge=1,
    )
    log_keep_bytes: int = setting(
        20 * 1024**3,
        ja="ログの保管庫の大きさの上限。超えたら古い日から消す",
        en="How large the archive of logs may grow; above it the oldest days are removed",
        unit="bytes",
        ge=1024 * 1024,
    )
    log_min_free_bytes: int = setting(
        1024**3,
        ja="ディスクの空きがこれを下回ったら、保管庫の古い日から消して新しい行を書けるようにする",
        en="With less than this free on the disk, the oldest archived days make room for new lines",
        unit="bytes",
        ge=0,
    )
    evidence_keep_days: int = setting(
        1095,
        ja="証拠のフォルダを残す日数。障害が完了した日から数え、保留中と未完了の障害のものは消さない",
        en="How many days folders of evidence are kept, counted from the closing of their incident; those "
        "on hold and those of unclosed incidents are never removed",
        unit="days",
        ge=1,
    )
    log_search_timeout_s: float = setting(
        10.0, ja="ログの検索 1 回の制限時間", en="Time limit of one search of logs", unit="s", ge=0.5, le=120
    )

    # --- time limits --------------------------------------------------------------------------------
    rules_look_interval_s: float = setting(
        5.0,
        ja="アラート規則が見えているかを確かめる間隔",
        en="How often the console asks whether every alert rule can see",
        unit="s",
        ge=1,
        le=300,
    )
    rules_blind_grace_s: float = setting(
        10.0,
        ja="規則が見えなくなってから知らせるまで待つ時間。部品の再起動を見逃すため",
        en="How long a rule may be blind before that is told; lets the restart of a part pass",
        unit="s",
        ge=0,
        le=600,
    )
    rules_start_grace_s: float = setting(
        60.0,
        ja="コンソールが始まってから、まだ一度も見えていない規則と届いていない見張り番を待つ時間",
        en="How long after its start the console waits for rules that never saw, and for the watchdog",
        unit="s",
        ge=0,
        le=3600,
    )
    look_interval_s: float = setting(
        2.0,
        ja="コンソールが全部品を見る間隔",
        en="How often the console looks at every part",
        unit="s",
        ge=0.2,
        le=60,
    )
    look_timeout_s: float = setting(
        1.5,
        ja="部品を1回見るときの制限時間。過ぎたら「応答なし」とする",
        en="Time limit of one look at one part; later counts as no answer",
        unit="s",
        ge=0.05,
        le=30,
    )
    lock_margin_s: float = setting(
        30.0,
        ja="ロックの期限を手順の制限時間よりどれだけ長く取るか",
        en="How much longer than a step's time limit its lock lives",
        unit="s",
        ge=1,
    )
    approval_valid_s: int = setting(
        3600, ja="承認が有効な時間", en="How long an approval stays valid", unit="s", ge=60
    )

    @property
    def ledger_location(self) -> str:
        """The ledger's URL; beside the running system when none was named."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.var_dir.resolve() / 'ops' / 'ledger.sqlite3'}"
