"""Pruning as it is done on this machine: planned from the vault as it is, claimed, on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hrx.kit import clock
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery.bases import are_ours, list_bases
from hrx.ops.recovery.claiming import claimed_vault
from hrx.ops.recovery.copies import list_copies
from hrx.ops.recovery.noting import ACTOR, note
from hrx.ops.recovery.points import list_points
from hrx.ops.recovery.proofs import find_newest_proofs, list_proofs
from hrx.ops.recovery.pruning import PrunePlan, plan_pruning, prune, sweep_unfinished
from hrx.ops.recovery.records import list_received, list_segments
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import Segment


def look_for_old(site: Site) -> PrunePlan:
    """What retention would take now. Raises PlaceUnavailable."""
    catalogue = site.catalogue
    backups = list_bases(site)
    newest = find_newest_proofs(list_proofs(site.folder))
    proven = next((one.id for one in reversed(backups) if one.id in newest and newest[one.id].is_well), None)
    plan = plan_pruning(
        backups,
        list_segments(catalogue),
        now=clock.now(),
        keep_days=site.settings.backup_keep_days,
        points=[one.position for one in list_points(site.folder)],
        proven=proven,
        held=_list_held(site),
    )
    return plan if are_ours(site) else replace(plan, backups=())


def _list_held(site: Site) -> frozenset[str]:
    """What copies are made of: one that failed is tried again, one that is ready may be restored anew."""
    return frozenset(name for one in list_copies(site) for name in one.backup_ids)


def find_leftovers(site: Site, *, keep_from: datetime) -> list[Path]:
    """Unfinished files of the receiver's that it will never finish: with its slot lost it began further on.

    What such a file holds may be all that there is of the last moments before the hole, so it stays as long
    as these moments are kept, unless the whole file arrived some other way."""
    _, filling = list_received(site.received_dir)
    if filling is None:
        return []
    in_vault = {one.segment for one in list_segments(site.catalogue)}
    found = []
    for path in site.received_dir.glob("*.partial"):
        segment = Segment.parse(path.name.removesuffix(".partial"))
        if segment is None or segment >= filling:
            continue
        if segment in in_vault or path.stat().st_mtime < keep_from.timestamp():
            found.append(path)
    return sorted(found)


def prune_old(site: Site, *, actor: str = ACTOR) -> PrunePlan:
    """Take away what nothing needs, and what killed backups left. Raises VaultBusy, PlaceUnavailable."""
    with claimed_vault(site):
        swept = sweep_unfinished(site.catalogue)
        plan = look_for_old(site)
        leftovers = find_leftovers(site, keep_from=plan.keep_from)
        if plan.backups or plan.segments or swept or leftovers:
            gone = prune(site.catalogue, plan)
            for path in leftovers:
                path.unlink(missing_ok=True)
            unfinished = [*swept, *(path.name for path in leftovers)]
            body = {
                "backups": [one.id for one in plan.backups], "segments": len(plan.segments),
                "files": len(gone), "unfinished": unfinished, "keep_from": plan.keep_from.isoformat(),
            }  # fmt: skip
            note(site, Kind.BACKUPS_PRUNED, "vault", body, actor=actor)
    return plan
