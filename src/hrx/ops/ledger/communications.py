"""What was told to customers and inside, drafts of it, and maintenance that was announced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from hrx.kit import clock
from hrx.kit.errors import NotFound, Text
from hrx.ops.ledger.incidents import list_absorbed
from hrx.ops.ledger.respond_tables import communication
from hrx.ops.ledger.tables import to_moment


class Audience(StrEnum):
    """Who reads it."""

    CUSTOMERS = "customers"
    INTERNAL = "internal"


class NoticeKind(StrEnum):
    """What it says."""

    FIRST = "first"
    UPDATE = "update"
    RESOLUTION = "resolution"
    REPORT = "report"
    MAINTENANCE = "maintenance"


class NoticeState(StrEnum):
    """Where the words stand."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Words for readers. `due_at` is when they are due, or when announced maintenance begins.

    `body` is JSON of `communication`: title, text, facts, authors, approver, next_update_at …"""

    id: int
    incident_id: int | None
    audience: Audience
    kind: NoticeKind
    state: NoticeState
    made_by: str
    made_at: datetime
    published_at: datetime | None = None
    due_at: datetime | None = None
    # `Any`: JSON.
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> Text:
        said = self.body.get("text", {})
        return Text(ja=str(said.get("ja", "")), en=str(said.get("en", "")))

    @property
    def title(self) -> Text:
        said = self.body.get("title", {})
        return Text(ja=str(said.get("ja", "")), en=str(said.get("en", "")))

    @property
    def next_update_at(self) -> datetime | None:
        return _find_moment(self.body, "next_update_at")

    @property
    def ends_at(self) -> datetime | None:
        """When announced maintenance ends."""
        return _find_moment(self.body, "ends_at")

    @property
    def is_cancelled(self) -> bool:
        """Announced maintenance that will not take place."""
        return bool(self.body.get("cancelled_at"))

    def is_running(self, at: datetime) -> bool:
        """Whether announced maintenance is under way at a moment."""
        if self.kind is not NoticeKind.MAINTENANCE or self.is_cancelled:
            return False
        return self.due_at is not None and self.ends_at is not None and self.due_at <= at < self.ends_at


def add_notice(
    connection: Connection,
    *,
    incident_id: int | None,
    audience: Audience,
    kind: NoticeKind,
    made_by: str,
    body: Mapping[str, object],
    due_at: datetime | None = None,
) -> int:
    """Write a new draft; gives its number."""
    done = connection.execute(
        insert(communication).values(
            incident_id=incident_id,
            audience=audience.value,
            kind=kind.value,
            state=NoticeState.DRAFT.value,
            body=orjson.dumps(body).decode(),
            made_by=made_by,
            made_at=to_moment(clock.now()),
            due_at=to_moment(due_at) if due_at else None,
        )
    )
    key = done.inserted_primary_key
    assert key is not None  # noqa: S101  # an INSERT of one row always has one
    return int(key[0])


def save_notice(
    connection: Connection,
    notice_id: int,
    *,
    body: Mapping[str, object] | None = None,
    state: NoticeState | None = None,
    published_at: datetime | None = None,
) -> None:
    """Change what is given of a notice."""
    values: dict[str, object] = {}
    if body is not None:
        values["body"] = orjson.dumps(body).decode()
    if state is not None:
        values["state"] = state.value
    if published_at is not None:
        values["published_at"] = to_moment(published_at)
    connection.execute(update(communication).where(communication.c.id == notice_id).values(values))


def get_notice(connection: Connection, notice_id: int) -> Notice:
    """The notice of this number. Raises NotFound."""
    row = connection.execute(select(communication).where(communication.c.id == notice_id)).one_or_none()
    if row is None:
        raise NotFound(
            Text(ja=f"お知らせ {notice_id} はありません", en=f"There is no notice {notice_id}"),
            hint=Text(
                ja="`hrx communication list` で一覧できます。", en="`hrx communication list` shows them."
            ),
            code="communication.not_found",
        )
    return _to_notice(row)


def list_notices(
    connection: Connection,
    *,
    incident_id: int | None = None,
    with_absorbed: bool = False,
    states: Sequence[NoticeState] = (),
    audience: Audience | None = None,
    kind: NoticeKind | None = None,
    limit: int = 200,
) -> list[Notice]:
    """The newest notices first, restricted by what is given. `with_absorbed`: what was said about incidents
    that were merged into this one was said about it."""
    statement = select(communication).order_by(communication.c.id.desc()).limit(limit)
    if incident_id is not None:
        numbers = [incident_id, *(list_absorbed(connection, incident_id) if with_absorbed else ())]
        statement = statement.where(communication.c.incident_id.in_(numbers))
    if states:
        statement = statement.where(communication.c.state.in_([one.value for one in states]))
    if audience is not None:
        statement = statement.where(communication.c.audience == audience.value)
    if kind is not None:
        statement = statement.where(communication.c.kind == kind.value)
    return [_to_notice(row) for row in connection.execute(statement)]


def list_running_maintenance(connection: Connection, *, at: datetime) -> list[Notice]:
    """Announced maintenance that is under way at a moment, the newest first."""
    statement = (
        select(communication)
        .where(communication.c.kind == NoticeKind.MAINTENANCE.value)
        .where(communication.c.state == NoticeState.PUBLISHED.value)
        .where(communication.c.due_at <= to_moment(at))
        .order_by(communication.c.id.desc())
        .limit(50)
    )
    found = [_to_notice(row) for row in connection.execute(statement)]
    return [one for one in found if one.is_running(at)]


def find_maintenance(connection: Connection, *, part: str | None, at: datetime) -> Notice | None:
    """Announced maintenance that names this part and covers this moment: pages wait for its end.

    Signals are recorded all the same; only calling people is the question here."""
    if part is None:
        return None
    running = list_running_maintenance(connection, at=at)
    return next((one for one in running if part in one.body.get("parts", ())), None)


def _find_moment(body: Mapping[str, Any], key: str) -> datetime | None:
    found = body.get(key)
    return datetime.fromisoformat(found) if found else None


def _to_notice(row: Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        incident_id=row.incident_id,
        audience=Audience(row.audience),
        kind=NoticeKind(row.kind),
        state=NoticeState(row.state),
        made_by=row.made_by,
        made_at=datetime.fromisoformat(row.made_at),
        published_at=datetime.fromisoformat(row.published_at) if row.published_at else None,
        due_at=datetime.fromisoformat(row.due_at) if row.due_at else None,
        body=orjson.loads(row.body),
    )
