"""What was done to the backups, in the ledger: a ledger that is away never stops a backup."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import HrxError
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.recovery.site import Site

ACTOR: Final = "keeper"
_log = logging.getLogger("hrx.ops.recovery")


def note(site: Site, kind: Kind, subject: str, body: Mapping[str, object], *, actor: str = ACTOR) -> None:
    """Append, or say in the log that it could not be."""
    try:
        ledger = open_ledger(site.settings.ledger_location)
        try:
            ledger.append(kind, actor=actor, subject=subject, body=body)
        finally:
            ledger.store.close()
    except HrxError as error:
        _log.warning("the ledger did not take %s of %s: %s", kind, subject, error.message.en)
