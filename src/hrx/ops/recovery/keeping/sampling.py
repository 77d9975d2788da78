"""Looking at the living database each second, and leaving a mark in it now and then."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.ops.recovery.positions import (
    Position,
    Sample,
    find_received_end,
    read_position,
    thin_samples,
    write_position,
)
from hrx.ops.recovery.records import SLOT
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.wal import parse_lsn
from hrx.ops.seams.sessions import Session, SessionLost, opened_session

_TIMEOUT_S: Final = 3.0
# The snapshot is older than the position: what was over by the one lies before the other.
_SAMPLE: Final = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
       (SELECT count(*) FROM pg_snapshot_xip(pg_current_snapshot())),
       pg_current_wal_flush_lsn()::text,
       (SELECT system_identifier::text FROM pg_control_system()),
       (SELECT timeline_id FROM pg_control_checkpoint()),
       (SELECT checkpoint_lsn::text FROM pg_control_checkpoint()),
       slot.wal_status, sender.flush_lsn::text
  FROM (SELECT 1) AS one
  LEFT JOIN pg_replication_slots AS slot ON slot.slot_name = %(slot)s
  LEFT JOIN pg_stat_replication AS sender ON sender.pid = slot.active_pid
"""
# It must not wait for a standby: a mark is worth nothing to anybody else.
_MARK: Final = "SELECT pg_logical_emit_message(true, 'hrx', 'heartbeat')"


@dataclass(slots=True)
class Door:
    """One session that is opened again when it is lost."""

    site: Site
    is_read_only: bool
    _opened: AbstractContextManager[Session] | None = None
    _session: Session | None = None

    def ask(self, statement: str, parameters: dict[str, object] | None = None) -> tuple[object, ...]:
        """One row. Raises SessionLost, Refused where nobody has said how the server is reached."""
        try:
            row = self._open().row(statement, parameters)
        except SessionLost:
            self.close()
            raise
        assert row is not None, "the statement always gives a row"  # noqa: S101
        return row

    def close(self) -> None:
        opened, self._opened, self._session = self._opened, None, None
        if opened is not None:
            opened.__exit__(None, None, None)

    def _open(self) -> Session:
        if self._session is None:
            settings, passfile = self.site.settings, self.site.settings.backup_passfile
            opened = opened_session(
                settings.backup_conninfo or "",
                timeout_s=_TIMEOUT_S,
                passfile=str(passfile) if passfile else None,
                is_read_only=self.is_read_only,
            )
            session = opened.__enter__()
            self._opened, self._session = opened, session
            session.rows("SET synchronous_commit = local")
        return self._session


@dataclass(slots=True)
class Sampler:
    """Keeps the samples of this process and the file that tells them. One for each process."""

    site: Site
    position: Position | None = None
    _samples: list[Sample] = field(default_factory=list)
    _door: Door | None = None

    def look(self) -> None:
        """One look, told in `position.json` also when the server did not answer. Raises SessionLost then."""
        if self.position is None:
            self.position = read_position(self.site.position_file)
            self._samples = list(self.position.samples) if self.position else []
        self._door = self._door or Door(site=self.site, is_read_only=True)
        at = clock.now()
        try:
            row = self._door.ask(_SAMPLE, {"slot": SLOT})
        except SessionLost:
            self._note_silence(at)
            raise
        finished, running, flushed, system, timeline, checkpoint, slot, received = row
        if self.position and self.position.system_identifier != system:
            self._samples = []
        self._samples.append(
            Sample(
                at=at, flushed=parse_lsn(str(flushed)), finished=int(str(finished)), running=int(str(running))
            )
        )
        self._samples = thin_samples(self._samples, now=at)
        known = parse_lsn(str(received)) if received is not None else self._read_files()
        self._write(
            Position(
                system_identifier=str(system),
                timeline=int(str(timeline)),
                checkpoint_lsn=parse_lsn(str(checkpoint)),
                flushed_lsn=parse_lsn(str(flushed)),
                received_lsn=known,
                seen_at=at,
                looked_at=at,
                answers=True,
                is_receiving=received is not None,
                slot_state=None if slot is None else str(slot),
                samples=tuple(self._samples),
            )
        )

    def _note_silence(self, at: datetime) -> None:
        if self.position is not None:
            received = self._read_files() or self.position.received_lsn
            self._write(
                replace(
                    self.position,
                    received_lsn=max(received or 0, self.position.received_lsn or 0) or None,
                    looked_at=at,
                    answers=False,
                    is_receiving=False,
                )
            )

    def _read_files(self) -> int | None:
        """Of a receiver that nobody is connected to; of one that never shipped its files they are all."""
        found = find_received_end(self.site.received_dir)
        before = self.position.received_lsn if self.position else None
        return max((one for one in (found, before) if one is not None), default=None)

    def _write(self, position: Position) -> None:
        self.position = position
        write_position(self.site.position_file, position)


def make_heartbeat(site: Site) -> Door:
    """The session that marks are written with."""
    return Door(site=site, is_read_only=False)


def beat(door: Door) -> None:
    """A mark in the change records. A restore to a time ends at a later commit, which a quiet database would
    never give. Raises SessionLost."""
    door.ask(_MARK)
