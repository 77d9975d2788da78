"""The schema when a stack comes up: `hrx up` runs this as a program of its own.

A database that stands at some revision may be in use, and is migrated as a release migrates it: read first,
short waits for locks, tried again, looked at afterwards. An empty one is made in one go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from hrx.kit.errors import HrxError, Refused, Text
from hrx.ops.release.migrations.deciding import RPO, BackupNeeded
from hrx.ops.release.migrations.running import Patience, call_alembic, read_current, upgrade_to
from hrx.ops.settings.places import HOME

URL: Final = "HRX_OWNER_DATABASE_URL"


class DestroysAtStart(Refused):
    """A pending migration destroys values, which needs a look at the backups first."""

    code = "release.destroys_at_start"


def bring_schema_up(
    url: str, *, folder: Path = HOME / "migrations", patience: Patience | None = None
) -> str | None:
    """Bring the database of `url` (role of the owner) to the newest revision; gives where it stood before.

    Raises DestroysAtStart, FindingsOpen, LossUndeclared before anything is changed; MigrationLockHeld,
    MigrationFailed, SchemaElsewhere, AlembicFailed, DatabaseAway."""
    limits = patience or Patience()
    before = read_current(url)
    if before is None:
        call_alembic(("upgrade", "head"), url=url, folder=folder, patience=limits)
        return None
    try:
        upgrade_to(url, folder=folder, backup=None, rpo=RPO, patience=limits)
    except BackupNeeded as error:
        raise DestroysAtStart(
            error.message,
            hint=Text(
                ja="バックアップを確かめてから進めるのは `hrx release build` と `hrx release deploy` です。",
                en="A release looks at the backups first: `hrx release build`, then `hrx release deploy`.",
            ),
        ) from error
    return before


def main() -> int:
    """0 done; 1 with the reason on standard error, in both languages: the reader's is not known here."""
    try:
        bring_schema_up(os.environ[URL])
    except HrxError as error:
        for text in (error.message, error.hint):
            if text is not None:
                sys.stderr.write(f"{text.ja}\n{text.en}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
