"""How long a restore to the newest moment would take now, from what restores have really taken here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.planning import RestorePlan
from hrx.ops.recovery.proofs import Proof
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.wal import SEGMENT_BYTES

_OF_LAST: Final = 5
_COPYING: Final = ("fetch", "combine", "check")
_REPLAYING: Final = ("records", "replay")
METHOD: Final = Text(
    ja="直近 5 回までの復元の中央値から: データ 1 バイトあたりの展開時間 × いまの量 + "
    "変更記録 1 バイトあたりの適用時間 × 最後のバックアップ後の量。"
    "低い優先度で測っているので、実際はより短い",
    en="From the median of the last restores, five at most: seconds to unpack a byte of data, times what "
    "there is now, plus seconds to replay a byte of change records, times what came since the last backup. "
    "They ran at low priority, so a real restore is quicker",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Seconds until a copy of the newest moment answers; `restores`: of how many it is the median."""

    seconds: float
    copying_s: float
    replaying_s: float
    data_bytes: int
    records_bytes: int
    restores: int


def forecast_restore(
    backups: Sequence[BaseBackup], segments: Iterable[KeptSegment], proofs: Iterable[Proof]
) -> Forecast | None:
    """None before the first restore was measured."""
    if not backups:
        return None
    data = chain_bytes(backups, backups[-1])
    first = backups[-1].start // SEGMENT_BYTES
    records = SEGMENT_BYTES * sum(1 for one in segments if one.segment.number >= first)
    return _forecast(proofs, data=data, records=records)


def forecast_plan(plan: RestorePlan, proofs: Iterable[Proof]) -> Forecast | None:
    """The same for one plan, to whatever moment."""
    files = len(plan.segments) + (plan.tail is not None)
    return _forecast(proofs, data=plan.data_bytes, records=files * SEGMENT_BYTES)


def _forecast(proofs: Iterable[Proof], *, data: int, records: int) -> Forecast | None:
    measured = [one for one in proofs if one.is_well and one.data_bytes and one.records_bytes][-_OF_LAST:]
    if not measured:
        return None
    per_data = median(_seconds(one, _COPYING) / one.data_bytes for one in measured)
    per_record = median(_seconds(one, _REPLAYING) / one.records_bytes for one in measured)
    copying, replaying = per_data * data, per_record * records
    return Forecast(
        seconds=copying + replaying,
        copying_s=copying,
        replaying_s=replaying,
        data_bytes=data,
        records_bytes=records,
        restores=len(measured),
    )


def chain_bytes(backups: Sequence[BaseBackup], newest: BaseBackup) -> int:
    """What has to be unpacked for this backup: the full one, and the blocks of each increment."""
    by_id = {one.id: one for one in backups}
    total, one = 0, newest
    while True:
        total += one.data_bytes if one.kind is BackupKind.FULL else one.stored_bytes
        parent = by_id.get(one.parent or "")
        if parent is None:
            return total
        one = parent


def _seconds(proof: Proof, stages: tuple[str, ...]) -> float:
    return sum(proof.seconds.get(stage, 0.0) for stage in stages)
