"""Where copies of the product's data are kept, how often they are made, and how long they stay."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hrx.kit.settings import SecretStr, Settings, setting


class RecoverySettings(Settings):
    """Backups, their keys, the copy elsewhere, restored copies, the standby."""

    backup_dir: Path | None = setting(
        None,
        ja="バックアップを置くフォルダ。未設定なら var/backups。本番では別のディスクを指定する",
        en="Folder of the backups; unset means var/backups. In production name another disk",
        unit="path",
        example="/mnt/backups/hrx",
    )
    backup_key_file: Path | None = setting(
        None,
        ja="バックアップの鍵のファイル。未設定なら var/backup.key。バックアップの外に置き、控えを別に持つ",
        en="File of the backups' keys, outside of them; unset means var/backup.key. "
        "Keep a copy of it elsewhere",
        unit="path",
        example="/etc/hrx/backup.key",
    )
    backup_files_dir: Path | None = setting(
        None,
        ja="製品のファイルのフォルダ(HRX_STORAGE_URL と同じ場所)。未設定なら var/storage",
        en="Folder of the product's files, the one that HRX_STORAGE_URL names; unset means var/storage",
        unit="path",
    )
    backup_port: int = setting(
        8154,
        ja="バックアップの番人が自分の状態と指標を見せるポート",
        en="Port on which the keeper of the backups tells its state and figures",
        unit="port",
        ge=1,
        le=65535,
    )
    backup_url: str = setting(
        "http://127.0.0.1:8154",
        ja="バックアップの番人の URL",
        en="URL of the keeper of the backups",
        unit="URL",
    )
    backup_engine: Literal["own", "pgbackrest", "supabase"] = setting(
        "own",
        ja="ベースバックアップの方法。own は内蔵、pgbackrest は pgBackRest、supabase は提供者に任せる",
        en="Who takes base backups: our own way, pgBackRest, or the provider of a managed database",
        example="pgbackrest",
    )
    pgbackrest_program: str = setting(
        "pgbackrest",
        ja="pgBackRest のプログラム",
        en="The program of pgBackRest",
        example="/usr/bin/pgbackrest",
    )
    pgbackrest_config: Path | None = setting(
        None,
        ja="pgBackRest の設定ファイル。未設定なら /etc/pgbackrest.conf",
        en="Configuration file of pgBackRest; unset means /etc/pgbackrest.conf",
        unit="path",
    )
    pgbackrest_stanza: str = setting(
        "hrx",
        ja="pgBackRest の stanza の名前",
        en="Name of the stanza of pgBackRest",
        pattern=r"^[A-Za-z0-9_-]+$",
    )
    supabase_project: str | None = setting(
        None,
        ja="Supabase のプロジェクトの参照 ID",
        en="Reference of the project at Supabase",
        pattern=r"^[a-z0-9]{8,40}$",
    )
    supabase_token: SecretStr | None = setting(
        None, ja="Supabase の管理 API のトークン", en="Token for Supabase's management API"
    )
    supabase_url: str | None = setting(
        None,
        ja="Supabase の管理 API の URL。未設定なら公式のもの",
        en="URL of Supabase's management API; unset means the official one",
        unit="URL",
    )
    backup_conninfo: str | None = setting(
        None,
        ja="複製の役割 hrx_backup の接続文字列(パスワードなし)。未設定ならバックアップしない",
        en="Connection string of the replicating role hrx_backup, without its password; "
        "unset means no backups",
        unit="conninfo",
        example="host=db.example port=5432 user=hrx_backup dbname=hrx",
    )
    backup_passfile: Path | None = setting(
        None,
        ja="hrx_backup のパスワードのファイル(PostgreSQL の pgpass 形式、0600)",
        en="File with the password of hrx_backup, in PostgreSQL's pgpass format and mode 0600",
        unit="path",
    )
    backup_daily_at: str = setting(
        "02:30",
        ja="毎日のバックアップの時刻(日本時間)",
        en="When the daily backup is taken (Tokyo time)",
        unit="HH:MM",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
    )
    backup_full_every_days: int = setting(
        7,
        ja="完全なバックアップの間隔。その間は増分を取る",
        en="How often the backup is a full one; in between it holds the blocks that changed",
        unit="days",
        ge=1,
        le=30,
    )
    backup_keep_days: int = setting(
        30,
        ja="どの時点へも戻せる期間",
        en="How far back every moment can be restored",
        unit="days",
        ge=1,
        le=3650,
    )
    backup_max_rate_kbytes: int | None = setting(
        None,
        ja="バックアップがデータベースから読む速さの上限",
        en="Most that a backup reads from the database",
        unit="kB/s",
        ge=32,
    )
    backup_heartbeat_s: float = setting(
        5.0,
        ja="静かなデータベースにも印を書く間隔。どの時刻へも戻れるようにする",
        en="How often a mark is written even to a quiet database, so that every moment can be reached",
        unit="s",
        ge=1,
        le=60,
    )
    offsite_url: str | None = setting(
        None,
        ja="バックアップの写しを置く別の場所(s3://バケット/接頭辞、または file:フォルダ)",
        en="Another location for a copy of the backups: s3://bucket/prefix or file:FOLDER",
        unit="URL",
        example="s3://hrx-backups/production",
    )
    offsite_endpoint: str | None = setting(
        None,
        ja="S3 互換サーバーの URL。未設定なら AWS",
        en="URL of an S3-compatible server; unset means AWS",
        unit="URL",
    )
    offsite_region: str = setting("ap-northeast-1", ja="写しのリージョン", en="Region of the copy elsewhere")
    offsite_access_key_id: SecretStr | None = setting(
        None, ja="写しの置き場所の鍵の ID", en="Id of the key to the location elsewhere"
    )
    offsite_secret_access_key: SecretStr | None = setting(
        None, ja="写しの置き場所の秘密の鍵", en="Secret key to the location elsewhere"
    )
    offsite_max_rate_kbytes: int | None = setting(
        None,
        ja="別の場所へ送る速さの上限",
        en="Most that is sent to the location elsewhere",
        unit="kB/s",
        ge=32,
    )
    offsite_tail_s: float = setting(
        15.0,
        ja="まだ埋まっていない変更記録を別の場所へ送る間隔。地域ごと失ったときの RPO になる",
        en="How often change records of an unfilled file are sent elsewhere: the RPO of a lost region",
        unit="s",
        ge=1,
        le=900,
    )
    restore_dir: Path | None = setting(
        None,
        ja="復元した写しと、切り替え前のデータを置くフォルダ。未設定なら var/recovery",
        en="Folder of restored copies and of the data before a switch; unset means var/recovery",
        unit="path",
        example="/mnt/restore/hrx",
    )
    postgres_modules_dir: Path | None = setting(
        None,
        ja="PostgreSQL 付属モジュール(Debian の postgresql-18)を展開したフォルダ。パッケージで入れたなら /。"
        "復元の検査で索引の構造(amcheck)も調べる",
        en="Folder into which Debian's postgresql-18 with its own modules was unpacked; / where it is "
        "installed. Proofs then look through the structure of indexes (amcheck), too",
        unit="path",
        example="/",
    )
    standby_mode: Literal["off", "async", "sync"] = setting(
        "off",
        ja="待機系。async は数コミット、sync は 0 コミットまで失い得る(書き込みは待機系を待つ)",
        en="The standby: with async a few commits can be lost, with sync none, and writes wait for it",
        example="async",
    )
    standby_takeover: Literal["ask", "automatic"] = setting(
        "ask",
        ja="主系が失われたとき。ask は人が `hrx recover standby promote` を打つ。automatic は backup が自分で"
        "引き継がせる",
        en="When the primary is lost: with ask somebody types `hrx recover standby promote`, with automatic "
        "the part backup lets the standby take over by itself",
        example="automatic",
    )
    standby_takeover_after_s: float = setting(
        5.0,
        ja="automatic で、主系がこれだけ続けて答えなければ引き継がせる",
        en="With automatic: the primary has to be silent for so long without a break",
        unit="s",
        ge=1,
        le=600,
    )
    standby_let_go_after_s: float = setting(
        10.0,
        ja="sync で、書き込みが待機系を待てる時間。過ぎたら待機系なしで続けると決め、台帳に記す",
        en="With sync: how long writes may wait for the standby before it is decided, on record, "
        "to go on without it",
        unit="s",
        ge=1,
        le=600,
    )
