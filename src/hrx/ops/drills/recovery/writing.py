"""Somebody who commits rows one by one while the database is broken, and remembers what was acknowledged:
the drill's own record, against which every loss is counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from hrx.kit import clock
from hrx.ops.seams.sessions import Session, SessionLost, opened_session

TABLE: Final = "drill.acknowledged"
_PAUSE_S: Final = 0.01
_TIMEOUT_S: Final = 10.0
_WRITE: Final = f"""
INSERT INTO {TABLE} (number, xid, at)
VALUES (%(number)s, pg_current_xact_id()::text::bigint, clock_timestamp())
RETURNING xid
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """One commit that the server had confirmed; `at_s` by the monotonic clock, just after."""

    number: int
    xid: int
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What of the acknowledged is not in a copy. `seconds`: from the last one before the first that is lost
    until the fault, 0 when nothing is. `is_exact`: nothing is missing but the very end, and nothing is there
    that was never written."""

    commits: int
    seconds: float
    is_exact: bool


@dataclass
class Writer:
    """About 80 commits a second, from number 1; ends by itself when the server goes away."""

    url: str
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="drill-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join(2 * _TIMEOUT_S)

    def _work(self) -> None:
        try:
            with opened_session(self.url, timeout_s=_TIMEOUT_S, is_read_only=False) as session:
                number = 1
                while not self._ends.wait(_PAUSE_S):
                    row = session.row(_WRITE, {"number": number})
                    xid = int(row[0]) if row else 0
                    one = Acknowledged(number=number, xid=xid, at_s=clock.monotonic_s())
                    self.acknowledged.append(one)
                    number += 1
        except SessionLost:
            # The server was broken under it: that is what it is for.
            return


def read_numbers(session: Session) -> set[int]:
    """What of the writer's is in this database."""
    return {int(number) for (number,) in session.rows(f"SELECT number FROM {TABLE}")}  # noqa: S608


def find_loss(writer: Writer, there: set[int], *, fault_at_s: float) -> Loss:
    """Against everything that was acknowledged before the fault."""
    wanted = [one for one in writer.acknowledged if one.at_s <= fault_at_s]
    lost = [one for one in wanted if one.number not in there]
    first = min((one.number for one in lost), default=None)
    kept = [one for one in wanted if first is None or one.number < first]
    seconds = fault_at_s - kept[-1].at_s if lost and kept else 0.0
    # Of the one that was under way nobody was told; it may be there.
    is_exact = there == set(range(1, len(there) + 1)) and len(there) <= len(writer.acknowledged) + 1
    return Loss(commits=len(lost), seconds=round(seconds, 3), is_exact=is_exact)
