"""How recovery stands this moment, in one picture for the command line, the console and the runbook.

Everything is read from files: it is told also with the database, the receiver and the keeper gone, and
without the backups' key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.bases import list_bases
from hrx.ops.recovery.coverage import Coverage, find_coverage
from hrx.ops.recovery.elsewhere_state import ElsewhereState, read_state, state_file_of
from hrx.ops.recovery.forecasting import Forecast, forecast_restore
from hrx.ops.recovery.keys import KeyFileUnreadable
from hrx.ops.recovery.positions import AtRisk, Position, find_at_risk, read_position
from hrx.ops.recovery.proofs import PROVEN_WITHIN, Proof, find_newest_proofs, list_proofs
from hrx.ops.recovery.records import KeptSegment, as_kept, list_received, look_at_segments
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.vault import list_keys_needed
from hrx.ops.recovery.wal import Segment

#: The keeper tells the position each second; silent for so long, it is not at work.
_SILENT_AFTER: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """The second way of change records. `let_go`: when it had to let go of one last (UTC, as noted)."""

    size_bytes: int
    let_go: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read, as it was read."""

    now: datetime
    keep_days: int
    full_every_days: int
    backups: tuple[BaseBackup, ...]
    segments: tuple[KeptSegment, ...]
    filling: Segment | None
    proofs: tuple[Proof, ...]
    position: Position | None
    elsewhere: ElsewhereState | None
    elsewhere_url: str | None
    keys_needed: frozenset[str]
    keys_here: frozenset[str]
    key_file: str
    spool: Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStanding:
    """One backup and its newest proof. `state`: proven, failed, unproven (younger than a day), overdue (an
    unproven backup that counts as missing), broken (a parent is gone)."""

    backup: BaseBackup
    proof: Proof | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`is_kept`: the keeper is at work. `at_risk`: None where nothing was ever sampled. `keys_missing`:
    public halves of keys that backups need and nobody has here. `newest_proven_at`: the newest moment that a
    restore has really shown."""

    facts: Facts
    is_kept: bool
    at_risk: AtRisk | None
    at_risk_elsewhere: AtRisk | None
    backups: tuple[BackupStanding, ...]
    coverage: Coverage
    forecast: Forecast | None
    newest_proven: BackupStanding | None
    keys_missing: frozenset[str]

    @property
    def newest_proven_at(self) -> datetime | None:
        one = self.newest_proven
        return (one.proof.last_commit_at or one.backup.ended_at) if one and one.proof else None

    def counted(self, state: str) -> int:
        return sum(1 for one in self.backups if one.state == state)


def read_standing(site: Site) -> Standing:
    """Raises PlaceUnavailable when the folder of the backups cannot be read."""
    return describe_standing(read_facts(site))


def read_facts(site: Site) -> Facts:
    """Everything that is known, from files alone. Raises PlaceUnavailable."""
    catalogue, settings = site.catalogue, site.settings
    # First what is here, then what is in the vault: a segment that is shipped meanwhile is seen twice, not
    # never.
    whole, filling = list_received(site.received_dir)
    try:
        keys_here = site.keyring.fingerprints
    except KeyFileUnreadable:
        keys_here = frozenset()
    kept = look_at_segments(catalogue)
    known = {one.segment for one in kept} if whole else set()
    received = tuple(as_kept(site.received_dir, one) for one in whole if one not in known)
    return Facts(
        now=clock.now(),
        keep_days=settings.backup_keep_days,
        full_every_days=settings.backup_full_every_days,
        backups=tuple(list_bases(site)),
        segments=(*kept, *received) if received else kept,
        filling=filling,
        proofs=tuple(list_proofs(site.folder)),
        position=read_position(site.position_file),
        elsewhere=read_state(state_file_of(site)),
        elsewhere_url=settings.offsite_url,
        keys_needed=list_keys_needed(site.folder),
        keys_here=keys_here,
        key_file=str(site.key_file),
        spool=_read_spool(site),
    )


def describe_standing(facts: Facts) -> Standing:
    """The picture of these facts; pure."""
    coverage = find_coverage(facts.backups, facts.segments, filling=facts.filling, until=_covered_to(facts))
    newest = find_newest_proofs(list(facts.proofs))
    backups = tuple(_judge(one, newest, coverage, now=facts.now) for one in facts.backups)
    return Standing(
        facts=facts,
        is_kept=_is_kept(facts),
        at_risk=_at_risk(facts),
        at_risk_elsewhere=_at_risk_elsewhere(facts),
        backups=backups,
        coverage=coverage,
        forecast=forecast_restore(facts.backups, facts.segments, facts.proofs),
        newest_proven=next((one for one in reversed(backups) if one.state == "proven"), None),
        keys_missing=facts.keys_needed - facts.keys_here,
    )


def bring_up_to_date(standing: Standing, *, position: Position | None, now: datetime) -> Standing:
    """The same picture of the vault with what would be lost at this moment: cheap, for whoever asks often."""
    facts = replace(standing.facts, position=position, now=now)
    return replace(
        standing,
        facts=facts,
        is_kept=_is_kept(facts),
        at_risk=_at_risk(facts),
        at_risk_elsewhere=_at_risk_elsewhere(facts),
    )


def _is_kept(facts: Facts) -> bool:
    position = facts.position
    return position is not None and facts.now - position.looked_at < _SILENT_AFTER


def _at_risk(facts: Facts) -> AtRisk | None:
    position = facts.position
    samples = position.samples if position else ()
    return find_at_risk(samples, received=position.received_lsn if position else None, now=facts.now)


def _covered_to(facts: Facts) -> datetime:
    """Up to when what is being received is there: as far as the newest sample that the receiver holds."""
    position = facts.position
    if position is None or position.received_lsn is None:
        return max((one.received_at for one in facts.segments), default=facts.now)
    risk = find_at_risk(position.samples, received=position.received_lsn, now=position.looked_at)
    if risk is None or not risk.is_known:
        return position.seen_at
    return position.looked_at - timedelta(seconds=risk.seconds)


def _at_risk_elsewhere(facts: Facts) -> AtRisk | None:
    if facts.elsewhere is None or facts.position is None:
        return None
    risk = find_at_risk(facts.position.samples, received=facts.elsewhere.covered_to, now=facts.now)
    at = facts.elsewhere.covered_at
    if risk is not None and not risk.is_known and at is not None:
        # What was received by then is there, whatever was sampled before.
        return AtRisk(seconds=(facts.now - at).total_seconds(), commits=None, as_of=risk.as_of)
    return risk


def _judge(
    backup: BaseBackup, newest: Mapping[str, Proof], coverage: Coverage, *, now: datetime
) -> BackupStanding:
    proof = newest.get(backup.id)
    if backup.id in coverage.broken:
        state = "broken"
    elif proof is not None:
        state = "proven" if proof.is_well else "failed"
    else:
        state = "overdue" if now - backup.ended_at > PROVEN_WITHIN else "unproven"
    return BackupStanding(backup=backup, proof=proof, state=state)


def _read_spool(site: Site) -> Spool:
    size, noted = 0, None
    if site.archived_dir.is_dir():
        for path in site.archived_dir.iterdir():
            try:
                size += path.stat().st_size
                if path.name == "let-go":
                    noted = path.read_text().splitlines()[-1].split(" ")[0]
            except (FileNotFoundError, IndexError):
                continue
    return Spool(size_bytes=size, let_go=noted)


def newest_full(facts: Facts) -> BaseBackup | None:
    """The newest backup that stands alone."""
    return next((one for one in reversed(facts.backups) if one.kind is BackupKind.FULL), None)
