"""What would be lost, how the backups are, and whether the chain of change records is whole.

Read from what the keeper leaves and from the vault itself, so that the figures, and the alerts on them, come
also when the keeper is dead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from hrx.kit.catalogue import (
    BACKUP_RECEIVING,
    BACKUP_RUNS,
    BACKUP_SPOOL,
    BACKUP_SUCCEEDED,
    BACKUP_VERIFIED,
    BACKUPS,
    KEEPER_SEEN,
    RPO,
    RPO_COMMITS,
    SEGMENTS_MISSING,
)
from hrx.ops.console.standings import Standings
from hrx.ops.recovery.tallies import read_tallies

_KINDS: Final = ("full", "incremental")
_STATES: Final = ("proven", "unproven", "overdue", "failed", "broken")


class RecoveryFigures(Collector):
    """Made when Prometheus asks."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._site = standings.site

    def describe(self) -> list[Metric]:
        """Nothing: the names are known without collecting."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._list_positions()
        yield from self._list_runs()
        # A folder that cannot be read has alerts of its own.
        standing = self._standings.find()
        succeeded, verified = BACKUP_SUCCEEDED.family(), BACKUP_VERIFIED.family()
        backups, missing, spool = BACKUPS.family(), SEGMENTS_MISSING.family(), BACKUP_SPOOL.family()
        if standing is not None:
            for kind in _KINDS:
                mine = [one for one in standing.backups if one.backup.kind == kind]
                if mine:
                    succeeded.add_metric((kind,), mine[-1].backup.ended_at.timestamp())
                proofs = [one.proof.ended_at for one in mine if one.proof and one.proof.is_well]
                if proofs:
                    verified.add_metric((kind,), max(proofs).timestamp())
            if not any(one.proof and one.proof.is_well for one in standing.backups) and standing.backups:
                # Never proven: it ages from the first backup on, and is not simply silent.
                first = standing.backups[0].backup
                verified.add_metric((first.kind,), first.began_at.timestamp())
            for state in _STATES:
                backups.add_metric((state,), standing.counted(state))
            missing.add_metric((), sum(one.count for one in standing.coverage.holes))
            spool.add_metric((), standing.facts.spool.size_bytes)
        yield from (succeeded, verified, backups, missing, spool)

    def _list_positions(self) -> Iterator[Metric]:
        rpo, commits = RPO.family(), RPO_COMMITS.family()
        receiving, seen = BACKUP_RECEIVING.family(), KEEPER_SEEN.family()
        position, risk = self._standings.read_risk()
        if position is not None:
            if risk is not None:
                rpo.add_metric((), risk.seconds)
                if risk.commits is not None:
                    commits.add_metric((), risk.commits)
            if position.answers:
                receiving.add_metric((), float(position.is_receiving and position.slot_state != "lost"))
            seen.add_metric((), position.looked_at.timestamp())
        elif self._site.settings.backup_conninfo is not None:
            # Never seen: as old as can be, and not simply silent.
            seen.add_metric((), 0.0)
        yield from (rpo, commits, receiving, seen)

    def _list_runs(self) -> Iterator[Metric]:
        runs = BACKUP_RUNS.counter_family()
        for (kind, outcome), count in read_tallies(self._site).items():
            if kind in _KINDS:
                runs.add_metric((kind, outcome), count)
        yield runs
