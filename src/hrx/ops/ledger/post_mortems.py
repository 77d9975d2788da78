"""Post-mortems and the actions that came of them, as rows: where they stand, whose they are, until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from hrx.kit.errors import Conflict, NotFound, Text
from hrx.ops.ledger.respond_tables import action_item, post_mortem
from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import to_moment


class PostMortemState(StrEnum):
    """DRAFT: being written. WRITTEN: waits for somebody else's approval."""

    DRAFT = "draft"
    WRITTEN = "written"
    APPROVED = "approved"


class ActionState(StrEnum):
    """DROPPED: decided not to do, for a reason."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortem:
    """One post-mortem. `sections` is what people wrote, by name; a due moment is None when none is set."""

    incident_id: int
    state: PostMortemState
    made_at: datetime
    sections: Mapping[str, str] = field(default_factory=dict)
    written_due_at: datetime | None = None
    approved_due_at: datetime | None = None
    written_at: datetime | None = None
    written_by: str | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None
    version: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When the next step is due; None when it is approved."""
        if self.state is PostMortemState.APPROVED:
            return None
        return self.written_due_at if self.state is PostMortemState.DRAFT else self.approved_due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """Something that will be done so that it does not happen again. `due_on` is the last day for it."""

    id: int
    incident_id: int
    title: str
    owner: str
    due_on: date
    state: ActionState
    made_at: datetime
    made_by: str = ""
    done_at: datetime | None = None
    done_by: str | None = None
    outcome: str = ""

    @property
    def subject(self) -> str:
        """The name under which timers speak of it."""
        return f"action:{self.id}"

    def is_overdue(self, today: date) -> bool:
        return self.state is ActionState.OPEN and self.due_on < today


def add_post_mortem(connection: Connection, draft: PostMortem) -> PostMortem:
    """Write a new one; the incident must have none."""
    connection.execute(insert(post_mortem).values(incident_id=draft.incident_id, version=0, **_values(draft)))
    return draft


def save_post_mortem(connection: Connection, changed: PostMortem) -> PostMortem:
    """Write it over the version it was read as. Raises Conflict when somebody changed it meanwhile."""
    done = connection.execute(
        update(post_mortem)
        .where(post_mortem.c.incident_id == changed.incident_id, post_mortem.c.version == changed.version)
        .values(**_values(changed), version=changed.version + 1)
    )
    if done.rowcount != 1:
        raise Conflict(
            Text(
                ja="この事後検証は今、別の人が変更しました",
                en="Somebody else has just changed this post-mortem",
            ),
            hint=Text(ja="画面を読み直してください。", en="Load the page again."),
            code="post_mortem.changed",
        )
    return replace(changed, version=changed.version + 1)


def find_post_mortem(connection: Connection, incident_id: int) -> PostMortem | None:
    row = connection.execute(
        select(post_mortem).where(post_mortem.c.incident_id == incident_id)
    ).one_or_none()
    return _to_post_mortem(row) if row else None


def get_post_mortem(connection: Connection, incident_id: int) -> PostMortem:
    """The post-mortem of an incident. Raises NotFound."""
    found = find_post_mortem(connection, incident_id)
    if found is None:
        raise NotFound(
            Text(
                ja=f"障害 {incident_id} の事後検証はまだありません",
                en=f"Incident {incident_id} has no post-mortem yet",
            ),
            hint=Text(
                ja=f"`hrx post-mortem begin {incident_id}` で始められます。",
                en=f"`hrx post-mortem begin {incident_id}` starts one.",
            ),
            code="post_mortem.not_found",
        )
    return found


def list_post_mortems(store: Store, *, limit: int = 100) -> list[PostMortem]:
    """The newest ones first."""
    statement = select(post_mortem).order_by(post_mortem.c.incident_id.desc()).limit(limit)
    with store.read() as connection:
        return [_to_post_mortem(row) for row in connection.execute(statement)]


def add_action(connection: Connection, draft: ActionItem) -> ActionItem:
    """Write a new action (its `id` is ignored); gives it with its number."""
    done = connection.execute(
        insert(action_item).values(
            incident_id=draft.incident_id,
            title=draft.title,
            owner=draft.owner,
            due_on=draft.due_on.isoformat(),
            state=draft.state.value,
            made_at=to_moment(draft.made_at),
            made_by=draft.made_by,
            outcome="",
        )
    )
    key = done.inserted_primary_key
    assert key is not None  # noqa: S101  # an INSERT of one row always has one
    return replace(draft, id=int(key[0]))


def save_action(connection: Connection, changed: ActionItem) -> ActionItem:
    connection.execute(
        update(action_item)
        .where(action_item.c.id == changed.id)
        .values(
            owner=changed.owner,
            due_on=changed.due_on.isoformat(),
            state=changed.state.value,
            done_at=to_moment(changed.done_at) if changed.done_at else None,
            done_by=changed.done_by,
            outcome=changed.outcome,
        )
    )
    return changed


def get_action(connection: Connection, action_id: int) -> ActionItem:
    """The action of this number. Raises NotFound."""
    row = connection.execute(select(action_item).where(action_item.c.id == action_id)).one_or_none()
    if row is None:
        raise NotFound(
            Text(ja=f"再発防止策 {action_id} はありません", en=f"There is no action {action_id}"),
            hint=Text(ja="`hrx post-mortem actions` で一覧できます。", en="See `hrx post-mortem actions`."),
            code="post_mortem.no_action",
        )
    return _to_action(row)


def list_actions(
    connection: Connection, *, incident_id: int | None = None, states: Sequence[ActionState] = ()
) -> list[ActionItem]:
    """The actions (of one incident), the soonest due first."""
    statement = select(action_item).order_by(action_item.c.due_on, action_item.c.id).limit(500)
    if incident_id is not None:
        statement = statement.where(action_item.c.incident_id == incident_id)
    if states:
        statement = statement.where(action_item.c.state.in_([one.value for one in states]))
    return [_to_action(row) for row in connection.execute(statement)]


_MOMENTS = ("written_due_at", "approved_due_at", "written_at", "approved_at")


# `Any`: column values of several types.
def _values(found: PostMortem) -> dict[str, Any]:
    moments = {name: getattr(found, name) for name in _MOMENTS}
    return {
        "state": found.state.value,
        "body": orjson.dumps(dict(found.sections)).decode(),
        "made_at": to_moment(found.made_at),
        "written_by": found.written_by,
        "approved_by": found.approved_by,
        **{name: to_moment(at) if at else None for name, at in moments.items()},
    }


def _to_post_mortem(row: Row[Any]) -> PostMortem:
    moments = {name: getattr(row, name) for name in _MOMENTS}
    return PostMortem(
        incident_id=row.incident_id,
        state=PostMortemState(row.state),
        made_at=datetime.fromisoformat(row.made_at),
        sections=orjson.loads(row.body),
        written_by=row.written_by,
        approved_by=row.approved_by,
        version=row.version,
        **{name: datetime.fromisoformat(at) if at else None for name, at in moments.items()},
    )


def _to_action(row: Row[Any]) -> ActionItem:
    return ActionItem(
        id=row.id,
        incident_id=row.incident_id,
        title=row.title,
        owner=row.owner,
        due_on=date.fromisoformat(row.due_on),
        state=ActionState(row.state),
        made_at=datetime.fromisoformat(row.made_at),
        made_by=row.made_by or "",
        done_at=datetime.fromisoformat(row.done_at) if row.done_at else None,
        done_by=row.done_by,
        outcome=row.outcome or "",
    )
