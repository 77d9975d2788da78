"""The operations console's own door: where it listens and who comes in."""

from __future__ import annotations

from hrx.kit.settings import SecretStr, Settings, setting


class ConsoleSettings(Settings):
    """Address, sign-in and the token of the alerts' hook."""

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
        ja="Alertmanager が通知に付ける共有トークン。交換中は新しい順にカンマ区切り。未設定なら受け付けない",
        en="Token that Alertmanager sends with notifications; several, newest first, while it is rotated. "
        "Unset means none are accepted",
        unit="secret",
    )
