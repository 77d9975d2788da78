"""What checks found about a release after it was built, kept beside it: `_results/<release>.jsonl`.

A release's own record is never written again (decision 0012), and checks run when it is there already. So
their results are a list of their own that only grows, and the newest word on each check counts. The release's
hash and its list of parts know nothing of them."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from hrx.kit import clock
from hrx.ops.release.releases import CheckResult, Outcome, Release

_FOLDER: Final = "_results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check's word. `run`: the pipeline that asked."""

    check: CheckResult
    at: datetime
    run: str


@dataclass(frozen=True, slots=True)
class ResultShelf:
    """The results of a folder of releases (usually `var/releases`)."""

    folder: Path

    def keep(self, release_id: str, check: CheckResult, *, run: str) -> None:
        """Durable when this returns; harmless to repeat. Raises OSError."""
        body = {
            "name": check.name,
            "outcome": check.outcome.value,
            "detail": check.detail,
            "at": clock.now().isoformat(),
            "run": run,
        }
        path = self._path(release_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            # A line that a killed writer left unfinished is cut off.
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(orjson.dumps(body) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def find(self, release_id: str) -> tuple[Result, ...]:
        """The newest word on each check, by name. A line that cannot be read proves nothing."""
        try:
            content = self._path(release_id).read_bytes()
        except OSError:
            return ()
        newest: dict[str, Result] = {}
        for line in content.splitlines():
            found = _read(line)
            if found is not None:
                newest[found.check.name] = found
        return tuple(newest[name] for name in sorted(newest))

    def show_with(self, release: Release) -> Release:
        """The release with these results in place of what its own record says of the same checks; for
        showing: it is not the record, and its hash is another."""
        found = {one.check.name: one.check for one in self.find(release.id)}
        own = [one for one in release.checks if one.name not in found]
        return replace(release, checks=(*own, *found.values())) if found else release

    def _path(self, release_id: str) -> Path:
        return self.folder / _FOLDER / f"{release_id}.jsonl"


def _read(line: bytes) -> Result | None:
    try:
        values = orjson.loads(line)
        return Result(
            check=CheckResult(
                name=values["name"], outcome=Outcome(values["outcome"]), detail=values["detail"]
            ),
            at=datetime.fromisoformat(values["at"]),
            run=values["run"],
        )
    except (KeyError, TypeError, ValueError):
        return None
