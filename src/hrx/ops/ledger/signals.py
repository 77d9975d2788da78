"""The rows of signals and conditions: every statement once, and the last known state of each condition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.secrets import mask_mapping
from hrx.ops.ledger.respond_tables import condition, signal
from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import to_moment
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState

#: Bound parameters of one statement; SQLite allows some 32,000, PostgreSQL 65,535.
_CHUNK: Final = 500
_KEY_CHARS: Final = 200
#: Sources that cannot say by themselves that something is over.
PEOPLE: Final = frozenset({SignalSource.CONSOLE, SignalSource.CLI})
#: Conditions of the multi-window rules on the SLOs (runbook/watch/slos.yaml): an error budget burns for hours
#: after an outage, and after a drill just as long.
TRACE_PREFIX: Final = "burn:"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """One statement as it came in. `Any`: JSON."""

    id: int
    received_at: datetime
    source: SignalSource
    key: str
    state: SignalState
    name: str
    part: str | None
    severity: Severity | None
    started_at: datetime
    incident_id: int | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One fact about the system that is so or was so, whoever told it and however often.

    `source` is who told first. `body`: `summary` {ja, en}, `sop`, `labels` of the first statement, and
    `voices`: for each who says that it still is so, since when; of a trace also `told_by`: the alert's name
    for each voice. `Any`: JSON."""

    key: str
    state: SignalState
    name: str
    part: str | None
    severity: Severity | None
    source: SignalSource
    incident_id: int | None
    first_at: datetime
    last_at: datetime
    signals: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_firing(self) -> bool:
        return self.state is SignalState.FIRING

    @property
    def is_reported(self) -> bool:
        """Told by a person only: nobody but a person can say that it is over."""
        return self.source in PEOPLE

    @property
    def summary(self) -> Text:
        return Text(ja=self.body["summary"]["ja"], en=self.body["summary"]["en"])


def is_trace(key: str) -> bool:
    """Whether a condition tells of what was rather than of what is."""
    return key.startswith(TRACE_PREFIX)


def key_of(found: Signal) -> str:
    """The condition's key as stored: a long one ends in a digest of the whole."""
    if len(found.key) <= _KEY_CHARS:
        return found.key
    return f"{found.key[: _KEY_CHARS - 17]}-{hashlib.sha256(found.key.encode()).hexdigest()[:16]}"


def voice_of(found: Signal) -> str:
    """Who tells: the source, and for alerts the series too, since several may tell of one condition."""
    if not found.labels:
        return found.source.value
    labels = orjson.dumps(dict(found.labels), option=orjson.OPT_SORT_KEYS)
    return f"{found.source.value}:{hashlib.sha256(labels).hexdigest()[:12]}"


def digest_of(found: Signal) -> str:
    """The same for the same statement: who, about what, which state, since when."""
    parts = (voice_of(found), found.key, found.state.value, to_moment(found.started_at))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def find_known(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Which of these statements are on record already."""
    known: set[str] = set()
    for chunk in _chunks(digests):
        known.update(connection.scalars(select(signal.c.digest).where(signal.c.digest.in_(chunk))))
    return known


def add_signals(
    connection: Connection, found: Sequence[tuple[str, Signal]], *, incidents: Mapping[str, int | None]
) -> None:
    """Write new statements with their digests; `incidents` says by key which incident each belongs to."""
    now = to_moment(clock.now())
    for chunk in _chunks(found):
        rows = [
            {
                "received_at": now,
                "source": one.source.value,
                "key": key_of(one),
                "state": one.state.value,
                "name": one.name[:_KEY_CHARS],
                "part": one.part,
                "severity": int(one.severity) if one.severity else None,
                "started_at": to_moment(one.started_at),
                "incident_id": incidents.get(key_of(one)),
                "body": _dump(_signal_body(one)),
                "digest": digest,
            }
            for digest, one in chunk
        ]
        connection.execute(insert(signal), rows)


def _signal_body(found: Signal) -> dict[str, object]:
    return {
        "summary": {"ja": found.summary.ja, "en": found.summary.en},
        "sop": found.sop,
        "labels": mask_mapping(found.labels),
    }


def find_conditions(connection: Connection, keys: Sequence[str]) -> dict[str, Condition]:
    """The conditions with these keys, as far as they are known."""
    found: dict[str, Condition] = {}
    for chunk in _chunks(keys):
        for row in connection.execute(select(condition).where(condition.c.key.in_(chunk))):
            found[row.key] = _to_condition(row)
    return found


def list_conditions(connection: Connection, incident_id: int, *, limit: int | None = None) -> list[Condition]:
    """The conditions of an incident, the first one first."""
    statement = (
        select(condition)
        .where(condition.c.incident_id == incident_id)
        .order_by(condition.c.first_at, condition.c.key)
        .limit(limit)
    )
    return [_to_condition(row) for row in connection.execute(statement)]


def list_firing(connection: Connection) -> list[Signal]:
    """Every condition that holds now, as the statement that began it; labels are those of the first."""
    rows = connection.execute(select(condition).where(condition.c.state == SignalState.FIRING.value))
    return [first_statement(_to_condition(row)) for row in rows]


def first_statement(found: Condition) -> Signal:
    """The statement that began it, as far as it is kept."""
    return Signal(
        source=found.source,
        key=found.key,
        name=found.name,
        state=found.state,
        started_at=found.first_at,
        summary=found.summary,
        part=found.part,
        severity=found.severity,
        sop=found.body.get("sop"),
        labels=dict(found.body.get("labels", {})),
    )


def put_conditions(connection: Connection, changed: Sequence[Condition], *, known: set[str]) -> None:
    """Write conditions; `known` are the keys that have a row already."""
    fresh = [_condition_values(one) for one in changed if one.key not in known]
    for chunk in _chunks(fresh):
        connection.execute(insert(condition), list(chunk))
    for one in changed:
        if one.key in known:
            values = _condition_values(one)
            connection.execute(update(condition).where(condition.c.key == one.key).values(values))


def move_conditions(
    connection: Connection, *, to_incident: int, from_incident: int, keys: Sequence[str] | None = None
) -> int:
    """Hand conditions, all or some, with their signals to another incident; gives how many conditions."""
    moved = update(condition).where(condition.c.incident_id == from_incident)
    told = update(signal).where(signal.c.incident_id == from_incident)
    if keys is not None:
        moved, told = moved.where(condition.c.key.in_(keys)), told.where(signal.c.key.in_(keys))
    connection.execute(told.values(incident_id=to_incident))
    return connection.execute(moved.values(incident_id=to_incident)).rowcount


def end_conditions(connection: Connection, ended: Sequence[Condition]) -> None:
    """Count these as over, whoever still says otherwise; the next statement that one holds begins it anew."""
    over = [
        replace(one, state=SignalState.RESOLVED, body={**one.body, "voices": {}})
        for one in ended
        if one.is_firing
    ]
    put_conditions(connection, over, known={one.key for one in over})


def find_home(store: Store, key: str) -> int | None:
    """The incident that a condition belongs to."""
    with store.read() as connection:
        found: int | None = connection.scalar(select(condition.c.incident_id).where(condition.c.key == key))
    return found


def list_signals(store: Store, *, incident_id: int, limit: int = 50) -> list[SignalRow]:
    """The newest statements of an incident."""
    statement = (
        select(signal).where(signal.c.incident_id == incident_id).order_by(signal.c.id.desc()).limit(limit)
    )
    with store.read() as connection:
        return [_to_signal(row) for row in connection.execute(statement)]


def find_last_told(store: Store, *, source: SignalSource, name: str) -> SignalRow | None:
    """The newest statement of this source and name that something holds."""
    statement = (
        select(signal)
        .where(signal.c.source == source.value, signal.c.name == name)
        .where(signal.c.state == SignalState.FIRING.value)
        .order_by(signal.c.id.desc())
        .limit(1)
    )
    with store.read() as connection:
        row = connection.execute(statement).one_or_none()
    return _to_signal(row) if row else None


def find_first_told(
    store: Store, *, incident_id: int, source: SignalSource | None = None
) -> SignalRow | None:
    """The first statement of an incident (by this source) that something holds."""
    statement = (
        select(signal)
        .where(signal.c.incident_id == incident_id, signal.c.state == SignalState.FIRING.value)
        .order_by(signal.c.id)
        .limit(1)
    )
    if source is not None:
        statement = statement.where(signal.c.source == source.value)
    with store.read() as connection:
        row = connection.execute(statement).one_or_none()
    return _to_signal(row) if row else None


def list_voices(store: Store, *, incident_id: int, since: datetime, limit: int = 40) -> list[SignalRow]:
    """The first statement of each source on each condition of an incident since a moment, in order."""
    firsts = (
        select(func.min(signal.c.id))
        .where(signal.c.incident_id == incident_id, signal.c.state == SignalState.FIRING.value)
        .where(signal.c.received_at >= to_moment(since))
        .group_by(signal.c.source, signal.c.key)
    )
    statement = select(signal).where(signal.c.id.in_(firsts)).order_by(signal.c.id).limit(limit)
    with store.read() as connection:
        return [_to_signal(row) for row in connection.execute(statement)]


def find_first_heard(store: Store, *, key: str, since: datetime) -> datetime | None:
    """When a condition was first said to hold, by anybody, since a moment; None when nobody said so."""
    statement = select(func.min(signal.c.received_at)).where(
        signal.c.key == key,
        signal.c.state == SignalState.FIRING.value,
        signal.c.received_at >= to_moment(since),
    )
    with store.read() as connection:
        found = connection.scalar(statement)
    return datetime.fromisoformat(found) if found else None


def count_signals(store: Store, *, incident_id: int | None = None) -> dict[SignalSource, int]:
    """How many statements there are (of one incident), by who told them."""
    statement = select(signal.c.source, func.count()).group_by(signal.c.source)
    if incident_id is not None:
        statement = statement.where(signal.c.incident_id == incident_id)
    with store.read() as connection:
        return {SignalSource(row[0]): row[1] for row in connection.execute(statement)}


# `Any`: column values of several types.
def _condition_values(one: Condition) -> dict[str, Any]:
    return {
        "key": one.key,
        "state": one.state.value,
        "name": one.name[:_KEY_CHARS],
        "part": one.part,
        "severity": int(one.severity) if one.severity else None,
        "source": one.source.value,
        "incident_id": one.incident_id,
        "first_at": to_moment(one.first_at),
        "last_at": to_moment(one.last_at),
        "signals": one.signals,
        "body": _dump(one.body),
    }


def _to_condition(row: Row[Any]) -> Condition:
    return Condition(
        key=row.key,
        state=SignalState(row.state),
        name=row.name,
        part=row.part,
        severity=Severity(row.severity) if row.severity else None,
        source=SignalSource(row.source),
        incident_id=row.incident_id,
        first_at=datetime.fromisoformat(row.first_at),
        last_at=datetime.fromisoformat(row.last_at),
        signals=row.signals,
        body=orjson.loads(row.body),
    )


def _to_signal(row: Row[Any]) -> SignalRow:
    return SignalRow(
        id=row.id,
        received_at=datetime.fromisoformat(row.received_at),
        source=SignalSource(row.source),
        key=row.key,
        state=SignalState(row.state),
        name=row.name,
        part=row.part,
        severity=Severity(row.severity) if row.severity else None,
        started_at=datetime.fromisoformat(row.started_at),
        incident_id=row.incident_id,
        body=orjson.loads(row.body),
    )


def _dump(body: Mapping[str, object]) -> str:
    return orjson.dumps(dict(body)).decode()


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
