"""A restored copy held against the living database, and told: the same for command line and procedures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hrx.kit.errors import HrxError
from hrx.ops.recovery import copies
from hrx.ops.recovery.comparing import Comparison, compare
from hrx.ops.recovery.copies import CopyFacts
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.site import Site
from hrx.ops.seams.sessions import SessionLost


def compare_with_living(site: Site, name: str) -> Comparison:
    """What a switch to this copy would lose and bring back; kept with the copy. With the living database gone
    it says so. Raises NotFound, SessionLost when the copy does not answer."""
    with copies.opened_copy(site, name) as copy:
        try:
            with opened_living(site) as living:
                found = compare(copy, living)
        except HrxError as error:
            if not isinstance(error, SessionLost) and error.stable_code != "recovery.no_living":
                raise
            found = compare(copy, None)
    copies.note_comparison(site, name, found.as_dict())
    return found


# `Any`: JSON.
def tell_copy(facts: CopyFacts) -> dict[str, Any]:
    """What is known of a copy, for the ledger and `--json`."""
    return {
        "name": facts.name,
        "state": facts.state.value,
        "to": facts.said,
        "reached": facts.reached,
        "last_commit_at": _iso(facts.last_commit_at),
        "began_at": _iso(facts.began_at),
        "ended_at": _iso(facts.ended_at),
        "seconds": dict(facts.seconds),
        "data_bytes": facts.data_bytes,
        "backups": list(facts.backup_ids),
        "findings": [dict(one) for one in facts.findings],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
