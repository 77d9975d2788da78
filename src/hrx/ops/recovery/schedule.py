"""When the next base backup is due, and of which kind: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hrx.kit.errors import Text
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup

_ZONE: Final = ZoneInfo("Asia/Tokyo")
#: A full one begun a little late must not move the next by a day.
_SLACK: Final = timedelta(hours=1)
#: One failure may be the backup's own; two are not.
_PATIENCE: Final = 2
_LONGEST_WAIT: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A backup to take now; `parent` None: a full one."""

    parent: BaseBackup | None
    why: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of the living server that decides about a backup."""

    system_identifier: str
    timeline: int


def find_due(
    backups: Sequence[BaseBackup],
    *,
    now: datetime,
    daily_at: str,
    full_every_days: int,
    server: Server | None,
    distrusted: frozenset[str] = frozenset(),
    holes_after: int | None = None,
) -> Due | None:
    """`distrusted`: backups that failed their restore, which nothing is built upon. `holes_after`: a position
    behind which change records are missing: from there only a new backup helps.

    A run that was missed is due until it was made up for."""
    mine = [one for one in backups if server is None or one.system_identifier == server.system_identifier]
    if not mine:
        return Due(parent=None, why=Text(ja="まだバックアップがありません", en="There is no backup yet"))
    newest = mine[-1]
    if server is not None and newest.timeline != server.timeline:
        return Due(
            parent=None,
            why=Text(ja="タイムラインが変わりました", en="The database is on a new timeline"),
        )
    if holes_after is not None and newest.start < holes_after:
        parent = choose_parent(mine, now=now, full_every_days=full_every_days, distrusted=distrusted)
        return Due(parent=parent, why=Text(ja="変更記録が欠けました", en="Change records are missing"))
    if newest.id in distrusted:
        if now - newest.ended_at < wait_after_failures(mine, distrusted):
            return None
        return Due(
            parent=None,
            why=Text(ja="最後のバックアップが復元できません", en="The last backup failed its restore"),
        )
    if newest.began_at >= find_last_run(now, daily_at=daily_at):
        return None
    return Due(
        parent=choose_parent(mine, now=now, full_every_days=full_every_days, distrusted=distrusted),
        why=Text(ja="毎日の時刻になりました", en="The daily time has come"),
    )


def wait_after_failures(backups: Sequence[BaseBackup], distrusted: frozenset[str]) -> timedelta:
    """How long nothing new is taken after so many backups in a row failed their restore: what makes them fail
    is not cured by more of them, and they take room and time. Nothing after one, then 2, 4, 8 … minutes."""
    failed = 0
    for one in reversed(backups):
        if one.id not in distrusted:
            break
        failed += 1
    return timedelta(0) if failed < _PATIENCE else min(timedelta(minutes=2 ** (failed - 1)), _LONGEST_WAIT)


def choose_parent(
    backups: Sequence[BaseBackup], *, now: datetime, full_every_days: int, distrusted: frozenset[str]
) -> BaseBackup | None:
    """What an increment builds upon: the newest backup, unless it is time for a full one or something in its
    chain failed or is gone."""
    by_id = {one.id: one for one in backups}
    chain: list[BaseBackup] = []
    one: BaseBackup | None = backups[-1] if backups else None
    while one is not None:
        chain.append(one)
        if one.kind is BackupKind.FULL:
            break
        one = by_id.get(one.parent or "")
    if not chain or chain[-1].kind is not BackupKind.FULL or {part.id for part in chain} & distrusted:
        return None
    is_old = now - chain[-1].began_at >= timedelta(days=full_every_days) - _SLACK
    return None if is_old else chain[0]


def find_last_run(now: datetime, *, daily_at: str) -> datetime:
    """The newest moment at or before now at which the daily backup was to begin."""
    hour, minute = map(int, daily_at.split(":"))
    local = now.astimezone(_ZONE)
    today = datetime.combine(local.date(), time(hour, minute), tzinfo=_ZONE)
    return today if today <= local else today - timedelta(days=1)
