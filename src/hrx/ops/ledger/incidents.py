"""The rows of incidents: what is so now. Deciding is the affair of `incidents`; this only keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from hrx.kit.errors import Conflict, NotFound, Text
from hrx.ops.ledger.respond_tables import incident
from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import to_moment
from hrx.ops.signal import Severity


class IncidentState(StrEnum):
    """Where an incident stands. MITIGATED: the symptom is gone and we watch whether it stays away."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"


#: States in which somebody still has something to do.
UNRESOLVED = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident. `part` is the part it is about (the cause, as far as known), `sop` the section that
    answers it. `body` is JSON: `pauses`, `roles`, `impact`, `triage` … each owned by who writes it."""

    id: int
    state: IncidentState
    severity: Severity
    title: Text
    part: str | None
    sop: str | None
    opened_at: datetime
    is_drill: bool = False
    is_security: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    respond_due_at: datetime | None = None
    recover_due_at: datetime | None = None
    merged_into: int | None = None
    # `Any`: JSON.
    body: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0

    @property
    def subject(self) -> str:
        """The name under which ledger entries and timers speak of it."""
        return f"incident:{self.id}"

    @property
    def is_unresolved(self) -> bool:
        return self.state in UNRESOLVED


def add_incident(connection: Connection, draft: Incident) -> Incident:
    """Write a new incident (its `id` is ignored); gives it with its number."""
    done = connection.execute(insert(incident).values(_values(draft)))
    key = done.inserted_primary_key
    assert key is not None  # noqa: S101  # an INSERT of one row always has one
    return replace(draft, id=int(key[0]))


def save_incident(connection: Connection, changed: Incident) -> Incident:
    """Write a changed incident over the version it was read as.

    Raises Conflict when somebody changed it meanwhile; read again and decide again."""
    done = connection.execute(
        update(incident)
        .where(incident.c.id == changed.id, incident.c.version == changed.version)
        .values({**_values(changed), "version": changed.version + 1})
    )
    if done.rowcount != 1:
        raise Conflict(
            Text(ja="その障害は今、別の人が変更しました", en="Somebody else has just changed this incident"),
            hint=Text(ja="画面を読み直してください。", en="Load the page again."),
            code="incident.changed",
        )
    return replace(changed, version=changed.version + 1)


def find_incident(connection: Connection, incident_id: int) -> Incident | None:
    row = connection.execute(select(incident).where(incident.c.id == incident_id)).one_or_none()
    return _to_incident(row) if row else None


def get_incident(store: Store, incident_id: int) -> Incident:
    """The incident of this number. Raises NotFound."""
    with store.read() as connection:
        return get_within(connection, incident_id)


def get_within(connection: Connection, incident_id: int) -> Incident:
    """The same within a connection of the caller. Raises NotFound."""
    found = find_incident(connection, incident_id)
    if found is None:
        raise NotFound(
            Text(ja=f"障害 {incident_id} はありません", en=f"There is no incident {incident_id}"),
            hint=Text(ja="`hrx incident list` で一覧できます。", en="`hrx incident list` shows them."),
            code="incident.not_found",
        )
    return found


def list_unresolved(connection: Connection) -> list[Incident]:
    """Incidents in which somebody still has something to do, the newest first."""
    statement = (
        select(incident)
        .where(incident.c.state.in_([state.value for state in UNRESOLVED]))
        .order_by(incident.c.id.desc())
    )
    return [_to_incident(row) for row in connection.execute(statement)]


def list_unclosed(connection: Connection) -> list[Incident]:
    """Incidents that are not closed: unresolved ones, and those whose post-mortem is to come."""
    states = [state.value for state in (*UNRESOLVED, IncidentState.RESOLVED)]
    statement = select(incident).where(incident.c.state.in_(states)).order_by(incident.c.id)
    return [_to_incident(row) for row in connection.execute(statement)]


def list_resolved_since(connection: Connection, since: datetime) -> list[Incident]:
    """Incidents that were resolved since then and are not open again; closed ones too."""
    states = [IncidentState.RESOLVED.value, IncidentState.CLOSED.value]
    statement = select(incident).where(
        incident.c.state.in_(states), incident.c.resolved_at >= to_moment(since)
    )
    return [_to_incident(row) for row in connection.execute(statement)]


def list_incidents(
    store: Store,
    *,
    limit: int = 50,
    before_id: int | None = None,
    severity: Severity | None = None,
    part: str = "",
) -> list[Incident]:
    """The newest incidents, merged ones too; only those of one severity or part when asked for."""
    statement = select(incident).order_by(incident.c.id.desc()).limit(limit)
    if severity is not None:
        statement = statement.where(incident.c.severity == int(severity))
    if part:
        statement = statement.where(incident.c.part == part)
    if before_id is not None:
        statement = statement.where(incident.c.id < before_id)
    with store.read() as connection:
        return [_to_incident(row) for row in connection.execute(statement)]


def list_absorbed(connection: Connection, incident_id: int) -> list[int]:
    """The numbers of all incidents that became part of this one, through others too."""
    found: list[int] = []
    newest = [incident_id]
    while newest:
        statement = select(incident.c.id).where(incident.c.merged_into.in_(newest)).order_by(incident.c.id)
        newest = [number for number in connection.scalars(statement) if number not in found]
        found += newest
    return found


def find_root(connection: Connection, incident_id: int) -> Incident | None:
    """The incident that this one is part of by now; itself when it was merged into none."""
    found = find_incident(connection, incident_id)
    while found is not None and found.merged_into is not None:
        found = find_incident(connection, found.merged_into)
    return found


def count_breaches(store: Store) -> dict[str, int]:
    """How many clocks ran out so far, by the clock's name."""
    statement = select(incident.c.body).where(incident.c.body.contains('"breaches"'))
    counts: dict[str, int] = {}
    with store.read() as connection:
        for body in connection.scalars(statement):
            for name in orjson.loads(body).get("breaches", {}):
                counts[name] = counts.get(name, 0) + 1
    return counts


_MOMENTS = (
    "acknowledged_at",
    "mitigated_at",
    "resolved_at",
    "closed_at",
    "respond_due_at",
    "recover_due_at",
)


# `Any`: column values of several types.
def _values(found: Incident) -> dict[str, Any]:
    moments = {name: getattr(found, name) for name in _MOMENTS}
    return {
        "state": found.state.value,
        "severity": int(found.severity),
        "title": orjson.dumps({"ja": found.title.ja, "en": found.title.en}).decode(),
        "part": found.part,
        "sop": found.sop,
        "is_drill": int(found.is_drill),
        "is_security": int(found.is_security),
        "opened_at": to_moment(found.opened_at),
        "acknowledged_by": found.acknowledged_by,
        "merged_into": found.merged_into,
        "body": orjson.dumps(dict(found.body)).decode(),
        "version": found.version,
        **{name: to_moment(at) if at else None for name, at in moments.items()},
    }


def _to_incident(row: Row[Any]) -> Incident:
    title = orjson.loads(row.title)
    moments = {name: getattr(row, name) for name in _MOMENTS}
    return Incident(
        id=row.id,
        state=IncidentState(row.state),
        severity=Severity(row.severity),
        title=Text(ja=title["ja"], en=title["en"]),
        part=row.part,
        sop=row.sop,
        is_drill=bool(row.is_drill),
        is_security=bool(row.is_security),
        opened_at=datetime.fromisoformat(row.opened_at),
        acknowledged_by=row.acknowledged_by,
        merged_into=row.merged_into,
        body=orjson.loads(row.body),
        version=row.version,
        **{name: datetime.fromisoformat(at) if at else None for name, at in moments.items()},
    )
