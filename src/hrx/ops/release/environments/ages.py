"""How old each secret is: a record that knows when a fingerprint was first seen, and never a value.

Where a place tells when it changed a secret, that counts. Else a secret is at least as old as our first sight
of it; one that was already there at the first sight is said to be "at least" so old."""

from __future__ import annotations

import fcntl
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from hrx.ops.release.environments.schema import KnownSetting
from hrx.ops.release.environments.snapshots import Snapshot

#: Days by beginning of the name, ours: what signs people in, what opens much, what is sent abroad. A kind
#: that is not here has the house's own limit (HRX_SECRET_MAX_AGE_DAYS).
_DAYS: Final[Mapping[str, int]] = {
    "HRX_SESSION_KEYS": 90,
    "HRX_OPS_HOOK_TOKEN": 180,
    "HRX_POSTGRES_": 180,
    "HRX_DATABASE_URL": 180,
    # What it sealed has to be sealed anew, for every user: rarer, and never by surprise.
    "HRX_SEAL_KEYS": 730,
    # Addresses of status readers are found by it: a new one has no effect on old rows.
    "HRX_SUBSCRIBER_KEY": 730,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old one secret of one environment is. `is_exact` is False when it was there before we looked."""

    name: str
    since: datetime
    is_exact: bool
    max_days: int

    def days(self, now: datetime) -> int:
        """Whole days since then."""
        return max(0, (now - self.since).days)

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to rotate it."""
        return now - self.since >= timedelta(days=self.max_days)


class AgeRecord:
    """The file: environment and name → fingerprint and when it was first seen."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def observe(self, snapshot: Snapshot, *, known: Mapping[str, KnownSetting]) -> None:
        """Take note of every secret that is new or has changed; forget those that are gone.

        Safe to repeat and beside others: one at a time reads, changes and replaces the file."""
        with self._turn():
            rows = self._read()
            mine = rows.get(snapshot.environment.value)
            found: dict[str, dict[str, object]] = {}
            for name, entry in snapshot.entries.items():
                if name in known and not known[name].is_secret:
                    continue
                before = (mine or {}).get(name)
                if before is not None and before["fingerprint"] == entry.fingerprint:
                    found[name] = before
                else:
                    # Seen to come or change since the last look: exact to the interval of looking.
                    found[name] = {
                        "fingerprint": entry.fingerprint,
                        "since": snapshot.taken_at.isoformat(),
                        "is_exact": mine is not None,
                    }
            rows[snapshot.environment.value] = found
            self._write(rows)

    def list_ages(
        self, snapshot: Snapshot, *, known: Mapping[str, KnownSetting], house_days: int
    ) -> dict[str, Age]:
        """The age of each secret by name; names that were never observed are missing."""
        rows = self._read().get(snapshot.environment.value, {})
        ages = {}
        for name, entry in snapshot.entries.items():
            if name in known and not known[name].is_secret:
                continue
            row = rows.get(name)
            seen = row if row is not None and row["fingerprint"] == entry.fingerprint else None
            since = entry.changed_at or (datetime.fromisoformat(str(seen["since"])) if seen else None)
            if since is None:
                continue
            ages[name] = Age(
                name=name,
                since=since,
                is_exact=entry.changed_at is not None or bool(seen and seen["is_exact"]),
                max_days=_limit_days(name, house_days),
            )
        return ages

    def _read(self) -> dict[str, dict[str, dict[str, object]]]:
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text())
            if isinstance(found, dict):
                return found
        return {}

    def _write(self, rows: Mapping[str, object]) -> None:
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield


def _limit_days(name: str, house_days: int) -> int:
    own = [days for begin, days in _DAYS.items() if name.startswith(begin)]
    # Keys that seal what is kept have a longer limit on purpose; every other kind only a shorter one.
    return max(own) if own and max(own) > 365 else min([*own, house_days])
