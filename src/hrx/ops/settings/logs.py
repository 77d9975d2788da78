"""How long and how large logs and evidence are kept."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.settings import Settings, setting


class LogSettings(Settings):
    """The archive of logs, and folders of evidence."""

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
