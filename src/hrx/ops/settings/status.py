"""The public status page and those who read it by mail."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.settings import SecretStr, Settings, setting


class StatusSettings(Settings):
    """The status page, its mirror and its subscribers."""

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
