"""The keeper's duties for the database: received change records go into the vault, base backups are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.recovery.backing_up import back_up_when_due
from hrx.ops.recovery.duties import SideDuty
from hrx.ops.recovery.keeping.sampling import Sampler, beat, make_heartbeat
from hrx.ops.recovery.proving import prove_next, remove_leftovers
from hrx.ops.recovery.records import list_received, ship
from hrx.ops.recovery.retention import prune_old
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standby.attending import StandbyDuty

_SHIP_EVERY_S: Final = 1.0
_SAMPLE_EVERY_S: Final = 1.0
_STANDBY_EVERY_S: Final = 0.5
_LOOK_EVERY_S: Final = 15.0
_DUE_EVERY_S: Final = 20.0
_RETENTION_EVERY_S: Final = 6 * 3600.0
#: A backup that fails is heavy each time: it is tried again after a minute, then ever later.
_PAUSES_S: Final = (60.0, 120.0, 300.0, 900.0, 3600.0)


@dataclass(slots=True)
class Paced:
    """Something heavy that fails is left alone for a while; meanwhile it goes on telling its failure."""

    work: Callable[[], object]
    _failures: int = 0
    _not_before_s: float = 0.0
    _failed: HrxError | None = None

    def __call__(self) -> None:
        if self._failed is not None and clock.monotonic_s() < self._not_before_s:
            raise self._failed
        try:
            self.work()
        except HrxError as error:
            pause_s = _PAUSES_S[min(self._failures, len(_PAUSES_S) - 1)]
            self._failures += 1
            self._failed, self._not_before_s = error, clock.monotonic_s() + pause_s
            raise
        self._failures, self._failed = 0, None


def list_database_duties(site: Site) -> list[SideDuty]:
    """Shipping always; base backups where somebody has said how the server is reached."""
    duties = [SideDuty(name="ship", every_s=_SHIP_EVERY_S, run=lambda: ship_all(site))]
    # A provider that runs the database takes its backups, and gives nobody their files.
    if site.settings.backup_conninfo is not None and site.settings.backup_engine != "supabase":
        remove_leftovers(site)
        sampler, heart = Sampler(site), make_heartbeat(site)
        duties += [
            SideDuty(name="position", every_s=_SAMPLE_EVERY_S, run=sampler.look),
            SideDuty(name="heartbeat", every_s=site.settings.backup_heartbeat_s, run=lambda: beat(heart)),
            SideDuty(name="base-backup", every_s=_DUE_EVERY_S, run=Paced(lambda: back_up_when_due(site))),
            SideDuty(name="proof", every_s=_LOOK_EVERY_S, run=Paced(lambda: prove_next(site))),
            SideDuty(name="retention", every_s=_RETENTION_EVERY_S, run=lambda: _prune(site)),
        ]
        if site.settings.standby_mode != "off":
            duties.append(SideDuty(name="standby", every_s=_STANDBY_EVERY_S, run=StandbyDuty(site)))
    return duties


def ship_all(site: Site) -> None:
    """Everything that is whole, from the receiver first: what it lacks may lie in the second way's spool.

    The vault is looked through only when there is something to put into it."""
    for directory in (site.received_dir, site.archived_dir):
        whole, _ = list_received(directory)
        if whole or any(directory.glob("*.history")):
            ship(site.vault, directory)


def _prune(site: Site) -> None:
    prune_old(site)
