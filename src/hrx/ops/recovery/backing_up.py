"""Taking a base backup the way everybody does it: claimed, counted, on record; a failed increment is followed
by a full one."""

from __future__ import annotations

from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.bases import list_bases, take_base
from hrx.ops.recovery.claiming import claimed_vault
from hrx.ops.recovery.noting import ACTOR, note
from hrx.ops.recovery.positions import read_position
from hrx.ops.recovery.proofs import find_newest_proofs, list_proofs
from hrx.ops.recovery.pruning import sweep_unfinished
from hrx.ops.recovery.schedule import Due, Server, choose_parent, find_due
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import read_standing
from hrx.ops.recovery.tallies import count_run

_TIMEOUT_S: Final = 6 * 3600.0


def back_up_when_due(site: Site) -> BaseBackup | None:
    """None when nothing is due. Raises VaultBusy, BackupFailed, PlaceUnavailable, KeyFileUnreadable."""
    due = look_for_due(site)
    return None if due is None else back_up(site, parent=due.parent, why=due.why.en)


def look_for_due(site: Site) -> Due | None:
    """What is due now, judged by what is in the vault and last known of the server."""
    position = read_position(site.position_file)
    if position is None or not position.answers:
        # It could only fail, and say what is told already.
        return None
    standing = read_standing(site)
    holes = standing.coverage.holes
    return find_due(
        standing.facts.backups,
        now=clock.now(),
        daily_at=site.settings.backup_daily_at,
        full_every_days=site.settings.backup_full_every_days,
        server=Server(system_identifier=position.system_identifier, timeline=position.timeline),
        distrusted=frozenset(one.backup.id for one in standing.backups if one.state in ("failed", "broken")),
        holes_after=max((one.last.end for one in holes), default=None),
    )


def parent_for_now(site: Site) -> BaseBackup | None:
    """What an increment taken now would build upon; None: it has to be a full one."""
    backups = list_bases(site)
    position = read_position(site.position_file)
    if position is not None:
        backups = [
            one
            for one in backups
            if (one.system_identifier, one.timeline) == (position.system_identifier, position.timeline)
        ]
    newest = find_newest_proofs(list_proofs(site.folder))
    return choose_parent(
        backups,
        now=clock.now(),
        full_every_days=site.settings.backup_full_every_days,
        distrusted=frozenset(name for name, proof in newest.items() if not proof.is_well),
    )


def back_up(site: Site, *, parent: BaseBackup | None, why: str, actor: str = ACTOR) -> BaseBackup:
    """Raises VaultBusy, BackupFailed, PlaceUnavailable, KeyFileUnreadable, Refused without a database."""
    with claimed_vault(site):
        sweep_unfinished(site.catalogue)
        try:
            made = _take(site, parent, actor=actor)
        except HrxError:
            if parent is None:
                raise
            # The server may lack its summaries of that time, or the parent be of no use: a full one needs
            # neither.
            made = _take(site, None, actor=actor)
        note(
            site,
            Kind.BACKUP_TAKEN,
            made.id,
            {
                "kind": made.kind, "parent": made.parent, "why": why, "stored_bytes": made.stored_bytes,
                "data_bytes": made.data_bytes, "sha256": made.sha256,
                "seconds": round((made.ended_at - made.began_at).total_seconds(), 1),
            },
            actor=actor,
        )  # fmt: skip
        return made


def _take(site: Site, parent: BaseBackup | None, *, actor: str) -> BaseBackup:
    kind = BackupKind.INCREMENTAL if parent else BackupKind.FULL
    try:
        made = take_base(site, parent=parent, timeout_s=_TIMEOUT_S)
    except HrxError as error:
        count_run(site, kind, "failed")
        note(site, Kind.BACKUP_FAILED, kind, {"said": error.message.en}, actor=actor)
        raise
    count_run(site, kind, "succeeded")
    return made
