"""Appending to the ledger and reading it back."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from hrx.kit import clock, log
from hrx.kit.errors import NotFound, Text
from hrx.kit.secrets import mask_mapping
from hrx.ops.ledger.chain import GENESIS, StoredEntry, Verification, hash_entry, verify_chain
from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import entry as entry_table
from hrx.ops.ledger.tables import head as head_table

_log = logging.getLogger("hrx.ops.ledger")
_PAGE_MAX = 500


class Kind(StrEnum):
    """What kind of thing happened."""

    LOOK = "look"
    FINDING = "finding"
    PLAN = "plan"
    APPROVAL = "approval"
    RUN_REFUSED = "run_refused"
    RUN_STARTED = "run_started"
    RUN_RESUMED = "run_resumed"
    STEP_STARTED = "step_started"
    STEP_DONE = "step_done"
    STEP_FAILED = "step_failed"
    UNDO = "undo"
    PROOF = "proof"
    RUN_FINISHED = "run_finished"
    LOCK_BROKEN = "lock_broken"
    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    OPERATOR_CHANGED = "operator_changed"
    ALERT = "alert"
    SIGNALS = "signals"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_CHANGED = "incident_changed"
    ESCALATION = "escalation"
    NOTIFICATION = "notification"
    TRIAGE = "triage"
    COMMUNICATION = "communication"
    ON_CALL_CHANGED = "on_call_changed"
    CONTACT_CHECKED = "contact_checked"
    DRILL = "drill"
    CONTAINMENT = "containment"
    LEDGER_RESTORED = "ledger_restored"
    BACKUPS_FETCHED = "backups_fetched"
    BACKUP_KEY = "backup_key"
    DATABASE = "database"
    RESTORE_POINT = "restore_point"
    COPY_RESTORED = "copy_restored"
    DATABASE_SWITCHED = "database_switched"
    DEPLOYED = "deployed"
    ROLLOUT = "rollout"
    BACKUP_TAKEN = "backup_taken"
    BACKUP_FAILED = "backup_failed"
    BACKUP_PROVEN = "backup_proven"
    BACKUPS_PRUNED = "backups_pruned"
    STANDBY = "standby"
    RELEASE_BUILT = "release_built"
    MODEL_REGISTERED = "model_registered"
    MODEL_MOVED = "model_moved"
    MODEL_REFUSED = "model_refused"
    INDEX_BUILT = "index_built"
    INDEX_SWITCHED = "index_switched"
    PIPELINE = "pipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened: who, what about, and its details. `body` has no secrets: they were masked."""

    seq: int
    at: datetime
    kind: Kind
    actor: str
    subject: str
    run_id: str
    correlation_id: str
    # `Any`: the body is JSON whose shape belongs to the kind.
    body: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries to list; None does not restrict. `before_seq` is the cursor towards older ones."""

    kinds: tuple[Kind, ...] = ()
    subject: str | None = None
    actor: str | None = None
    run_id: str | None = None
    text: str | None = None
    before_seq: int | None = None


class Ledger:
    """The append-only record. Safe for several processes and threads at once."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def append(
        self,
        kind: Kind,
        *,
        actor: str,
        subject: str = "",
        body: Mapping[str, object] | None = None,
        run_id: str = "",
    ) -> Entry:
        """Add one entry, durable when this returns. Values under secret-sounding names are masked first.

        Raises Unavailable when the store cannot be written; nothing was recorded then."""
        with self.store.write() as connection:
            return self.append_within(
                connection, kind, actor=actor, subject=subject, body=body, run_id=run_id
            )

    def append_within(
        self,
        connection: Connection,
        kind: Kind,
        *,
        actor: str,
        subject: str = "",
        body: Mapping[str, object] | None = None,
        run_id: str = "",
    ) -> Entry:
        """The same inside a write transaction of the caller, together with what it changes."""
        seq, previous = _read_head(connection)
        draft = StoredEntry(
            seq=seq + 1,
            at=clock.now().isoformat(timespec="microseconds"),
            kind=kind.value,
            actor=actor,
            subject=subject,
            run_id=run_id,
            correlation_id=log.correlation_id.get() or "",
            body=orjson.dumps(
                mask_mapping(body or {}), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str
            ).decode(),
            prev_hash=previous,
            hash="",
        )
        hashed = hash_entry(draft)
        connection.execute(
            insert(entry_table).values({name: getattr(draft, name) for name in _COLUMNS} | {"hash": hashed})
        )
        _write_head(connection, seq=draft.seq, hashed=hashed)
        # The head in the log stream is a witness elsewhere: cutting off the ledger's end shows against it.
        _log.info("ledger.appended", extra={"fields": {"seq": draft.seq, "kind": kind, "hash": hashed}})
        return _to_entry(draft, hashed)

    def get_entry(self, seq: int) -> Entry:
        """The entry with this number. Raises NotFound."""
        with self.store.read() as connection:
            row = connection.execute(select(entry_table).where(entry_table.c.seq == seq)).one_or_none()
        if row is None:
            raise NotFound(
                Text(ja=f"台帳に {seq} 番の記録はありません", en=f"The ledger has no entry {seq}"),
                hint=Text(ja="`hrx ledger list` で一覧できます。", en="`hrx ledger list` shows them."),
                code="ledger.entry_not_found",
            )
        return _row_to_entry(row)

    def list_entries(self, wanted: EntryFilter | None = None, *, limit: int = 50) -> list[Entry]:
        """The newest entries that match, newest first, at most `limit` (500 at most)."""
        statement = select(entry_table).order_by(entry_table.c.seq.desc()).limit(min(limit, _PAGE_MAX))
        for condition in _conditions(wanted or EntryFilter()):
            statement = statement.where(condition)
        with self.store.read() as connection:
            return [_row_to_entry(row) for row in connection.execute(statement)]

    def list_run(self, run_id: str) -> list[Entry]:
        """Everything recorded under one run, oldest first."""
        statement = select(entry_table).where(entry_table.c.run_id == run_id).order_by(entry_table.c.seq)
        with self.store.read() as connection:
            return [_row_to_entry(row) for row in connection.execute(statement)]

    def find_last(self, *kinds: Kind, subject: str | None = None) -> Entry | None:
        """The newest entry of these kinds about `subject`, or None."""
        found = self.list_entries(EntryFilter(kinds=kinds, subject=subject), limit=1)
        return found[0] if found else None

    def count(self) -> int:
        """How many entries there are."""
        with self.store.read() as connection:
            return connection.execute(select(func.count()).select_from(entry_table)).scalar_one()

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest entry; (0, genesis) for an empty ledger."""
        with self.store.read() as connection:
            return _read_head(connection)

    def stream(self) -> Iterator[StoredEntry]:
        """Every entry exactly as stored, oldest first."""
        statement = select(entry_table).order_by(entry_table.c.seq).execution_options(yield_per=1000)
        with self.store.read() as connection:
            for row in connection.execute(statement):
                yield StoredEntry(**{name: getattr(row, name) for name in (*_COLUMNS, "hash")})

    def verify(self) -> Verification:
        """Walk the whole chain and compare its end with what was last appended."""
        with self.store.read() as connection:
            seq, hashed = _read_head(connection)
        # Entries appended while we walk are not part of the question.
        upto = (stored for stored in self.stream() if stored.seq <= seq)
        return verify_chain(upto, remembered_head=(seq, hashed))

    def export(self) -> Iterator[bytes]:
        """The ledger as JSON lines, every column as stored: enough to verify it without us."""
        for stored in self.stream():
            yield orjson.dumps({name: getattr(stored, name) for name in (*_COLUMNS, "hash")}) + b"\n"


_COLUMNS = ("seq", "at", "kind", "actor", "subject", "run_id", "correlation_id", "body", "prev_hash")


def _read_head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(select(head_table.c.seq, head_table.c.hash)).one_or_none()
    return (row.seq, row.hash) if row else (0, GENESIS)


def _write_head(connection: Connection, *, seq: int, hashed: str) -> None:
    if seq == 1:
        connection.execute(insert(head_table).values(id=1, seq=1, hash=hashed))
    else:
        connection.execute(update(head_table).values(seq=seq, hash=hashed))


# `Any`: SQLAlchemy's boolean clauses have no narrower common type.
def _conditions(wanted: EntryFilter) -> list[Any]:
    table = entry_table.c
    conditions: list[Any] = []
    if wanted.kinds:
        conditions.append(table.kind.in_([kind.value for kind in wanted.kinds]))
    for column, value in ((table.subject, wanted.subject), (table.run_id, wanted.run_id)):
        if value:
            conditions.append(column == value)
    if wanted.actor:
        conditions.append(table.actor == wanted.actor)
    if wanted.text:
        conditions.append(table.body.contains(wanted.text, autoescape=True))
    if wanted.before_seq is not None:
        conditions.append(table.seq < wanted.before_seq)
    return conditions


def _row_to_entry(row: Row[Any]) -> Entry:
    stored = StoredEntry(**{name: getattr(row, name) for name in (*_COLUMNS, "hash")})
    return _to_entry(stored, stored.hash)


def _to_entry(stored: StoredEntry, hashed: str) -> Entry:
    return Entry(
        seq=stored.seq,
        at=datetime.fromisoformat(stored.at),
        kind=Kind(stored.kind),
        actor=stored.actor,
        subject=stored.subject,
        run_id=stored.run_id,
        correlation_id=stored.correlation_id,
        body=orjson.loads(stored.body),
        hash=hashed,
    )


def open_ledger(url: str) -> Ledger:
    """The ledger at `url`, made when missing. Raises Unavailable when it cannot be."""
    from hrx.ops.ledger.store import open_store

    return Ledger(open_store(url))
