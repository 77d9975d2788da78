"""Whether writes wait for the standby: only for one that follows closely, and no longer than was decided.

A standby that comes back with much to catch up would stop every write if it were waited for at once
(P11), and one that died would stop them for ever (P10). So it is waited for only once it is close, and
let go of by a decision that is recorded before it is carried out, after a time that is a setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.ops.recovery.standby.building import STANDBY_NAME
from hrx.ops.recovery.standby.members import Member, run

#: `ANY 1`: with a second standby one day, either of them is enough.
NAMES: Final = f"ANY 1 ({STANDBY_NAME})"

#: Longer is no answer: whoever waits for it decides without one.
_LOOK_TIMEOUT_S: Final = 3.0
_LOOK_SQL: Final = """
SELECT (SELECT state FROM pg_stat_replication WHERE application_name = %(name)s
         ORDER BY backend_start DESC LIMIT 1),
       (SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)::bigint FROM pg_stat_replication
         WHERE application_name = %(name)s ORDER BY backend_start DESC LIMIT 1),
       (SELECT COALESCE(max(EXTRACT(EPOCH FROM clock_timestamp() - state_change)), 0)::float8
          FROM pg_stat_activity WHERE wait_event = 'SyncRep'),
       current_setting('synchronous_standby_names') <> ''
"""
_CANCEL_SQL: Final = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Decision(StrEnum):
    """What to do about it now."""

    KEEP = "keep"
    WAIT = "wait"
    LET_GO = "let_go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The primary's word on its standby. `behind_bytes`: what it has not flushed (None: not connected);
    `waiting_s`: how long the oldest commit has waited for it; `is_waited_for`: whether writes wait at all."""

    is_streaming: bool
    behind_bytes: int | None
    waiting_s: float
    is_waited_for: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`let_go_after_s`: how long writes may hang, or the standby be away, before it is let go of;
    `close_bytes` and `close_for_s`: how close it has to be, and for how long, to be waited for."""

    let_go_after_s: float = 10.0
    close_bytes: int = 1024 * 1024
    close_for_s: float = 2.0


@dataclass(slots=True)
class Synchronizer:
    """Decides look by look. Times are the caller's monotonic seconds."""

    policy: Policy
    _away_since: float | None = None
    _close_since: float | None = None

    def decide(self, seen: Seen, *, now: float) -> Decision:
        """A standby that hangs still counts as streaming for a while: what tells is who waits for it."""
        is_close = (
            seen.is_streaming
            and seen.behind_bytes is not None
            and seen.behind_bytes <= self.policy.close_bytes
            and seen.waiting_s < self.policy.let_go_after_s
        )
        self._close_since = (now if self._close_since is None else self._close_since) if is_close else None
        self._away_since = (
            None if seen.is_streaming else (now if self._away_since is None else self._away_since)
        )
        if seen.is_waited_for:
            is_away = self._away_since is not None and now - self._away_since >= self.policy.let_go_after_s
            hangs = seen.waiting_s >= self.policy.let_go_after_s
            return Decision.LET_GO if is_away or hangs else Decision.KEEP
        if self._close_since is not None and now - self._close_since >= self.policy.close_for_s:
            return Decision.WAIT
        return Decision.KEEP


def look(primary: Member) -> Seen:
    """Raises SessionLost."""
    ((state, behind, waiting_s, is_waited_for),) = run(
        primary, _LOOK_SQL, {"name": STANDBY_NAME}, timeout_s=_LOOK_TIMEOUT_S
    )
    return Seen(
        is_streaming=state == "streaming",
        behind_bytes=int(str(behind)) if behind is not None else None,
        waiting_s=float(str(waiting_s)),
        is_waited_for=bool(is_waited_for),
    )


def carry_out(
    primary: Member, decision: Decision, seen: Seen, *, record: Callable[[Decision, Seen], None]
) -> None:
    """`record` comes first: from then on commits are told as saved without the standby. Those that wait are
    ended with PostgreSQL's warning, so that none of them is told as replicated. May be done twice."""
    if decision is Decision.KEEP:
        return
    record(decision, seen)
    if decision is Decision.LET_GO:
        run(primary, _CANCEL_SQL)
    names = NAMES if decision is Decision.WAIT else ""
    run(primary, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    run(primary, "SELECT pg_reload_conf()")
