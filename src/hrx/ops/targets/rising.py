"""Whether somebody is bringing the whole place up right now: what goes down meanwhile goes down on purpose.

Those who watch wait for the end of it before they tell, and lose nothing: what is still so then is told
then. The mark ends by itself, by the death of who set it or by age, so that it can hide no outage for
long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
import psutil

from hrx.kit import clock

#: No start takes longer; the longest seen on a loaded machine of two cores was 91 s.
_LONGEST: Final = timedelta(seconds=300)
#: Alerts of what was so during the start need some seconds to end: evaluation, grouping, our own look.
_AFTER: Final = timedelta(seconds=10)


@contextmanager
def rising(var: Path) -> Iterator[None]:
    """Mark the block as such a start; a few seconds after it count as well."""
    begin_rising(var)
    try:
        yield
    finally:
        end_rising(var)


def begin_rising(var: Path) -> None:
    """The same for what is done in steps; ends with this process, or after the longest time."""
    _mark(var, pid=os.getpid(), until=clock.now() + _LONGEST)


def end_rising(var: Path) -> None:
    """It is up again; a few seconds from now it counts no more."""
    _mark(var, pid=None, until=clock.now() + _AFTER)


def is_rising(var: Path) -> bool:
    """Costs one read of a small file."""
    try:
        told = orjson.loads(_path(var).read_bytes())
        pid, until = told["pid"], datetime.fromisoformat(told["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return until > clock.now() and (pid is None or psutil.pid_exists(int(pid)))


def _mark(var: Path, *, pid: int | None, until: datetime) -> None:
    path = _path(var)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps({"pid": pid, "until": until.isoformat()}))
    draft.replace(path)


def _path(var: Path) -> Path:
    return var / "run" / "rising.json"
