"""`python -m hrx.ops.observe.logs`: one round of archiving and of keeping the archive in its bounds.

With `read`: answer one question of `asking` (pickled, from our own console) from the archive.

A process of its own: reading lines and writing Parquet takes a core for seconds, which the console that pages
people does not have to give away. It may be killed at any moment."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from typing import Final

from hrx.kit import ids, log
from hrx.kit.errors import Unavailable
from hrx.kit.settings import load
from hrx.ops.observe.logs.archive import read_archived
from hrx.ops.observe.logs.archiving import SETTLES, Archived, archive_closed, only_archiver
from hrx.ops.observe.logs.files import LogFolders, folders_of
from hrx.ops.observe.logs.retaining import Keep, retain
from hrx.ops.observe.logs.rotating import find_held
from hrx.ops.observe.logs.totals import add_totals
from hrx.ops.settings import OpsSettings

_log = logging.getLogger("hrx.ops.logs")
_NICE: Final = 10
FAILED: Final = 1


def main() -> int:
    """Exit code 0 when all that could be archived is, 1 when something could not be."""
    if sys.argv[1:] == ["read"]:
        return _read()
    settings = load(OpsSettings)
    os.nice(_NICE)
    # What goes wrong here stands in the log of whoever started us.
    log.configure(process="ops", level="WARNING", stream=sys.stderr)
    log.correlation_id.set(ids.new_correlation_id())
    folders = folders_of(settings)
    with only_archiver(folders) as is_ours:
        return _run(folders, settings) if is_ours else 0


def _read() -> int:
    files, query, limit, timeout_s = pickle.load(sys.stdin.buffer)  # noqa: S301
    try:
        found = list(read_archived(files, query, limit, timeout_s))
    except Unavailable:
        return FAILED
    pickle.dump(found, sys.stdout.buffer)
    return 0


def _run(folders: LogFolders, settings: OpsSettings) -> int:
    keep = Keep(
        days=settings.log_keep_days,
        size_bytes=settings.log_keep_bytes,
        free_bytes=settings.log_min_free_bytes,
    )
    # Before, too: on a disk that is full, room has to be made first.
    removed = retain(folders, keep)
    done: list[Archived] = []
    code = 0
    try:
        done += archive_closed(folders, held=find_held(folders), settled_for=SETTLES)
    except Unavailable as error:
        _log.warning(
            "logs.not_archived", extra={"fields": {"code": error.stable_code, "why": error.message.en}}
        )
        code = FAILED
    for one in done:
        if one.lost:
            _log.error("logs.lines_lost", extra={"fields": {"part": one.part, "lines": one.lost}})
            code = FAILED
    removed += retain(folders, keep)
    add_totals(folders, done, removed)
    return code


if __name__ == "__main__":
    sys.exit(main())
