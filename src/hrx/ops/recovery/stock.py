"""What this machine has to restore from, read anew: backups, records, and the end that is not shipped yet."""

from __future__ import annotations

from hrx.ops.recovery.bases import list_bases
from hrx.ops.recovery.planning import Stock
from hrx.ops.recovery.proofs import find_newest_proofs, list_proofs
from hrx.ops.recovery.records import list_all_segments, read_histories
from hrx.ops.recovery.site import Site


def read_stock(site: Site, *, known_end: int | None = None) -> Stock:
    """Everything of the vault, with the receiver's folder. `known_end`: the position up to which records are
    known to have been received. Raises KeyFileUnreadable, PlaceUnavailable, BackupFileDamaged."""
    vault = site.vault
    newest = find_newest_proofs(list(list_proofs(site.folder)))
    segments, tail = list_all_segments(vault, site.received_dir)
    return Stock(
        backups=tuple(list_bases(site)),
        segments=tuple(segments),
        histories=read_histories(vault),
        tail=tail,
        tail_end=known_end,
        distrusted=frozenset(name for name, proof in newest.items() if not proof.is_well),
    )
