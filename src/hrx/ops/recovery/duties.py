"""What the keeper of the backups does beside the database: files, ledger, settings, and the copy elsewhere.

Each may fail alone and be run again at any time; what went wrong is raised, and told by the keeper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hrx.kit import clock
from hrx.ops.ledger.store import file_of
from hrx.ops.recovery.basebackup import list_backups
from hrx.ops.recovery.elsewhere import Elsewhere, open_copy
from hrx.ops.recovery.files import collect_all, collect_new, open_spool
from hrx.ops.recovery.ledger_copy import copy_ledger, list_copies, thin_copies
from hrx.ops.recovery.settings_copy import copy_settings, describe_settings
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.vault import Vault

_NEW_FILES_EVERY_S: Final = 1.0
_ALL_FILES_EVERY_S: Final = 300.0
#: How much of the ledger a lost disk costs; an unchanged ledger is not copied again, a large one less often.
_LEDGER_EVERY_S: Final = 60.0
_LEDGER_BYTES_PER_S: Final = 100_000
_SETTINGS_EVERY_S: Final = 3600.0
_COPIES_EVERY_S: Final = 60.0
_RETENTION_EVERY_S: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SideDuty:
    """Something to do every so often; `run` raises what went wrong."""

    name: str
    every_s: float
    run: Callable[[], None]


def list_side_duties(site: Site) -> list[SideDuty]:
    """Everything but the database's own copies. Raises KeyFileUnreadable, Invalid for a wrong location."""
    vault, days = site.vault, site.settings.backup_keep_days
    elsewhere = open_copy(site) if site.settings.offsite_url else None
    open_spool(site.files_dir)
    duties = [
        SideDuty(name="files", every_s=_NEW_FILES_EVERY_S, run=lambda: _collect_new(site, vault)),
        SideDuty(
            name="all-files", every_s=_ALL_FILES_EVERY_S, run=lambda: _collect_all(site, vault, elsewhere)
        ),
        SideDuty(name="settings", every_s=_SETTINGS_EVERY_S, run=lambda: _copy_settings(site, vault)),
    ]
    if file_of(site.settings.ledger_location) is not None:
        duties.append(
            SideDuty(name="ledger", every_s=_LEDGER_EVERY_S, run=lambda: keep_ledger(site, elsewhere))
        )
    if elsewhere is not None:
        duties += _list_elsewhere(elsewhere, tail_s=site.settings.offsite_tail_s, keep_days=days)
    return duties


def keep_before_switch(site: Site) -> None:
    """What belongs to the database of this moment, before it is exchanged for another."""
    collect_new(site.vault, site.files_dir)
    _copy_settings(site, site.vault)
    if file_of(site.settings.ledger_location) is not None:
        copy_ledger(site.vault, site.settings.ledger_location)


def keep_ledger(site: Site, elsewhere: Elsewhere | None) -> None:
    """A copy when there is something new; old ones are thinned out, here and there."""
    newest = next(iter(list_copies(site.vault)), None)
    if newest and clock.now() - newest.taken_at < timedelta(seconds=newest.size_bytes / _LEDGER_BYTES_PER_S):
        return
    copy_ledger(site.vault, site.settings.ledger_location)
    thinned = thin_copies(site.vault, keep_days=site.settings.backup_keep_days)
    if elsewhere is not None and thinned:
        elsewhere.delete(thinned)


def oldest_moment(vault: Vault) -> datetime | None:
    """No restore reaches further back: the beginning of the oldest backup, whatever keeps it."""
    return min((one.began_at for one in list_backups(vault)), default=None)


def _list_elsewhere(elsewhere: Elsewhere, *, tail_s: float, keep_days: int) -> list[SideDuty]:
    return [
        SideDuty(name="elsewhere-records", every_s=tail_s, run=lambda: _ignore(elsewhere.copy_records())),
        SideDuty(
            name="elsewhere-copies", every_s=_COPIES_EVERY_S, run=lambda: _ignore(elsewhere.copy_rest())
        ),
        SideDuty(
            name="elsewhere-retention",
            every_s=_RETENTION_EVERY_S,
            run=lambda: _ignore(elsewhere.remove_old(keep_days=keep_days)),
        ),
    ]


def _collect_new(site: Site, vault: Vault) -> None:
    collect_new(vault, site.files_dir)


def _collect_all(site: Site, vault: Vault, elsewhere: Elsewhere | None) -> None:
    done = collect_all(vault, site.files_dir, oldest_moment=oldest_moment(vault))
    if elsewhere is not None and done.forgotten:
        elsewhere.delete(done.forgotten)


def _copy_settings(site: Site, vault: Vault) -> None:
    copy_settings(vault, describe_settings(site.layout, site.keyring, commit=site.settings.commit))


def _ignore(_: object) -> None:
    """Results are in the files that say how things stand."""
