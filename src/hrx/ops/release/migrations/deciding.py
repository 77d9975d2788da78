"""Whether a migration may run, decided before anything is changed: findings, losses, the backup behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.release.migrations.linting import LintReport
from hrx.ops.release.migrations.revisions import Revision
from hrx.ops.release.migrations.statements import read_statements

#: The founding document's RPO for severity 1: what a destructive migration may cost at the most.
RPO: Final = timedelta(minutes=15)


class FindingsOpen(Refused):
    """A pending revision has findings that are neither mended nor accepted."""

    code = "release.findings_open"


class LossUndeclared(Refused):
    """A pending revision destroys data that its `declares_loss` does not name."""

    code = "release.loss_undeclared"


class LossNotApproved(Refused):
    """Going down would lose what a revision declares, and nobody has approved that."""

    code = "release.loss_not_approved"


class NoWayDown(Refused):
    """A revision on the way has no downgrade that does anything."""

    code = "release.no_way_down"


class BackupNeeded(Refused):
    """Data would be destroyed without a verified backup that is younger than the RPO."""

    code = "release.backup_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedBackup:
    """A backup that somebody restored and compared. `covers_until` is the last change that it brings back."""

    id: str
    covers_until: datetime
    verified_at: datetime


def check_upgrade(
    report: LintReport,
    pending: Sequence[Revision],
    *,
    backup: VerifiedBackup | None,
    rpo: timedelta,
    now: datetime,
) -> None:
    """Raises FindingsOpen, LossUndeclared or BackupNeeded when these revisions may not run now."""
    ids = {one.id for one in pending}
    coming = [one for one in report.revisions if one.revision.id in ids]
    open_ones = [found for one in coming for found in one.findings if found.is_open]
    if open_ones:
        named = ", ".join(sorted({f"{found.revision} {found.rule.id}" for found in open_ones}))
        raise FindingsOpen(
            Text(ja=f"移行に未解決の指摘があります: {named}", en=f"Migrations have open findings: {named}"),
            hint=Text(
                ja="`hrx release migrations lint` で読み、直すか理由を付けて受け入れます。",
                en="Read them with `hrx release migrations lint`; mend them or accept them with a reason.",
            ),
        )
    for one in coming:
        undeclared = [name for name in one.destroys if not _is_declared(name, one.revision.declares_loss)]
        if undeclared:
            raise _undeclared(one.revision, undeclared)
    destroyed = [name for one in coming for name in one.destroys]
    if destroyed:
        _require_backup(destroyed, backup=backup, rpo=rpo, now=now)


def check_downgrade(
    undone: Sequence[Revision],
    *,
    approved_loss: frozenset[str],
    backup: VerifiedBackup | None,
    rpo: timedelta,
    now: datetime,
) -> None:
    """Raises NoWayDown, LossNotApproved or BackupNeeded when these revisions may not be undone now."""
    for one in undone:
        if one.up and not read_statements(one.down or ""):
            raise NoWayDown(
                Text(
                    ja=f"移行 {one.id} には戻り方がありません: {one.down_problem or 'downgrade が空です'}",
                    en=f"Migration {one.id} has no way down: {one.down_problem or 'its downgrade is empty'}",
                ),
                hint=Text(
                    ja="スキーマはそのままに、コードだけを戻せるか `hrx release plan` で確かめます。",
                    en="See with `hrx release plan` whether the code alone can go back.",
                ),
            )
    lost = {name for one in undone for name in one.declares_loss}
    if lost - approved_loss:
        named = ", ".join(sorted(lost - approved_loss))
        raise LossNotApproved(
            Text(ja=f"戻すと失われます(未承認): {named}", en=f"Going down loses (not approved): {named}"),
            hint=Text(
                ja="失われるものを承認したうえで、もう一度実行します。",
                en="Have the loss approved, then give the command again.",
            ),
        )
    if lost:
        _require_backup(sorted(lost), backup=backup, rpo=rpo, now=now)


def _require_backup(
    destroyed: Sequence[str], *, backup: VerifiedBackup | None, rpo: timedelta, now: datetime
) -> None:
    if backup is not None and backup.verified_at <= now and now - backup.covers_until <= rpo:
        return
    minutes = round(rpo.total_seconds() / 60)
    named = ", ".join(destroyed)
    if backup is None:
        found = Text(ja="検証済みのバックアップがありません", en="there is no verified backup")
    else:
        found = Text(
            ja=f"バックアップ {backup.id} は {backup.covers_until:%m-%d %H:%M} UTC までしか戻せません",
            en=f"backup {backup.id} brings back no more than until {backup.covers_until:%m-%d %H:%M} UTC",
        )
    raise BackupNeeded(
        Text(
            ja=f"{named} が失われる移行です。{minutes} 分以内の検証済みバックアップが要りますが、{found.ja}",
            en=f"This destroys {named} and needs a verified backup of the last {minutes} min; {found.en}",
        ),
        hint=Text(
            ja="`hrx recover backup` で取り、`hrx recover verify` で検証してから、もう一度実行します。",
            en="Take one with `hrx recover backup`, verify it with `hrx recover verify`, then try again.",
        ),
    )


def _undeclared(revision: Revision, names: Sequence[str]) -> LossUndeclared:
    lines = ", ".join(f'"{name}"' for name in names)
    return LossUndeclared(
        Text(
            ja=f"移行 {revision.id} は、宣言していないデータを失わせます: {', '.join(names)}",
            en=f"Migration {revision.id} destroys data that it does not declare: {', '.join(names)}",
        ),
        hint=Text(
            ja=f"そのつもりなら、移行に declares_loss = ({lines},) と書きます。",
            en=f"If that is meant, write declares_loss = ({lines},) into the migration.",
        ),
    )


def _is_declared(name: str, declared: Sequence[str]) -> bool:
    """A declared table covers its columns."""
    return name in declared or name.rpartition(".")[0] in declared
