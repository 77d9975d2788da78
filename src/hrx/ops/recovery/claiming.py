"""One at a time: two backups, or a backup and pruning, would take each other's files for rubbish."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from hrx.kit.errors import Conflict, Text
from hrx.ops.recovery.site import Site

_LOCK = "vault.lock"


class VaultBusy(Conflict):
    """Another process of this machine is taking a backup or pruning."""

    code = "recovery.vault_busy"


@contextmanager
def claimed_vault(site: Site) -> Iterator[None]:
    """Nobody else of this machine takes a backup or prunes meanwhile; the claim dies with its process.

    Raises VaultBusy at once."""
    path = site.layout.recovery / _LOCK
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    with path.open("a") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise VaultBusy(
                Text(
                    ja="いま別のバックアップか整理が動いています",
                    en="Another backup or pruning is under way",
                ),
                hint=Text(
                    ja="終わるのを待って、もう一度実行してください。`hrx recover status` で見られます。",
                    en="Wait until it ends and run it again; `hrx recover status` shows how things stand.",
                ),
            ) from None
        yield
