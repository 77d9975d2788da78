"""Every setting of HRX-AI on this machine: where files and ports are, and how the tools are had."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hrx.kit.settings import Settings, setting


class ToolRelease(BaseModel):
    """Where a tool's release archive is, its SHA-256, and the program inside it."""

    model_config = ConfigDict(frozen=True)

    url: str
    sha256: str
    member: str


class MachineSettings(Settings):
    """Read once by the command line; the defaults need no file and no root."""

    var_dir: Path | None = setting(
        None,
        ja="データ、ログ、秘密を置くフォルダ。空の場合はチェックアウト内の var。",
        en="Folder of data, logs and secrets; var/ inside the checkout when empty.",
        unit="path",
        example="/srv/hrx",
    )
    reads_env_file: bool = setting(
        True,
        ja="チェックアウトの .env を読むかどうか。同じチェックアウトから動く検証環境と訓練は読みません。",
        en="Whether .env of the checkout is read; what runs beside the living stack out of the same checkout"
        " (staging, drills) is told none of it.",
    )
    tools_dir: Path | None = setting(
        None,
        ja="取得した道具(HAProxy など)を置くフォルダ。空の場合は var/tools。",
        en="Folder of fetched tools such as HAProxy; var/tools when empty.",
        unit="path",
    )
    service_user: str | None = setting(
        None,
        ja="root で起動したとき、PostgreSQL などを動かす利用者。空の場合は hrx を作成します。",
        en="The user that runs PostgreSQL and the like when started as root; made (hrx) when empty.",
        example="hrx",
    )
    edge_bind: str = setting(
        "127.0.0.1",
        ja="入口(エッジ)が待ち受けるアドレス。外に公開するときだけ 0.0.0.0 にします。",
        en="Address the edge listens on; 0.0.0.0 only to publish it.",
        unit="IP address",
    )
    edge_port: int = setting(
        8080, ja="利用者が開くポート。", en="The port people open.", unit="port", ge=1, le=65535
    )
    ops_bind: str = setting(
        "127.0.0.1",
        ja="運用コンソールが待ち受けるアドレス。",
        en="Address the operations console listens on.",
        unit="IP address",
    )
    ops_port: int = setting(
        8090, ja="運用コンソールのポート。", en="Port of the operations console.", unit="port", ge=1, le=65535
    )
    status_bind: str = setting(
        "127.0.0.1",
        ja="ステータスページが待ち受けるアドレス。",
        en="Address the public status page listens on.",
        unit="IP address",
    )
    status_port: int | None = setting(
        None,
        ja="ステータスページのポート。空の場合は 8095 から空きを使います。",
        en="Port of the public status page; the first free one from 8095 when empty.",
        unit="port",
        ge=1,
        le=65535,
    )
    inner_port_shift: int = setting(
        0,
        ja="内部ポート(8101〜8432)をずらす数。同じ機械で二つ目の HRX-AI を動かすときに使います。",
        en="Added to the inner ports (8101 to 8432), for a second HRX-AI on the same machine.",
        unit="ports",
        ge=0,
        le=50_000,
    )
    public_url: str | None = setting(
        None,
        ja="利用者のブラウザから見た URL。空の場合は入口のアドレスから決まります。",
        en="The address people's browsers use; derived from the edge when empty.",
        unit="URL",
    )
    demo: bool = setting(
        True,
        ja="デモ会社を読み込むかどうか。",
        en="Whether the demo company is loaded.",
    )
    ready_timeout_s: float = setting(
        90.0, ja="起動完了を待つ時間。", en="How long a start may take.", unit="s", gt=0, le=3600
    )
    min_free_disk_bytes: int = setting(
        1024**3,
        ja="起動に必要な空き容量。",
        en="Free disk space without which nothing is started.",
        unit="bytes",
        ge=0,
    )
    tools: Literal["auto", "path"] = setting(
        "auto",
        ja="足りない道具の入手方法。auto は Debian パッケージを取得し、path は PATH だけを使います。",
        en="How missing tools are had: auto fetches Debian packages, path uses PATH only.",
    )
    tools_releases: dict[str, ToolRelease] = setting(
        {},
        ja="Debian 以外で使う配布物。道具の名前ごとに url、sha256、member(書庫内のパス)を持つ JSON。",
        en="Releases used without Debian: JSON by tool name of url, sha256 and member (path in the archive).",
        unit="JSON",
        example='{"haproxy":{"url":"https://…","sha256":"…","member":"haproxy-3.0/haproxy"}}',
    )
