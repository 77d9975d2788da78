"""How people are reached, and the inbox that stands in for it in development.

A channel without its secret is not used."""

from __future__ import annotations

from hrx.kit.settings import SecretStr, Settings, setting


class ChannelSettings(Settings):
    """Slack, mail, PagerDuty, webhooks and the inbox."""

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
        ja="Slack の署名シークレット。交換中は新しい順にカンマ区切り。未設定なら「受領」ボタンの"
        "呼び出しを断る",
        en="Slack's signing secret; several, newest first, while it is rotated. Unset means the acknowledge "
        "button's calls are refused",
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
