"""What is wrong with the backups, in words, each with the next command to type: the worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.standing import BackupStanding, Standing

#: The runbook's objective for Severity 1 (5.1).
RPO_OBJECTIVE: Final = timedelta(minutes=15)
#: A daily backup and two hours, as the rule BackupStale has it.
_STALE_AFTER: Final = timedelta(hours=26)
_ELSEWHERE_LATE: Final = timedelta(minutes=15)
_COPIES_LATE: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`code` is stable; `is_grave`: a restore would fail or lose data now; `next`: what to type."""

    code: str
    is_grave: bool
    said: Text
    next: str


def list_troubles(standing: Standing) -> list[Trouble]:
    """Grave ones first; empty when all is well."""
    found = [*_keys(standing), *_records(standing), *_backups(standing), *_elsewhere(standing)]
    return sorted(found, key=lambda one: not one.is_grave)


def _keys(standing: Standing) -> Iterator[Trouble]:
    missing = sorted(standing.keys_missing)
    if missing:
        names = ", ".join(f"{one[:14]}…" for one in missing)
        yield Trouble(
            code="key_missing",
            is_grave=True,
            said=Text(
                ja=f"鍵がありません: {names}。この鍵のバックアップは開けません。"
                f"控えの鍵ファイルを {standing.facts.key_file} に戻します",
                en=f"A key is missing: {names}. Its backups cannot be opened. "
                f"Put the kept key file back at {standing.facts.key_file}",
            ),
            next="hrx recover key check FILE",
        )


def _records(standing: Standing) -> Iterator[Trouble]:
    position, now = standing.facts.position, standing.facts.now
    for hole in standing.coverage.holes:
        yield Trouble(
            code="hole",
            is_grave=True,
            said=Text(
                ja=f"変更記録が {hole.count} 本欠けています: {hole.first.name} から {hole.last.name} まで",
                en=f"Change records are missing ({hole.count}): {hole.first.name} to {hole.last.name}",
            ),
            next="hrx recover fetch",
        )
    if not standing.is_kept:
        since = _since(position.looked_at if position else None, now)
        yield Trouble(
            code="keeper_silent",
            is_grave=True,
            said=Text(
                ja=f"バックアップの番人が動いていません({since.ja})",
                en=f"The keeper of the backups is not at work ({since.en})",
            ),
            next="hrx up",
        )
        return
    if position is None:
        return
    if not position.answers:
        since = _since(position.seen_at, now)
        yield Trouble(
            code="database_silent",
            is_grave=True,
            said=Text(
                ja=f"データベースが答えません({since.ja})", en=f"The database does not answer ({since.en})"
            ),
            next="hrx status",
        )
    elif position.slot_state in ("lost", "unreserved"):
        yield Trouble(
            code="slot_lost",
            is_grave=True,
            said=Text(
                ja="受信が遅れすぎ、データベースが変更記録を手放しました。新しいバックアップから始めます",
                en="The receiver was too late, the database let go of change records. Begin anew",
            ),
            next="hrx recover backup --full",
        )
    elif not position.is_receiving:
        yield Trouble(
            code="not_receiving",
            is_grave=True,
            said=Text(ja="変更記録を誰も受信していません", en="Nobody receives the change records"),
            next="hrx status",
        )
    risk = standing.at_risk
    if risk is not None and risk.seconds > RPO_OBJECTIVE.total_seconds():
        yield Trouble(
            code="rpo_exceeded",
            is_grave=True,
            said=Text(
                ja=f"いま失えば {risk.seconds / 60:.0f} 分ぶんが戻りません(目標は 15 分以内)",
                en=f"Lost now, {risk.seconds / 60:.0f} minutes would not come back (objective: 15 at most)",
            ),
            next="hrx status",
        )
    if standing.facts.spool.let_go:
        yield Trouble(
            code="spool_let_go",
            is_grave=False,
            said=Text(
                ja=f"第 2 の経路が満杯で、記録を手放しました({standing.facts.spool.let_go})。"
                "受信側が頼りです",
                en=f"The second way was full and let go of records ({standing.facts.spool.let_go}). "
                "Only the receiver has them",
            ),
            next="hrx recover backup",
        )


def _backups(standing: Standing) -> Iterator[Trouble]:
    facts = standing.facts
    if not facts.backups:
        yield Trouble(
            code="no_backup",
            is_grave=True,
            said=Text(ja="バックアップがまだありません", en="There is no backup yet"),
            next="hrx recover backup",
        )
        return
    newest = facts.backups[-1]
    if facts.now - newest.ended_at > _STALE_AFTER:
        since = _since(newest.ended_at, facts.now)
        yield Trouble(
            code="backup_stale",
            is_grave=True,
            said=Text(ja=f"最後のバックアップが古い({since.ja})", en=f"The last backup is old ({since.en})"),
            next="hrx recover backup",
        )
    for one in standing.backups:
        if one.state in _STATES:
            yield _about(one)


_STATES: Final = {
    "failed": ("proof_failed", True),
    "broken": ("chain_broken", True),
    "overdue": ("unproven", False),
}


def _about(one: BackupStanding) -> Trouble:
    code, is_grave = _STATES[one.state]
    why = one.proof.why_not() if one.proof else None
    said = {
        "failed": Text(
            ja=f"バックアップ {one.backup.id} は復元の確認に落ちました: {why.ja if why else ''}",
            en=f"Backup {one.backup.id} failed its restore: {why.en if why else ''}",
        ),
        "broken": Text(
            ja=f"増分 {one.backup.id} の元 {one.backup.parent} がありません",
            en=f"Increment {one.backup.id} lacks its parent {one.backup.parent}",
        ),
        "overdue": Text(
            ja=f"バックアップ {one.backup.id} は 1 日過ぎても復元で確かめられていません。ないものと数えます",
            en=f"Backup {one.backup.id} was not restored and checked within a day: it counts as missing",
        ),
    }[one.state]
    nexts = {
        "failed": "hrx recover backup --full",
        "broken": "hrx recover fetch",
        "overdue": f"hrx recover verify {one.backup.id}",
    }
    return Trouble(code=code, is_grave=is_grave, said=said, next=nexts[one.state])


def _elsewhere(standing: Standing) -> Iterator[Trouble]:
    facts, state = standing.facts, standing.facts.elsewhere
    if facts.elsewhere_url is None:
        yield Trouble(
            code="nothing_elsewhere",
            is_grave=False,
            said=Text(
                ja="別の場所に写しがありません。この機械ごと失えば、すべて失います(HRX_OFFSITE_URL)",
                en="There is no copy elsewhere: with this machine everything would be lost (HRX_OFFSITE_URL)",
            ),
            next="HRX_OFFSITE_URL=s3://BUCKET/PREFIX hrx up",
        )
        return
    covered, copied = (state.covered_at, state.copied_at) if state else (None, None)
    is_late = covered is None or facts.now - covered > _ELSEWHERE_LATE
    if is_late or copied is None or facts.now - copied > _COPIES_LATE:
        since = _since(covered if is_late else copied, facts.now)
        problem = state.problem if state and state.problem else None
        yield Trouble(
            code="elsewhere_stale",
            is_grave=True,
            said=Text(
                ja=f"別の場所の写しが遅れています({since.ja})" + (f": {problem.ja}" if problem else ""),
                en=f"The copy elsewhere is late ({since.en})" + (f": {problem.en}" if problem else ""),
            ),
            next="hrx recover copy",
        )
    if state and state.differing:
        yield Trouble(
            code="elsewhere_differs",
            is_grave=True,
            said=Text(
                ja=f"別の場所の写しと大きさが違うファイルが {len(state.differing)} 個あります: "
                f"{state.differing[0]} など",
                en=f"Files whose size differs in the copy elsewhere: {len(state.differing)}, "
                f"such as {state.differing[0]}",
            ),
            next="hrx recover fetch --check",
        )


def _since(at: datetime | None, now: datetime) -> Text:
    if at is None:
        return Text(ja="まだ一度もない", en="never yet")
    seconds = max(0.0, (now - at).total_seconds())
    if seconds < 120:
        return Text(ja=f"{seconds:.0f} 秒前から", en=f"since {seconds:.0f} s ago")
    if seconds < 7200:
        return Text(ja=f"{seconds / 60:.0f} 分前から", en=f"since {seconds / 60:.0f} min ago")
    return Text(ja=f"{seconds / 3600:.0f} 時間前から", en=f"since {seconds / 3600:.0f} h ago")
