"""Backups: what would be lost now, what is proven, and whether those who keep them still work."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import chosen, counter, gauge
from hrx.kit.figures import Source

_COPY: Final = chosen("kind", "full", "incremental")

BACKUP_RUNS: Final = counter(
    "hrx_backup_runs_total",
    Source.OPS,
    unit="runs",
    ja="バックアップの実行を結果ごとに数えたもの。",
    en="Backups by outcome.",
    labels=(_COPY, chosen("outcome", "succeeded", "failed")),
)
BACKUP_SUCCEEDED: Final = gauge(
    "hrx_backup_last_success_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="最後に成功したバックアップの時刻。",
    en="When a backup last succeeded.",
    labels=(_COPY,),
)
BACKUP_VERIFIED: Final = gauge(
    "hrx_backup_last_verified_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="最後に復元して確かめたバックアップの時刻。",
    en="When a backup was last restored and checked.",
    labels=(_COPY,),
)
RPO: Final = gauge(
    "hrx_rpo_seconds",
    Source.OPS,
    unit="s",
    ja="今失われたら戻らない時間の長さ。",
    en="How much time would be lost if everything were lost now.",
)

RPO_COMMITS: Final = gauge(
    "hrx_rpo_commits",
    Source.OPS,
    unit="commits",
    ja="今失われたら戻らないコミットの数(多くても)。",
    en="How many commits would be lost if everything were lost now, at most.",
)
BACKUP_RECEIVING: Final = gauge(
    "hrx_backup_receiving",
    Source.OPS,
    unit="bool",
    ja="変更記録を受信しているか。データベースが答えないときは出ない。",
    en="Whether change records are being received; absent while the database does not answer.",
)
SEGMENTS_MISSING: Final = gauge(
    "hrx_backup_missing_segments",
    Source.OPS,
    unit="segments",
    ja="復元に要るのに欠けている変更記録の本数。",
    en="Files of change records that a restore needs and that are missing.",
)
BACKUPS: Final = gauge(
    "hrx_backups",
    Source.OPS,
    unit="backups",
    ja="バックアップの数を、復元での確認の状態ごとに。",
    en="Backups by what their restore has shown.",
    labels=(chosen("state", "proven", "unproven", "overdue", "failed", "broken"),),
)
BACKUP_SPOOL: Final = gauge(
    "hrx_backup_spool_bytes",
    Source.OPS,
    unit="bytes",
    ja="第 2 の経路(archive_command)で届き、まだ控えられていない量。",
    en="What came by the second way (archive_command) and is not in the backups yet.",
)
KEEPER_SEEN: Final = gauge(
    "hrx_backup_keeper_seen_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="バックアップの番人が最後に位置を確かめた時刻。",
    en="When the keeper of the backups last looked at the positions.",
)

COPY_COVERED: Final = gauge(
    "hrx_backup_elsewhere_covered_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="この時刻までに受け取った変更は、すべて別の場所の写しにある。",
    en="Every change received by this moment is in the copy elsewhere.",
)
KEY_PROVEN: Final = gauge(
    "hrx_backup_key_proven_timestamp_seconds",
    Source.OPS,
    unit="s since 1970",
    ja="鍵の控えでバックアップを開けると最後に確かめた時刻。まだなら鍵を作った時刻。",
    en="When the kept copy of the key last opened a backup; when the key was made, if it never did.",
)
KEYS_MISSING: Final = gauge(
    "hrx_backup_keys_missing",
    Source.OPS,
    unit="keys",
    ja="バックアップを開くのに要るのに手元にない鍵の数。",
    en="Keys that backups need and that are not at hand.",
)

BACKUP: Final = (
    BACKUP_RUNS,
    BACKUP_SUCCEEDED,
    BACKUP_VERIFIED,
    RPO,
    RPO_COMMITS,
    BACKUP_RECEIVING,
    SEGMENTS_MISSING,
    BACKUPS,
    BACKUP_SPOOL,
    KEEPER_SEEN,
)
COPIES: Final = (COPY_COVERED, KEY_PROVEN, KEYS_MISSING)
